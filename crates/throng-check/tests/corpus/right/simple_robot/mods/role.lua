local text = require "text"
local role = throng.mod { wait = { between = { 1, 5 } } }

function role:init()
  self.level = throng.options.my_level
  self.echoes = 0
end

function role:start()
  local lobby <close> = self.robot:connect("lobby", throng.host, { timeout = "5s" })
  local list = lobby:request("ServerListRequest", {})
  throng.check("there is a server", #list.ServerList > 0)
  local address = list.ServerList[math.random(#list.ServerList)]
  self.robot:connect("game", "ws://" .. address)
  local login = self.robot.game:request("LoginReuest", { Name = self.robot.name, Password = "secret" }, { timeout = 10 })
  self.value = login.MyValue
end

role:task("chat", { weight = 3, tags = { "talk" }, timeout = "2s" }, function(self)
  local said = text.random(20)
  local reply <const> = self.robot.game:request("EchoRequest", { Text = said })
  throng.check("echo", reply.Text == said .. " from server")
  self.echoes = self.echoes + 1
end)

function role.tasks:shout()
  self.robot.game:send("EchoRequest", { Text = ("HEY"):rep(3) })
end

role:sequence("shop", { weight = 1, steps = { "browse", "pay" }, wait = "500ms" })

function role:browse()
  self.robot:sleep(0.2)
end

function role:pay()
  throng.count("paid")
end

function role:closed(connection, why)
  throng.log.info("lost " .. tostring(connection) .. ": " .. why.kind)
end

return role
