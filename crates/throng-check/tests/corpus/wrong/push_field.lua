local role = throng.mod()

role:on("KickNotify", { queue = true }, function(self, msg, connection)
  throng.log.warn(msg.Raeson) --> Reason
  connection:clos() --> close
end)

local function on_room(self, msg)
  self.owner = msg.Owner.Name
  self.count = #msg.Player --> Players
end

role:on("RoomNotify", on_room)

return role
