local role = throng.mod()

function role:start()
  local shop = self.robot:connect("shop", throng.host)
  local id = "player"
  shop:request("Buy", { kind = "SWORD", kinds = { "FOOD", 7 } }, { header = { version = 3, [id] = 9 } })
  shop:send("Buy", { kind = 5 }, { header = { player = 9 } })
  local schema = throng.protobuf.of("shop")
  schema:decode("Buy", schema:encode("Buy", { kind = "SWORD" }))
end

return role
