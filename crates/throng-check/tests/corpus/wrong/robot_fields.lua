local role = throng.mod()

function role:start()
  self.robot:connect("game", throng.host)
  self.robot.game = 5 -->
  self.robot.level = 5 -->
  self.robot.mods = {} -->
  self.robot.mods.level = 5 -->
  self.robot.connections.game = nil -->
end

return role
