local role = throng.mod()

role:task("chat", function(self)
  self.level = throng.options.my_levl --> my_level
  self.other = self.robot.mods.rol --> role
end)

role:sequence("shop", { steps = { "buy" } })

function role:buy() end

return role
