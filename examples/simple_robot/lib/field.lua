-- The battlefield: 100 by 100, and a robot walks one step at a time.

local size = 100

local field = {}

function field.middle()
  return size // 2, size // 2
end

local function near(at)
  return math.max(0, math.min(size, at + math.random(-1, 1)))
end

function field.step(x, y)
  return near(x), near(y)
end

return field
