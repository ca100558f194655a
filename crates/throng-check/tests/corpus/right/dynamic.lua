-- Names made at run time: none of them can be checked, none may be complained about.
local bot = throng.mod()

local kinds = { "Echo", "Login" }

function bot:start()
  for i = 1, 3 do
    self.robot:connect("line" .. i, throng.host)
  end
  local which = "line" .. math.random(3)
  self.robot[which]:request(kinds[1] .. "Request", { [kinds[2]] = 1 })
  self.robot.line2:send(self:pick(), self:body())
  local name = tostring(os.time()) or "AnythingAtAll"
  self.robot.connections["line3"]:request(name, {})
end

function bot:pick()
  return self.robot.id % 2 == 0 and "EchoRequest" or self.other
end

function bot:body()
  local body = { Text = "x" }
  for _, key in ipairs { "A", "B" } do body[key] = key end
  return body
end

for _, kind in ipairs(kinds) do
  bot:on(kind .. "Notify", function(self, msg)
    self["last_" .. kind] = msg
    self:react(msg)
  end)
  bot:task("do_" .. kind, { weight = #kind, tags = kinds }, function(self)
    self:pick()
  end)
  bot["handle_" .. kind] = function(self) return self end
end

function bot:react(msg)
  local handler = self["handle_" .. msg.Kind]
  if handler then handler(self) end
end

return bot
