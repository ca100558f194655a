-- `throng test` runs these against fake servers in virtual time: no sockets, no waiting.

local function servers(world)
  local lobby = world:server("ws://127.0.0.1:8765")
  lobby:on("ServerListRequest", function() return { ServerList = { "127.0.0.1:8766" } } end)

  local game = world:server("ws://127.0.0.1:8766")
  game:on("LoginReuest", function() return { MyValue = 42 } end)
  game:on("EchoRequest", function(msg) return { Text = msg.Text .. " from server" } end)
  game:on("BattleRequest", function() return { Addr = "127.0.0.1:8767", Room = 7 } end)

  local battle = world:server("tcp://127.0.0.1:8767")
  local bags = {}
  battle:on("handshake", function() return { msg = "welcome" } end)
  battle:on("join", function() return { id = 1, members = {} } end)
  battle:on("set", function(msg) bags[msg.what] = msg.value end)
  battle:on("get", function(msg) return { result = bags[msg.what] } end)
  return game, battle
end

throng.test("goes through the lobby into game and battle", function(world)
  local game, battle = servers(world)
  local robot = world:robot()
  world:advance("30s")
  assert(robot.ready)
  assert(robot.mods.role.value == 42)
  assert(game:count("LoginReuest") == 1)
  assert(battle:count("join") == 1)
  assert(battle:count("move") >= 1)
end)

throng.test("starts anew when it is kicked", function(world)
  local game, battle = servers(world)
  local robot = world:robot()
  world:advance("5s")
  game:push("KickNotify", { Reason = "maintenance" })
  world:advance("1m")
  assert(robot.ready)
  assert(game:count("LoginReuest") == 2)
  assert(battle:count("join") == 2)
end)
