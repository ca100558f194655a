local role = throng.mod()

function role:start()
  local robot = self.robot
  robot:conect("game", throng.host) --> connect
  robot:slep(1) --> sleep
  local timer = robot:every("1s", function() end)
  timer:stop() -->
  local job = robot:spawn(function() end)
  job:join() -->
end

return role
