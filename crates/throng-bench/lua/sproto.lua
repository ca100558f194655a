-- A robot that echoes a message of five fields, and looks at what comes back.
local robot = throng.mod()

function robot:start() self.game = self.robot:connect("game", throng.options["target" .. self.robot.id % throng.options.targets]) end

robot:task("play", function(self)
  local game = self.game
  local count = 0
  while true do
    count = count % 1000 + 1
    local reply = game:request("Echo", { id = count, x = 120, y = 45, name = "robot-17", text = "hello from a robot" })
    if reply.id ~= count then throng.fail("this is not the echo") end
  end
end)

return robot
