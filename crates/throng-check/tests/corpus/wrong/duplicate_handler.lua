local role = throng.mod()

role:on("KickNotify", function(self) self.robot:restart() end)
role:on("RoomNotify", function(self, msg) self.room = msg end)
role:on("KickNotify", function(self) self.robot:stop() end) -->

return role
