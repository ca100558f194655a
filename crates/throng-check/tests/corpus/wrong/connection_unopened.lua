local role = throng.mod()

function role:start()
  self.robot:connect("lobby", throng.host)
  self.robot:connect("game", throng.host)
end

role:task("chat", function(self)
  self.robot.gmae:request("EchoRequest", { Text = "hi" }) --> game
  self.robot.connections.loby:close() --> lobby
end)

return role
