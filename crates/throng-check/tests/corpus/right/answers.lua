local gate = throng.mod()

function gate:start()
  self.robot:connect("battle", "tcp://127.0.0.1:8767")
end

-- What a server asks with a session is answered by what the handler returns.
gate:on("heartbeat", { connection = "battle" }, function(self)
  self.robot:sleep("10ms")
  return {}
end)

function gate.on:heartbeat()
  if self.silent then return end
  return true
end

return gate
