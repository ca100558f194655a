-- Connection objects: { key, message ids by name, name = name }.

local P, N = ...
local getmetatable, ipairs, rawget, rawset, setmetatable = getmetatable, ipairs, rawget, rawset, setmetatable
local error, tostring, type = error, tostring, type
local block, block_for_message, raise, try_block = P.block, P.block_for_message, P.raise, P.try_block
local connections, watches, robots = P.connections, P.watches, P.robots

local Connection, methods = { __name = "connection" }, {}
P.Connection = Connection

function Connection.__index(connection, key)
  if key == "is_open" then return N.is_open(connection[1]) end
  return methods[key]
end

function Connection.__newindex(connection, key)
  return raise("a connection has no field of its own for '" .. tostring(key) .. "': put it in self")
end

function Connection.__tostring(connection) return "connection " .. connection.name end

local no_messages = setmetatable({}, {
  __index = function() return raise("a stream has no messages: use write, read_line, read_exactly and read_until") end,
})

-- `N.names` gives one table per protocol, so that its names are looked up in the engine once. What is called most is in the
-- object itself.
function P.new_connection(key, name)
  return setmetatable({
    key, N.names(key) or no_messages,
    name = name, request = methods.request, try_request = methods.try_request, send = methods.send,
  }, Connection)
end

local function of_connection(connection, method)
  if getmetatable(connection) ~= Connection then raise("write connection:" .. method .. "(...), with a colon") end
end

-- The id of a message, or nil and what refused it.
local function message_of(connection, method, name)
  of_connection(connection, method)
  if type(name) ~= "string" then raise(method .. " wants the name of a message, not " .. N.kind_of(name)) end
  local id = connection[2][name]
  if id then return id end
  local refused, found, lasting = N.message(connection[1], name, connection.name)
  if refused then return nil, refused end
  if lasting then connection[2][name] = found end
  return found
end

-- A connection that has ended refuses with false, because it no longer knows its name.
local function refusal_of(connection, name, refused)
  if refused == false then return N.ended(connection[1], name, connection.name) end
  return refused
end

-- What the native functions below leave to the prelude: names they see for the first time, options, mistakes, failures.
local function request(connection, name, body, options)
  local id, refused = message_of(connection, "request", name)
  if not refused then refused = refusal_of(connection, name, N.request(connection[1], id, body, options)) end
  return block(refused)
end

local function try_request(connection, name, body, options)
  local id, refused = message_of(connection, "try_request", name)
  if not refused then refused = refusal_of(connection, name, N.request(connection[1], id, body, options)) end
  return try_block(refused)
end

local function send(connection, name, body, options)
  local id, refused = message_of(connection, "send", name)
  if not refused then refused = refusal_of(connection, name, N.send(connection[1], id, body, options)) end
  if refused then raise(refused) end
end

methods.request = N.asking(request, function(failure) return raise(failure or N.refused()) end)
methods.try_request = N.asking(try_request, function(failure) return try_block(failure or N.refused()) end)
methods.send = N.sending(send, function() return raise(N.refused()) end)

function methods.close(connection)
  of_connection(connection, "close")
  local key = connection[1]
  N.close(key)
  connections[key] = nil
  local robot = robots[N.slot()]
  local open = robot and P.shelf(robot)
  if open and rawget(open, connection.name) == connection then rawset(open, connection.name, nil) end
end

-- From the next frame on; a stream belongs to its connection then.
function methods.cipher(connection, options)
  of_connection(connection, "cipher")
  if type(options) ~= "table" then raise('cipher wants { send = stream, receive = stream, covers = "body" or "all" }') end
  local refused = N.cipher(connection[1], P.cipher_of(options.send), P.cipher_of(options.receive), options.covers)
  if refused then raise(refused) end
end

function methods.drop(connection)
  of_connection(connection, "drop")
  N.drop(connection[1])
end

function methods.every(connection, time, fn, options)
  of_connection(connection, "every")
  return P.every(connection[1], time, fn, options)
end

-- Streams ----------------------------------------------------------------------------------------------------------

function methods.write(connection, bytes)
  of_connection(connection, "write")
  local refused = N.write(connection[1], bytes)
  if refused then raise(refused) end
end

function methods.read_line(connection, options)
  of_connection(connection, "read_line")
  return block(N.read(connection[1], "line", nil, options))
end

function methods.read_exactly(connection, count, options)
  of_connection(connection, "read_exactly")
  return block(N.read(connection[1], "exactly", count, options))
end

function methods.read_until(connection, bytes, options)
  of_connection(connection, "read_until")
  return block(N.read(connection[1], "until", bytes, options))
end

-- Watches ----------------------------------------------------------------------------------------------------------

local Watch = { __name = "watch" }
Watch.__index = Watch

local function arm(connection, method, names, options, once)
  of_connection(connection, method)
  if type(names) == "string" then names = { names } end
  if type(names) ~= "table" or #names == 0 then
    raise(method .. " wants the name of a message or a list of names, not " .. N.kind_of(names))
  end
  if options ~= nil and type(options) ~= "table" then
    raise(method .. " wants its options as a table, not " .. N.kind_of(options))
  end
  local where = options and options.where
  if where ~= nil then P.function_of(method .. "'s where", where) end
  local refused, id = N.watch(connection[1], names, where ~= nil, once, options)
  if refused then raise(refused) end
  watches[id] = setmetatable({ id, where = where, first = 1, last = 0 }, Watch)
  return watches[id]
end

function methods.watch(connection, names, options)
  return arm(connection, "watch", names, options, false)
end

function methods.expect(connection, names, options)
  local watch = arm(connection, "expect", names, options, true)
  local id = watch[1]
  local refused = N.await(id, options and options.timeout, options)
  if refused then
    N.disarm(id)
    watches[id] = nil
  end
  return block_for_message(refused)
end

-- The host's side of a watch: a message is queued; of a full queue the oldest is lost, and true says so.
function P.offer(id, message, name, limit)
  local watch = watches[id]
  local last = watch.last + 1
  watch.last = last
  watch[-last] = { message, name }
  if last - watch.first < limit then return false end
  watch[-watch.first] = nil
  watch.first = watch.first + 1
  return true
end

local function of_watch(watch, method)
  if getmetatable(watch) ~= Watch then raise("write watch:" .. method .. "(...), with a colon") end
end

function Watch.next(watch, time, options)
  of_watch(watch, "next")
  if type(time) == "table" then time, options = time.timeout, time end
  while true do
    local first = watch.first
    local item = watch[-first]
    if item then
      watch[-first] = nil
      watch.first = first + 1
      return item[1], item[2]
    end
    block(N.await(watch[1], time, options))
  end
end

function Watch.close(watch)
  of_watch(watch, "close")
  N.disarm(watch[1])
  watches[watch[1]] = nil
end

-- Fields that a message does not have ------------------------------------------------------------------------------

-- They are not sent. A run is too fast to say so; a project that is tried hears of each once, one that is tested at once.
if N.stray_fields then
  local said = {}
  local function tell(stray, place)
    if N.stray_fields == "refuse" then return error(place .. ": " .. stray, 0) end
    local text = place .. ": " .. stray .. " (it is not sent)"
    if said[text] then return end
    said[text] = true
    N.log(3, text)
  end
  local function look(connection, name, body)
    local stray = type(body) == "table" and N.stray_field(connection[1], name, body)
    if stray then tell(stray, N.place() or "?") end
  end
  -- A handler that has returned is known by where it is written.
  function P.answer(answer, handler)
    local stray = N.stray_in_answer(answer)
    if stray then
      local file, line = N.defined(handler)
      tell(stray, tostring(file) .. ":" .. tostring(line))
    end
    return N.answer(answer)
  end
  for _, method in ipairs { "request", "try_request", "send" } do
    local plain = methods[method]
    methods[method] = function(connection, name, body, options)
      if getmetatable(connection) == Connection and type(name) == "string" then look(connection, name, body) end
      return plain(connection, name, body, options)
    end
  end
end
