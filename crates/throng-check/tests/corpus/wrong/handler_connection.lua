local fight = throng.mod()

function fight:start()
  self.robot:connect("battle", "tcp://127.0.0.1:9000", { protocol = "battle" })
end

fight:on("heartbeet", { connection = "battle" }, function() end) --> heartbeat
fight:on("KickNotify", { connection = "battle" }, function() end) -->
fight:on("move", { connection = "batle" }, function() end) --> battle
fight:on("heartbeat", { conection = "battle" }, function() end) --> connection

return fight
