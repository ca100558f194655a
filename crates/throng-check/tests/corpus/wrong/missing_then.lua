local role = throng.mod()

function role:start()
  if self.robot.id == 1 do -->
    self.first = true
  end
end

return role
