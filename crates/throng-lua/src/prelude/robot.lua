-- The robot object: one light table per robot that holds its mods' objects and its connections.

local P, N = ...
local error, getmetatable, ipairs, next, pairs, rawget, rawset = error, getmetatable, ipairs, next, pairs, rawget, rawset
local select, setmetatable, tostring, type = select, setmetatable, tostring, type
local unpack, yield = table.unpack, coroutine.yield
local block, raise, rethrow = P.block, P.raise, P.rethrow
local robots, connections, timers, calls = P.robots, P.connections, P.timers, P.calls
local WAIT = N.wait

local Robot, methods = { __name = "robot" }, {}
local Connections, Mods = { __name = "connections" }, { __name = "mods" }

-- Where a robot keeps what scripts see under other names and cannot assign: its number, and what is made when it is asked for.
local ID, MODS, CONNECTIONS, OPEN, SCENARIO = {}, {}, {}, {}, {}

-- The table of a robot's connections by name. In a run it is the robot itself, where they are found fastest, and where
-- assigning to the name of one goes unseen. In a project that is tried or tested it is another, and nothing goes unseen.
local APART = N.stray_fields ~= nil
local function shelf(robot)
  if APART then return rawget(robot, OPEN) end
  return robot
end
P.shelf = shelf

local function names_of(robot)
  local names = {}
  for name, value in next, shelf(robot) do
    if getmetatable(value) == P.Connection then names[#names + 1] = name end
  end
  return names
end

local function connection_of(robot, name)
  local found = rawget(shelf(robot), name)
  if getmetatable(found) == P.Connection then return found end
  return raise(N.not_connected(tostring(name), names_of(robot)))
end

function Connections.__index(proxy, name) return connection_of(proxy[CONNECTIONS], name) end
function Connections.__newindex() return raise("connections are opened by robot:connect(name, url)") end
function Connections.__pairs(proxy)
  local open = shelf(proxy[CONNECTIONS])
  return function(_, last)
    local name, value = last, nil
    repeat name, value = next(open, name) until name == nil or getmetatable(value) == P.Connection
    return name, value
  end, proxy, nil
end

function Mods.__index(proxy, name)
  local place = P.mod_places[name]
  if place then
    local mod = rawget(proxy[MODS], place)
    if mod then return mod end
    return raise("robots of the scenario '" .. proxy[MODS].scenario .. "' have no mod '" .. name .. "'")
  end
  local known = {}
  for index, mod in ipairs(P.mods) do known[index] = mod.name end
  return raise(N.unknown("mod", tostring(name), known))
end

function Mods.__newindex(_, name)
  return raise("'" .. tostring(name) .. "' cannot be set: robot.mods holds the robot's mods and nothing else; put it in self")
end

function Mods.__pairs(proxy)
  local robot, index = proxy[MODS], 0
  return function()
    local mod
    repeat
      index = index + 1
      mod = P.mods[index]
    until not mod or rawget(robot, index)
    if mod then return mod.name, robot[index] end
  end, proxy, nil
end

local function made_once(slot, meta)
  return function(robot)
    local value = rawget(robot, slot)
    if not value then
      value = setmetatable({ [slot] = robot }, meta)
      rawset(robot, slot, value)
    end
    return value
  end
end

-- What is asked for seldom takes no room in a robot.
local fields = {
  id = function(robot) return rawget(robot, ID) end,
  name = function(robot) return "robot-" .. rawget(robot, ID) end,
  scenario = function(robot) return rawget(robot, SCENARIO) end,
  mods = made_once(MODS, Mods),
  connections = made_once(CONNECTIONS, Connections),
}

local reserved = {}
for name in pairs(fields) do reserved[name] = true end

function Robot.__index(robot, key)
  local method = methods[key]
  if method then return method end
  local field = fields[key]
  if field then return field(robot) end
  return connection_of(robot, key)
end

function Robot.__newindex(robot, key)
  if getmetatable(rawget(shelf(robot), key)) == P.Connection then
    return raise("'" .. tostring(key) .. "' of a robot cannot be set: it is a connection; put what is yours in self")
  end
  if reserved[key] then
    return raise("'" .. tostring(key) .. "' of a robot cannot be set: it is a word of robots; put what is yours in self")
  end
  return raise("the robot object has no field of its own for '" .. tostring(key) .. "': put it in self")
end

function Robot.__tostring(robot) return robot.name end

-- The mods that robots of a scenario do not have, by its name.
P.left_out = {}

-- Objects of a new life; nothing of the user's runs here.
function P.born(slot, id, scenario)
  local robot = { [ID] = id, [SCENARIO] = scenario }
  if APART then robot[OPEN] = {} end
  local left_out = scenario and P.left_out[scenario]
  for index, mod in ipairs(P.mods) do
    if not (left_out and left_out[index]) then robot[index] = setmetatable({ robot = robot }, mod.meta) end
  end
  robots[slot] = setmetatable(robot, Robot)
end

function P.forget(slot)
  local robot = robots[slot]
  robots[slot] = nil
  if not robot then return end
  for _, value in next, shelf(robot) do
    if getmetatable(value) == P.Connection then connections[value[1]] = nil end
  end
end

-- `name` where the caller knows it; the host is asked otherwise.
function P.connection_object(robot, key, name)
  local object = connections[key]
  if object then return object end
  return P.new_connection(key, name or N.connection_name(key))
end

local function function_of(what, fn)
  if type(fn) ~= "function" then raise(what .. " wants a function, not " .. N.kind_of(fn)) end
  return fn
end
P.function_of = function_of

local function of_robot(robot, method)
  if getmetatable(robot) ~= Robot then raise("write robot:" .. method .. "(...), with a colon") end
end

function methods.connect(robot, name, url, options)
  of_robot(robot, "connect")
  if type(name) ~= "string" or name == "" then raise("connect wants a name for the connection, not " .. N.kind_of(name)) end
  if reserved[name] then raise("'" .. name .. "' cannot name a connection: the robot has something else of that name") end
  local key = block(N.connect(name, url, options))
  local object = P.new_connection(key, name)
  local open = shelf(robot)
  local old = rawget(open, name)
  if old then connections[old[1]] = nil end
  connections[key] = object
  rawset(open, name, object)
  return object
end

function methods.sleep(robot, time)
  of_robot(robot, "sleep")
  return block(N.sleep(time))
end

function methods.ready(robot)
  of_robot(robot, "ready")
  N.ready()
end

function methods.restart(robot)
  of_robot(robot, "restart")
  return block(N.restart())
end

function methods.stop(robot)
  of_robot(robot, "stop")
  return block(N.stop())
end

-- Timers -----------------------------------------------------------------------------------------------------------

local Timer = { __name = "timer" }
Timer.__index = Timer

function P.every(connection, time, fn, options)
  function_of("every", fn)
  local refused, id = N.every(connection, time, options)
  if refused then raise(refused) end
  timers[id] = fn
  return setmetatable({ id }, Timer)
end

function Timer.cancel(timer)
  if getmetatable(timer) ~= Timer then raise("write timer:cancel(), with a colon") end
  N.cancel_timer(timer[1])
  timers[timer[1]] = nil
end

function methods.every(robot, time, fn, options)
  of_robot(robot, "every")
  return P.every(nil, time, fn, options)
end

-- Spawned functions ------------------------------------------------------------------------------------------------

local Handle = { __name = "spawned" }
Handle.__index = Handle

local function launch(fn, group)
  local refused, id = N.spawn(group ~= nil)
  if refused then return nil, refused end
  local handle = setmetatable({ id, fn = fn, group = group }, Handle)
  calls[id] = handle
  return handle
end

-- A spawned function has ended: `outcome` is its error, if it ended with one.
function P.settle(id, handle, outcome)
  calls[id] = nil
  handle.fn = nil
  handle.done = true
  local group = handle.group
  if not group then
    if outcome then handle.failure = P.as_failure(outcome) end
    return
  end
  group.pending = group.pending - 1
  if outcome and not group.outcome then group.outcome = outcome end
  if group.operation and (group.outcome or group.pending == 0) then
    N.wake(group.operation)
    group.operation = nil
  end
end

function methods.spawn(robot, fn)
  of_robot(robot, "spawn")
  local handle, refused = launch(function_of("spawn", fn))
  if refused then raise(refused) end
  return handle
end

local function of_handle(handle, method)
  if getmetatable(handle) ~= Handle then raise("write handle:" .. method .. "(...), with a colon, on what spawn returned") end
end

function Handle.wait(handle, time)
  of_handle(handle, "wait")
  if not handle.done then block(N.join(handle[1], time)) end
  if handle.failure then return rethrow(handle.failure) end
  return unpack(handle.results, 1, handle.results.n)
end

function Handle.cancel(handle)
  of_handle(handle, "cancel")
  if handle.done then return end
  local refused = N.cancel_spawned(handle[1])
  if refused then raise(refused) end
  P.settle(handle[1], handle, setmetatable({ kind = "closed", message = "the spawned function was cancelled" }, P.Failure))
end

-- The functions of an `all` that still run are not wanted any more.
local function cancel_all(handles)
  for _, handle in ipairs(handles) do
    if not handle.done then
      handle.done = true
      N.cancel_spawned(handle[1])
      calls[handle[1]] = nil
    end
  end
end

function methods.all(robot, ...)
  of_robot(robot, "all")
  local count = select("#", ...)
  if count == 0 then return end
  for index = 1, count do function_of("all", (select(index, ...))) end
  local refused = N.may_block()
  if refused then return raise(refused) end
  local group, handles = { pending = count }, {}
  for index = 1, count do
    local handle
    handle, refused = launch((select(index, ...)), group)
    if refused then
      cancel_all(handles)
      return raise(refused)
    end
    handles[index] = handle
  end
  local refusal, operation = N.gather()
  group.operation = operation
  block(refusal)
  if group.outcome then
    cancel_all(handles)
    return rethrow(group.outcome)
  end
  local results = {}
  for index = 1, count do results[index] = handles[index].results[1] end
  return unpack(results, 1, count)
end

for name in pairs(methods) do reserved[name] = true end
