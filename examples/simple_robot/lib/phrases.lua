-- What robots say. Files in lib/ are found by require, and like all file-level values they are frozen after load.

local endings = { "", ", everybody", "!", "?", ", is anybody there?" }

local phrases = {}

function phrases.any(greeting)
  return greeting .. endings[math.random(#endings)]
end

return phrases
