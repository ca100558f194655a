local role = throng.mod()

function role:start()
  if self.robot.id > 1 then
    self.odd = true

end

return role -->
