local role = throng.mod()

role:on("KickNotfy", function(self, msg) --> KickNotify
  self.reason = msg.Reason
end)

function role.on:RoomNotifi(msg) --> RoomNotify
  self.room = msg
end

return role
