local role = throng.mod()
local helpers = {}

function helpers.double(n)
  return n * 2
end

function role:start()
  self.n = helpers.double(2)
end

return helpers -->
