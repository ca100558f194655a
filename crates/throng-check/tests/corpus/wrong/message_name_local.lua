local role = throng.mod()

local LOGIN = "Login" .. "Requst"
local NAMES = { echo = "EchoReqest", list = "ServerListRequest" }

function role:start()
  local game = self.robot:connect("game", "ws://127.0.0.1:8766")
  game:request(LOGIN, {}) --> LoginReuest
  game:request(NAMES.list, {})
  game:request(NAMES.echo, { Text = "hi" }) --> EchoRequest
end

return role
