---@meta

---Seconds, or a string with a unit: "500ms", "90s", "10m".
---@alias throng.Duration number|string

---@class throng.ModOptions
---@field needs? string[] The mods that start before this one.
---@field manual_ready? boolean The robot is ready only when this mod calls `self.robot:ready()`.
---@field wait? throng.Wait|throng.Duration The pause after each task of this mod.
---@field tags? string[] Tags of all tasks of this mod.

---@class throng.TaskOptions
---@field weight? number How often it is picked beside the others, 1 if not said; 0 switches it off.
---@field when? fun(self: throng.Mod): boolean It is picked only while this returns true.
---@field timeout? throng.Duration It fails when it takes longer.
---@field wait? throng.Wait|throng.Duration The pause after it.
---@field tags? string[] Names to pick tasks by on the command line.

---@class throng.SequenceOptions
---@field steps? string[] The methods to call, in order.
---@field weight? number How often it is picked beside the others, 1 if not said; 0 switches it off.
---@field when? fun(self: throng.Mod): boolean It is picked only while this returns true.
---@field timeout? throng.Duration It fails when it takes longer.
---@field wait? throng.Wait|throng.Duration The pause between steps and after it.
---@field tags? string[] Names to pick tasks by on the command line.

---@class throng.OnOptions
---@field connection? string Only messages of the connection of this name.
---@field queue? boolean One at a time: the next waits until the handler has returned.

---@class throng.ConnectOptions
---@field protocol? string The protocol's name in throng.toml, or `stream` for bytes without framing.
---@field timeout? throng.Duration How long one try may take.
---@field retry? throng.RetryOptions Try again, with back-off and jitter.
---@field measured? boolean `false` keeps its requests out of the report.

---@class throng.RetryOptions
---@field first? throng.Duration The first pause; each further one is longer.
---@field max? throng.Duration The longest pause.
---@field tries? integer How often to try in all.

---@class throng.RequestOptions
---@field timeout? throng.Duration How long to wait for the reply.
---@field as? string The name it is measured under.
---@field session? any The session to send instead of the next one.
---@field quiet? boolean A failure that is expected is not reported.

---@class throng.WatchOptions
---@field where? fun(msg: table): boolean Only messages for which this returns true.

---@class throng.ExpectOptions
---@field timeout? throng.Duration How long to wait.
---@field where? fun(msg: table): boolean Only a message for which this returns true.
---@field quiet? boolean A failure that is expected is not reported.

---@class throng.EveryOptions
---@field exact? boolean Woken to the microsecond instead of the millisecond.

---@class throng.ReadOptions
---@field timeout? throng.Duration How long to wait.
---@field max? any The most bytes to take.

---@class throng.Wait
---@field constant? throng.Duration Always this long.
---@field between? any A random time between two.
---@field exponential? throng.Duration Random around this mean, as independent arrivals are.
---@field pacing? throng.Duration From one start to the next, whatever the task took.
---@field throughput? number So many tasks a second.

---The load tester's own functions.
---@class throng
---@field version string The load tester's version.
---@field host string The target's address, from `[target]` or `--host`.
---@field options throng.Options The project's own options, from `[options]`, flags or environment.
---@field log throng.Log Writes to the log, with robot and mod in front.
---@field run throng.Run What is done once a run.
throng = {}

---A new mod, named after its file: one object per robot, for the robot's life.
---@param options? throng.ModOptions
---@return throng.Mod mod
function throng.mod(options) end

---Counts a check that holds or does not; a task goes on either way.
---@param name string
---@param ok any
---@return boolean ok
function throng.check(name, ok) end

---Fails the task: raises an error that is counted once, with its fields as a sample.
---@param text string
---@param fields? table
function throng.fail(text, fields) end

---Measures how long a function takes, and returns what it returns.
---@param name string
---@param fn fun(): any
---@return any ...
function throng.measure(name, fn) end

---Records a time that was measured elsewhere.
---@param name string
---@param time throng.Duration
function throng.record(name, time) end

---Adds to a counter.
---@param name string
---@param n? number
function throng.count(name, n) end

---The monotonic clock.
---@return number seconds
function throng.now() end

---The wall clock, since 1970.
---@return number seconds
function throng.time() end

---Writes to the log, with robot and mod in front.
---@class throng.Log
local Log = {}

---For the author of a mod.
---@param ... any
function Log.debug(...) end

---Worth knowing.
---@param ... any
function Log.info(...) end

---Worth a look.
---@param ... any
function Log.warn(...) end

---Wrong, though the robot goes on.
---@param ... any
function Log.error(...) end

---What is done once a run, apart from all robots.
---@class throng.Run
local Run = {}

---Called before the first robot starts.
---@param fn fun()
function Run.on_start(fn) end

---Called after the last robot has ended.
---@param fn fun()
function Run.on_stop(fn) end

---The project's own options.
---@class throng.Options
---@field [string] any
local Options = {}

---A simulated player: its connections, timers and mods.
---@class throng.Robot
---@field id integer Its number, unique in the run.
---@field name string Its name.
---@field mods throng.Mods Its mods by name.
---@field connections throng.Connections Its connections by name.
---@field [string] throng.Connection
local Robot = {}

---Opens a connection under a name; one that has this name already is replaced.
---@param name string
---@param url string
---@param options? throng.ConnectOptions
---@return throng.Connection connection
function Robot:connect(name, url, options) end

---The robot may do tasks from now on; twice is nothing.
function Robot:ready() end

---Starts over with new mod objects and connections; never returns.
function Robot:restart() end

---Ends the robot; never returns.
function Robot:stop() end

---Waits.
---@param time throng.Duration
function Robot:sleep(time) end

---Calls a function again and again until it is cancelled.
---@param interval throng.Duration
---@param fn fun()
---@param options? throng.EveryOptions
---@return throng.Timer timer
function Robot:every(interval, fn, options) end

---Runs a function beside the caller.
---@param fn fun(): any
---@return throng.Spawned spawned
function Robot:spawn(fn) end

---Runs functions side by side and waits for all of them.
---@param fn fun(): any
---@param ... fun(): any
---@return any ...
function Robot:all(fn, ...) end

---A robot's mods by name.
---@class throng.Mods
---@field [string] throng.Mod
local Mods = {}

---A robot's connections by name.
---@class throng.Connections
---@field [string] throng.Connection
local Connections = {}

---One socket's life.
---@class throng.Connection
---@field name string The name it was opened under.
local Connection = {}

---Sends a message and waits for its reply; raises an error when none comes.
---@param name string
---@param body? table|string
---@param options? throng.RequestOptions
---@return table reply
function Connection:request(name, body, options) end

---As `request`, but returns nil and the error.
---@param name string
---@param body? table|string
---@param options? throng.RequestOptions
---@return table? reply
---@return throng.Error? err
function Connection:try_request(name, body, options) end

---Sends a message that has no reply; never waits.
---@param name string
---@param body? table|string
function Connection:send(name, body) end

---Keeps pushed messages from now on, to be asked for by `next`.
---@param names string|string[]
---@param options? throng.WatchOptions
---@return throng.Watch watch
function Connection:watch(names, options) end

---Waits for a pushed message.
---@param names string|string[]
---@param options? throng.ExpectOptions
---@return table msg
---@return string name
function Connection:expect(names, options) end

---As `robot:every`; ends with the connection.
---@param interval throng.Duration
---@param fn fun()
---@param options? throng.EveryOptions
---@return throng.Timer timer
function Connection:every(interval, fn, options) end

---Whether it can be sent on.
---@return boolean open
function Connection:is_open() end

---Closes it.
function Connection:close() end

---Ends it like a pulled cable, without a goodbye.
function Connection:drop() end

---A connection of `protocol = "stream"`: bytes without framing.
---@class throng.Stream
---@field name string The name it was opened under.
local Stream = {}

---Waits for a line and returns it without its line end.
---@param options? throng.ReadOptions
---@return string line
function Stream:read_line(options) end

---Waits for so many bytes.
---@param count integer
---@param options? throng.ReadOptions
---@return string bytes
function Stream:read_exactly(count, options) end

---Waits for these bytes and returns what came before them.
---@param bytes string
---@param options? throng.ReadOptions
---@return string bytes
function Stream:read_until(bytes, options) end

---Sends bytes; never waits.
---@param bytes string
function Stream:write(bytes) end

---As `robot:every`; ends with the connection.
---@param interval throng.Duration
---@param fn fun()
---@param options? throng.EveryOptions
---@return throng.Timer timer
function Stream:every(interval, fn, options) end

---Whether it can be sent on.
---@return boolean open
function Stream:is_open() end

---Closes it.
function Stream:close() end

---Ends it like a pulled cable, without a goodbye.
function Stream:drop() end

---Pushed messages that wait to be asked for.
---@class throng.Watch
local Watch = {}

---The oldest message, or waits for one.
---@param timeout? throng.Duration
---@param options? throng.ExpectOptions
---@return table msg
---@return string name
function Watch:next(timeout, options) end

---Keeps no more messages.
function Watch:close() end

---A function that is called again and again.
---@class throng.Timer
local Timer = {}

---Calls it no more.
function Timer:cancel() end

---A function that runs beside its caller.
---@class throng.Spawned
local Spawned = {}

---Waits until it has returned, and returns what it returned.
---@param timeout? throng.Duration
---@return any ...
function Spawned:wait(timeout) end

---Ends it.
function Spawned:cancel() end

---A part of a robot's behaviour: its class at file level, its object as `self`.
---@class throng.Mod
---@field robot throng.Robot The robot it belongs to.
---@field name string Its name.
---@field tasks table<string, fun(self: throng.Mod)> Tasks by name: `function role.tasks:chat() end`.
---@field init? fun(self: throng.Mod) Sets the object's state; called before any `start`.
---@field start? fun(self: throng.Mod) Logs in; the robot is ready when every `start` returned.
---@field stop? fun(self: throng.Mod) Called on the way out, with a time limit.
---@field closed? fun(self: throng.Mod, connection: throng.Connection, why: throng.CloseReason) Called when a connection has ended.
---@field [string] any
local Mod = {}

---Calls a function for each pushed message of this name.
---@param name string
---@param options? throng.OnOptions
---@param fn fun(self: throng.Mod, msg: table, connection: throng.Connection)
---@overload fun(self: throng.Mod, name: string, fn: fun(self: throng.Mod, msg: table, connection: throng.Connection))
function Mod:on(name, options, fn) end

---Something a robot does again and again, picked by weight.
---@param name string
---@param options? throng.TaskOptions
---@param fn fun(self: throng.Mod)
---@overload fun(self: throng.Mod, name: string, fn: fun(self: throng.Mod))
function Mod:task(name, options, fn) end

---A task of several steps, each a method of the mod.
---@param name string
---@param options throng.SequenceOptions
function Mod:sequence(name, options) end

---Why a connection ended.
---@class throng.CloseReason
---@field kind "server"|"reset"|"timeout"|"protocol"|"replaced"|"self" The kind of end.
---@field code integer? The WebSocket close code, if there was one.
local CloseReason = {}

---What a failed call raises; `tostring` says it in words.
---@class throng.Error
---@field kind string What went wrong: `timeout`, `closed`, `refused` ...
---@field name string? The message's name.
---@field connection string? The connection's name.
---@field elapsed number? Seconds since the call.
---@field code integer? The code that the server gave.
---@field where string? File and line.
---@field [string] any
local Error = {}
