local text = {}

local letters = {}
for c = ("a"):byte(), ("z"):byte() do
  letters[#letters + 1] = string.char(c)
end

function text.random(n)
  local out = {}
  for i = 1, n do out[i] = letters[math.random(#letters)] end
  return table.concat(out)
end

return text
