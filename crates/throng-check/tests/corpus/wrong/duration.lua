local role = throng.mod()

role:task("rest", { timeout = "5 sec", wait = "soon" }, function(self) --> "5s"
  self.robot:sleep("10 minutes") --> "10m"
  self.robot:sleep(-1) -->
  self.robot:every("1sec", function() end) --> "1s"
  self.robot.game:request("EchoRequest", { Text = "hi" }, { timeout = true }) -->
end)

function role:start()
  self.robot:connect("game", throng.host, { retry = { first = "500 msec", tries = 3 } }) --> "500ms"
end

return role
