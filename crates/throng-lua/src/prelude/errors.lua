-- Errors: what a script catches, and what the host counts.
--
-- A failure is a table with this metatable, and whoever made it has counted it. Anything else that nobody catches is
-- an error of the script's own, and is counted with its traceback.

local P, N = ...
local error, getmetatable, rawequal, setmetatable, tostring, type = error, getmetatable, rawequal, setmetatable, tostring, type

-- For what is loaded after the prelude.
P.natives = N

local Failure = { __name = "failure" }
P.Failure = Failure

function Failure.__tostring(failure)
  local where, message = failure.where, failure.message or failure.kind or "failure"
  if where then return where .. ": " .. message end
  return message
end

-- An error of the script's own on its way to the host, with the traceback of the place that raised it.
local Caught = {}

-- One that crosses from a coroutine to the one that waits for it keeps the traceback of its origin.
local carried

-- Raises what a native refused: a text is the caller's mistake, a table is a failure.
local function raise(refused)
  if type(refused) == "table" then
    refused.where = refused.where or N.place()
    return error(refused, 0)
  end
  return error((N.place() or "?") .. ": " .. tostring(refused), 0)
end
P.raise = raise

-- The message handler around everything of the user's.
function P.caught(value)
  if getmetatable(value) == Failure then
    return value
  end
  if getmetatable(value) == P.Refusal then P.refusal = value end
  local record = carried
  carried = nil
  if record and rawequal(record.value, value) then
    return record
  end
  local message, traceback = N.trace(value)
  return setmetatable({ value = value, message = message, traceback = traceback }, Caught)
end

-- Raises in this coroutine what ended another.
function P.rethrow(outcome)
  if getmetatable(outcome) == Caught then
    carried = outcome
    return error(outcome.value, 0)
  end
  return error(outcome, 0)
end

-- An error that was raised again and caught by the script itself is not to be taken for a later one.
function P.forget_carried() carried = nil end

-- What an error of a spawned function is to those who wait for it: the host has counted it.
function P.as_failure(outcome)
  if getmetatable(outcome) ~= Caught then
    return outcome
  end
  return setmetatable({ kind = "script", message = outcome.message }, Failure)
end

-- For the host: whether it was counted, its text, its traceback.
function P.describe(outcome)
  local meta = getmetatable(outcome)
  if meta == Caught then
    return false, outcome.message, outcome.traceback
  elseif meta == Failure then
    return true, tostring(outcome), ""
  end
  -- The message handler itself failed, for want of stack or memory.
  return false, tostring(outcome), ""
end
