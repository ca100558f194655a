-- The shape of a load: a file that gives the function `tick`, which is asked about once a second how many robots there should
-- be. Only the control state loads it.

local P, N = ...
local error, math_type, pairs, type = error, math.type, pairs, type
local tostring = tostring

local tick
-- What the last call came to: how many robots, how fast, which scenarios.
local said = {}
P.shape_said = said

function P.load_shape()
  local kind, chunk, file, line = N.shape_chunk()
  if not kind then P.refuse(chunk, file, line) end
  local given = P.run_unshared_file(file, kind, chunk, file)
  if type(given) ~= "function" then
    local found = given == true and "nothing" or N.kind_of(given)
    P.refuse("a shape's file returns the function that says how many robots there should be: return tick, not " .. found, file, 1)
  end
  tick = given
end

local function wrong(text)
  local file, line = N.defined(tick)
  return error((file or "?") .. ":" .. tostring(line or "?") .. ": " .. text, 0)
end

local function number(value, least, what)
  if math_type(value) == nil or value ~= value or value < least or value == 1 / 0 then
    wrong("tick gives " .. what .. ", not " .. (type(value) == "number" and tostring(value) or N.kind_of(value)))
  end
  return value
end

function P.call_tick(run_time)
  said.robots, said.rate, said.scenarios = nil, nil, nil
  local robots, rate, scenarios = tick(run_time)
  if robots == nil then return end
  said.robots = number(robots, 0, "how many robots there should be (0 or more), or nil to end the run")
  said.rate = number(rate, 1e-9, "as its second result how many robots begin or end a second (above 0)")
  if scenarios ~= nil then
    if type(scenarios) ~= "table" then wrong("tick gives as its third result a list of scenarios, not " .. N.kind_of(scenarios)) end
    local names = {}
    for _, name in pairs(scenarios) do
      if type(name) ~= "string" then wrong("the scenarios that tick gives are names, not " .. N.kind_of(name)) end
      names[#names + 1] = name
    end
    said.scenarios = names
  end
end
