local battle = throng.mod { needs = { "role" } }

local MOVES <const> = { "left", "right", "up", "down" }

function battle:start()
  local role = self.robot.mods.role
  local c = self.robot:connect("battle", "tcp://127.0.0.1:8888", { protocol = "battle", measured = true })
  local hello = c:request("handshake")
  throng.log.debug(hello.msg)
  c:request("set", { what = "value", value = tostring(role.value) })
  self.heartbeats = 0
  self.timer = c:every("5s", function() c:send("ping") end)
end

battle:on("heartbeat", { connection = "battle", queue = true }, function(self)
  self.heartbeats = self.heartbeats + 1
end)

battle:on("move", { connection = "battle" }, function(self, msg)
  self.last = { x = msg.x, y = msg.y }
end)

battle:task("walk", { weight = 2 }, function(self)
  local c = self.robot.battle
  local reply, err = c:try_request("get", { what = MOVES[math.random(#MOVES)] })
  if not reply then
    throng.log.warn(err.kind)
    return
  end
  throng.check("known", reply.result ~= "")
end)

function battle:stop()
  self.timer:cancel()
  if self.robot.battle.is_open then self.robot.battle:send("quit") end
end

return battle
