local login = require("login")
local role = throng.mod()

function role:start()
  local game = self.robot:connect("game", throng.host)
  login.run(game, self.robot.name)
end

return role
