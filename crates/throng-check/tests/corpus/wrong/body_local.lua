local role = throng.mod()

function role:start()
  local game = self.robot:connect("game", throng.host)
  local body = {
    Name = "player",
    Passwort = "secret", --> Password
  }
  game:request("LoginReuest", body)
end

return role
