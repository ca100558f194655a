local walking = require("walking")
local hero = throng.mod()

walking.install(hero)
hero:sequence("tour", { steps = { "go_north", "go_south" } })

function hero:start()
  self:prepare()
  self.robot:connect("game", throng.host)
end

return hero
