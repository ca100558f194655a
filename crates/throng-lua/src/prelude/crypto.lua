-- `throng.crypto`, and skynet's login set under skynet's own names.

local P, N = ...
local ipairs, setmetatable = ipairs, setmetatable
local raise = P.raise

local function done(refused, result)
  if refused then return raise(refused) end
  return result
end

local function put(into, names)
  for _, name in ipairs(names) do
    local native = N["crypto_" .. name]
    into[name] = function(...) return done(native(...)) end
  end
  return into
end

local crypto = put({}, {
  "md5", "sha1", "sha256", "sha512", "hmac_md5", "hmac_sha1", "hmac_sha256", "hmac_sha512", "crc32",
  "hex", "from_hex", "base64", "from_base64", "base64url", "from_base64url",
  "rc4", "xor", "aes_cbc_encrypt", "aes_cbc_decrypt", "aes_ecb_encrypt", "aes_ecb_decrypt", "aes_ctr",
  "aes_gcm_encrypt", "aes_gcm_decrypt", "random_bytes",
})
P.throng.crypto = crypto

function crypto.uuid() return N.crypto_uuid() end

-- A cipher that goes on from call to call: one for each direction of a connection.
local Stream = { __name = "cipher stream", __metatable = false }
Stream.__index = Stream
local ciphers = setmetatable({}, { __mode = "k" })

-- What a cipher's stream stands for; anything else stands for itself.
function P.cipher_of(stream) return ciphers[stream or false] or stream end

function Stream.apply(stream, bytes)
  local cipher = ciphers[stream]
  if not cipher then raise("write stream:apply(bytes), with a colon") end
  return done(N.crypto_apply(cipher, bytes))
end

for _, name in ipairs { "rc4_stream", "aes_ctr_stream", "xor_stream" } do
  local native = N["crypto_" .. name]
  crypto[name] = function(...)
    if not P.loaded then
      raise(name .. " at file level would be one stream for all robots: make it in init or start, and put it in self")
    end
    local cipher = done(native(...))
    local stream = setmetatable({}, Stream)
    ciphers[stream] = cipher
    return stream
  end
end

crypto.skynet = put({ padding = { iso7816_4 = 0, pkcs7 = 1 } }, {
  "randomkey", "hashkey", "dhexchange", "dhsecret", "hmac64", "hmac64_md5", "hmac_hash", "desencode", "desdecode",
  "hexencode", "hexdecode", "base64encode", "base64decode", "xor_str", "sha1", "hmac_sha1",
})
for _, name in ipairs { "skynet.crypt", "crypt", "client.crypt" } do P.libraries[name] = crypto.skynet end
