local role = throng.mod()
local began

local function note(text)
  throng.log.info(text, throng.host)
end

throng.run.on_start(function()
  began = throng.now()
  note("on")
end)

throng.run.on_stop(function() note("off after " .. (throng.now() - began)) end)

function role:start()
  note("hello")
end

return role
