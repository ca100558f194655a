throng.tets("a robot logs in", function() end) --> test

throng.test("a robot logs in", function(world)
  world:options { my_levle = 3 } --> my_level
  local server = world:server("ws://127.0.0.1:8765", { protcol = "game" }) --> protocol
  server:on("LoginReqest", function() end) --> LoginReuest
  server:on_mesage(function() end) --> on_message
  server:on("LoginReuest", function(msg, client)
    client:puhs("KickNotify") --> push
    client:push("KickNotfy") --> KickNotify
  end)
  local robot = world:robot()
  world:advence("10s") --> advance
  world:advance("10 parsecs") -->
  asert(robot.ready) --> assert
  assert(robot.redy) --> ready
  assert(robot.mods.rloe) --> role
  robot:restrat() --> restart
  print(throng.options.my_lvel) --> my_level
  throng.run.on_start(function() end) -->
end)
