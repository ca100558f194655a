local role = throng.mod() -->

function role:start()
  return self.robot:connect("game", throng.host)
end
