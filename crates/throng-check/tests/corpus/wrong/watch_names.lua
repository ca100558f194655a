local role = throng.mod()

role:task("wait", function(self)
  local game = self.robot.game
  local names = { "KickNotify", "RoomNotfy" } --> RoomNotify
  local watch = game:watch(names)
  local msg = watch:next("5s")
  local other = game:expect("KickNotfy", { timeout = 5 }) --> KickNotify
  return msg, other
end)

function role:start()
  self.robot:connect("game", throng.host)
end

return role
