//! The codec of robots' messages by itself, as the benchmark of this crate calls it. It is no part of the crate's interface.
//!
//! A script gets a table of functions that do to one message what a robot's request and its reply do: `encode` walks a table
//! into a buffer of the host's, `decode` makes one of bytes that came.
#![allow(unsafe_code)]

use crate::codec::{self, Codec};
use crate::error::LoadError;
use crate::load;
use crate::project::LuaProject;
use crate::sandbox::Guard;
use crate::state::Shared;
use crate::vm::Vm;
use mlua::ffi::{self, lua_CFunction, lua_State};
use mlua::{Function, LightUserData, Table, Value};
use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::Incoming;
use throng_sproto::{MAX_MESSAGE, pack, unpack};
use throng_wire::{MessageId, Protocol};

/// How long a case may run.
const LONGEST: Duration = Duration::from_secs(3600);

/// A Lua state as robots have it, with one message of a protocol to encode and decode.
pub struct CodecBench {
    // Before the message, to which its functions point.
    vm: Vm,
    _wire: Box<Wire>,
    cases: Table,
}

/// What the functions work on.
struct Wire {
    protocol: Arc<Protocol>,
    message: MessageId,
    encoded: Vec<u8>,
    packed: Vec<u8>,
    /// What comes.
    body: Vec<u8>,
    packed_body: Vec<u8>,
}

impl CodecBench {
    /// Runs `script`, which gets the functions, with the bundle of a schema among them, and returns a table of cases: functions
    /// of how many times.
    ///
    /// # Errors
    /// The script's.
    pub fn new(
        protocol: Arc<Protocol>,
        message: MessageId,
        body: &[u8],
        script: &str,
        bundle: &[u8],
    ) -> Result<CodecBench, LoadError> {
        let project = LuaProject::at(".");
        let vm = load::bare(&Shared::new(Arc::new(project), None))?;
        load::collect_young(&vm.lua);
        let mut packed_body = Vec::new();
        pack(body, &mut packed_body);
        let mut wire = Box::new(Wire {
            protocol,
            message,
            encoded: Vec::new(),
            packed: Vec::new(),
            body: body.to_vec(),
            packed_body,
        });
        let cases = functions(&vm, &mut wire).and_then(|functions| {
            functions.raw_set("bundle", vm.lua.create_string(bundle)?)?;
            vm.lua.load(script).call(functions)
        });
        let cases = cases.map_err(|error| LoadError::new("script", None, error.to_string()))?;
        Ok(CodecBench { vm, _wire: wire, cases })
    }

    /// Calls one of the script's cases, in a coroutine under the guard as all that robots do.
    ///
    /// # Errors
    /// The script's.
    pub fn run(&self, case: &str, count: u32) -> mlua::Result<String> {
        let thread = self.vm.lua.create_thread(self.cases.raw_get::<Function>(case)?)?;
        let guard = Guard::of(&thread, LONGEST);
        let result: Option<String> = thread.resume(count)?;
        match guard.verdict() {
            Some(cut) => Err(mlua::Error::runtime(cut)),
            None => Ok(result.unwrap_or_default()),
        }
    }
}

fn functions(vm: &Vm, wire: &mut Box<Wire>) -> mlua::Result<Table> {
    let pointer = LightUserData((&raw mut **wire).cast());
    let functions = vm.lua.create_table()?;
    let add = |name: &str, function: lua_CFunction| {
        // SAFETY: the call is protected, and the upvalue is its argument.
        let function: Function =
            unsafe { vm.lua.exec_raw(pointer, |state| ffi::lua_pushcclosure(state, function, 1)) }?;
        functions.raw_set(name, function)
    };
    add("encode", encode)?;
    add("encode_and_pack", encode_and_pack)?;
    add("decode", decode)?;
    add("unpack_and_decode", unpack_and_decode)?;
    add("encoded", encoded)?;
    // The first encoding makes the names of the schema's fields.
    let first = vm.state.codec.encode(&vm.lua, &wire.protocol, wire.message, &Value::Nil, &mut Vec::new());
    first.map(|()| functions).map_err(mlua::Error::runtime)
}

/// # Safety
/// It is called by one of the functions, which end before anyone else looks at what it gives.
unsafe fn wire<'a>(state: *mut lua_State) -> &'a mut Wire {
    // SAFETY: the upvalue points to what outlives the state.
    unsafe { &mut *ffi::lua_touserdata(state, ffi::lua_upvalueindex(1)).cast::<Wire>() }
}

unsafe extern "C-unwind" fn encode(state: *mut lua_State) -> c_int {
    // SAFETY: nothing is left to drop where it raises.
    unsafe {
        if !encode_body(state) {
            return ffi::luaL_error(state, c"it does not fit".as_ptr());
        }
        0
    }
}

unsafe extern "C-unwind" fn encode_and_pack(state: *mut lua_State) -> c_int {
    // SAFETY: as in `encode`.
    unsafe {
        if !encode_body(state) {
            return ffi::luaL_error(state, c"it does not fit".as_ptr());
        }
        let wire = wire(state);
        wire.packed.clear();
        pack(&wire.encoded, &mut wire.packed);
        0
    }
}

unsafe fn encode_body(state: *mut lua_State) -> bool {
    // SAFETY: the argument is at 1.
    unsafe {
        let wire = wire(state);
        wire.encoded.clear();
        Codec::encode_at(state, 1, &wire.protocol, wire.message, &mut wire.encoded).is_ok()
    }
}

unsafe extern "C-unwind" fn decode(state: *mut lua_State) -> c_int {
    // SAFETY: as in `encode`.
    unsafe {
        let wire = wire(state);
        if !push(state, wire, &wire.body) {
            return ffi::luaL_error(state, c"it does not fit".as_ptr());
        }
        1
    }
}

unsafe extern "C-unwind" fn unpack_and_decode(state: *mut lua_State) -> c_int {
    // SAFETY: as in `encode`.
    unsafe {
        let wire = wire(state);
        wire.encoded.clear();
        let unpacked = unpack(&wire.packed_body, MAX_MESSAGE, &mut wire.encoded).is_ok();
        if !unpacked || !push(state, wire, &wire.encoded) {
            return ffi::luaL_error(state, c"it does not fit".as_ptr());
        }
        1
    }
}

unsafe fn push(state: *mut lua_State, wire: &Wire, body: &[u8]) -> bool {
    let (protocol, message) = (&wire.protocol, Some(wire.message));
    let incoming = Incoming { protocol, message, request: None, body, payload: body };
    // SAFETY: nothing limits the state's memory but the machine's.
    unsafe { codec::push_body(state, &incoming).is_some() }
}

/// The last bytes that were encoded, and packed.
unsafe extern "C-unwind" fn encoded(state: *mut lua_State) -> c_int {
    // SAFETY: as in `encode`; Lua copies the bytes.
    unsafe {
        let wire = wire(state);
        for bytes in [&wire.encoded, &wire.packed] {
            ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len());
        }
        2
    }
}
