-- Robots that post to rooms, read what was posted, and hear what others publish.

local chat = throng.mod()

function chat:start()
  local robot = self.robot
  self.posted = 0
  robot:connect("redis", throng.host)
  -- Pushes come with RESP3 only.
  robot.redis:request("HELLO", { 3 })
  -- The answer to SUBSCRIBE is a push, so it is sent, and expected.
  robot.redis:send("SUBSCRIBE", { "news" })
  robot.redis:expect("subscribe", { timeout = "5s" })
end

-- A push of Redis': { "message", channel, text }.
function chat.on:message(push)
  throng.check("news of our channel", push[2] == "news")
end

-- A pipeline: all of these are on their way before the first is answered, and each gets its own reply.
function chat.tasks:post()
  local redis, key = self.robot.redis, "room:" .. self.robot.id
  local first, second, length = self.robot:all(
    function() return redis:request("RPUSH", { key, "hello" }) end,
    function() return redis:request("RPUSH", { key, "anyone there?" }) end,
    function() return redis:request("LLEN", { key }) end
  )
  self.posted = self.posted + 2
  throng.check("replies in order", second == first + 1 and length == second)
end

function chat.tasks:read()
  local lines = self.robot.redis:request("LRANGE", { "room:" .. self.robot.id, -2, -1 })
  throng.check("what was posted is there", self.posted == 0 or lines[#lines] == "anyone there?")
end

function chat.tasks:publish()
  self.robot.redis:request("PUBLISH", { "news", "robot " .. self.robot.id .. " was here" })
end

function chat:stop()
  self.robot.redis:request("DEL", { "room:" .. self.robot.id })
end

return chat
