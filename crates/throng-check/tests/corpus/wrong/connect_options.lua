local role = throng.mod()

function role:start()
  self.robot:connect("game", throng.host, { protocol = "gaem" }) --> game
  self.robot:connect("lobby", throng.host, { mesured = false }) --> measured
  self.robot:connect("third", throng.host, { retry = { trys = 3 } }) --> tries
  local game = self.robot.game
  game:request("EchoRequest", { Text = "" }, { time_out = 5 }) --> timeout
end

return role
