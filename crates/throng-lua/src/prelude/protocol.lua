-- Protocols in Lua: which functions a project's files give, and calling them for the host.
--
-- A side is what one end of a connection calls: robots, or a fake server, which speaks the same from the other end.

local P, N = ...
local assert, error, math_type, next, pairs, select = assert, error, math.type, next, pairs, select
local tostring, type, xpcall = tostring, type, xpcall
local routines = P.routines

-- Two for each protocol, robots' first.
local sides = {}
P.sides = sides
-- The tables that `state` made, by connection.
local states = {}
P.states = states
-- What the last call came to, and the frames it cut: first and last byte of the payload, and the frame's last.
local said, cuts = { count = 0 }, {}
P.said, P.cuts = said, cuts

local parts = {
  framing = true, frame = true, head = true, encode = true, decode = true, state = true,
}
local words = { framing = true, frame = true, head = true, encode = true, decode = true, state = true, server = true }

-- Loading ----------------------------------------------------------------------------------------------------------

local function check(given, known, what, file)
  for name, value in pairs(given) do
    if not known[name] then
      local line = type(value) == "function" and select(2, N.defined(value)) or 1
      P.refuse(N.unknown("function of a protocol", tostring(name), known, true) .. what, file, line)
    end
    local wanted = name == "server" and "table" or "function"
    if type(value) ~= wanted then
      P.refuse("'" .. name .. "'" .. what .. " must be a " .. wanted .. ", not " .. N.kind_of(value), file, 1)
    end
  end
end

function P.load_protocol(index)
  local kind, chunk, file, line = N.protocol_chunk(index)
  if not kind then P.refuse(chunk, file, line) end
  local given = P.run_file(file, kind, chunk, file)
  if type(given) ~= "table" then
    -- What returns nothing is loaded all the same.
    local found = given == true and "nothing" or N.kind_of(given)
    P.refuse("a protocol's file returns a table of its functions, not " .. found, file, 1)
  end
  check(given, words, "", file)
  local server = given.server or {}
  check(server, parts, " of 'server'", file)
  local robots, servers = {}, {}
  for name in pairs(parts) do
    robots[name] = given[name]
    servers[name] = server[name] or given[name]
  end
  sides[2 * index - 1], sides[2 * index] = robots, servers
end

-- Calling ----------------------------------------------------------------------------------------------------------

-- Whether the error is about what a function gave, and so a mistake in it.
local mistaken

-- What was raised by `error` or `assert` is a verdict on what came; anything else is a mistake in the function.
local function blame(value)
  local message, traceback, deliberate = N.blame(value, error, assert)
  said.message, said.traceback, said.deliberate = message, traceback, deliberate and not mistaken
end

local function wrong(fn, text)
  mistaken = true
  local file, line = N.defined(fn)
  return error((file or "?") .. ":" .. tostring(line or "?") .. ": " .. text, 0)
end

local function run(fn, side, ...)
  mistaken, said.message = false, nil
  said.ok = xpcall(fn, blame, side and sides[side], ...)
end

local function state_of(side, key)
  local make = side.state
  if not make then return nil end
  local state = states[key]
  if state == nil then
    state = make()
    if type(state) ~= "table" then wrong(make, "state gives the table of a connection, not " .. N.kind_of(state)) end
    states[key] = state
  end
  return state
end

-- Where a frame is and where the next begins, checked.
local function placed(framing, at, size, first, last, following)
  if math_type(first) ~= "integer" or math_type(last) ~= "integer" then
    wrong(framing, "framing gives the first and the last byte of a payload, or nil, not " .. N.kind_of(first) .. " and " .. N.kind_of(last))
  end
  if following == nil then following = last + 1 end
  if math_type(following) ~= "integer" then
    wrong(framing, "framing says with its third result where the next frame begins, not " .. N.kind_of(following))
  end
  if first < at or last < first - 1 or following <= at or following <= last or following > size + 1 then
    wrong(framing, ("framing gives the bytes %d to %d and goes on at %d, of the bytes %d to %d"):format(first, last, following, at, size))
  end
  return following - 1
end

local function cut(side, bytes, key)
  local framing, state, size, at, count = side.framing, state_of(side, key), #bytes, 1, 0
  said.at_least = 1
  while at <= size do
    local first, last, following = side.framing(bytes, at, state)
    if first == nil then
      local at_least = last
      if at_least == nil then at_least = size - at + 2 end
      if math_type(at_least) ~= "integer" then
        wrong(framing, "framing says behind nil how many bytes the frame has at least, not " .. N.kind_of(at_least))
      end
      if at_least <= size - at + 1 then
        wrong(framing, ("framing wants %d bytes of a frame of which it was given %d"):format(at_least, size - at + 1))
      end
      said.at_least = at_least
      return
    end
    local ending = placed(framing, at, size, first, last, following)
    cuts[count + 1], cuts[count + 2], cuts[count + 3] = first, last, ending
    count = count + 3
    said.count = count
    at = ending + 1
  end
end

local head_fields = { name = "string", session = "integer", push = "boolean", body = "integer", error = "integer" }
local wanted_words = { string = "a string", integer = "a whole number", boolean = "true or false" }

local function head(side, payload, key)
  local fn = side.head
  local found = side.head(payload, state_of(side, key))
  if found == nil then return end
  if type(found) ~= "table" then wrong(fn, "head gives a table, or nothing, not " .. N.kind_of(found)) end
  for name, value in next, found do
    local wanted = head_fields[name]
    if not wanted then wrong(fn, "head: " .. N.unknown("field", tostring(name), head_fields, true)) end
    if type(value) ~= wanted and math_type(value) ~= wanted then
      wrong(fn, "head: '" .. name .. "' is " .. wanted_words[wanted] .. ", not " .. N.kind_of(value))
    end
    said[name] = value
  end
  local body = found.body
  if body and (body < 1 or body > #payload + 1) then
    wrong(fn, ("head: the body cannot begin at byte %d of %d"):format(body, #payload))
  end
end

local function decode(side, name, bytes, key)
  said.value = side.decode(name, bytes, state_of(side, key))
end

local function bytes_of(fn, word, bytes)
  if type(bytes) ~= "string" then wrong(fn, word .. " gives a string of bytes, not " .. N.kind_of(bytes)) end
  said.value = bytes
end

local function encode(side, key, name, body, session)
  bytes_of(side.encode, "encode", side.encode(name, body, session, state_of(side, key)))
end

local function frame(side, key, payload)
  bytes_of(side.frame, "frame", side.frame(payload, state_of(side, key)))
end

-- The numbers are those of the host's `Entry`.
routines[13] = function(_, side, bytes, key)
  said.count = 0
  return run(cut, side, bytes, key)
end
routines[14] = function(_, side, payload, key)
  said.name, said.session, said.push, said.body, said.error = nil, nil, nil, nil, nil
  return run(head, side, payload, key)
end
routines[15] = function(_, side, given, key) return run(decode, side, given[1], given[2], key) end
routines[16] = function(_, side, key, given) return run(encode, side, key, given[1], given[2], given[3]) end
routines[17] = function(_, side, key, payload) return run(frame, side, key, payload) end

-- Functions that encrypt or decrypt for a connection, by number.
local ciphers = {}
P.ciphers = ciphers

local function apply(_, fn, bytes)
  local changed = fn(bytes)
  if type(changed) ~= "string" then wrong(fn, "a cipher gives a string of bytes, not " .. N.kind_of(changed)) end
  if #changed ~= #bytes then
    wrong(fn, ("a cipher gives as many bytes as it gets: %d, not %d"):format(#bytes, #changed))
  end
  said.value = changed
end

routines[18] = function(_, id, bytes) return run(apply, nil, ciphers[id], bytes) end

-- The same within a turn of a robot's, which waits for it.
function P.encode_now(side, key, name, body, session) return run(encode, side, key, name, body, session) end
function P.frame_now(side, key, payload) return run(frame, side, key, payload) end
