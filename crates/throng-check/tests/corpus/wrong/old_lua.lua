local role = throng.mod()

function role:start()
  local a, b = unpack({ 1, 2 }) -->
  local n = table.getn({ a, b }) -->
  self.value = math.pow(n, 2) -->
  self.text = string.fromat("%d", n) --> format
end

return role
