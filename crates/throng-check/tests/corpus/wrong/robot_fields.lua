local role = throng.mod()

function role:start()
  self.robot.level = 5 -->
  self.robot.mods = {} -->
  self.robot.mods.level = 5 -->
  self.robot.connections.game = nil -->
end

return role
