local game = { hed = function() end } --> head

function game.framming(bytes, from) --> framing
  return from, #bytes
end

game.frame = "frame" -->

function game.head(payload)
  throng.http.get("http://127.0.0.1/") -->
  return { name = payload }
end

game.server = { encod = function() return "" end } --> encode

function game.server.decod() end --> decode

return game
