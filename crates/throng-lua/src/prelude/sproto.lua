-- `throng.sproto`, also found by `require "sproto"`: Sproto under the names of the reference's own Lua library.

local P, N = ...
local setmetatable, tostring, type = setmetatable, tostring, type
local raise = P.raise

local sproto = {}
P.throng.sproto = sproto

local Schema = { __name = "sproto", __index = sproto, __metatable = false }
local Host = { __name = "sproto host", __metatable = false }
Host.__index = Host

-- Numbers of schemas by object. What robots share is frozen, so that an object holds nothing itself.
local numbers, hosts = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })
-- Protocols by the number of their schema, and by name and tag.
local protocols = {}
-- What stands for a type with the natives, by name, for types that were used before: by a schema's number, and by object.
local codes_of, codes = {}, setmetatable({}, { __mode = "k" })

local function done(refused, ...)
  if refused then return raise(refused) end
  return ...
end

local function object_of(number)
  protocols[number], codes_of[number] = protocols[number] or {}, codes_of[number] or {}
  local schema = setmetatable({}, Schema)
  numbers[schema], codes[schema] = number, codes_of[number]
  return schema
end

local function number_of(schema, method)
  return numbers[schema] or raise("write schema:" .. method .. "(...), with a colon and what sproto.parse or sproto.new gave")
end

local function find(number, name)
  local known = protocols[number]
  local protocol = known[name]
  if protocol then return protocol end
  protocol = done(N.sproto_protocol(number, name))
  if protocol then known[protocol.name], known[protocol.tag] = protocol, protocol end
  return protocol
end

local function protocol_of(number, name)
  return find(number, name) or raise(done(N.sproto_unknown_protocol(number, name)))
end

-- Schemas ----------------------------------------------------------------------------------------------------------

function sproto.parse(text) return object_of(done(N.sproto_parse(text))) end

function sproto.new(bundle) return object_of(done(N.sproto_load(bundle))) end

function sproto.exist_type(schema, name)
  return done(N.sproto_has_type(number_of(schema, "exist_type"), name))
end

function sproto.exist_proto(schema, name)
  return find(number_of(schema, "exist_proto"), name) ~= nil
end

function sproto.queryproto(schema, name)
  local found = protocol_of(number_of(schema, "queryproto"), name)
  return { name = found.name, tag = found.tag, request = found.request, response = found.response }
end

function sproto.default(schema, name, which)
  local number = number_of(schema, "default")
  if which == nil then return done(N.sproto_default(number, name)) end
  if which ~= "REQUEST" and which ~= "RESPONSE" then raise("default wants \"REQUEST\" or \"RESPONSE\" behind a protocol") end
  local protocol = protocol_of(number, name)
  local found = which == "REQUEST" and protocol.request or which == "RESPONSE" and protocol.response
  if type(found) == "string" then return done(N.sproto_default(number, found)) end
end

-- Messages ---------------------------------------------------------------------------------------------------------

-- A function that `native` makes of one that does the same slowly, and tells what was wrong.
local function usual(method, native, slowly)
  return native(function(schema, name, given)
    local number = number_of(schema, method)
    local known = codes[schema]
    if not known[name] and type(name) == "string" then known[name] = done(N.sproto_code(number, name)) end
    return done(slowly(number, name, given))
  end, codes)
end

sproto.encode = usual("encode", N.sproto_encoding, N.sproto_encode)

sproto.decode = usual("decode", N.sproto_decoding, N.sproto_decode)

function sproto.pack(bytes) return done(N.sproto_pack(bytes)) end

function sproto.unpack(bytes) return done(N.sproto_unpack(bytes)) end

sproto.pencode = usual("pencode", N.sproto_packing, function(number, name, body)
  return N.sproto_pack(done(N.sproto_encode(number, name, body)))
end)

sproto.pdecode = usual("pdecode", N.sproto_unpacking, function(number, name, bytes)
  return N.sproto_decode(number, name, done(N.sproto_unpack(bytes)))
end)

local function encode_part(number, ty, body)
  if type(ty) ~= "string" then return "" end
  return done(N.sproto_encode(number, ty, body))
end

local function decode_part(number, ty, bytes)
  if type(ty) ~= "string" then return nil end
  return (done(N.sproto_decode(number, ty, bytes)))
end

function sproto.request_encode(schema, name, body)
  local number = number_of(schema, "request_encode")
  local protocol = protocol_of(number, name)
  return encode_part(number, protocol.request, body), protocol.tag
end

function sproto.response_encode(schema, name, body)
  local number = number_of(schema, "response_encode")
  return encode_part(number, protocol_of(number, name).response, body)
end

function sproto.request_decode(schema, name, bytes)
  local number = number_of(schema, "request_decode")
  local protocol = protocol_of(number, name)
  return decode_part(number, protocol.request, bytes), protocol.name
end

function sproto.response_decode(schema, name, bytes)
  local number = number_of(schema, "response_decode")
  return decode_part(number, protocol_of(number, name).response, bytes)
end

-- RPC --------------------------------------------------------------------------------------------------------------

function sproto.host(schema, package)
  local number = number_of(schema, "host")
  if not P.loaded then
    raise("host at file level would be one for all robots, with one set of sessions: make it in init or start, and put it in self")
  end
  package = package or "package"
  if not done(N.sproto_has_type(number, package)) then raise("the schema has no type '" .. package .. "' for headers") end
  local host = setmetatable({}, Host)
  hosts[host] = { number = number, package = package, sessions = {} }
  return host
end

local function of_host(host, method)
  return hosts[host] or raise("write host:" .. method .. "(...), with a colon")
end

-- The whole message: a header of the host's, and content by the type of another schema.
local function message(own, header, number, protocol, ty, body)
  if type(ty) ~= "string" then
    if body ~= nil then raise("'" .. protocol.name .. "' takes nothing") end
    ty = nil
  end
  return done(N.sproto_message(own.number, own.package, header, number, ty, body))
end

function Host.attach(host, schema)
  local own, number = of_host(host, "attach"), number_of(schema, "attach")
  return function(name, args, session, ud)
    local protocol = protocol_of(number, name)
    -- Without arguments there is no content at all, as with the reference.
    local ty = args ~= nil and protocol.request or nil
    local bytes = message(own, { type = protocol.tag, session = session, ud = ud }, number, protocol, ty, args)
    if session ~= nil then own.sessions[session] = { number = number, response = protocol.response } end
    return bytes
  end
end

local function responder(own, protocol, session)
  return function(args, ud)
    return message(own, { session = session, ud = ud }, own.number, protocol, protocol.response, args)
  end
end

function Host.dispatch(host, bytes)
  local own = of_host(host, "dispatch")
  local header, content = done(N.sproto_open(own.number, own.package, bytes))
  local tag, session, ud = header.type, header.session, header.ud
  if tag ~= nil then
    local protocol = protocol_of(own.number, tag)
    local respond = session ~= nil and responder(own, protocol, session) or nil
    return "REQUEST", protocol.name, decode_part(own.number, protocol.request, content), respond, ud
  end
  if session == nil then raise "the header has neither a type nor a session" end
  local asked = own.sessions[session] or raise("no request waits for session " .. tostring(session))
  own.sessions[session] = nil
  return "RESPONSE", session, decode_part(asked.number, asked.response, content), ud
end

P.libraries["sproto"] = sproto
P.libraries["sprotoparser"] = { parse = function(text) return done(N.sproto_bundle(text)) end }
