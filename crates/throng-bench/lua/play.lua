-- A robot with 20 turns a second, whose time counts from when each was meant to begin; the first one leaves that to the
-- others.
local robot = throng.mod { wait = 0 }
local payload = string.rep("x", 64)
local beat = 0.05

function robot:start() self.game = self.robot:connect("game", throng.options["target" .. self.robot.id % throng.options.targets]) end

robot:task("play", { when = function(self) return self.robot.id ~= 0 end }, function(self)
  local due = throng.now() + beat * math.random()
  while true do
    local early = due - throng.now()
    if early > 0 then self.robot:sleep(early) end
    self.game:request("Echo", payload)
    throng.record("turn", throng.now() - due)
    due = due + beat
  end
end)

return robot
