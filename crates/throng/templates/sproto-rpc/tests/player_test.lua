-- `throng test` runs these against fake servers in virtual time: no sockets, no waiting.

local function battle_server(world)
  local battle = world:server("tcp://127.0.0.1:8767")
  local values = {}
  battle:on("handshake", function() return { msg = "welcome" } end)
  battle:on("set", function(msg) values[msg.what] = msg.value end)
  battle:on("get", function(msg) return { result = values[msg.what] } end)
  return battle
end

throng.test("shakes hands, then plays", function(world)
  local battle = battle_server(world)
  local robot = world:robot()
  world:advance("1m")
  assert(robot.ready)
  assert(robot.mods.player.welcome == "welcome")
  assert(battle:count("get") >= 1)
end)

throng.test("counts heartbeats", function(world)
  local battle = battle_server(world)
  local robot = world:robot()
  world:advance("1s")
  battle:push("heartbeat", {})
  battle:push("heartbeat", {})
  world:advance("1s")
  assert(robot.mods.player.beats == 2)
end)
