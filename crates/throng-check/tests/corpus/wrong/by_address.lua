local fight = throng.mod()

function fight:start()
  local list = self.robot:connect("lobby", "ws://127.0.0.1:8765"):request("ServerListRequest", {})
  self.battle = self.robot:connect("battle", "tcp://" .. list.ServerList[1])
  self.battle:request("hanshake") --> handshake
end

function fight:stop()
  self.battle:send("quitt") --> quit
end

return fight
