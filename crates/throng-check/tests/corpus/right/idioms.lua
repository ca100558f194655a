#!/usr/bin/env lua
-- What people bring from elsewhere, and what is legal though rare.
local unpack = table.unpack or unpack
local jit_version = jit and jit.version
local role = throng.mod(); ; ;

local Queue = {}
Queue.__index = Queue

function Queue.new(limit)
  return setmetatable({ first = 1, last = 0, limit = limit or 1 // 1, items = {} }, Queue)
end

function Queue:push(value)
  self.last = self.last + 1
  self.items[self.last] = value
  return self
end

function Queue:pop()
  if self.first > self.last then return nil end
  local value = self.items[self.first]
  self.items[self.first] = nil
  self.first = self.first + 1
  return value
end

-- A queue has words of its own: `send`, `on`, `watch` and `expect` mean something else here.
function Queue:send(name) return self:push(name) end
function Queue:on(name, fn) self[name] = fn end

function role:init()
  self.queue = Queue.new(0x10)
  self.queue:send("HelloThere"):send("NotAMessage")
  self.queue:on("Whatever", print)
end

function role:start()
  local n <const> = 3
  for i = 1, n do
    if i == 2 then goto continue end
    self.queue:push(i)
    ::continue::
  end
  while true do
    local item = self.queue:pop()
    if item == nil then break end
    do break; local _ = item end
  end
  repeat local done = true until done
  local words = {}
  for word in ("one two three"):gmatch("%a+") do words[#words + 1] = word end
  table.sort(words, function(a, b) return #a < #b or (#a == #b and a < b) end)
  local text = ("%s-%s-%s"):format(unpack(words))
  text = text:gsub("%-(%a)", function(c) return "_" .. c:upper() end)
  self.text, self.bits = text, (1 << 4 | 3) ~ 0xff & ~0
  self.co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
  local ok, err = pcall(function() error({ code = 5 }, 0) end)
  if not ok and type(err) == "table" then self.code = err.code end
  self.version = jit_version or _VERSION
  local long = [==[
    a "string" with ]] in it
  ]==]
  return long, select("#", unpack(words))
end

return role
