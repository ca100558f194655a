local role = throng.mod()

function role:start()
  local game = self.robot:connect("game", throng.host)
  local login = game:request("LoginReuest", {})
  self.value = login.MyVal --> MyValue
  local list = game:request("ServerListRequest", {})
  self.server = list.ServerLst[1] --> ServerList
  local moved = assert(game:try_request("MoveRequest", {}))
  for _, player in ipairs(moved.Players) do
    throng.log.info(player.Nmae, player.Pos.X, player.Pos.z) --> Name
  end
end

return role
