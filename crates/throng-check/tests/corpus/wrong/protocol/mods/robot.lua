local robot = throng.mod()

function robot:start()
  self.robot:connect("gate", throng.host)
end

return robot
