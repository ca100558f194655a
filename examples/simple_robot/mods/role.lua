-- The player: through the lobby into the game, then small talk.

local phrases = require "phrases"

---@class role : throng.Mod
local role = throng.mod()                          -- one object per robot, for the robot's whole life

function role:init()
  self.value = 0                                   -- what belongs to one robot is in self
end

-- Straight lines: each request waits for its reply, and only this robot waits.
function role:start()
  local lobby = self.robot:connect("lobby", throng.host)
  local list = lobby:request("ServerListRequest", {})
  lobby:close()

  local retry = { first = "500ms", max = "30s", tries = 8 }
  local game = self.robot:connect("game", "ws://" .. list.ServerList[1], { retry = retry })
  self.value = game:request("LoginReuest", {}).MyValue
end

-- The connection stays under its name, for every mod of this robot.
role:task("chat", { weight = 3, when = function(self) return self.value > 10 end }, function(self)
  local text = phrases.any(throng.options.greeting)
  local reply = self.robot.game:request("EchoRequest", { Text = text })
  if reply.Text ~= text .. " from server" then
    throng.fail("the echo is wrong", { sent = text, got = reply.Text })
  end
end)

-- Pushes that belong to one request: the watch is armed before the request, so none can slip by.
role:task("notices", function(self)
  local game = self.robot.game
  local watch = game:watch("NoticePush")
  local reply = game:request("NoticeRequest", { Count = 3, Text = "rain" })
  for seq = 1, reply.Count do
    local notice = watch:next("2s")
    throng.check("notices come in order", notice.Seq == seq)
  end
  watch:close()
end)

-- Pushes that come when they like. This one ends what the robot is doing, and it logs in anew.
role:on("KickNotify", function(self, msg)
  throng.log.info("kicked: " .. msg.Reason)
  self.robot:restart()
end)

function role:closed(connection, why)
  if why.kind ~= "self" then throng.log.warn(connection.name .. " was lost: " .. why.kind) end
end

return role
