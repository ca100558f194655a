//! One Lua state: the prelude, the mods loaded into it, and a pool of coroutines that run functions for its robots.
//!
//! A coroutine of the pool runs `drive` of the prelude for as long as the state lives. To the host a turn of it is one
//! [`Vm::run`]: from a resume to the next time the script waits or ends.

use crate::codec::Codec;
use crate::natives;
use crate::program::Loaded;
use crate::project::Limits;
use crate::raw::{self, Arguments};
use crate::sandbox::freeze::Frozen;
use crate::sandbox::{self, CutOff, Guard, Reason};
use crate::state::{Current, Shared};
use mlua::{FromLua, Function, LightUserData, Lua, LuaOptions, LuaString, StdLib, Table, Thread, Value};
use slotmap::Key;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use throng_engine::{ScriptError, Uncaught};
use throng_metrics::FailureKind;
use throng_wire::Protocol;

/// How the names of the prelude's chunks begin.
pub(crate) const HOST_CHUNKS: &str = "=throng/";

/// The parts of the prelude, in the order in which they need each other.
const PRELUDE: [(&str, &str); 13] = [
    ("errors", include_str!("prelude/errors.lua")),
    ("driver", include_str!("prelude/driver.lua")),
    ("robot", include_str!("prelude/robot.lua")),
    ("connection", include_str!("prelude/connection.lua")),
    ("throng", include_str!("prelude/throng.lua")),
    ("json", include_str!("prelude/json.lua")),
    ("http", include_str!("prelude/http.lua")),
    ("crypto", include_str!("prelude/crypto.lua")),
    ("sproto", include_str!("prelude/sproto.lua")),
    ("protobuf", include_str!("prelude/protobuf.lua")),
    ("declare", include_str!("prelude/declare.lua")),
    ("protocol", include_str!("prelude/protocol.lua")),
    ("shape", include_str!("prelude/shape.lua")),
];

/// Coroutines kept for later. What a burst made beyond these is the collector's.
const POOL: usize = 512;

/// What is to be done about a state over its limit is dear: it is done again when the state has grown by this part of the
/// limit.
const STEPS: usize = 16;

/// How much longer than a robot's code a project's files may run while they load.
const LOADING: u32 = 25;

/// Addresses that scripts cannot make: what a coroutine's yield to the host begins with.
static TOKENS: [u8; 2] = [0; 2];

/// The token of a function that has ended.
pub(crate) fn done_token() -> LightUserData {
    LightUserData((&raw const TOKENS[0]).cast_mut().cast())
}

/// The token of a function that waits for an operation.
pub(crate) fn wait_token() -> LightUserData {
    LightUserData((&raw const TOKENS[1]).cast_mut().cast())
}

/// A Lua state and what the host keeps of it.
pub(crate) struct Vm {
    // Before the Lua state, so that its references are gone when the state closes.
    pub(crate) state: Rc<VmState>,
    pub(crate) lua: Lua,
}

/// What the host and the natives share about a state. It refers to the state weakly, because the natives are in it.
pub(crate) struct VmState {
    pub(crate) codec: Codec,
    /// Message ids by name, a table for each protocol.
    pub(crate) names: RefCell<Vec<ProtocolNames>>,
    pool: RefCell<Vec<Thread>>,
    prelude: OnceCell<Prelude>,
    loaded: OnceCell<Rc<Loaded>>,
    frozen: OnceCell<Frozen>,
    /// Bytes in use after something was last done about too many.
    relieved: Cell<usize>,
    /// Bytes that the state can never take more than; 0 is no limit.
    pub(crate) ceiling: Cell<usize>,
}

/// The message ids that scripts of a state asked for, by name.
pub(crate) struct ProtocolNames {
    /// The protocol, known by its address: the project's protocols outlive every state.
    pub(crate) protocol: *const Protocol,
    pub(crate) ids: Table,
    /// How many more names of a protocol without a schema are kept.
    pub(crate) room: usize,
}

/// What the host calls and changes in the prelude.
pub(crate) struct Prelude {
    pub(crate) table: Table,
    pub(crate) drive: Function,
    pub(crate) born: Function,
    pub(crate) forget: Function,
    pub(crate) offer: Function,
    pub(crate) settle: Function,
    pub(crate) timers: Table,
    pub(crate) calls: Table,
    pub(crate) watches: Table,
    pub(crate) queued: Table,
    pub(crate) failure: Table,
    pub(crate) said: Table,
    pub(crate) cuts: Table,
    pub(crate) states: Table,
    pub(crate) ciphers: Table,
    pub(crate) encode_now: Function,
    pub(crate) frame_now: Function,
}

/// What a resume came to.
pub(crate) enum Turn {
    /// The script waits; the coroutine is to be kept for its outcome.
    Blocked,
    /// The function returned; the coroutine is free.
    Done(Value),
    /// The function ended with an error; the coroutine is free.
    Failed(Uncaught),
    /// The script was cut off, or broke its coroutine; it is to be discarded.
    Broken(ScriptError),
}

impl Vm {
    /// A state with the sandbox, the prelude and the natives, and none of the project's files.
    pub(crate) fn new(shared: &Rc<Shared>) -> mlua::Result<Vm> {
        let libraries = StdLib::COROUTINE | StdLib::TABLE | StdLib::STRING | StdLib::UTF8 | StdLib::MATH;
        // The default options leave Lua's own pcall in place, which can be yielded across; mlua's cannot.
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        let limits = &shared.project.limits;
        let ceiling = if limits.memory > 0 { hard_limit(limits, 0) } else { 0 };
        if ceiling > 0 {
            // What grows in steps is noticed by the guard and between turns; this stops what doubles.
            lua.set_memory_limit(ceiling)?;
        }
        sandbox::install(&lua, &sandbox::Limits { memory_per_resume: limits.memory_per_resume })?;
        let state = Rc::new(VmState {
            codec: Codec::default(),
            names: RefCell::default(),
            pool: RefCell::default(),
            prelude: OnceCell::new(),
            loaded: OnceCell::new(),
            frozen: OnceCell::new(),
            relieved: Cell::new(0),
            ceiling: Cell::new(ceiling),
        });
        let natives = natives::table(&lua, shared, &state)?;
        let prelude = Prelude::load(&lua, &natives)?;
        // The cell is new, so that it takes the value.
        let _ = state.prelude.set(prelude);
        Ok(Vm { state, lua })
    }

    /// Runs `thread` with `arguments` until it waits or ends; `current` says for whom.
    pub(crate) fn run(
        &self,
        shared: &Shared,
        thread: &Thread,
        current: Current,
        arguments: impl Arguments,
    ) -> Turn {
        let current = Current { coroutine: thread.state().cast_const().cast(), ..current };
        let outer = shared.enter(current);
        shared.blocked.set(false);
        let deadline = shared.project.limits.deadline;
        let guard = Guard::of(thread, if current.robot.is_null() { deadline * LOADING } else { deadline });
        let yielded = raw::resume(&self.lua, thread, wait_token(), arguments);
        let cut = guard.verdict();
        drop(guard);
        shared.leave(outer);
        match (cut, yielded) {
            (Some(cut), _) => {
                if cut.spares(thread) {
                    self.state.discard(shared, thread, current);
                }
                Turn::Broken(cut_error(&cut))
            }
            (None, Err(error)) => Turn::Broken(broken_error(&error)),
            (None, Ok(Some((Value::LightUserData(token), ok, first, second, third))))
                if token == done_token() =>
            {
                if ok == Value::Boolean(true) {
                    return Turn::Done(first);
                }
                Turn::Failed(self.uncaught(first, second, third))
            }
            (None, Ok(_)) if shared.blocked.replace(false) => Turn::Blocked,
            (None, Ok(_)) => {
                let place = natives::source_place(thread).unwrap_or_default();
                self.state.discard(shared, thread, current);
                Turn::Broken(ScriptError {
                    kind: FailureKind::Script,
                    message: format!(
                        "{place}: coroutine.yield outside of a coroutine that the script made itself"
                    ),
                    traceback: place,
                })
            }
        }
    }

    /// Runs a routine of the prelude that may not block, and hands its result on.
    pub(crate) fn call(
        &self,
        shared: &Shared,
        current: Current,
        arguments: impl Arguments,
    ) -> Result<Value, Uncaught> {
        let thread = self.take_thread().map_err(|error| Uncaught::Script(broken_error(&error)))?;
        let current = Current { fiber: Default::default(), ..current };
        let turn = self.run(shared, &thread, current, arguments);
        let fault = self.rebound();
        match turn {
            Turn::Done(value) => {
                self.state.put_thread(thread);
                fault.map_or(Ok(value), |error| Err(Uncaught::Script(error)))
            }
            Turn::Failed(uncaught) => {
                self.state.put_thread(thread);
                Err(uncaught)
            }
            Turn::Broken(error) => Err(Uncaught::Script(error)),
            Turn::Blocked => unreachable!("a native lets only fibers wait"),
        }
    }

    /// That a captured variable was assigned in the last turn; it has its old value again.
    pub(crate) fn rebound(&self) -> Option<ScriptError> {
        let frozen = self.state.frozen.get().filter(|frozen| frozen.is_suspicious())?;
        let message = frozen.rebound(&self.lua).ok()??.to_string();
        Some(ScriptError { kind: FailureKind::Script, message, traceback: String::new() })
    }

    /// Whether the state has outgrown its limit, and has grown since something was last done about it.
    pub(crate) fn is_over(&self, limit: usize) -> bool {
        let used = self.lua.used_memory();
        limit > 0 && used > limit && used > self.state.relieved.get() + limit / STEPS
    }

    /// Collects all garbage; returns the bytes in use.
    pub(crate) fn collect(&self) -> usize {
        // Only a finaliser of the script's can fail here, and it has been cut off or reported by Lua.
        let _ = self.lua.gc_collect();
        self.lua.used_memory()
    }

    /// Notes that what could be done about the memory was done.
    pub(crate) fn note_relief(&self, limits: &Limits, used: usize) {
        self.state.relieved.set(used);
        // The state has a limit already, so that it takes another.
        let _ = self.lua.set_memory_limit(hard_limit(limits, used));
        self.state.ceiling.set(hard_limit(limits, used));
    }

    /// An idle coroutine that waits for a function to run.
    pub(crate) fn take_thread(&self) -> mlua::Result<Thread> {
        let idle = self.state.pool.borrow_mut().pop();
        match idle {
            Some(thread) => Ok(thread),
            None => self.lua.create_thread(self.prelude().drive.clone()),
        }
    }

    pub(crate) fn prelude(&self) -> &Prelude {
        self.state.prelude()
    }

    pub(crate) fn loaded(&self) -> &Rc<Loaded> {
        self.state.loaded.get().expect("a state is used for robots only after it was loaded")
    }

    pub(crate) fn set_frozen(&self, frozen: Frozen) {
        let _ = self.state.frozen.set(frozen);
    }

    pub(crate) fn set_loaded(&self, loaded: Loaded) {
        let _ = self.state.loaded.set(Rc::new(loaded));
    }

    fn uncaught(&self, counted: Value, message: Value, traceback: Value) -> Uncaught {
        let text = |value| {
            LuaString::from_lua(value, &self.lua).map(|text| text.to_string_lossy()).unwrap_or_default()
        };
        let message = text(message);
        if counted == Value::Boolean(true) {
            return Uncaught::Counted(message);
        }
        let kind = if message.ends_with("not enough memory") {
            FailureKind::ScriptMemory
        } else {
            FailureKind::Script
        };
        Uncaught::Script(ScriptError { kind, message, traceback: text(traceback) })
    }
}

impl VmState {
    /// Closes what a suspended coroutine has open and makes it free again, or leaves it to the collector; `current` says whose
    /// it was.
    pub(crate) fn discard(&self, shared: &Shared, thread: &Thread, current: Current) {
        // `<close>` variables run now; they may not block.
        let outer = shared.enter(Current { fiber: Default::default(), ..current });
        let guard = Guard::of(thread, shared.project.limits.deadline);
        let reset = thread.reset(self.prelude().drive.clone());
        let cut = guard.verdict();
        drop(guard);
        shared.leave(outer);
        if reset.is_ok() && cut.is_none() {
            self.put_thread(thread.clone());
        }
    }

    /// Keeps an idle coroutine.
    pub(crate) fn put_thread(&self, thread: Thread) {
        let mut pool = self.pool.borrow_mut();
        if pool.len() < POOL {
            pool.push(thread);
        }
    }

    pub(crate) fn prelude(&self) -> &Prelude {
        self.prelude.get().expect("natives are called by scripts, which are loaded after the prelude")
    }

    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        self.loaded.get().map(|loaded| &**loaded)
    }
}

impl Prelude {
    fn load(lua: &Lua, natives: &Table) -> mlua::Result<Prelude> {
        let table = lua.create_table()?;
        for (name, source) in PRELUDE {
            lua.load(source).set_name(format!("{HOST_CHUNKS}{name}")).call::<()>((&table, natives))?;
        }
        let globals = lua.globals();
        globals.raw_set("throng", table.raw_get::<Value>("throng")?)?;
        globals.raw_set("require", table.raw_get::<Value>("require")?)?;
        globals.raw_set("print", table.raw_get::<Value>("print")?)?;
        Ok(Prelude {
            drive: table.raw_get("drive")?,
            born: table.raw_get("born")?,
            forget: table.raw_get("forget")?,
            offer: table.raw_get("offer")?,
            settle: table.raw_get("settle")?,
            timers: table.raw_get("timers")?,
            calls: table.raw_get("calls")?,
            watches: table.raw_get("watches")?,
            queued: table.raw_get("queued")?,
            failure: table.raw_get("Failure")?,
            said: table.raw_get("said")?,
            cuts: table.raw_get("cuts")?,
            states: table.raw_get("states")?,
            ciphers: table.raw_get("ciphers")?,
            encode_now: table.raw_get("encode_now")?,
            frame_now: table.raw_get("frame_now")?,
            table,
        })
    }
}

/// Bytes that a state can never take more than: no turn that is within its own limit comes so far, so that it is always the
/// greedy who find no memory. `used` is what could not be got rid of.
fn hard_limit(limits: &Limits, used: usize) -> usize {
    let most = limits.memory.max(used.min(limits.memory.saturating_mul(2)));
    most.saturating_add(limits.memory / STEPS).saturating_add(limits.memory_per_resume)
}

fn cut_error(cut: &CutOff) -> ScriptError {
    let kind = match cut.reason {
        Reason::Deadline => FailureKind::ScriptDeadline,
        Reason::Memory => FailureKind::ScriptMemory,
    };
    ScriptError { kind, message: cut.to_string(), traceback: cut.place.clone().unwrap_or_default() }
}

pub(crate) fn broken_error(error: &mlua::Error) -> ScriptError {
    let kind = match error {
        mlua::Error::MemoryError(_) => FailureKind::ScriptMemory,
        _ => FailureKind::Script,
    };
    ScriptError { kind, message: error.to_string(), traceback: String::new() }
}
