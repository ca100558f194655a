local role = throng.mod()

local game = role.robot:connect("game", throng.host) -->

role:task("rank", function(self)
  local names = { "b", "a" }
  table.sort(names, function(a, b)
    self.robot:sleep(0.1) -->
    return a < b
  end)
  local function replace(word)
    return self.robot.game:request("EchoRequest", { Text = word }).Text -->
  end
  return (("a b"):gsub("%w", replace)), game
end)

return role
