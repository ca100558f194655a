local server = throng.test.server("game")

server:reply("LoginReuest", function() return { MyValue = 42 } end)

throng.test.case("a robot logs in", function(t)
  local robot = t:robot { "role" }
  t:advance("10s")
  t:equal(robot.mods.role.value, 42)
  sent = t:sent("EchoRequest")
end)
