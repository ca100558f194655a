local role = throng.mod()

function role:start()
  game = self.robot:connect("game", throng.host) -->
  local total = 0
  for i = 1, 3 do
    totl = total + i --> total
  end
  game:request("EchoRequest", { Text = "hi" })
end

return role
