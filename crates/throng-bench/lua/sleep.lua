-- A robot that does next to nothing, every 10 s on average.
local robot = throng.mod()

function robot:init() self.count = 0 end

robot:task("wake", { wait = { between = { 5, 15 } } }, function(self)
  self.count = self.count + 1
end)

return robot
