-- skynet's login: lines of Base64, from the server's challenge to the subid. Any client written for skynet's own example has
-- these lines; only the socket is another one.

local crypt = require "skynet.crypt"

local function encode_token(token)
  return string.format("%s@%s:%s",
    crypt.base64encode(token.user),
    crypt.base64encode(token.server),
    crypt.base64encode(token.pass))
end

-- Returns the secret that both sides know afterwards, and the subid that is this login's.
local function login(robot, address, token)
  local socket = robot:connect("login", address, { protocol = "stream" })
  local function readline() return socket:read_line() end
  local function writeline(text) socket:write(text .. "\n") end

  local challenge = crypt.base64decode(readline())

  -- Each side sends what it made of a key of its own; both come to the same secret, and who listens does not.
  local clientkey = crypt.randomkey()
  writeline(crypt.base64encode(crypt.dhexchange(clientkey)))
  local secret = crypt.dhsecret(crypt.base64decode(readline()), clientkey)

  -- That we have it too is proved by the challenge.
  writeline(crypt.base64encode(crypt.hmac64(challenge, secret)))
  writeline(crypt.base64encode(crypt.desencode(secret, encode_token(token))))

  local result = readline()
  socket:close()
  if result:sub(1, 3) ~= "200" then throng.fail("login: " .. result) end
  return secret, crypt.base64decode(result:sub(5))
end

return login
