---@class role : throng.Mod
local role = throng.mod()                          -- named after its file; one object per robot, for the robot's life

function role:start()                              -- straight lines; may block
  local lobby = self.robot:connect("lobby", throng.host)
  local list = lobby:request("ServerListRequest", {})
  lobby:close()
  local game = self.robot:connect("game", "ws://" .. list.ServerList[1], { retry = { first = "500ms", max = "30s", tries = 8 } })
  self.value = game:request("LoginReuest", {}).MyValue
end                                                -- all starts returned: the robot is ready, tasks begin

function role:stop() end                           -- on the way out, with a time limit
function role:closed(connection, why) end          -- why.kind: server, reset, timeout, protocol, replaced, self

role:on("KickNotify", function(self, msg, connection)
  self.robot:restart()
end)

role:task("chat", { weight = 1, when = function(self) return self.value > 10 end }, function(self)
  local reply = self.robot.game:request("EchoRequest", { Text = "hello world" })
  if not reply.Text:find("from server") then throng.fail("echo is wrong", { text = reply.Text }) end
end)

role:sequence("shop", { steps = { "browse", "buy" } })           -- role:browse(), role:buy(): named in timeline and report
function role:browse() end
function role:buy() end

return role
