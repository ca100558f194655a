-- What tests see: `throng.test`, a test's world, its fake servers with their clients, and the robots under test.

local P, T = ...
local globals = _G
local getmetatable, ipairs, pcall, setmetatable, tostring, type = getmetatable, ipairs, pcall, setmetatable, tostring, type
local N, block, raise, robots = P.natives, P.block, P.raise, P.robots

-- Messages of one name that a server keeps for `received`.
local KEPT = 1000

-- Raises what a native refused, with the caller's line.
local function done(refused, ...)
  if refused then return raise(refused) end
  return ...
end

local function of(meta, object, written)
  if getmetatable(object) ~= meta then raise("write " .. written .. "(...), with a colon") end
end

-- What natives know servers and clients by. It is kept apart from the objects, which are the test's to write to.
local ids = setmetatable({}, { __mode = "k" })

local function function_of(what, fn)
  if type(fn) ~= "function" then raise(what .. " wants a function, not " .. N.kind_of(fn)) end
  return fn
end

-- Clients ----------------------------------------------------------------------------------------------------------

local Client, clients, servers = { __name = "client" }, {}, {}
Client.__index = Client

local function client_of(id)
  local client = clients[id]
  if not client then
    client = setmetatable({ id = id }, Client)
    clients[id], ids[client] = client, id
  end
  return client
end

-- `reply(fields [, how])` answers the oldest message that waits, `reply(name, fields [, how])` the oldest of that name; `how` is
-- a delay, or { delay, header }.
function Client.reply(client, name, fields, how)
  of(Client, client, "client:reply")
  if type(name) == "string" and not T.speaks_raw(ids[client]) then return done(T.reply(ids[client], name, fields, how)) end
  return done(T.reply(ids[client], nil, name, fields))
end

function Client.push(client, name, fields, how)
  of(Client, client, "client:push")
  if T.speaks_raw(ids[client]) then return done(T.push_bytes(ids[client], name, fields)) end
  if type(name) ~= "string" then raise("push wants the name of a message, not " .. N.kind_of(name)) end
  return done(T.push(ids[client], name, fields, how))
end

-- Robots answer by what their handler returns; `server:answers` has it.
function Client.ask(client, name, fields, how)
  of(Client, client, "client:ask")
  if type(name) ~= "string" then raise("ask wants the name of a message, not " .. N.kind_of(name)) end
  return done(T.ask(ids[client], name, fields, how))
end

function Client.write(client, bytes, delay)
  of(Client, client, "client:write")
  return done(T.bytes(ids[client], bytes, delay))
end

function Client.close(client, code)
  of(Client, client, "client:close")
  return T.close(ids[client], code)
end

function Client.reset(client)
  of(Client, client, "client:reset")
  return T.reset(ids[client])
end

function Client.is_open(client)
  of(Client, client, "client:is_open")
  return T.is_open(ids[client])
end

-- Servers ----------------------------------------------------------------------------------------------------------

local Server = { __name = "server" }
Server.__index = Server

function Server.on(server, name, fn)
  of(Server, server, "server:on")
  if type(name) ~= "string" then raise("on wants the name of a message, not " .. N.kind_of(name)) end
  done(T.known(ids[server], name, "receive"))
  server.handlers[name] = function_of("on", fn)
end

function Server.on_message(server, fn)
  of(Server, server, "server:on_message")
  server.any = function_of("on_message", fn)
end

-- What robots send before the protocol's own rules hold.
function Server.on_first(server, fn)
  of(Server, server, "server:on_first")
  function_of("on_first", fn)
  done(T.has_first(ids[server]))
  server.first = fn
end

function Server.on_bytes(server, fn)
  of(Server, server, "server:on_bytes")
  function_of("on_bytes", fn)
  done(T.make_stream(ids[server]))
  server.bytes = fn
end

function Server.on_connect(server, fn)
  of(Server, server, "server:on_connect")
  server.connected = function_of("on_connect", fn)
end

function Server.on_close(server, fn)
  of(Server, server, "server:on_close")
  server.closed = function_of("on_close", fn)
end

function Server.count(server, name)
  of(Server, server, "server:count")
  if name == nil then return server.total end
  done(T.known(ids[server], name, "receive"))
  return server.counts[name] or 0
end

function Server.received(server, name)
  of(Server, server, "server:received")
  if name == nil then return server.all end
  done(T.known(ids[server], name, "receive"))
  return server.messages[name] or {}
end

function Server.answers(server, name)
  of(Server, server, "server:answers")
  if type(name) ~= "string" then raise("answers wants the name of a message that was asked, not " .. N.kind_of(name)) end
  done(T.known(ids[server], name, "send"))
  return server.answered[name] or {}
end

function Server.clients(server)
  of(Server, server, "server:clients")
  local list = T.clients(ids[server])
  for index, id in ipairs(list) do list[index] = client_of(id) end
  return list
end

function Server.push(server, name, fields, how)
  of(Server, server, "server:push")
  if type(name) == "string" and not T.is_raw(ids[server]) then done(T.known(ids[server], name, "send")) end
  local list = server:clients()
  for _, client in ipairs(list) do client:push(name, fields, how) end
  return #list
end

function Server.write(server, bytes, delay)
  of(Server, server, "server:write")
  local list = server:clients()
  for _, client in ipairs(list) do client:write(bytes, delay) end
  return #list
end

function Server.close(server, code)
  of(Server, server, "server:close")
  for _, client in ipairs(server:clients()) do client:close(code) end
end

function Server.refuse(server)
  of(Server, server, "server:refuse")
  T.refuse(ids[server], true)
end

function Server.accept(server)
  of(Server, server, "server:accept")
  T.refuse(ids[server], false)
end

local function keep(list, message)
  if #list < KEPT then list[#list + 1] = message end
end

local function message_came(server, client, event)
  local name, message = event.name, event.message
  server.total = server.total + 1
  server.counts[name] = (server.counts[name] or 0) + 1
  server.messages[name] = server.messages[name] or {}
  keep(server.messages[name], message)
  keep(server.all, message)
  local handler = event.first and server.first or server.handlers[name] or server.any
  if not handler then return T.unhandled(ids[client], name, event.call) end
  local reply, how = handler(message, client, name, event.header)
  return done(T.answer(ids[client], event.call, reply, how))
end

-- An answer without fields is an empty table.
local function answer_came(server, event)
  local list = server.answered[event.name] or {}
  server.answered[event.name] = list
  keep(list, event.message or {})
end

local function bytes_came(server, client, event)
  server.total = server.total + 1
  keep(server.all, event.bytes)
  if not server.bytes then return end
  local reply, delay = server.bytes(event.bytes, client)
  if reply then done(T.bytes(ids[client], reply, delay)) end
end

-- What a server hears, as the driver tells it.
function P.heard(event)
  local server = servers[event.server]
  local client = client_of(event.client)
  if event.kind == "message" then return message_came(server, client, event) end
  if event.kind == "answer" then return answer_came(server, event) end
  if event.kind == "bytes" then return bytes_came(server, client, event) end
  if event.kind == "opened" and server.connected then return server.connected(client) end
  if event.kind == "ended" and server.closed then return server.closed(client) end
end

-- Robots -----------------------------------------------------------------------------------------------------------

local Robot, robot_methods = { __name = "robot under test" }, {}

local function gone(robot)
  local phase = T.phase(robot.id)
  if phase == "starting" then return raise("the robot has not begun yet: let time pass with world:advance first") end
  return raise("the robot has no mods now: it is " .. phase)
end

local robot_fields = {
  ready = function(robot) return T.phase(robot.id) == "ready" end,
  state = function(robot) return T.phase(robot.id) end,
  name = function(robot) return "robot-" .. robot.id end,
  mods = function(robot)
    local slot = T.slot(robot.id)
    return slot and robots[slot].mods or gone(robot)
  end,
  connections = function(robot)
    local list = T.connections(robot.id)
    for index = 1, #list do list[list[index]] = true end
    return list
  end,
}

local robot_names = { id = true, restart = true, stop = true }
for name in pairs(robot_fields) do robot_names[name] = true end

function Robot.__index(robot, key)
  local method = robot_methods[key]
  if method then return method end
  local field = robot_fields[key]
  if field then return field(robot) end
  return raise(N.unknown("field of a robot under test", tostring(key), robot_names, true))
end

function robot_methods.restart(robot)
  of(Robot, robot, "robot:restart")
  return done(T.restart(robot.id))
end

function robot_methods.stop(robot)
  of(Robot, robot, "robot:stop")
  return done(T.stop(robot.id))
end

-- The world --------------------------------------------------------------------------------------------------------

local World = { __name = "world" }
World.__index = World

function World.server(world, url, options)
  of(World, world, "world:server")
  local id = done(T.server(url, options))
  local server = setmetatable({ url = url, handlers = {}, counts = {}, messages = {}, answered = {}, all = {}, total = 0 }, Server)
  servers[id], ids[server] = server, id
  return server
end

-- Web servers ------------------------------------------------------------------------------------------------------

local sites = {}

-- Of several addresses that a request begins with, the longest answers it.
function World.http(world, url, fn)
  of(World, world, "world:http")
  if type(url) ~= "string" then raise("http wants the address of a web server, not " .. N.kind_of(url)) end
  sites[#sites + 1] = { url = url, fn = function_of("http", fn) }
end

local function site_of(url)
  local found
  for _, site in ipairs(sites) do
    if url:sub(1, #site.url) == site.url and (not found or #site.url > #found.url) then found = site end
  end
  return found
end

-- A function answers with a body, a status, a table of both and headers, or nothing at all, which ends in a time-out.
function P.asked(request)
  local id, site = request.id, site_of(request.url)
  if not site then
    return T.http_refuse(id, "the test has no web server there: world:http(url, function(request) ... end) makes one")
  end
  request.id = nil
  local answer = site.fn(P.http_message(request))
  if answer == nil then return end
  if type(answer) == "number" then answer = { status = answer } end
  if type(answer) == "string" then answer = { body = answer } end
  if type(answer) ~= "table" then
    raise("a web server answers with a body, a status or a table { status, headers, body, json }, not " .. N.kind_of(answer))
  end
  local body = answer.body
  if answer.json ~= nil then body = P.throng.json.encode(answer.json) end
  return done(T.http_respond(id, answer.status or 200, answer.headers, body or ""))
end

function World.robot(world)
  of(World, world, "world:robot")
  return setmetatable({ id = T.robot() }, Robot)
end

function World.advance(world, time)
  of(World, world, "world:advance")
  return block((T.advance(time)))
end

function World.options(world, options)
  of(World, world, "world:options")
  if type(options) ~= "table" then raise("options wants a table such as { my_level = 3 }, not " .. N.kind_of(options)) end
  local has_them = done(T.options(options))
  if not has_them then block() end
end

function World.now(world)
  of(World, world, "world:now")
  return T.now()
end

function World.errors(world)
  of(World, world, "world:errors")
  return T.errors()
end

function World.failures(world)
  of(World, world, "world:failures")
  return T.failures()
end

function World.checks(world)
  of(World, world, "world:checks")
  return T.checks()
end

function World.log(world)
  of(World, world, "world:log")
  return T.log()
end

-- Files of tests ---------------------------------------------------------------------------------------------------

local tests, api, loading = {}, {}, true
P.tests = tests

function api.test(name, fn)
  if not loading then raise("throng.test belongs at file level") end
  if type(name) ~= "string" or name == "" then raise("throng.test wants a name, not " .. N.kind_of(name)) end
  function_of("throng.test", fn)
  for _, other in ipairs(tests) do
    if other.name == name then raise("there is a test '" .. name .. "' already, at line " .. other.line) end
  end
  local _, line = N.defined(fn)
  tests[#tests + 1] = { name = name, fn = fn, line = line }
end

local environment, required = {}, {}
P.test_environment = environment
environment.throng = setmetatable(api, { __index = P.throng })
setmetatable(environment, { __index = globals })

-- Beside what mods have loaded, tests find files of their own folder and of the library.
function environment.require(name)
  if type(name) ~= "string" then raise("require wants a name, not " .. N.kind_of(name)) end
  local ok, value = pcall(P.require, name)
  if ok then return value end
  if required[name] == nil then
    value = done(T.chunk(name, environment))(name)
    required[name] = value == nil and true or value
  end
  return required[name]
end

function P.load_tests(chunk)
  chunk()
  loading = false
end

function P.run_test(index)
  return tests[index].fn(setmetatable({}, World))
end
