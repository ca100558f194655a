-- Code the mods share: `require "keys"`.

local keys = {}

-- A key of this robot alone. `math.random` is the robot's own stream: the same seed gives the same keys.
function keys.any(id)
  return "robot " .. id .. " key " .. math.random(throng.options.keys)
end

return keys
