local function lobby_of(world)
  local lobby = world:server(throng.host)
  lobby:on("ServerListRequest", function() return { ServerList = { "127.0.0.1:8766" } } end)
  return lobby
end

throng.test("a robot logs in", function(world)
  lobby_of(world)
  local game = world:server("ws://127.0.0.1:8766", { protocol = "game" })
  game.logins = 0
  game:on("LoginReuest", function(msg, client)
    game.logins = game.logins + 1
    client.name = msg.Name
    client:push("KickNotify", { Reason = "full" }, "1s")
    return { MyValue = 42 }, "20ms"
  end)
  game:on_close(function(client) assert(not client:is_open()) end)
  local robot = world:robot()
  world:advance("10s")
  assert(robot.ready and robot.mods.role.value == 42 and robot.connections.game)
  assert(game:count("LoginReuest") == 1 and #game:clients() == 1 and #world:errors() == 0)
  sent = game:received("EchoRequest")
end)
