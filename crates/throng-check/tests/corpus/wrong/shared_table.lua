local role = throng.mod()
local stats = { hits = 0, names = {} }
local seen = {}

function role:start()
  stats.hits = stats.hits + 1 -->
  stats.names[self.robot.id] = self.robot.name -->
  table.insert(seen, self.robot.id) -->
  role.value = 5 -->
end

return role
