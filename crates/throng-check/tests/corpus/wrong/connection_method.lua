local role = throng.mod()

function role:start()
  self.game = self.robot:connect("game", throng.host)
  self.game:reqest("EchoRequest", { Text = "hi" }) --> request
end

role:task("chat", function(self)
  self.game:sent("EchoRequest", { Text = "hi" }) --> send
  self.robot.connections.game:recv() -->
  if self.game:is_open() then return end -->
  local watch = self.robot.game:watch("KickNotify")
  watch:nxt(1) --> next
end)

return role
