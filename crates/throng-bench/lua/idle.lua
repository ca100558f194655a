-- A robot that connects, and nothing more.
local robot = throng.mod()

function robot:start() self.robot:connect("game", throng.options["target" .. self.robot.id % throng.options.targets]) end

return robot
