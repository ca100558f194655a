-- A player of a skynet game: shakes hands, sets and gets values, says goodbye.

local keys = require "keys"

---@class player : throng.Mod
local player = throng.mod()

-- Straight lines: each request waits for its reply, and only this robot waits.
-- When `start` has returned, the robot is ready and its tasks begin.
function player:start()
  self.beats = 0
  local battle = self.robot:connect("battle", throng.host)
  self.welcome = battle:request("handshake", {}).msg
end

-- On the way out, with a time limit.
function player:stop()
  self.robot.battle:send("quit", {})
end

-- The server calls us, too.
player:on("heartbeat", function(self)
  self.beats = self.beats + 1
end)

-- Tasks are picked by weight, one at a time, with the wait of throng.toml between them.
player:task("remember", { weight = 1 }, function(self)
  local battle = self.robot.battle
  local key, value = keys.any(self.robot.id), "value " .. math.random(1000)
  battle:send("set", { what = key, value = value })           -- `set` has no response: nothing to wait for
  local reply = battle:request("get", { what = key })
  throng.check("the server remembers", reply.result == value)
end)

player:task("look", { weight = 1 }, function(self)
  self.robot.battle:request("get", { what = "hello" }, { timeout = "2s" })
end)

return player
