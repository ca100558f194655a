-- A client that sends a line and reads a line: LOGIN name -> OK, ECHO text -> text, TIME -> a number.

local line = require "line"

---@class client : throng.Mod
local client = throng.mod()

-- Straight lines: each request waits for its reply, and only this robot waits.
-- When `start` has returned, the robot is ready and its tasks begin.
function client:start()
  local server = self.robot:connect("server", throng.host)
  -- The name is what the report calls the request; the body is the line.
  local reply = server:request("login", line.of("LOGIN", self.robot.name))
  if reply ~= "OK" then throng.fail("login refused", { reply = reply }) end
end

-- Tasks are picked by weight, one at a time, with the wait of throng.toml between them.
client:task("echo", { weight = 1 }, function(self)
  local text = throng.options.greeting
  local reply = self.robot.server:request("echo", line.of("ECHO", text))
  throng.check("the echo is the same", reply == text)
end)

client:task("time", { weight = 1 }, function(self)
  local reply = self.robot.server:request("time", "TIME")
  throng.check("the time is a number", tonumber(reply) ~= nil)
end)

return client
