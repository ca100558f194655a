-- `throng test` runs these against a fake Redis in virtual time. It speaks RESP by protocols/resp.lua too.

local function redis(world)
  local server, rooms = world:server("tcp://127.0.0.1:6379"), {}
  local function room(key)
    rooms[key] = rooms[key] or {}
    return rooms[key]
  end
  server:on("HELLO", function() return { "server", "fake" } end)
  server:on("SUBSCRIBE", function(words, client)
    client:push("subscribe", { push = true, "subscribe", words[1], 1 })
    return false -- there is no other reply
  end)
  server:on("RPUSH", function(words)
    table.insert(room(words[1]), words[2])
    return #room(words[1]), "10ms"
  end)
  server:on("LLEN", function(words) return #room(words[1]), "10ms" end)
  server:on("LRANGE", function(words)
    local lines = room(words[1])
    return { table.unpack(lines, math.max(1, #lines - 1)) }
  end)
  server:on("PUBLISH", function(words)
    for _, client in ipairs(server:clients()) do
      client:push("message", { push = true, "message", words[1], words[2] })
    end
    return 1
  end)
  server:on("PING", function() return "PONG" end)
  server:on("DEL", function() return 1 end)
  return server, rooms
end

throng.test("posts, reads and publishes", function(world)
  local server, rooms = redis(world)
  local robot = world:robot()
  world:advance("30s")
  assert(robot.ready)
  assert(#rooms["room:0"] == robot.mods.chat.posted)
  assert(server:count("PING") == 2)
  assert(server:count("PUBLISH") > 0)
end)

throng.test("a reply that comes in two pieces is one", function(world)
  local server = redis(world)
  server:on("LRANGE", function(_, client)
    client:write("*2\r\n$5\r\nhel")
    client:write("lo\r\n$13\r\nanyone there?\r\n", "20ms")
    return false
  end)
  local robot = world:robot()
  world:advance("30s")
  assert(robot.ready and #world:failures() == 0)
end)

throng.test("what is no RESP ends the connection", function(world)
  local server = redis(world)
  server:on("LRANGE", function(_, client)
    client:write("HTTP/1.1 400 Bad Request\r\n\r\n")
    return false
  end)
  world:robot()
  world:advance("5s")
  local failure = world:failures("framing")[1]
  assert(failure.message:find('no value of RESP begins with "H"', 1, true), failure.message)
end)
