local role = throng.mod()

role:task("chat", function(self)
  self.robot.game:send("EchoRequest, { Text = "" }) -->
end)

return role
