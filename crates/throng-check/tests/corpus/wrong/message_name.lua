local role = throng.mod()

function role:start()
  local lobby = self.robot:connect("lobby", throng.host)
  local list = lobby:request("ServerListReqest", {}) --> ServerListRequest
  lobby:send("echorequest", { Text = "hi" }) --> EchoRequest
  local ok, err = lobby:try_request("LoginRequest", {}) --> LoginReuest
  throng.log.info(list, ok, err)
end

return role
