-- A robot that asks once a task.
local robot = throng.mod()

local text = ("x"):rep(64)

function robot:start() self.robot:connect("game", throng.host) end

robot:task("ask", function(self) self.robot.game:request("echo", text) end)

return robot
