-- What a player does once logged in. One mod per part of the game; they meet in `self.robot`.

local words = require "words"

---@class chat : throng.Mod
local chat = throng.mod { needs = { "role" } }      -- its start, if it had one, would come after role's

function chat:say(text)
  local reply = self.robot.game:request("EchoRequest", { Text = text })
  throng.check("the echo is complete", reply.Text == text .. " from server")
end

-- Tasks are picked by weight, one at a time, with the wait of throng.toml between them.
chat:task("echo", { weight = 1 }, function(self)
  self:say(throng.options.greeting .. " " .. words.any())
end)

chat:task("boast", { weight = 1, when = function(self) return self.robot.mods.role.value > 50 end }, function(self)
  self:say("my value is " .. self.robot.mods.role.value)
end)

-- Steps of a sequence come one after the other, and are named in the report.
chat:sequence("visit", { steps = { "greet", "leave" } })

function chat:greet() self:say("hello") end

function chat:leave() self:say("goodbye") end

return chat
