local role = throng.mod()

function role:start()
  self.robot:connect("connect", throng.host) -->
  self.robot:connect("name", throng.host) -->
  self.robot:connect("game", throng.host)
end

return role
