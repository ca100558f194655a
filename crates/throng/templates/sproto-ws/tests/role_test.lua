-- `throng test` runs these against fake servers in virtual time: no sockets, no waiting.

local function servers(world)
  local lobby = world:server("ws://127.0.0.1:8765")
  lobby:on("ServerListRequest", function() return { ServerList = { "127.0.0.1:8766" } } end)

  local game = world:server("ws://127.0.0.1:8766")
  game:on("LoginReuest", function() return { MyValue = 42 } end)
  game:on("EchoRequest", function(msg) return { Text = msg.Text .. " from server" } end)
  return game
end

throng.test("logs in and echoes", function(world)
  local game = servers(world)
  local robot = world:robot()
  world:advance("30s")
  assert(robot.ready)
  assert(robot.mods.role.value == 42)
  assert(game:count("EchoRequest") >= 1)
end)

throng.test("starts anew when it is kicked", function(world)
  local game = servers(world)
  local robot = world:robot()
  world:advance("2s")
  assert(game:count("LoginReuest") == 1)
  game:push("KickNotify", { Reason = "maintenance" })
  world:advance("1m")
  assert(robot.ready)
  assert(game:count("LoginReuest") == 2)
end)
