local redis = throng.mod()

function redis:start()
  local c = self.robot:connect("redis", "tcp://127.0.0.1:6379", { protocol = "stream" })
  c:write("PING\r\n")
  local line = c:readline() --> read_line
  c:request("PING", {}) -->
  c:read_line({ timeot = 1 }) --> timeout
  return line
end

return redis
