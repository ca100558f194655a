local role = throng.mod()

local SPEED = "fast"

role:task("move", function(self)
  local game = self.robot.game
  game:request("EchoRequest", { Text = 5 }) -->
  game:request("MoveRequest", {
    Speed = SPEED, -->
    Fast = "yes", -->
    Pos = "here", -->
    Steps = 1.5, -->
  })
end)

function role:start()
  self.robot:connect("game", throng.host)
end

return role
