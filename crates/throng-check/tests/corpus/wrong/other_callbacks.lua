local role = throng.mod()

function role:on_start() --> start
  self.robot:connect("game", throng.host)
end

function role:onStop() --> stop
end

function role:on_close(connection) --> closed
  return connection
end

return role
