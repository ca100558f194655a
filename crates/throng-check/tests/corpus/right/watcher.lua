local watcher = throng.mod { manual_ready = true }

local PUSHES = { "KickNotify", "RoomNotify" }
local TIMEOUT <const> = "90s"

function watcher:start()
  local game = self.robot:connect("game", throng.host)
  local room = game:watch("RoomNotify", { where = function(msg) return msg.Owner ~= nil end })
  game:send("LoginReuest", {})
  local msg = room:next(TIMEOUT)
  self.owner = msg.Owner
  room:close()
  local any = game:expect(PUSHES, { timeout = 5, quiet = true })
  self.any = any
  self.robot:ready()
end

watcher:on("RoomNotify", function(self, msg, connection)
  msg.SeenAt = throng.now()
  self.room = msg
  for i, player in ipairs(msg.Players) do
    if player.Id ~= self.robot.id then
      player.distance = player.Pos.X ^ 2 + player.Pos.Y ^ 2
    end
  end
  table.sort(msg.Players, function(a, b) return a.distance < b.distance end)
  for name, score in pairs(msg.Scores) do
    throng.record("score", score.Points)
    throng.log.debug(name)
  end
  local age = throng.now() - msg.SeenAt
  throng.check("fresh", age < 1 and connection.is_open)
end)

watcher:task("both", function(self)
  local a = self.robot:spawn(function() return self.robot.game:request("EchoRequest", { Text = "a" }) end)
  local first, second = self.robot:all(
    function() return self.robot.game:request("EchoRequest", { Text = "b" }).Text end,
    function() self.robot:sleep("100ms") return "slept" end
  )
  local reply = a:wait("5s")
  throng.check("all", first and second and reply)
end)

return watcher
