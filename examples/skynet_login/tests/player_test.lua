-- `throng test` runs these against fake servers in virtual time: no sockets, no waiting. The servers here are streams of bytes,
-- so that the test sees what is really on the wire.

local crypt = require "skynet.crypt"

local CHALLENGE, KEY = "8 random", "our keys"

-- A login server that answers the token with `result`; returns what it knows.
local function login_server(world, result)
  local login, known = world:server("tcp://127.0.0.1:8001", { protocol = "stream" }), { logins = 0 }
  local lines = 0
  login:on_connect(function(client)
    lines = 0
    client:write(crypt.base64encode(CHALLENGE) .. "\n")
  end)
  login:on_bytes(function(bytes)
    local answers = {}
    for line in bytes:gmatch("([^\n]*)\n") do
      local value = crypt.base64decode(line)
      lines = lines + 1
      if lines == 1 then
        known.secret = crypt.dhsecret(value, KEY)
        answers[#answers + 1] = crypt.base64encode(crypt.dhexchange(KEY)) .. "\n"
      elseif lines == 2 then
        assert(value == crypt.hmac64(CHALLENGE, known.secret))
      else
        known.token = crypt.desdecode(known.secret, value)
        known.logins = known.logins + 1
        answers[#answers + 1] = result .. "\n"
      end
    end
    return table.concat(answers)
  end)
  return known
end

-- A gate that sends requests back, but for those of a session that it has answered on an earlier connection. `break_at` is
-- the request, counted over all connections, that ends its connection in place of an answer.
local function gate_server(world, known, break_at)
  local gate, seen = world:server("tcp://127.0.0.1:8888", { protocol = "stream" }), { indices = {}, requests = 0 }
  local answers, version = {}, 0
  gate:on_bytes(function(bytes, client)
    local out, at = {}, 1
    while at <= #bytes do
      local package
      package, at = string.unpack(">s2", bytes, at)
      local text, index, hmac = package:match("^(.*@.*#.*:(%d+)):(.*)$")
      if text then
        assert(crypt.base64decode(hmac) == crypt.hmac64(crypt.hashkey(text), known.secret))
        seen.indices[#seen.indices + 1] = tonumber(index)
        version = tonumber(index)
        out[#out + 1] = string.pack(">s2", "200 OK")
      else
        local content, session = package:sub(1, -5), package:sub(-4)
        local old = answers[session]
        if not old or old.version == version then old = { content = content } end
        old.version = version
        answers[session] = old
        seen.requests = seen.requests + 1
        if seen.requests == break_at then
          client:close()
        else
          out[#out + 1] = string.pack(">s2", old.content .. "\1" .. session)
        end
      end
    end
    return table.concat(out)
  end)
  return seen
end

throng.test("logs in, shakes hands, and comes back with the next index", function(world)
  local known = login_server(world, "200 " .. crypt.base64encode("7"))
  local seen = gate_server(world, known)
  local robot = world:robot()
  world:advance("1m")
  assert(robot.state == "ready", robot.state)
  local user, password = known.token:match("^(.*)@.*:(.*)$")
  assert(crypt.base64decode(user) == "user-" .. robot.id and crypt.base64decode(password) == "password")
  assert(known.logins == 1 and #seen.indices > 1)
  for place, index in ipairs(seen.indices) do assert(index == place) end
  local checks = world:checks()
  assert(checks["the agent says the same"].failed == 0 and checks["an old session has its old answer"].failed == 0)
  assert(checks["an old session has its old answer"].passed > 0)
end)

throng.test("asks again what was lost with its connection", function(world)
  local known = login_server(world, "200 " .. crypt.base64encode("7"))
  local seen = gate_server(world, known, 2)
  local robot = world:robot()
  world:advance("10s")
  assert(robot.state == "ready" and known.logins == 1)
  assert(#seen.indices >= 2 and world:checks()["the agent says the same"].failed == 0)
end)

throng.test("says why it was not let in", function(world)
  login_server(world, "401 Unauthorized")
  world:robot()
  world:advance("1s")
  assert(world:failures()[1].message == "login: 401 Unauthorized")
end)
