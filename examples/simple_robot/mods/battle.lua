-- The battle: another server and another protocol, on the same robot.

local field = require "field"

---@class battle : throng.Mod
local battle = throng.mod { needs = { "role" } }   -- role's start is over before this one begins

function battle:init()
  self.x, self.y = field.middle()
  self.seen = {}                                   -- the last move of each other member, by id
end

function battle:start()
  local place = self.robot.game:request("BattleRequest", {})
  local address = throng.options.battle
  if address == "" then address = place.Addr end

  self.socket = self.robot:connect("battle", "tcp://" .. address)   -- the same as self.robot.battle
  self.socket:request("handshake", {})
  self.seat = self.socket:request("join", { room = place.Room, name = self.robot.name })
end

-- What the others in the room do, as the server pushes it.
battle:on("moved", function(self, msg)
  local last = self.seen[msg.id] or 0
  throng.check("moves come in order", msg.seq > last)
  self.seen[msg.id] = msg.seq
end)

battle:on("left", function(self, msg)
  self.seen[msg.id] = nil
end)

-- `send` wants no reply and never waits.
battle:task("move", { weight = 5 }, function(self)
  self.x, self.y = field.step(self.x, self.y)
  self.socket:send("move", { x = self.x, y = self.y })
end)

-- Steps are methods, called in order with a wait between them. A step that fails ends the sequence.
battle:sequence("bag", { weight = 1, steps = { "put", "take" } })

function battle:put()
  self.item = "item " .. math.random(1000)         -- each robot has a random stream of its own, from --seed
  self.socket:request("set", { what = self:slot(), value = self.item })
end

function battle:take()
  local found = self.socket:request("get", { what = self:slot() })
  if found.result ~= self.item then
    throng.fail("the bag has lost something", { put = self.item, found = found.result })
  end
end

-- A mod sees the others: what role learned at login is part of the key here.
function battle:slot()
  return ("bag %d/%d"):format(self.robot.id, self.robot.mods.role.value)
end

-- On the way out, with a time limit.
function battle:stop()
  if self.socket and self.socket.is_open then self.socket:request("quit", {}) end
end

return battle
