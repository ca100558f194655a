-- `throng.http`: requests of a robot to web servers, each of which it waits for.

local P, N = ...
local ipairs, pcall, rawget, rawset = ipairs, pcall, rawget, rawset
local setmetatable, tostring, type = setmetatable, tostring, type
local block, raise, throng = P.block, P.raise, P.throng

local Headers = { __name = "headers" }
-- HTTP's names have no case; the table's are in small letters.
function Headers.__index(headers, name)
  if type(name) == "string" then return rawget(headers, name:lower()) end
end

local Response = { __name = "response" }

-- A body is read only when somebody wants it.
function Response.__index(response, key)
  if key ~= "json" then return nil end
  local ok, value = pcall(throng.json.decode, response.body)
  if not ok then return raise(N.http_undecodable(rawget(response, "name"), "the body is no JSON: " .. tostring(value))) end
  rawset(response, "json", value)
  return value
end

-- Of what came, headers are found whatever their case, and JSON by its name.
function P.http_message(message)
  setmetatable(message.headers, Headers)
  return setmetatable(message, Response)
end

-- The bytes of a body, and their type where that follows.
local function body_of(what, body, options)
  local given = 0
  if body ~= nil then given = 1 end
  local json
  if type(options) == "table" then
    json = options.json
    for _, key in ipairs { "body", "json", "form" } do
      if options[key] ~= nil then given = given + 1 end
    end
    if options.body ~= nil then body = options.body end
  end
  if given > 1 then raise(what .. " wants one body: as an argument, or as 'body', 'json' or 'form'") end
  if json == nil and type(body) == "table" then json = body end
  if json == nil then return body end
  return throng.json.encode(json), "application/json"
end

local function ask(what, method, url, body, options)
  local bytes, content_type = body_of(what, body, options)
  return P.http_message(block(N.http(method, url, bytes, content_type, options)))
end

local http = {}
throng.http = http

function http.get(url, options) return ask("get", "GET", url, nil, options) end

function http.post(url, body, options) return ask("post", "POST", url, body, options) end

function http.request(method, url, options)
  if type(method) == "string" then method = method:upper() end
  return ask("request", method, url, nil, options)
end
