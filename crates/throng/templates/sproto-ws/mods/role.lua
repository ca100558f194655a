-- The player: finds the game through the lobby, logs in, and keeps what the game said.

---@class role : throng.Mod
local role = throng.mod()

-- Straight lines: each request waits for its reply, and only this robot waits.
-- When the `start` of every mod has returned, the robot is ready and its tasks begin.
function role:start()
  local lobby = self.robot:connect("lobby", throng.host)
  local list = lobby:request("ServerListRequest", {})
  lobby:close()

  local game = self.robot:connect("game", "ws://" .. list.ServerList[1])
  self.value = game:request("LoginReuest", {}).MyValue
end

-- Messages nobody asked for come here, from any connection, at any time.
role:on("KickNotify", function(self, msg)
  throng.log.info("kicked: " .. (msg.Reason or "no reason"))
  self.robot:restart()
end)

return role
