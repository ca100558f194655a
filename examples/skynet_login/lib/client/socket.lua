-- `require "client.socket"` for code that was written for skynet's own client library: the same functions over a robot's
-- streams. One difference: `connect` wants the robot first, because many of them share a program here.

local socket = {}

function socket.connect(robot, host, port)
  return robot:connect("socket", ("tcp://%s:%d"):format(host, port), { protocol = "stream" })
end

function socket.send(stream, bytes)
  stream:write(bytes)
end

-- skynet's returns at once, with nil when nothing has come; this one waits for a byte, and only its robot waits.
function socket.recv(stream)
  return stream:read_exactly(1)
end

function socket.close(stream)
  stream:close()
end

-- Nothing is left to wait for.
function socket.usleep() end

return socket
