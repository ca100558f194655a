-- A player of a skynet game: login, handshake with the gate, requests with sessions, and now and then a new connection.

local crypt = require "skynet.crypt"
local sproto = require "sproto"
local login = require "skynet_login"

-- What is in the requests is the game's own business; here it is Sproto, and the gate's agent sends it back.
local proto = sproto.parse [[
.Say {
  text 0 : string
  seq 1 : integer
}
]]

---@class player : throng.Mod
local player = throng.mod()

function player:init()
  self.index = 0                                   -- counts the handshakes of one login
  self.session = 0                                 -- counts the requests
end

function player:start()
  local options = throng.options
  self.token = { server = options.server, user = options.user:gsub("%%d", self.robot.id), pass = options.password }
  self.secret, self.subid = throng.measure("login", function()
    return login(self.robot, throng.host, self.token)
  end)
  self:enter()
end

-- Shakes hands with the gate. The index grows with each connection, so that nobody can replay an old handshake.
function player:enter()
  self.index = self.index + 1
  self.gate = self.robot:connect("gate", "tcp://" .. throng.options.gate, { protocol = "gate" })
  local handshake = string.format("%s@%s#%s:%d",
    crypt.base64encode(self.token.user),
    crypt.base64encode(self.token.server),
    crypt.base64encode(self.subid), self.index)
  local hmac = crypt.hmac64(crypt.hashkey(handshake), self.secret)
  local answer = self.gate:request("handshake", handshake .. ":" .. crypt.base64encode(hmac))
  if answer ~= "200 OK" then throng.fail("handshake: " .. answer) end
end

-- Asks for as long as it takes. What was asked on a connection that is lost is asked again on the next one, under the same
-- session, and the gate knows whether it has answered that already: nothing is done twice.
function player:insist(name, body)
  if not self.gate.is_open then self:enter() end
  while true do
    local answer, failure = self.gate:try_request(name, body, { session = self.session })
    if answer then return answer end
    if self.gate.is_open then error(failure, 0) end
    throng.count("came back")
    self:enter()
  end
end

function player:ask(body)
  self.session = self.session + 1
  return self:insist("say", body)
end

player:task("say", { weight = 9 }, function(self)
  local said = { text = "hello from " .. self.robot.name, seq = self.session }
  local answer = proto:pdecode("Say", self:ask(proto:pencode("Say", said)))
  throng.check("the agent says the same", answer.text == said.text and answer.seq == said.seq)
end)

-- A session that was answered stands for its answer, whatever it is asked with on a later connection.
player:task("reconnect", { weight = 1 }, function(self)
  local answer = self:ask(proto:pencode("Say", { text = "before", seq = self.session }))
  self.gate:close()
  self:enter()
  throng.check("an old session has its old answer", self:insist("say again", "something else") == answer)
end)

return player
