-- The loop that every pooled coroutine runs: function after function, and what the host can ask it to run.

local P, N = ...
local error, select, setmetatable, xpcall = error, select, setmetatable, xpcall
local yield = coroutine.yield
local caught, describe, forget_carried, raise = P.caught, P.describe, P.forget_carried, P.raise
local DONE, WAIT = N.done, N.wait

local robots, connections, timers, calls, watches = {}, {}, {}, {}, {}
P.queued = {}
P.robots, P.connections, P.timers, P.calls, P.watches = robots, connections, timers, calls, watches

-- Waits for the operation that a native began, unless it refused to.
function P.block(refused)
  if refused then return raise(refused) end
  local ok, value = yield(WAIT)
  if ok then return value end
  return raise(value)
end

-- The same for a message that comes with its name.
function P.block_for_message(refused)
  if refused then return raise(refused) end
  local ok, value, name = yield(WAIT)
  if ok then return value, name end
  return raise(value)
end

-- The same, but a failure is returned: nil and the failure.
function P.try_block(refused)
  if refused then
    if type(refused) == "string" then return raise(refused) end
    refused.where = refused.where or N.place()
    return nil, refused
  end
  local ok, value = yield(WAIT)
  if ok then return value end
  value.where = value.where or N.place()
  return nil, value
end

-- What a handler returned, to the server if it asked.
P.answer = N.answer

local routines = {}
P.routines = routines

-- The numbers are those of the host's `Entry`.
routines[1] = function(robot, module) return robot[module]:start() end
routines[2] = function(robot, task) local spec = P.tasks[task] return spec.fn(robot[spec.module]) end
routines[3] = function(robot, task, step) local spec = P.tasks[task] return spec.step_functions[step](robot[spec.module]) end
routines[4] = function(robot, module) return robot[module]:stop() end
routines[5] = function(robot, module, connection, why)
  return robot[module]:closed(P.connection_object(robot, connection, why.name), why)
end
routines[6] = function(robot, handler, message, connection)
  local spec = P.handlers[handler]
  local fields
  if spec.header then message, fields = message.message, message.fields end
  -- What is called by no name of its own is known to tracebacks by its place.
  local answer = (spec.fn or raise)(robot[spec.module], message, P.connection_object(robot, connection), fields)
  if answer ~= nil then
    local refused = P.answer(answer, spec.fn)
    if refused then return raise(refused) end
  end
end
routines[7] = function(_, id) return timers[id]() end
routines[8] = function(_, id)
  local handle = calls[id]
  handle.results = table.pack(handle.fn())
  return P.settle(id, handle)
end
routines[9] = function(robot, task) local spec = P.tasks[task] return spec.when(robot[spec.module]) and true or false end
routines[10] = function(_, id, message) return watches[id].where(message) and true or false end
routines[11] = function(robot)
  for index, mod in ipairs(P.mods) do
    local init = mod.methods.init
    if init and rawget(robot, index) then init(robot[index]) end
  end
end
routines[12] = function(_, entry, argument) return P[entry](argument) end

local SPAWNED, WHEN, WHERE = 8, 9, 10

function P.drive(entry, slot, a, b, c)
  while true do
    forget_carried()
    local ok, outcome = xpcall(routines[entry], caught, robots[slot], a, b, c)
    if ok then
      -- An idle coroutine keeps nothing alive, so what nobody asked for goes.
      if entry ~= WHEN and entry ~= WHERE then outcome = nil end
      a, b, c = nil, nil, nil
      entry, slot, a, b, c = yield(DONE, true, outcome)
    else
      if entry == SPAWNED and calls[a] then P.settle(a, calls[a], outcome) end
      local counted, message, traceback = describe(outcome)
      outcome, a, b, c = nil, nil, nil, nil
      entry, slot, a, b, c = yield(DONE, false, counted, message, traceback)
    end
  end
end
