-- Code the mods share: `require "line"`.

local line = {}

-- A command and its argument as one line; the framing adds the end.
function line.of(command, argument)
  return command .. " " .. argument
end

return line
