//! Arguments as bytes, and error texts without heap.

use std::ffi::{c_char, c_int};
use std::fmt::{self, Write as _};
use std::{ptr, slice};

use mlua::ffi::{self, lua_State};

/// A text of bounded length, terminated for C; what does not fit is left out. It has no destructor, so that
/// it may be alive when an error jumps.
pub(super) struct ErrorText {
    bytes: [u8; ErrorText::SIZE],
    used: usize,
}

impl ErrorText {
    const SIZE: usize = 320;

    pub(super) fn new(arguments: fmt::Arguments<'_>) -> ErrorText {
        let mut text = ErrorText { bytes: [0; ErrorText::SIZE], used: 0 };
        // An error here says that the text is full.
        let _ = text.write_fmt(arguments);
        text
    }

    /// Raises the text as an error, with the line of the script that called.
    pub(super) unsafe fn raise(&self, state: *mut lua_State) -> c_int {
        ffi::luaL_error(state, c"%s".as_ptr(), self.bytes.as_ptr().cast::<c_char>())
    }

    /// Raises the text as what is wrong with an argument.
    pub(super) unsafe fn raise_argument(&self, state: *mut lua_State, argument: c_int) -> c_int {
        ffi::luaL_argerror(state, argument, self.bytes.as_ptr().cast::<c_char>())
    }

    pub(super) unsafe fn push(&self, state: *mut lua_State) {
        ffi::lua_pushlstring(state, self.bytes.as_ptr().cast::<c_char>(), self.used);
    }
}

impl fmt::Write for ErrorText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = ErrorText::SIZE - 1 - self.used;
        let fitting = text.floor_char_boundary(free);
        self.bytes[self.used..self.used + fitting].copy_from_slice(&text.as_bytes()[..fitting]);
        self.used += fitting;
        if fitting == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Bytes for people: as they are if they are text, else escaped.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match str::from_utf8(self.0) {
            Ok(text) => f.write_str(text),
            Err(_) => self.0.escape_ascii().fmt(f),
        }
    }
}

/// The argument's bytes, or an error that it is no string; a number becomes one in place.
///
/// The bytes live for as long as the argument is on the stack.
pub(super) unsafe fn check_bytes<'a>(state: *mut lua_State, argument: c_int) -> &'a [u8] {
    let mut length = 0;
    let start = ffi::luaL_checklstring(state, argument, &raw mut length);
    slice::from_raw_parts(start.cast::<u8>(), length)
}

/// The bytes of a value that is a string or a number, which becomes one in place.
pub(super) unsafe fn to_bytes<'a>(state: *mut lua_State, index: c_int) -> Option<&'a [u8]> {
    let mut length = 0;
    let start = ffi::lua_tolstring(state, index, &raw mut length);
    if start.is_null() {
        return None;
    }
    Some(slice::from_raw_parts(start.cast::<u8>(), length))
}

pub(super) unsafe fn push_bytes(state: *mut lua_State, bytes: &[u8]) {
    ffi::lua_pushlstring(state, bytes.as_ptr().cast::<c_char>(), bytes.len());
}

/// Appends to a buffer of Lua's.
pub(super) unsafe fn append(buffer: *mut ffi::luaL_Buffer, bytes: &[u8]) {
    if !bytes.is_empty() {
        let room = ffi::luaL_prepbuffsize(buffer, bytes.len());
        ptr::copy_nonoverlapping(bytes.as_ptr(), room.cast::<u8>(), bytes.len());
        ffi::luaL_addsize(buffer, bytes.len());
    }
}

/// A script's position in a text of `length` bytes as an offset: from 1, or from the end below zero.
pub(super) fn offset(position: i64, length: usize) -> usize {
    match position {
        1.. => usize::try_from(position - 1).unwrap_or(usize::MAX),
        0 => 0,
        _ => usize::try_from(position.unsigned_abs()).map_or(0, |back| length.saturating_sub(back)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_or_from_the_end() {
        assert_eq!(offset(1, 5), 0);
        assert_eq!(offset(0, 5), 0);
        assert_eq!(offset(-1, 5), 4);
        assert_eq!(offset(-9, 5), 0);
        assert_eq!(offset(9, 5), 8);
        assert_eq!(offset(i64::MIN, 5), 0);
    }

    #[test]
    fn a_text_that_is_too_long_is_shortened_between_characters() {
        let text = ErrorText::new(format_args!("x{}", "\u{fc}".repeat(400)));
        assert_eq!(text.used, ErrorText::SIZE - 1);
        assert_eq!(text.bytes[text.used], 0);
    }
}
