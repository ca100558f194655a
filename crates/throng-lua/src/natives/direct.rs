//! `request`, `try_request` and `send`, which robots call most, without mlua's detour.
//!
//! A call that is as usual is done here: the name was used before, the body fits, there are no options. Anything else is
//! handed to the prelude's function of the same name before something was done or counted. The rules are those of the
//! sandbox's native functions: no value with a destructor is alive where Lua may raise or yield.
#![allow(unsafe_code)]

use super::{Context, Natives, failure_value};
use crate::codec::{Codec, Unfit};
use crate::state::{What, key_of};
use crate::vm::wait_token;
use mlua::ffi::{self, lua_CFunction, lua_KContext, lua_State};
use mlua::{Function, LightUserData, Value};
use std::ffi::c_int;
use std::ptr;
use std::rc::Rc;
use throng_engine::{CallOptions, ConnectionKey, Unsent};
use throng_wire::{MessageId, Protocol};

// Arguments.
const CONNECTION: c_int = 1;
const NAME: c_int = 2;
const BODY: c_int = 3;
const OPTIONS: c_int = 4;
// What a coroutine is resumed with is put above them.
const WELL: c_int = OPTIONS + 1;
const VALUE: c_int = OPTIONS + 2;

// Upvalues.
const CONTEXT: c_int = 1;
const SLOWLY: c_int = 2;
const REFUSE: c_int = 3;

/// How a call began.
enum Begun {
    /// A request is on its way.
    Waits,
    Sent,
    /// The engine refused it; the failure is kept for `refused`.
    Refused,
    /// Nothing was done: this is not for the short way.
    Unfit,
}

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    let context = Rc::new(natives.context.clone());
    let pointer = LightUserData(Rc::as_ptr(&context).cast_mut().cast());
    // The state keeps it for as long as it has functions that point to it.
    natives.lua.set_app_data(context);
    natives.plain("asking", move |_, lua, (slowly, refuse): (Function, Function)| {
        closure(lua, ask, (pointer, slowly, refuse))
    })?;
    natives.plain("sending", move |_, lua, (slowly, refuse): (Function, Function)| {
        closure(lua, send, (pointer, slowly, refuse))
    })?;
    natives.plain("refused", |context, lua, ()| match context.shared.refused.take() {
        Some(failure) => failure_value(lua, &context.vm, &failure),
        None => Ok(Value::Nil),
    })
}

fn closure(
    lua: &mlua::Lua,
    function: lua_CFunction,
    upvalues: (LightUserData, Function, Function),
) -> mlua::Result<Function> {
    // SAFETY: the call is protected, and the three upvalues are its arguments.
    unsafe { lua.exec_raw(upvalues, |state| ffi::lua_pushcclosure(state, function, REFUSE)) }
}

unsafe extern "C-unwind" fn ask(state: *mut lua_State) -> c_int {
    // SAFETY: `begin` leaves the stack as it finds it; what raises or yields here finds nothing to drop.
    unsafe {
        ffi::lua_settop(state, OPTIONS);
        match begin(state, issue) {
            Begun::Waits => {
                ffi::lua_pushlightuserdata(state, wait_token().0);
                ffi::lua_yieldk(state, 1, 0, Some(woken))
            }
            begun => otherwise(state, &begun),
        }
    }
}

unsafe extern "C-unwind" fn send(state: *mut lua_State) -> c_int {
    // SAFETY: as in `ask`.
    unsafe {
        ffi::lua_settop(state, OPTIONS);
        match begin(state, post) {
            Begun::Sent => 0,
            begun => otherwise(state, &begun),
        }
    }
}

/// What a request came to is on the stack.
unsafe extern "C-unwind" fn woken(state: *mut lua_State, _: c_int, _: lua_KContext) -> c_int {
    // SAFETY: the arguments are where they were, with the values of the resume above them.
    unsafe {
        ffi::lua_settop(state, VALUE);
        if ffi::lua_toboolean(state, WELL) != 0 {
            return 1;
        }
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(REFUSE));
        ffi::lua_pushvalue(state, VALUE);
        call(state, 1, VALUE)
    }
}

/// Has the prelude do the rest.
#[cold]
unsafe fn otherwise(state: *mut lua_State, begun: &Begun) -> c_int {
    // SAFETY: the arguments are on the stack, and there is room for a function.
    unsafe {
        match begun {
            Begun::Refused => {
                ffi::lua_pushvalue(state, ffi::lua_upvalueindex(REFUSE));
                call(state, 0, OPTIONS)
            }
            _ => {
                ffi::lua_pushvalue(state, ffi::lua_upvalueindex(SLOWLY));
                ffi::lua_insert(state, 1);
                call(state, OPTIONS, 0)
            }
        }
    }
}

/// Calls the function below its `arguments` and returns all it returns; `below` values lie under the function.
///
/// # Safety
/// It is the last that a C function does; the function and its arguments are on the stack, and nothing is left to drop.
pub(super) unsafe fn call(state: *mut lua_State, arguments: c_int, below: c_int) -> c_int {
    // SAFETY: the function and its arguments are on the stack; nothing is left to drop when it raises or yields.
    unsafe {
        ffi::lua_callk(state, arguments, ffi::LUA_MULTRET, below as lua_KContext, Some(returned));
        returned(state, ffi::LUA_OK, below as lua_KContext)
    }
}

unsafe extern "C-unwind" fn returned(state: *mut lua_State, _: c_int, below: lua_KContext) -> c_int {
    // SAFETY: counts what is on the stack.
    unsafe { ffi::lua_gettop(state) - below as c_int }
}

/// Where a call goes.
#[derive(Clone, Copy)]
struct Target {
    connection: ConnectionKey,
    message: MessageId,
}

/// Finds out where the call goes and has `act` do it.
unsafe fn begin(
    state: *mut lua_State,
    act: unsafe fn(*mut lua_State, &Context, &Target) -> Result<Begun, Unsent<Unfit>>,
) -> Begun {
    // SAFETY: the context lives as long as the state; `act` raises nothing.
    unsafe {
        let context = ffi::lua_touserdata(state, ffi::lua_upvalueindex(CONTEXT)).cast::<Context>();
        let Some(target) = target(state) else { return Begun::Unfit };
        let context = &*context;
        match act(state, context, &target) {
            Ok(begun) => begun,
            Err(Unsent::Refused(failure)) => {
                context.shared.refused.replace(Some(Box::new(failure)));
                Begun::Refused
            }
            Err(Unsent::Body(Unfit) | Unsent::NoMessages) => Begun::Unfit,
        }
    }
}

/// The connection's key and the message's id, from the connection's object: `{ key, ids by name }`.
unsafe fn target(state: *mut lua_State) -> Option<Target> {
    // SAFETY: reads tables without metamethods, which raises nothing; the stack is left as it was.
    unsafe {
        if ffi::lua_type(state, CONNECTION) != ffi::LUA_TTABLE
            || ffi::lua_type(state, NAME) != ffi::LUA_TSTRING
            || ffi::lua_type(state, OPTIONS) != ffi::LUA_TNIL
        {
            return None;
        }
        let kind = ffi::lua_rawgeti(state, CONNECTION, 1);
        let key = integer(state, kind);
        let mut id = None;
        if ffi::lua_rawgeti(state, CONNECTION, 2) == ffi::LUA_TTABLE {
            ffi::lua_pushvalue(state, NAME);
            let kind = ffi::lua_rawget(state, -2);
            id = integer(state, kind);
        }
        ffi::lua_settop(state, OPTIONS);
        Some(Target { connection: key_of(key?), message: MessageId(u32::try_from(id?).ok()?) })
    }
}

/// The integer on the top of the stack, if what is there is of the `kind` of numbers and whole.
unsafe fn integer(state: *mut lua_State, kind: c_int) -> Option<i64> {
    let mut whole = 0;
    // SAFETY: only a number is converted, and the stack is not changed.
    unsafe {
        if kind != ffi::LUA_TNUMBER {
            return None;
        }
        let value = ffi::lua_tointegerx(state, -1, &mut whole);
        (whole != 0).then_some(value)
    }
}

unsafe fn issue(state: *mut lua_State, context: &Context, target: &Target) -> Result<Begun, Unsent<Unfit>> {
    let (shared, Target { connection, message }) = (&*context.shared, *target);
    let current = shared.current.get();
    // SAFETY: reads a field of the state.
    let may_wait = ptr::eq(state.cast_const().cast(), current.coroutine)
        && unsafe { ffi::lua_isyieldable(state) } != 0
        && current.may_wait();
    let Some(desk) = shared.desk.as_ref().filter(|_| may_wait) else { return Ok(Begun::Unfit) };
    let options = CallOptions { group: shared.group_of(current.fiber), ..CallOptions::default() };
    let operation = desk.request_by(connection, message, &options, body(state, message))?;
    shared.wait(current.fiber, operation, What::Request(connection, message));
    Ok(Begun::Waits)
}

unsafe fn post(state: *mut lua_State, context: &Context, target: &Target) -> Result<Begun, Unsent<Unfit>> {
    let Target { connection, message } = *target;
    let of_robot = context.shared.current.get().is_of_robot();
    let Some(desk) = context.shared.desk.as_ref().filter(|_| of_robot) else { return Ok(Begun::Unfit) };
    desk.send_by(connection, message, body(state, message))?;
    Ok(Begun::Sent)
}

/// Encodes the body argument.
fn body(
    state: *mut lua_State,
    message: MessageId,
) -> impl FnOnce(&Protocol, &mut Vec<u8>) -> Result<(), Unfit> {
    // SAFETY: the state is the running one, and its third argument is the body.
    move |protocol, out| unsafe { Codec::encode_at(state, BODY, protocol, message, out) }
}
