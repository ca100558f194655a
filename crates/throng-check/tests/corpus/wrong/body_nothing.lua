local fight = throng.mod()

function fight:start()
  local battle = self.robot:connect("battle", "tcp://127.0.0.1:9000", { protocol = "battle" })
  battle:send("quit", { why = "tired" }) -->
end

return fight
