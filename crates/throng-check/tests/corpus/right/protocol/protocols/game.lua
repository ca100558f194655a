local game, count = {}, 0

local function length_of(bytes, from) return string.unpack(">I2", bytes, from) end

function game.state() return { seq = 0 } end

function game.framing(bytes, from)
  if #bytes - from < 1 then return nil, 2 end
  local last = from + 1 + length_of(bytes, from)
  if last > #bytes then return nil, last - from + 1 end
  return from + 2, last
end

game.frame = function(payload) return string.pack(">s2", payload) end

function game.head(payload)
  return { name = payload:sub(1, 4), body = 5 }
end

function game.encode(name, body, _, state)
  state.seq = state.seq + 1
  return name .. state.seq .. body
end

for _ = 1, 2 do count = count + 1 end
game.decode = count > 0 and function(_, bytes) return bytes end or nil
game.server = { encode = function(name) return name end }

function game.server.head() end

return game
