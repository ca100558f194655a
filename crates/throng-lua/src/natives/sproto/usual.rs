//! `encode`, `decode`, `pencode` and `pdecode` of scripts' schemas as they are called most, without mlua's detour.
//!
//! As with `request`: a call that is as usual is done here, that is by a type that was used before, of a table that fits or
//! bytes that are such a message. Anything else is handed to a function of the prelude's. No value with a destructor is
//! alive, and nothing is borrowed, where Lua may raise.
#![allow(unsafe_code)]

use super::{CODING, PACKING, Schemas};
use crate::codec;
use crate::natives::{Natives, direct};
use crate::sandbox;
use mlua::ffi::{self, lua_CFunction, lua_State};
use mlua::{Function, LightUserData, Table};
use std::cell::RefCell;
use std::ffi::c_int;
use std::rc::Rc;
use std::slice;
use throng_sproto::{MAX_MESSAGE, Schema, TypeId, pack, unpack};

// Arguments.
const SCHEMA: c_int = 1;
const TYPE: c_int = 2;
const GIVEN: c_int = 3;

// Upvalues.
const USUAL: c_int = 1;
const SLOWLY: c_int = 2;
const CODES: c_int = 3;

/// What is kept of a buffer's room from call to call, in bytes.
const KEPT: usize = 1 << 20;

/// What the functions work on.
struct Usual {
    schemas: Rc<Schemas>,
    plain: RefCell<Vec<u8>>,
    packed: RefCell<Vec<u8>>,
}

/// A function of the prelude's becomes one that is asked only where its native does not do it. The last argument is the table
/// of the types' codes by name, by the object of their schema.
pub(super) fn add(natives: &Natives<'_>, schemas: &Rc<Schemas>) -> mlua::Result<()> {
    let usual =
        Rc::new(Usual { schemas: schemas.clone(), plain: RefCell::default(), packed: RefCell::default() });
    let pointer = LightUserData(Rc::as_ptr(&usual).cast_mut().cast());
    // The state keeps it for as long as it has functions that point to it.
    natives.lua.set_app_data(usual);
    let functions: [(&str, lua_CFunction); 4] = [
        ("sproto_encoding", encode),
        ("sproto_decoding", decode),
        ("sproto_packing", encode_and_pack),
        ("sproto_unpacking", unpack_and_decode),
    ];
    for (name, function) in functions {
        natives.plain(name, move |_, lua, (slowly, codes): (Function, Table)| {
            // SAFETY: the call is protected, and the upvalues are its arguments.
            unsafe {
                lua.exec_raw::<Function>((pointer, slowly, codes), |state| {
                    ffi::lua_pushcclosure(state, function, CODES);
                })
            }
        })?;
    }
    Ok(())
}

/// The code of a type of a schema.
pub(super) fn code(place: usize, ty: TypeId) -> i64 {
    (place as i64) << 32 | i64::from(ty.0)
}

unsafe extern "C-unwind" fn encode(state: *mut lua_State) -> c_int {
    // SAFETY: what is borrowed was given back when Lua makes the string.
    unsafe {
        let Some(usual) = begin(state) else { return slowly(state) };
        let Some((bytes, length)) = encoded(state, usual) else { return slowly(state) };
        ffi::lua_pushlstring(state, bytes.cast(), length);
        1
    }
}

unsafe extern "C-unwind" fn encode_and_pack(state: *mut lua_State) -> c_int {
    // SAFETY: as in `encode`.
    unsafe {
        let Some(usual) = begin(state) else { return slowly(state) };
        let Some((bytes, length)) = encoded(state, usual) else { return slowly(state) };
        sandbox::work_in(state, length as u64 * PACKING);
        let packed = filled(&usual.packed, |packed| {
            pack(slice::from_raw_parts(bytes, length), packed);
            Some(())
        });
        let Some((bytes, length)) = packed else { return slowly(state) };
        ffi::lua_pushlstring(state, bytes.cast(), length);
        1
    }
}

unsafe extern "C-unwind" fn decode(state: *mut lua_State) -> c_int {
    // SAFETY: nothing is borrowed; the bytes belong to a string on the stack.
    unsafe {
        let Some(usual) = begin(state) else { return slowly(state) };
        let Some(bytes) = given(state) else { return slowly(state) };
        push(state, usual, bytes)
    }
}

unsafe extern "C-unwind" fn unpack_and_decode(state: *mut lua_State) -> c_int {
    // SAFETY: what is borrowed was given back when tables are made; until then nobody else comes to the buffer, because
    // nothing of the script's runs.
    unsafe {
        let Some(usual) = begin(state) else { return slowly(state) };
        let Some(packed) = given(state) else { return slowly(state) };
        let unpacked = filled(&usual.plain, |plain| unpack(packed, MAX_MESSAGE + 8, plain).ok());
        let Some((bytes, length)) = unpacked else { return slowly(state) };
        sandbox::work_in(state, length as u64 * PACKING);
        push(state, usual, slice::from_raw_parts(bytes, length))
    }
}

/// Makes the arguments three.
unsafe fn begin<'a>(state: *mut lua_State) -> Option<&'a Usual> {
    // SAFETY: the pointer is to what lives as long as the state.
    unsafe {
        ffi::lua_settop(state, GIVEN);
        ffi::lua_touserdata(state, ffi::lua_upvalueindex(USUAL)).cast::<Usual>().as_ref()
    }
}

/// Has the prelude do it.
#[cold]
unsafe fn slowly(state: *mut lua_State) -> c_int {
    // SAFETY: the arguments are on the stack, and there is room for a function.
    unsafe {
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(SLOWLY));
        ffi::lua_insert(state, 1);
        direct::call(state, GIVEN, 0)
    }
}

/// The type that is meant, if it was used before.
unsafe fn target(state: *mut lua_State, usual: &Usual) -> Option<(&Schema, TypeId)> {
    // SAFETY: reads tables without metamethods, which raises nothing; the stack is left as it was. A schema is kept as long as
    // its state, at its place.
    unsafe {
        if ffi::lua_type(state, SCHEMA) != ffi::LUA_TTABLE || ffi::lua_type(state, TYPE) != ffi::LUA_TSTRING {
            return None;
        }
        ffi::lua_pushvalue(state, SCHEMA);
        let mut code = 0;
        if ffi::lua_rawget(state, ffi::lua_upvalueindex(CODES)) == ffi::LUA_TTABLE {
            ffi::lua_pushvalue(state, TYPE);
            let mut whole = 0;
            if ffi::lua_rawget(state, -2) == ffi::LUA_TNUMBER {
                code = ffi::lua_tointegerx(state, -1, &mut whole);
            }
            ffi::lua_settop(state, GIVEN);
            let place = usize::try_from(code >> 32).ok().filter(|_| whole != 0)?;
            let schema = Rc::as_ptr(usual.schemas.kept.borrow().get(place)?);
            return Some((&*schema, TypeId(code as u32)));
        }
        ffi::lua_settop(state, GIVEN);
        None
    }
}

/// The bytes that are to be decoded, on the stack.
unsafe fn given<'a>(state: *mut lua_State) -> Option<&'a [u8]> {
    let mut length = 0;
    // SAFETY: only a string is asked for its bytes, so nothing is converted; it stays where it is.
    unsafe {
        if ffi::lua_type(state, GIVEN) != ffi::LUA_TSTRING {
            return None;
        }
        let bytes = ffi::lua_tolstring(state, GIVEN, &mut length);
        Some(slice::from_raw_parts(bytes.cast(), length))
    }
}

/// The encoded body; it stays until the next call.
unsafe fn encoded(state: *mut lua_State, usual: &Usual) -> Option<(*const u8, usize)> {
    // SAFETY: the body is the third argument; encoding raises nothing.
    unsafe {
        let (schema, ty) = target(state, usual)?;
        let encoded =
            filled(&usual.plain, |plain| codec::encode_table_at(state, GIVEN, schema, ty, plain).ok())?;
        sandbox::work_in(state, encoded.1 as u64 * CODING);
        Some(encoded)
    }
}

/// Pushes what the bytes are and how many of them it takes.
unsafe fn push(state: *mut lua_State, usual: &Usual, bytes: &[u8]) -> c_int {
    // SAFETY: whoever called can be raised to where memory is short: nothing here is left to drop.
    unsafe {
        let Some((schema, ty)) = target(state, usual) else { return slowly(state) };
        sandbox::work_in(state, bytes.len() as u64 * CODING);
        match codec::push_table(state, schema, ty, bytes) {
            Some(used) => {
                ffi::lua_pushinteger(state, used as i64);
                2
            }
            None => slowly(state),
        }
    }
}

/// What `fill` puts into a buffer, which is given back.
fn filled(
    buffer: &RefCell<Vec<u8>>,
    fill: impl FnOnce(&mut Vec<u8>) -> Option<()>,
) -> Option<(*const u8, usize)> {
    let mut buffer = buffer.try_borrow_mut().ok()?;
    if buffer.capacity() > KEPT {
        *buffer = Vec::new();
    }
    buffer.clear();
    fill(&mut buffer)?;
    Some((buffer.as_ptr(), buffer.len()))
}
