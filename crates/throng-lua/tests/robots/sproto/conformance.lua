-- Every vector of the reference that a library can be asked for, one line of JSON each.

local sproto, sprotoparser = require "sproto", require "sprotoparser"
local from_hex, to_hex = throng.crypto.from_hex, throng.crypto.hex

-- The vectors' JSON as Lua values.
local function value(json)
  -- Integers beyond 2^53 stand there as texts, and no text of theirs is such a number.
  if type(json) == "string" and json:find "^%-?%d+$" and #json >= 16 then return math.tointeger(json) end
  if type(json) ~= "table" then return json end
  if json["$hex"] then return from_hex(json["$hex"]) end
  if json["$f64"] then return (string.unpack(">d", from_hex(json["$f64"]))) end
  local made = {}
  if json["$map"] then
    for _, entry in ipairs(json["$map"]) do made[value(entry[1])] = value(entry[2]) end
  else
    for key, item in pairs(json) do made[key] = value(item) end
  end
  return made
end

local function equal(one, other)
  if type(one) ~= "table" or type(other) ~= "table" then
    return one == other and math.type(one) == math.type(other) or one ~= one and other ~= other
  end
  for key, item in pairs(one) do
    if not equal(item, other[key]) then return false end
  end
  for key in pairs(other) do
    if one[key] == nil then return false end
  end
  return true
end

local function same(what, found, wanted)
  if not equal(found, wanted) then
    error(("%s is %s, not %s"):format(what, tostring(found):sub(1, 100), tostring(wanted):sub(1, 100)), 0)
  end
end

local function fails(fn, ...)
  local ok, found = pcall(fn, ...)
  if ok then error("it came to " .. tostring(found), 0) end
end

local function schema_of(vector) return sproto.parse(vector.schema) end

local function decode_vector(vector)
  return schema_of(vector):decode(vector.type, from_hex(vector.hex))
end

local function default_vector(vector)
  return schema_of(vector):default(vector.name, vector.mode)
end

local function dispatch_vector(vector)
  local schema = schema_of(vector)
  local host = schema:host(vector.package)
  local pending = vector.pending
  if type(pending) == "table" then host:attach(schema)(pending.protocol, value(pending.args), pending.session) end
  return host:dispatch(from_hex(vector.hex))
end

local kinds = {}

function kinds.encode(vector)
  local schema = schema_of(vector)
  local bytes = schema:encode(vector.type, value(vector.value))
  -- A map with several entries has no order of its own.
  if vector.ordered_map then same("length", #bytes, #vector.hex // 2) else same("bytes", to_hex(bytes), vector.hex) end
  local decoded, used = schema:decode(vector.type, from_hex(vector.hex))
  same("used", used, #vector.hex // 2)
  same("decoded", decoded, value(vector.decoded or vector.value))
end

function kinds.decode(vector)
  local decoded, used = decode_vector(vector)
  same("used", used, vector.consumed or #vector.hex // 2)
  same("decoded", decoded, value(vector.value))
end

kinds["decode-error"] = function(vector) fails(decode_vector, vector) end
kinds["decode-unsafe"] = kinds["decode-error"]

kinds["encode-error"] = function(vector)
  local body = load("return " .. vector.lua_value)()
  fails(sproto.encode, schema_of(vector), vector.type, body)
end

function kinds.pack(vector) same("packed", to_hex(sproto.pack(from_hex(vector["in"]))), vector.out) end

function kinds.unpack(vector) same("unpacked", to_hex(sproto.unpack(from_hex(vector["in"]))), vector.out) end

kinds["unpack-error"] = function(vector) fails(sproto.unpack, from_hex(vector["in"])) end

function kinds.default(vector) same("default", default_vector(vector), value(vector.value)) end

function kinds.rpc(vector)
  local own, remote = sproto.parse(vector.client_schema), schema_of(vector)
  local client, server = own:host(vector.package), remote:host(vector.package)
  local packed = client:attach(remote)(vector.protocol, value(vector.args), vector.session, value(vector.ud))
  same("request", to_hex(packed), vector.request_packed)
  local kind, name, args, respond, ud = server:dispatch(packed)
  same("kind", kind, "REQUEST")
  same("name", name, vector.server.name)
  same("args", args, value(vector.server.args))
  same("ud", ud, value(vector.server.ud))
  same("whether it answers", respond ~= nil, vector.server.has_response)
  if vector.response_packed then
    local answer = respond(value(vector.response_args), value(vector.response_ud))
    same("response", to_hex(answer), vector.response_packed)
    local kind, session, result, ud = client:dispatch(answer)
    same("kind", kind, "RESPONSE")
    same("session", session, vector.client.session)
    same("result", result, value(vector.client.args))
    same("its ud", ud, value(vector.client.ud))
    fails(client.dispatch, client, answer)
  end
end

kinds["rpc-error"] = function(vector) fails(dispatch_vector, vector) end

kinds["rpc-dispatch"] = function(vector)
  local kind, which, args, respond = dispatch_vector(vector)
  local wanted = vector.result
  same("kind", kind, wanted.type)
  same("which", which, wanted.name or wanted.session)
  same("args", args, value(wanted.args))
  if kind == "REQUEST" then same("whether it answers", respond ~= nil, wanted.has_response) end
end

kinds["protocol-query"] = function(vector)
  local schema = schema_of(vector)
  same("exists", schema:exist_proto(vector.query), vector.result ~= nil)
  if vector.result == nil then return end
  local found = schema:queryproto(vector.query)
  same("result", type(vector.query) == "number" and found.name or found.tag, vector.result)
  same("request", found.request ~= nil, vector.has_request)
  same("response", found.response ~= nil, vector.has_response)
end

kinds["schema-ok"] = function(vector) same("bundle", to_hex(sprotoparser.parse(vector.schema)), vector.bundle) end

kinds["schema-error"] = function(vector) fails(sprotoparser.parse, vector.schema) end

kinds["bundle-error"] = function(vector) fails(sproto.new, from_hex(vector.bundle)) end

-- What went wrong, and how many of each kind went well.
return function(lines)
  local wrong, well = {}, {}
  local function count(kind) well[kind] = (well[kind] or 0) + 1 end
  for _, line in ipairs(lines) do
    local read, vector = pcall(throng.json.decode, line)
    local check = read and kinds[vector.kind]
    if not read then
      -- A message of 64 levels is one of about 130 as JSON.
      count "too deep"
    elseif check then
      local ok, why = pcall(check, vector)
      if ok then count(vector.kind) else wrong[#wrong + 1] = vector.id .. ": " .. tostring(why) end
    end
  end
  return wrong, well
end
