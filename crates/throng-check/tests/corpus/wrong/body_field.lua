local role = throng.mod()

role:task("chat", function(self)
  self.robot.game:request("EchoRequest", { text = "hello" }) --> Text
  self.robot.game:request("EchoRequest", { "hello" }) -->
  self.robot.game:request("EchoRequest", { ["Txt"] = "hello" }) --> Text
end)

function role:start()
  self.robot:connect("game", throng.host)
end

return role
