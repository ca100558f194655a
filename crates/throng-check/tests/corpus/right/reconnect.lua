local reconnect = throng.mod()

local game -- looked up where it is used, never written to by a robot
local RETRY = { first = 0.5, max = "30s", tries = 8 }

function reconnect:init()
  self.drops = 0
end

function reconnect:connect()
  return self.robot:connect("game", throng.host, { retry = RETRY, timeout = "3s" })
end

function reconnect:start()
  self:connect()
end

reconnect:task("drop", { weight = 0.1 }, function(self)
  self.robot.game:drop()
  self.drops = self.drops + 1
  local again = self:connect()
  local ok, err = pcall(function() return again:request("EchoRequest", { Text = "again" }, { timeout = "1s", as = "echo again" }) end)
  if not ok then
    throng.log.error(tostring(err), game)
    throng.fail("no echo after a drop", { kind = err.kind, elapsed = err.elapsed })
  end
end)

function reconnect:closed(connection, why)
  if connection.name == "game" and why.kind ~= "self" and self.drops > 10 then
    self.robot:stop()
  end
end

function reconnect.describe(n)
  return n .. " drops"
end

function reconnect:stop()
  throng.log.info(reconnect.describe(self.drops))
end

return reconnect
