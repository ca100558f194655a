-- A protocol of bytes: a message's name is only what the measure is called.
local gate = throng.mod()

function gate:start()
  local c = self.robot:connect("gate", "raw://127.0.0.1:7000", { protocol = "gate" })
  local reply = c:request("hello there", string.pack(">I2s1", 7, "name"))
  self.code = string.unpack(">I2", reply)
  c:send("anything", "bytes")
end

gate:on("anything at all", function(self, msg) self.last = msg end)

return gate
