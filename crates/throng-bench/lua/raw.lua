-- A robot that echoes bytes.
local robot = throng.mod()
local payload = string.rep("x", 64)

function robot:start() self.game = self.robot:connect("game", throng.options["target" .. self.robot.id % throng.options.targets]) end

robot:task("play", function(self)
  local game = self.game
  while true do
    game:request("Echo", payload)
  end
end)

return robot
