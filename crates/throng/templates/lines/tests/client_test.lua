-- `throng test` runs these against fake servers in virtual time: no sockets, no waiting.

local function line_server(world)
  local server = world:server("tcp://127.0.0.1:7000")
  local seen = { logins = 0, echoes = 0 }
  server:on_message(function(bytes)
    if bytes:find("^LOGIN ") then
      seen.logins = seen.logins + 1
      return "OK"
    elseif bytes:find("^ECHO ") then
      seen.echoes = seen.echoes + 1
      return bytes:sub(#"ECHO " + 1)
    end
    return "12"
  end)
  return seen
end

throng.test("logs in once, then echoes", function(world)
  local seen = line_server(world)
  local robot = world:robot()
  world:advance("1m")
  assert(robot.ready)
  assert(seen.logins == 1)
  assert(seen.echoes >= 1)
end)

throng.test("is not ready before the server answers", function(world)
  local server = world:server("tcp://127.0.0.1:7000")
  server:on_message(function() return nil end)
  local robot = world:robot()
  world:advance("1s")
  assert(not robot.ready)
end)
