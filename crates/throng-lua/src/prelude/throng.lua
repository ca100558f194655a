-- The global `throng`: what a script can say that is not about one robot or one connection.

local P, N = ...
local error, ipairs, pairs, select, setmetatable, tostring, type = error, ipairs, pairs, select, setmetatable, tostring, type
local pack, unpack, concat = table.pack, table.unpack, table.concat
local raise = P.raise

local throng = { version = N.version, host = N.host, options = N.options }
P.throng = throng

-- What `require` finds without a file.
P.libraries = {}

local function name_of(what, name)
  if type(name) ~= "string" or name == "" then raise(what .. " wants a name, not " .. N.kind_of(name)) end
  return name
end

function throng.check(name, ok)
  local refused = N.check(name_of("check", name), ok and true or false)
  if refused then raise(refused) end
  return ok
end

function throng.fail(text, fields)
  if type(text) ~= "string" then raise("fail wants a text, not " .. N.kind_of(text)) end
  return raise(N.fail(text, fields))
end

function throng.measure(name, fn)
  name_of("measure", name)
  P.function_of("measure", fn)
  local begin = N.nanoseconds()
  local results = pack(fn())
  local refused = N.record_nanoseconds(name, N.nanoseconds() - begin)
  if refused then raise(refused) end
  return unpack(results, 1, results.n)
end

function throng.record(name, time)
  local refused = N.record(name_of("record", name), time)
  if refused then raise(refused) end
end

function throng.count(name, count)
  local refused = N.count(name_of("count", name), count)
  if refused then raise(refused) end
end

-- Whoever leaves a group by an error leaves it all the same.
local Scope = {
  __close = function(scope, problem)
    N.leave_group(scope.outer)
    if problem ~= nil then N.group_ran(scope.name, N.nanoseconds() - scope.began, true) end
  end,
}

function throng.group(name, fn)
  name_of("group", name)
  P.function_of("group", fn)
  local refused, outer, whole = N.enter_group(name)
  if refused then raise(refused) end
  local scope <close> = setmetatable({ outer = outer, name = whole, began = N.nanoseconds() }, Scope)
  local results = pack(fn())
  N.group_ran(whole, N.nanoseconds() - scope.began, false)
  return unpack(results, 1, results.n)
end

-- Whether a number that a server counts up is the next one; nothing else is said of the first.
function throng.in_order(name, number, key)
  local refused, is_next = N.in_order(name_of("in_order", name), number, key)
  if refused then raise(refused) end
  return is_next
end

function throng.gap(name, key)
  local refused = N.gap(name_of("gap", name), key)
  if refused then raise(refused) end
end

function throng.delay(name, time, unit, clock)
  local refused = N.delay(name_of("delay", name), time, unit, clock)
  if refused then raise(refused) end
end

throng.now = N.now
throng.time = N.time

local function line(...)
  local parts = pack(...)
  for index = 1, parts.n do parts[index] = tostring(parts[index]) end
  return concat(parts, "\t")
end

throng.log = {}
for level, name in ipairs { "debug", "info", "warn", "error" } do
  throng.log[name] = function(...) N.log(level, line(...)) end
end

local INFO = 2
function P.print(...) N.log(INFO, line(...)) end
