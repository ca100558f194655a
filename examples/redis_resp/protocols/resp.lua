-- RESP, what Redis speaks (https://redis.io/docs/latest/develop/reference/protocol-spec/): values that begin with a
-- letter for their type and a line. Commands are arrays of strings; replies and pushes are any value.

local resp = {}

local CONTAINS = { ["*"] = 1, ["~"] = 1, [">"] = 1, ["%"] = 2 }
local LONG = { ["$"] = true, ["="] = true, ["!"] = true }

function resp.state() return {} end

-- A value is whole when none is open any more. Where the search stopped is kept, so that a long array is looked at once.
function resp.framing(bytes, from, state)
  local at, open = from + (state.seen or 0), state.open or 1
  repeat
    local ends = bytes:find("\r\n", at, true)
    if not ends then break end
    local kind, size = bytes:sub(at, at), math.tointeger(tonumber(bytes:sub(at + 1, ends - 1)))
    local following = ends + 2
    if LONG[kind] then
      assert(size, "a string without a length")
      if size >= 0 then following = following + size + 2 end
      if following > #bytes + 1 then
        state.seen, state.open = at - from, open
        return nil, following - from
      end
    elseif CONTAINS[kind] then
      open = open + math.max(assert(size, "an array without a length"), 0) * CONTAINS[kind]
    elseif not kind:find("[-+:_#,(]") then
      error("no value of RESP begins with " .. ("%q"):format(kind))
    end
    at, open = following, open - 1
  until open == 0
  if open == 0 then
    state.seen, state.open = nil, nil
    return from, at - 1
  end
  state.seen, state.open = at - from, open
end

local function value(bytes, at)
  local ends = bytes:find("\r\n", at, true)
  local kind, text, following = bytes:sub(at, at), bytes:sub(at + 1, ends - 1), ends + 2
  if kind == ":" then return math.tointeger(text), following end
  if kind == "," then return tonumber(text), following end
  if kind == "#" then return text == "t", following end
  if kind == "_" or text == "-1" then return nil, following end
  if LONG[kind] then return bytes:sub(following, following + text - 1), following + text + 2 end
  if not CONTAINS[kind] then return text, following end
  local list = {}
  for index = 1, text * CONTAINS[kind] do list[index], following = value(bytes, following) end
  return list, following
end

-- A push is named by its first value ("message", "subscribe"); an error is a reply that says no.
function resp.head(payload)
  local kind = payload:sub(1, 1)
  if kind == ">" then return { push = true, name = value(payload, 1)[1] } end
  if kind == "-" or kind == "!" then return { error = 1 } end
end

function resp.decode(_, bytes) return (value(bytes, 1)) end

function resp.encode(name, arguments)
  local words = { name, table.unpack(arguments or {}) }
  for index, word in ipairs(words) do
    word = tostring(word)
    words[index] = "$" .. #word .. "\r\n" .. word
  end
  return "*" .. #words .. "\r\n" .. table.concat(words, "\r\n") .. "\r\n"
end

-- What Redis does otherwise, for the fake servers of tests/: it is told commands, and says values.
resp.server = {}

function resp.server.head(payload) return { name = value(payload, 1)[1] } end

function resp.server.decode(_, bytes) return { table.unpack(value(bytes, 1), 2) } end

local function written(any)
  if math.type(any) == "integer" then return ":" .. any .. "\r\n" end
  if type(any) ~= "table" then any = tostring(any) return "$" .. #any .. "\r\n" .. any .. "\r\n" end
  local parts = { (any.push and ">" or "*") .. #any .. "\r\n" }
  for index, part in ipairs(any) do parts[index + 1] = written(part) end
  return table.concat(parts)
end

function resp.server.encode(_, body) return body == nil and "_\r\n" or written(body) end

return resp
