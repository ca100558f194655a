local bodies = throng.mod()

local HERE = { X = 0, Y = 0.5 }
local function there() return { X = 1, Y = 2 } end

function bodies:start()
  local game = self.robot:connect("game", throng.host)
  local path = {}
  for i = 1, 3 do path[i] = { X = i, Y = -i } end
  game:request("MoveRequest", { Pos = HERE, Path = path, Steps = #path, Fast = #path > 2, Speed = -1.5 })
  game:request("MoveRequest", { Pos = there(), Path = { HERE, there(), { X = 1.0 } }, Steps = "12", Speed = 3 })
  game:request("MoveRequest", { Path = { table.unpack(path) }, Steps = nil, Fast = self.fast })
  game:request("MoveRequest", {})
  local login = { Name = "p" .. self.robot.id }
  if self.secret then login.Password = self.secret end
  game:request("LoginReuest", login)
  local body
  body = { Text = string.format("%d", 5) }
  game:request("EchoRequest", body)
  local moved = game:request("MoveRequest", {}, { as = "move" })
  local n = moved.Players and #moved.Players or 0
  local who = moved.Players[1]
  return who and who.Pos.X + n
end

return bodies
