-- Everybody joins, tries every type of field, and shouts to all others.

local player = throng.mod()

function player:init() self.crowd, self.heard = 0, {} end

function player:start()
  self.arena = self.robot:connect("arena", throng.host)
  self.id = self.arena:request("JoinRequest", { name = self.robot.name }).id
end

player:on("CrowdNotice", function(self, msg) self.crowd = msg.count end)

player:on("ShoutNotice", function(self, msg)
  local last = self.heard[msg.id] or 0
  throng.check("shouts come in order", msg.seq == last + 1 and msg.text == "hello from " .. msg.id)
  self.heard[msg.id] = msg.seq
end)

local function same(a, b)
  if type(a) ~= "table" then return a == b and math.type(a) == math.type(b) end
  for key, value in pairs(a) do if not same(value, b[key]) then return false end end
  for key in pairs(b) do if a[key] == nil then return false end end
  return true
end

local function bag(round)
  return {
    items = { { id = 7, name = "sword", weight = 125 }, { id = round + 100, name = "盾", weight = 4050 } },
    first = { id = 1, name = "first", weight = 1 << 33 },
    words = { "one", "two", "round " .. round },
    sizes = { round, 1 << 40, -3 },
    blob = string.char(0, 255, 13, 10):rep(round),
    big = (1 << 62) + round,
    yes = true,
  }
end

player:task("play", function(self)
  while self.crowd < 8 do self.robot:sleep("10ms") end
  for round = 1, 20 do
    local sent = bag(round)
    local got = self.arena:request("BagRequest", sent)
    throng.check("total", got.total == round + (1 << 40) - 3)
    got.total = nil
    throng.check("bag", same(sent, got))
  end
  self.robot:sleep("4s")                           -- the server pings, and waits three seconds for each answer
  for _ = 1, 5 do
    throng.check("heard", self.arena:request("ShoutRequest", { text = "hello from " .. self.id }).heard == 7)
  end
  local function heard()
    local sum = 0
    for _, seq in pairs(self.heard) do sum = sum + seq end
    return sum
  end
  while heard() < 35 do self.robot:sleep("10ms") end
  throng.count("heard all")
  -- Nobody leaves while others still listen.
  self.robot:sleep("500ms")
  self.arena:request("LeaveRequest", { reason = "done" })
  self.robot:sleep("90s")                          -- until `closed`
end)

function player:closed(connection, why)
  throng.check("goodbye", why.kind == "server" and why.code == 4001)
  self.robot:stop()
end

return player
