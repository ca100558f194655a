//! JSON and MessagePack to and from Lua values, without a tree in between.
//!
//! A table whose keys are 1 to n is a list; one with other keys is a map; one without any is a map unless
//! `throng.json.array` marked it. A list that came empty is marked, so that it goes back as it came. `null` is nothing in a
//! map, and the value `throng.json.null` in a list, which keeps its places. A number without a fraction is sent as a whole
//! one. What comes and does not fit 64 bits with a sign is a float.
//!
//! [`read`] walks a value on the Lua stack and has a [`write::Writer`] write it. `throng-wire` reads documents and drives a
//! `Build`, of which there are two: one that builds on the Lua stack where memory was found to suffice, and one of
//! mlua's values for where not.

mod build;
mod read;
mod write;

use mlua::ffi::lua_State;
use mlua::{Lua, Value};
use std::ffi::c_int;
use throng_wire::DocumentForm;

use super::Unfit;
use build::{OnStack, Values};
pub(crate) use read::{mark_list, register};

/// Appends a value to `out`.
///
/// # Errors
/// What cannot be sent, and where it stands.
pub(crate) fn encode(lua: &Lua, form: DocumentForm, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    let start = out.len();
    let written = read::encode(lua, form, value, out);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Appends the value at `index` of a running state's stack.
///
/// # Errors
/// It cannot be sent; [`encode`] tells why.
///
/// # Safety
/// `state` is alive, and `index` is one of its stack's.
#[allow(unsafe_code)]
pub(super) unsafe fn encode_at(
    state: *mut lua_State,
    index: c_int,
    form: DocumentForm,
    out: &mut Vec<u8>,
) -> Result<(), Unfit> {
    // SAFETY: the caller's promise.
    unsafe { read::encode_at(state, index, form, out) }
}

/// What a document is in Lua; nothing is nil.
///
/// # Errors
/// Why it is none.
pub(crate) fn decode(lua: &Lua, form: DocumentForm, document: &[u8]) -> Result<Value, String> {
    let mut values = Values::new(lua)?;
    form.read(document, &mut values).map_err(|error| error.reason.into_string())?;
    Ok(values.finish())
}

/// Pushes what a document is in Lua; false, with nothing pushed, when it is none.
///
/// # Safety
/// `state` is a running one with room for a few values, and finds the memory that the document takes.
#[allow(unsafe_code)]
pub(super) unsafe fn decode_onto(state: *mut lua_State, form: DocumentForm, document: &[u8]) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let mut stack = OnStack::new(state);
        let built = form.read(document, &mut stack).is_ok();
        stack.finish(built)
    }
}

/// How many bytes a byte of a document can take in Lua at the most.
pub(super) fn growth(form: DocumentForm) -> usize {
    match form {
        // `[]` and its comma take three bytes, and about 104 as an element of a list.
        DocumentForm::Json => 64,
        // An empty list takes one.
        DocumentForm::Msgpack => 192,
    }
}

#[cfg(test)]
mod tests;
