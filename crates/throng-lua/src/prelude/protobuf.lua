-- `throng.protobuf`: messages of Protocol Buffers made and read by scripts.

local P, N = ...
local setmetatable = setmetatable
local raise = P.raise

local Schema = { __name = "protobuf", __metatable = false }
Schema.__index = Schema

-- Numbers of schemas by object. What robots share is frozen, so that an object holds nothing itself.
local numbers = setmetatable({}, { __mode = "k" })
-- Messages by the number of their schema, and by name.
local messages = {}

local function done(refused, ...)
  if refused then return raise(refused) end
  return ...
end

local function object_of(number)
  messages[number] = messages[number] or {}
  local schema = setmetatable({}, Schema)
  numbers[schema] = number
  return schema
end

local function find(schema, method, name)
  local number = numbers[schema]
    or raise("write schema:" .. method .. "(...), with a colon and what protobuf.parse or protobuf.of gave")
  local known = messages[number]
  local id = known[name]
  if not id then
    id = done(N.protobuf_find(number, name))
    known[name] = id
  end
  return number, id
end

function Schema.encode(schema, name, fields)
  local number, id = find(schema, "encode", name)
  return done(N.protobuf_encode(number, id, fields))
end

function Schema.decode(schema, name, bytes)
  local number, id = find(schema, "decode", name)
  return done(N.protobuf_decode(number, id, bytes))
end

P.throng.protobuf = {
  parse = function(text) return object_of(done(N.protobuf_parse(text))) end,
  of = function(protocol) return object_of(done(N.protobuf_of(protocol))) end,
}
