-- A Redis server, spoken to in its own words.
local redis = throng.mod()

local CRLF = "\r\n"

local function command(...)
  local parts = { ... }
  local out = { "*" .. #parts .. CRLF }
  for _, part in ipairs(parts) do
    out[#out + 1] = "$" .. #tostring(part) .. CRLF .. tostring(part) .. CRLF
  end
  return table.concat(out)
end

function redis:start()
  self.c = self.robot:connect("redis", "tcp://127.0.0.1:6379", { protocol = "stream" })
  self.c:write(command("PING"))
  assert(self.c:read_line({ timeout = "1s", max = 1024 }) == "+PONG")
end

function redis:answer()
  local line = self.c:read_line()
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "$" then
    local n = tonumber(rest)
    if n < 0 then return nil end
    local body = self.c:read_exactly(n)
    self.c:read_until(CRLF, { timeout = 1 })
    return body
  elseif kind == ":" then
    return math.tointeger(rest)
  elseif kind == "-" then
    throng.fail(rest, { command = self.last })
  end
  return rest
end

redis:task("set", { weight = 1, wait = { throughput = 10 } }, function(self)
  self.last = "SET"
  throng.measure("set", function()
    self.c:write(command("SET", "key:" .. self.robot.id, os.time()))
    return self:answer()
  end)
end)

redis:task("get", function(self)
  self.last = "GET"
  local t = throng.now()
  self.c:write(command("GET", "key:" .. self.robot.id))
  local value = self:answer()
  throng.record("get", throng.now() - t)
  throng.check("a value or none", value == nil or #value > 0)
end)

return redis
