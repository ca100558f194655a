local role = throng.mod()

role:task("move", function(self)
  local here = { X = 1, Yy = 2 } --> Y
  self.robot.game:request("MoveRequest", {
    Pos = here,
    Path = {
      { X = 1, Y = 2 },
      { X = 1, Z = 2 }, -->
      { X = "one" }, -->
      from = { X = 1 }, -->
    },
  })
end)

function role:start()
  self.robot:connect("game", throng.host)
end

return role
