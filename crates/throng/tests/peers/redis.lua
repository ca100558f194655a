-- Redis' own protocol by hand: lines, counted bytes, pipelines, pushes.

local player = throng.mod()

local function command(...)
  local parts = { ("*%d\r\n"):format(select("#", ...)) }
  for index = 1, select("#", ...) do
    local word = tostring((select(index, ...)))
    parts[#parts + 1] = ("$%d\r\n%s\r\n"):format(#word, word)
  end
  return table.concat(parts)
end

local function reply(stream)
  local line = stream:read_line()
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "+" then return rest end
  if kind == ":" then return math.tointeger(rest) end
  if kind == "-" then throng.fail("redis refused", { text = rest }) end
  local count = math.tointeger(rest)
  if kind == "$" then
    if count < 0 then return nil end
    local bytes = stream:read_exactly(count)
    assert(stream:read_exactly(2) == "\r\n")
    return bytes
  end
  assert(kind == "*", kind)
  local list = {}
  for index = 1, count do list[index] = reply(stream) end
  return list
end

local function ask(stream, ...)
  stream:write(command(...))
  return reply(stream)
end

function player:start()
  self.redis = self.robot:connect("redis", throng.host, { protocol = "stream" })
  self.radio = self.robot:connect("radio", throng.host, { protocol = "stream" })
end

local every_byte = {}
for byte = 0, 255 do every_byte[#every_byte + 1] = string.char(byte) end
local binary = table.concat(every_byte):rep(40)

player:task("play", function(self)
  local redis, radio, id = self.redis, self.radio, self.robot.id
  throng.check("ping", ask(redis, "PING") == "PONG")

  local value = binary .. id
  throng.check("set", ask(redis, "SET", "key " .. id, value) == "OK")
  throng.check("get", throng.measure("get", function() return ask(redis, "GET", "key " .. id) end) == value)
  throng.check("missing", ask(redis, "GET", "nothing") == nil)

  -- Twenty commands in one write; the replies come as they like.
  local batch = {}
  for index = 1, 20 do batch[index] = command("ECHO", ("%d/%d"):format(id, index):rep(index)) end
  redis:write(table.concat(batch))
  for index = 1, 20 do throng.check("pipelined", reply(redis) == ("%d/%d"):format(id, index):rep(index)) end

  local last = 0
  for _ = 1, 50 do
    local now = ask(redis, "INCR", "shared")
    throng.check("counts up", now > last)
    last = now
  end

  local joined = ask(radio, "SUBSCRIBE", "channel " .. id)
  throng.check("subscribed", joined[1] == "subscribe" and joined[3] == 1)
  for index = 1, 5 do
    throng.check("published", ask(redis, "PUBLISH", "channel " .. id, "news " .. index) == 1)
  end
  for index = 1, 5 do
    local push = reply(radio)
    throng.check("pushed", push[1] == "message" and push[2] == "channel " .. id and push[3] == "news " .. index)
  end

  -- The same by looking for bytes, and a failure that leaves the stream alone.
  redis:write("PING\r\n")
  throng.check("until", redis:read_until("\r\n") == "+PONG\r\n")
  local ok, error = pcall(radio.read_line, radio, { timeout = "50ms" })
  throng.check("nothing more", not ok and error.kind == "timeout")
  throng.check("still there", ask(redis, "PING") == "PONG")

  self.robot:stop()
end)

return player
