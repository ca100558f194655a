local role = throng.mod()

function role:start()
  local game = self.robot.connect("game", throng.host) -->
  self.robot.sleep(1) -->
  return game
end

return role
