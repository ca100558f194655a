-- Code the mods share: `require "words"`.

local words = {}

local list = { "apple", "bridge", "candle", "dragon" }

-- `math.random` is the robot's own stream: the same seed gives the same words.
function words.any()
  return list[math.random(#list)]
end

return words
