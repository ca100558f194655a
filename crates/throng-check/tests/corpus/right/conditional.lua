local role = throng.mod()

if throng.host:find("^ws") then
  role:task("chat", { weight = 1 }, function() end)
  function role:start() self.kind = "web" end
else
  role:task("chat", { weight = 2 }, function() end)
  function role:start() self.kind = "tcp" end
end

local debug_mode = DEBUG or false
local log = debug_mode and throng.log.debug or function() end

function role:shop() log("shopping") end
function role:close() log("closing") end
function role:stats() return self.kind, collectgarbage("count") end

role:task("day", function(self)
  self:shop()
  self:close()
  return self:stats()
end)

function role:stop() xpcall(log, debug.traceback, "the robot ends") end

return role
