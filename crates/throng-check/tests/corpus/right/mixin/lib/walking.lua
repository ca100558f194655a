-- Adds steps to any mod.
local walking = {}
local directions = { north = { 0, 1 }, south = { 0, -1 } }

local function step_of(direction)
  return function(self)
    local by = directions[direction]
    self.robot.game:request("MoveRequest", { Pos = { X = by[1], Y = by[2] }, Fast = false, Speed = 2.0 })
  end
end

function walking.install(mod)
  for direction in pairs(directions) do
    mod["go_" .. direction] = step_of(direction)
  end
  mod.prepare = function(self) self.steps = 0 end
end

return walking
