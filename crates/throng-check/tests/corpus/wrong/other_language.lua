local role = throng.mod()

function role:start()
  self.count += 1 -->
end

return role
