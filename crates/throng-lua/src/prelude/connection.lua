-- Connection objects: { key, message ids by name, name = name }.

local P, N = ...
local getmetatable, rawget, rawset, setmetatable, type = getmetatable, rawget, rawset, setmetatable, type
local block, block_for_message, raise, try_block = P.block, P.block_for_message, P.raise, P.try_block
local connections, watches, robots = P.connections, P.watches, P.robots

local Connection = { __name = "connection" }
Connection.__index = Connection
P.Connection = Connection

function Connection.__tostring(connection) return "connection " .. connection.name end

local no_messages = setmetatable({}, {
  __index = function() return raise("a stream has no messages: use write, read_line, read_exactly and read_until") end,
})

-- `N.names` gives one table per protocol, so that its names are looked up in the engine once.
function P.new_connection(key, name)
  return setmetatable({ key, N.names(key) or no_messages, name = name }, Connection)
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

-- The look-up in the cache comes first, because this is the path of every request; what it finds proves the rest.
function Connection.request(connection, name, body, options)
  local names = connection[2]
  local id, refused = names and names[name]
  if not id then
    id, refused = message_of(connection, "request", name)
    if refused then return raise(refused) end
  end
  return block(N.request(connection[1], id, body, options))
end

function Connection.try_request(connection, name, body, options)
  local id, refused = message_of(connection, "try_request", name)
  return try_block(refused or N.request(connection[1], id, body, options))
end

function Connection.send(connection, name, body)
  local id, refused = message_of(connection, "send", name)
  refused = refused or N.send(connection[1], id, body)
  if refused then raise(refused) end
end

function Connection.close(connection)
  of_connection(connection, "close")
  local key = connection[1]
  N.close(key)
  connections[key] = nil
  local robot = robots[N.slot()]
  if robot and rawget(robot, connection.name) == connection then rawset(robot, connection.name, nil) end
end

function Connection.drop(connection)
  of_connection(connection, "drop")
  N.drop(connection[1])
end

function Connection.is_open(connection)
  of_connection(connection, "is_open")
  return N.is_open(connection[1])
end

function Connection.every(connection, time, fn, options)
  of_connection(connection, "every")
  return P.every(connection[1], time, fn, options)
end

-- Streams ----------------------------------------------------------------------------------------------------------

function Connection.write(connection, bytes)
  of_connection(connection, "write")
  local refused = N.write(connection[1], bytes)
  if refused then raise(refused) end
end

function Connection.read_line(connection, options)
  of_connection(connection, "read_line")
  return block(N.read(connection[1], "line", nil, options))
end

function Connection.read_exactly(connection, count, options)
  of_connection(connection, "read_exactly")
  return block(N.read(connection[1], "exactly", count, options))
end

function Connection.read_until(connection, bytes, options)
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
  local where = options and options.where
  if where ~= nil then P.function_of(method .. "'s where", where) end
  local refused, id = N.watch(connection[1], names, where ~= nil, once)
  if refused then raise(refused) end
  watches[id] = setmetatable({ id, where = where, first = 1, last = 0 }, Watch)
  return watches[id]
end

function Connection.watch(connection, names, options)
  return arm(connection, "watch", names, options, false)
end

function Connection.expect(connection, names, options)
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

function P.disarm(id) watches[id] = nil end

function Watch.next(watch, time, options)
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
  N.disarm(watch[1])
  watches[watch[1]] = nil
end
