-- What runs at file level: `throng.mod`, `require`, tasks, sequences and handlers, and the mistakes people make there.

local P, N = ...
local error, ipairs, next, pairs, rawget, rawset = error, ipairs, next, pairs, rawget, rawset
local setmetatable, tostring, type = setmetatable, tostring, type

local mods, tasks, handlers = {}, {}, {}
P.mods, P.tasks, P.handlers = mods, tasks, handlers

-- What loading fails with: it goes to the user as file, line and message.
local Refusal = { __name = "load error" }
P.Refusal = Refusal
function Refusal.__tostring(refusal) return refusal.message end

local function refuse(message, file, line)
  if not file then file, line = N.where() end
  return error(setmetatable({ message = message, file = file, line = line }, Refusal), 0)
end

P.refuse = refuse

local function place_of(file, line) return (file or "?") .. ":" .. tostring(line or "?") end

local function not_loading(what)
  if P.loaded then
    return P.raise(what .. " belongs at file level of a mod: robots that already live would not know of it")
  end
end

local lifecycle = { init = true, start = true, stop = true, closed = true }
local meant = {
  on_start = "start", onstart = "start", on_stop = "stop", onstop = "stop", on_close = "closed", on_closed = "closed",
  onclose = "closed", onclosed = "closed", on_disconnect = "closed", on_init = "init", oninit = "init",
}
local reserved = { task = true, sequence = true, on = true, tasks = true, robot = true }

local function of_self(fn, written)
  local first = N.first_parameter(fn)
  if first ~= "self" then
    local file, line = N.defined(fn)
    refuse("this function gets the robot's object as self, but is declared with '.': write function " .. written .. "(...)", file, line)
  end
end

local function known_options(what, options, allowed)
  if options == nil then return {} end
  if type(options) ~= "table" then refuse(what .. " wants its options as a table, not " .. N.kind_of(options)) end
  for key in pairs(options) do
    if not allowed[key] then refuse(N.unknown("option of " .. what, tostring(key), allowed, true)) end
  end
  return options
end

-- Tasks ------------------------------------------------------------------------------------------------------------

local task_options = { weight = true, rate = true, when = true, timeout = true, wait = true, tags = true }
local sequence_options = {
  steps = true, weight = true, rate = true, when = true, timeout = true, wait = true, tags = true,
}

local function add_task(mod, name, options, fn, what)
  not_loading(what)
  if type(name) ~= "string" or name == "" then refuse(what .. " wants a name, not " .. N.kind_of(name)) end
  local full = mod.name .. "." .. name
  local file, line = N.where()
  for _, other in ipairs(tasks) do
    if other.name == full then
      refuse("task '" .. full .. "' is already defined at " .. place_of(other.file, other.line), file, line)
    end
  end
  if options.when ~= nil and type(options.when) ~= "function" then
    refuse("'when' of task '" .. full .. "' must be a function, not " .. N.kind_of(options.when), file, line)
  end
  local refused = N.check_task_options(options)
  if refused then refuse("task '" .. full .. "': " .. refused, file, line) end
  tasks[#tasks + 1] = {
    name = full, module = mod.index, fn = fn, steps = options.steps, weight = options.weight, rate = options.rate,
    when = options.when, timeout = options.timeout, wait = options.wait or mod.options.wait, tags = options.tags or mod.options.tags,
    file = file, line = line,
  }
end

local function task_function(name, fn)
  if type(fn) ~= "function" then
    refuse("task '" .. tostring(name) .. "' must be a function, not " .. N.kind_of(fn))
  end
  return fn
end

-- Handlers ---------------------------------------------------------------------------------------------------------

local handler_options = { connection = true, queue = true, header = true }

local function add_handler(mod, name, options, fn)
  not_loading("mod:on")
  if type(name) ~= "string" or name == "" then refuse("on wants the name of a message, not " .. N.kind_of(name)) end
  if type(fn) ~= "function" then refuse("the handler of '" .. name .. "' must be a function, not " .. N.kind_of(fn)) end
  options = known_options("on", options, handler_options)
  if options.connection ~= nil and type(options.connection) ~= "string" then
    refuse("'connection' of the handler of '" .. name .. "' must be a connection's name, not " .. N.kind_of(options.connection))
  end
  local file, line = N.where()
  for _, other in ipairs(handlers) do
    if other.module == mod.index and other.name == name and other.connection == options.connection then
      refuse("mod '" .. mod.name .. "' already handles '" .. name .. "' at " .. place_of(other.file, other.line), file, line)
    end
  end
  handlers[#handlers + 1] = {
    name = name, module = mod.index, fn = fn, connection = options.connection, queue = options.queue and true or false,
    header = options.header and true or false,
    file = file, line = line,
  }
end

-- Mods -------------------------------------------------------------------------------------------------------------

local by_class = setmetatable({}, { __mode = "k" })

local function mod_of(class, method)
  local mod = by_class[class]
  if not mod then refuse("write mod:" .. method .. "(...), with a colon") end
  return mod
end

local Class = { __name = "mod" }
local shared = {}

function shared.task(class, name, options, fn)
  local mod = mod_of(class, "task")
  if fn == nil and type(options) == "function" then options, fn = nil, options end
  options = known_options("task", options, task_options)
  add_task(mod, name, options, task_function(name, fn), "mod:task")
end

function shared.sequence(class, name, options, extra)
  local mod = mod_of(class, "sequence")
  options = known_options("sequence", options, sequence_options)
  if extra ~= nil then refuse("a sequence takes no function: its steps are methods of the mod, named in 'steps'") end
  if type(options.steps) ~= "table" or #options.steps == 0 then
    refuse("sequence '" .. tostring(name) .. "' wants steps = { \"first\", \"second\", ... }")
  end
  add_task(mod, name, options, nil, "mod:sequence")
end

local function define(mod, key, value)
  if P.loaded then
    return P.raise("mod '" .. mod.name .. "' is shared by all robots and frozen: put '" .. tostring(key) .. "' in self (in init)")
  end
  local name = tostring(key)
  local is_function = type(value) == "function"
  if reserved[key] then refuse("'" .. name .. "' is a word of mods: name it otherwise") end
  if is_function and meant[name:lower()] then
    refuse("there is no '" .. name .. "': write function " .. mod.name .. ":" .. meant[name:lower()] .. "()", N.defined(value))
  end
  if is_function and not lifecycle[name] and lifecycle[name:lower()] then
    refuse("there is no '" .. name .. "': write function " .. mod.name .. ":" .. name:lower() .. "()", N.defined(value))
  end
  if lifecycle[name] then
    if not is_function then refuse("'" .. name .. "' of mod '" .. mod.name .. "' must be a function, not " .. N.kind_of(value)) end
    of_self(value, mod.name .. ":" .. name)
  end
  local before = mod.methods[key]
  if is_function and type(before) == "function" then
    local file, line = N.defined(before)
    local here, at = N.defined(value)
    refuse("'" .. mod.name .. ":" .. name .. "' is already defined at " .. place_of(file, line), here, at)
  end
  mod.methods[key] = value
end

function Class.__index(class, key)
  local mod = by_class[class]
  local value = mod.methods[key]
  if value == nil then value = shared[key] end
  if value == nil then value = mod.tables[key] end
  return value
end

function Class.__newindex(class, key, value) return define(by_class[class], key, value) end
function Class.__tostring(class) return "mod " .. by_class[class].name end
function Class.__pairs(class) return next, by_class[class].methods, nil end

-- `mod.tasks` and `mod.on` as tables that functions are put in; `mod:on(...)` calls the latter.
local function shorthand_tables(mod)
  local on = setmetatable({}, {
    __call = function(_, class, name, options, fn)
      if by_class[class] ~= mod then refuse("write mod:on(...), with a colon") end
      if fn == nil and type(options) == "function" then options, fn = nil, options end
      return add_handler(mod, name, options, fn)
    end,
    __newindex = function(_, name, fn)
      if type(fn) == "function" then of_self(fn, mod.name .. ".on:" .. tostring(name)) end
      return add_handler(mod, name, nil, fn)
    end,
  })
  local short_tasks = setmetatable({}, {
    __newindex = function(_, name, fn)
      of_self(task_function(name, fn), mod.name .. ".tasks:" .. tostring(name))
      return add_task(mod, name, {}, fn, "mod.tasks")
    end,
  })
  return { on = on, tasks = short_tasks }
end

local mod_options = { needs = true, wait = true, tags = true, manual_ready = true }
local current

function P.throng.mod(options)
  if P.loaded or not current then
    return refuse("throng.mod() belongs at the top of a file in mods/; code that mods share is found by require")
  end
  local file, line = N.where()
  if current.class then refuse("this file has declared its mod already, at " .. place_of(current.file, current.line)) end
  options = known_options("throng.mod", options, mod_options)
  local refused = N.check_task_options(options)
  if refused then refuse("throng.mod: " .. refused) end
  local needs = options.needs
  if type(needs) == "string" then needs = { needs } end
  if needs ~= nil and type(needs) ~= "table" then refuse("'needs' must be a list of mods, not " .. N.kind_of(needs)) end
  local class = setmetatable({}, Class)
  local mod = {
    name = current.name, index = #mods + 1, options = options, needs = needs or {}, methods = {}, class = class,
    file = file, line = line,
  }
  mod.tables = shorthand_tables(mod)
  mods[mod.index] = mod
  by_class[class] = mod
  current.class, current.file, current.line = class, file, line
  return class
end

-- Files ------------------------------------------------------------------------------------------------------------

local loaded, loading = {}, {}
-- The file that is being loaded, by the name it is required by.
local file_name

local function run_file(name, kind, chunk, file)
  if loading[name] then
    refuse("'" .. name .. "' is required while it is still loading: two files require each other")
  end
  loading[name] = true
  local before, outer = current, file_name
  current, file_name = kind == "mod" and { name = name } or nil, name
  local value = chunk(name)
  local declared = current
  current, file_name = before, outer
  loading[name] = nil
  if kind == "mod" then
    if not declared.class then
      refuse("this file declares no mod: begin it with local " .. name .. " = throng.mod(), or move what it shares to lib/", file, 1)
    end
    if value ~= nil and value ~= declared.class then
      refuse("a mod's file returns its mod: return " .. name, file, 1)
    end
    value = declared.class
  elseif value == nil then
    value = true
  end
  loaded[name] = value
  return value
end

-- A file that nothing requires; several may have the same.
function P.run_file(name, kind, chunk, file)
  if loaded[name] ~= nil then return loaded[name] end
  return run_file(name, kind, chunk, file)
end

-- A file whose value no robot sees.
function P.run_unshared_file(name, kind, chunk, file)
  local value = run_file(name, kind, chunk, file)
  loaded[name] = nil
  return value
end

function P.require(name)
  if type(name) ~= "string" then return P.raise("require wants a name, not " .. N.kind_of(name)) end
  local value = loaded[name]
  if value ~= nil then return value end
  local library = P.libraries[name]
  if P.loaded and not library then
    return P.raise("require '" .. name .. "' at file level: what is loaded later would not be shared by all robots alike")
  end
  local kind, chunk, file, line
  if not P.loaded then kind, chunk, file, line = N.chunk(name) end
  -- A project's own file goes before a library of the same name.
  if not kind and library and not file then return library end
  if not kind then return refuse(chunk, file, line) end
  return run_file(name, kind, chunk, file)
end

function P.load_mod(name)
  return P.require(name)
end

-- The run ----------------------------------------------------------------------------------------------------------

-- Functions of the run, in load order. Robots' states keep them too, but only the control state calls them, so that they are
-- no roots of what is frozen: what only they capture is theirs.
local run_functions = {}
P.run_functions = run_functions

local function of_the_run(event)
  local what = "throng.run." .. event
  return function(fn)
    if P.loaded then
      return P.raise(what .. " belongs at file level of a mod or of lib/: a run that has begun would not know of it")
    end
    if type(fn) ~= "function" then refuse(what .. " wants a function, not " .. N.kind_of(fn)) end
    local file, line = N.where()
    run_functions[#run_functions + 1] = { event = event, fn = fn, module = file_name, file = file, line = line }
  end
end

P.throng.run = { on_start = of_the_run "on_start", on_stop = of_the_run "on_stop" }

-- A tail call, so that the traceback names the function by its place.
function P.call_run_function(index) return run_functions[index].fn() end

-- Everything is loaded: what could only be checked now, and the tables that robots are made from.
local function resolve_steps(task)
  local mod, functions = mods[task.module], {}
  for index, step in ipairs(task.steps) do
    local fn = mod.methods[step]
    if type(fn) ~= "function" then
      refuse(N.unknown("step", tostring(step), mod.methods, true) .. ": write function " .. mod.name .. ":" .. tostring(step) .. "()", task.file, task.line)
    end
    of_self(fn, mod.name .. ":" .. step)
    functions[index] = fn
  end
  task.step_functions = functions
end

function P.finish_loading()
  for _, task in ipairs(tasks) do
    if task.steps then resolve_steps(task) end
  end
  local order, names = {}, {}
  for _, mod in ipairs(mods) do order[mod.name], names[#names + 1] = mod.index, mod.name end
  P.mod_places = order
  for _, mod in ipairs(mods) do
    mod.meta = { __index = mod.methods, __name = mod.name, __metatable = "mod " .. mod.name }
    for index, need in ipairs(mod.needs) do
      if not order[need] then refuse(N.unknown("mod", tostring(need), names) .. ", which 'needs' names", mod.file, mod.line) end
      mod.needs[index] = order[need]
    end
  end
  P.loaded = true
end

-- What freezing begins with, beside the globals.
function P.roots()
  local roots = {}
  local function add(name, value) roots[#roots + 1] = { name = name, value = value } end
  for _, mod in ipairs(mods) do add(mod.name, mod.class) add(mod.name, mod.methods) end
  for _, task in ipairs(tasks) do
    add(task.name, task.fn)
    add(task.name, task.when)
  end
  for _, handler in ipairs(handlers) do add(handler.name, handler.fn) end
  for name, value in pairs(loaded) do add(name, value) end
  return roots
end
