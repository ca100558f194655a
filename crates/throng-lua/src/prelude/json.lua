-- `throng.json` and `throng.msgpack`: documents made and read by scripts.

local P, N = ...
local raise, throng = P.raise, P.throng

local function done(refused, result)
  if refused then return raise(refused) end
  return result
end

local function library(word)
  local encode, decode = N[word .. "_encode"], N[word .. "_decode"]
  local array = N.json_array
  return {
    null = N.json_null,
    encode = function(value) return done(encode(value)) end,
    decode = function(text) return done(decode(text)) end,
    array = function(list) return done(array(list)) end,
  }
end

throng.json = library("json")
throng.msgpack = library("msgpack")
