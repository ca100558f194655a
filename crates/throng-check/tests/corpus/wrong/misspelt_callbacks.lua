local role = throng.mod()

function role:Init() --> init
  self.count = 0
end

function role:statr() --> start
  self.robot:connect("game", throng.host)
end

return role
