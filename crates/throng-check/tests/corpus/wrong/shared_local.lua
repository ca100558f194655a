local role = throng.mod()
local count = 0

local function bump()
  count = count + 1 -->
end

function role:start()
  bump()
end

role:task("chat", function()
  count = 0 -->
end)

return role
