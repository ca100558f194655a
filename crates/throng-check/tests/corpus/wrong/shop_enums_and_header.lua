local role = throng.mod()

function role:start()
  local shop = self.robot:connect("shop", throng.host)
  shop:request("Buy", { kind = "SWROD" }) -->
  shop:request("Buy", { kind = "X" }) -->
  shop:request("Buy", { kind = {}, -->
    kinds = { "FOOD", "FOODS" } }) -->
  shop:request("Buy", { kind = "FOOD", kinds = { 1, "SWORD" } }, { header = { versoin = 3 } }) -->
  shop:send("Buy", {}, { header = { seq = 3 } }) -->
  shop:send("Buy", {}, { timeout = 3 }) -->
end

return role
