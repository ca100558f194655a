local libraries = throng.mod()

function libraries:start()
  throng.http.fetch("http://127.0.0.1/") -->
  throng.http.get("http://127.0.0.1/", { header = {} }) -->
  throng.http.get("http://127.0.0.1/", { timeout = "soon" }) -->
  local reply = throng.http.get("http://127.0.0.1/")
  print(reply.code) -->
  table.sort({ 1, 2 }, function() return throng.http.get("http://127.0.0.1/") end) -->
  print(throng.crypto.sha256sum("x")) -->
  local cipher = throng.crypto.rc4_stream("key")
  cipher:encrypt("x") -->
end

return libraries
