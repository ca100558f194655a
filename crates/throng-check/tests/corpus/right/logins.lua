local logins = throng.mod()

local crypt = require "skynet.crypt"

function logins:start()
  local reply = throng.http.post("http://127.0.0.1:8080/login", { name = "ann" }, { timeout = "3s", expect = { 404 } })
  throng.check("logged in", reply.status == 200)
  self.token = reply.json.token .. reply.headers["x-part"]
  local login = { name = "ann", sign = throng.crypto.hex(throng.crypto.hmac_sha256("key", reply.body)) }
  throng.http.get("http://127.0.0.1:8080/", { query = login, cookies = false })
  throng.http.request("PUT", "http://127.0.0.1:8080/", { form = login, redirects = 0, name = "put" })
  self.cipher = throng.crypto.rc4_stream("key")
  self.sent = self.cipher:apply(throng.crypto.random_bytes(8))
  self.key = crypt.randomkey()
end

return logins
