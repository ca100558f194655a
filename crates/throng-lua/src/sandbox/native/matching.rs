//! `string.find`, `match`, `gmatch` and `gsub` over the bounded matcher.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::ops::Range;

use mlua::ffi::{self, lua_State, luaL_Buffer};
use mlua::{Lua, Table};

use super::text::{ErrorText, Shown, append, check_bytes, offset, push_bytes};
use super::{CALL, MAX_STRING, hook, raise_too_large, set};
use crate::sandbox::pattern::{self, Capture, Fault, Matcher};

/// Nanoseconds that a step takes, about.
const STEP: u64 = 3;

/// Replaces the functions.
pub(in crate::sandbox) fn install(lua: &Lua) -> mlua::Result<()> {
    let library: Table = lua.globals().raw_get("string")?;
    set(lua, &library, "find", find)?;
    set(lua, &library, "match", matches)?;
    set(lua, &library, "gmatch", gmatch)?;
    set(lua, &library, "gsub", gsub)
}

unsafe extern "C-unwind" fn find(state: *mut lua_State) -> c_int {
    let (subject, pattern) = (check_bytes(state, 1), check_bytes(state, 2));
    let init = offset(ffi::luaL_optinteger(state, 3, 1), subject.len());
    if init > subject.len() {
        ffi::lua_pushnil(state);
        return 1;
    }
    if ffi::lua_toboolean(state, 4) == 0 && !pattern::is_plain(pattern) {
        return search(state, subject, pattern, init, Wanted::Position);
    }
    let found = pattern::find_plain(&subject[init..], pattern);
    hook::work(state, subject.len() as u64 / 8);
    let Some(at) = found else {
        ffi::lua_pushnil(state);
        return 1;
    };
    push_span(state, init + at..init + at + pattern.len());
    2
}

unsafe extern "C-unwind" fn matches(state: *mut lua_State) -> c_int {
    let (subject, pattern) = (check_bytes(state, 1), check_bytes(state, 2));
    let init = offset(ffi::luaL_optinteger(state, 3, 1), subject.len());
    if init > subject.len() {
        ffi::lua_pushnil(state);
        return 1;
    }
    search(state, subject, pattern, init, Wanted::Captures)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Captures,
    Position,
}

unsafe fn search(
    state: *mut lua_State,
    subject: &[u8],
    pattern: &[u8],
    init: usize,
    wanted: Wanted,
) -> c_int {
    let (anchored, items) = split_anchor(pattern);
    let fuel = pattern::fuel(subject.len());
    let mut matcher = Matcher::new(subject, items, fuel);
    let found = if anchored {
        matcher.match_at(init).map(|end| end.map(|end| init..end))
    } else {
        first_match(&mut matcher, subject, items, init)
    };
    spend(state, &mut matcher, fuel);
    match found {
        Err(fault) => raise(state, fault, subject, pattern),
        Ok(None) => {
            ffi::lua_pushnil(state);
            1
        }
        Ok(Some(span)) if wanted == Wanted::Position => {
            push_span(state, span.clone());
            let text = Whole { subject, pattern, span };
            2 + push_captures(state, &matcher, &text, matcher.captures())
        }
        Ok(Some(span)) => {
            let text = Whole { subject, pattern, span };
            push_captures(state, &matcher, &text, matcher.captures().max(1))
        }
    }
}

fn first_match(
    matcher: &mut Matcher<'_>,
    subject: &[u8],
    items: &[u8],
    init: usize,
) -> Result<Option<Range<usize>>, Fault> {
    if let Some(first) = pattern::first_byte(items) {
        for at in memchr::memchr_iter(first, &subject[init..]) {
            if let Some(end) = matcher.match_at(init + at)? {
                return Ok(Some(init + at..end));
            }
        }
        return Ok(None);
    }
    for start in init..=subject.len() {
        if let Some(end) = matcher.match_at(start)? {
            return Ok(Some(start..end));
        }
    }
    Ok(None)
}

unsafe extern "C-unwind" fn gmatch(state: *mut lua_State) -> c_int {
    let (subject, _pattern) = (check_bytes(state, 1), check_bytes(state, 2));
    let init = offset(ffi::luaL_optinteger(state, 3, 1), subject.len());
    ffi::lua_settop(state, 2);
    ffi::lua_pushinteger(state, i64::try_from(init.min(subject.len() + 1)).unwrap_or(i64::MAX));
    ffi::lua_pushinteger(state, -1);
    ffi::lua_pushcclosure(state, gmatch_next, 4);
    1
}

/// The iterator; its upvalues are subject, pattern, where to go on, and where the last match ended.
unsafe extern "C-unwind" fn gmatch_next(state: *mut lua_State) -> c_int {
    let subject = check_bytes(state, ffi::lua_upvalueindex(1));
    let pattern = check_bytes(state, ffi::lua_upvalueindex(2));
    let first = usize::try_from(ffi::lua_tointeger(state, ffi::lua_upvalueindex(3))).unwrap_or(usize::MAX);
    let last = usize::try_from(ffi::lua_tointeger(state, ffi::lua_upvalueindex(4))).ok();
    let fuel = pattern::fuel(subject.len());
    let mut matcher = Matcher::new(subject, pattern, fuel);
    let mut start = first;
    while start <= subject.len() {
        let found = matcher.match_at(start);
        match found {
            Err(fault) => {
                spend(state, &mut matcher, fuel);
                return raise(state, fault, subject, pattern);
            }
            Ok(Some(end)) if Some(end) != last => {
                spend(state, &mut matcher, fuel);
                set_progress(state, end);
                let text = Whole { subject, pattern, span: start..end };
                return push_captures(state, &matcher, &text, matcher.captures().max(1));
            }
            Ok(_) => start += 1,
        }
    }
    spend(state, &mut matcher, fuel);
    0
}

unsafe fn set_progress(state: *mut lua_State, end: usize) {
    for upvalue in [3, 4] {
        ffi::lua_pushinteger(state, i64::try_from(end).unwrap_or(i64::MAX));
        ffi::lua_replace(state, ffi::lua_upvalueindex(upvalue));
    }
}

/// How `gsub` replaces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replacement<'a> {
    Text(&'a [u8]),
    Function,
    Table,
}

unsafe extern "C-unwind" fn gsub(state: *mut lua_State) -> c_int {
    let (subject, pattern) = (check_bytes(state, 1), check_bytes(state, 2));
    let replacement = match ffi::lua_type(state, 3) {
        ffi::LUA_TSTRING | ffi::LUA_TNUMBER => Replacement::Text(check_bytes(state, 3)),
        ffi::LUA_TFUNCTION => Replacement::Function,
        ffi::LUA_TTABLE => Replacement::Table,
        _ => return refuse_replacement(state),
    };
    let limit = ffi::luaL_optinteger(state, 4, i64::MAX);
    let (anchored, items) = split_anchor(pattern);
    let mut buffer = MaybeUninit::<luaL_Buffer>::uninit();
    let buffer = buffer.as_mut_ptr();
    ffi::luaL_buffinit(state, buffer);
    let fuel = pattern::fuel(subject.len());
    let mut matcher = Matcher::new(subject, items, fuel);
    let (mut start, mut copied, mut last) = (0, 0, None);
    let (mut count, mut changed) = (0_i64, false);
    while count < limit {
        match matcher.match_at(start) {
            Err(fault) => {
                spend(state, &mut matcher, fuel);
                return raise(state, fault, subject, pattern);
            }
            Ok(Some(end)) if Some(end) != last => {
                count += 1;
                append(buffer, &subject[copied..start]);
                let text = Whole { subject, pattern, span: start..end };
                changed |= replace(state, buffer, &matcher, &text, replacement);
                if ffi::luaL_bufflen(buffer) > MAX_STRING {
                    raise_too_large(state);
                }
                (start, copied, last) = (end, end, Some(end));
                spend(state, &mut matcher, fuel);
            }
            Ok(_) if start < subject.len() => start += 1,
            Ok(_) => break,
        }
        if anchored {
            break;
        }
    }
    spend(state, &mut matcher, fuel);
    if changed {
        append(buffer, &subject[copied..]);
        ffi::luaL_pushresult(buffer);
    } else {
        ffi::lua_pushvalue(state, 1);
    }
    ffi::lua_pushinteger(state, count);
    2
}

unsafe fn refuse_replacement(state: *mut lua_State) -> c_int {
    let found = CStr::from_ptr(ffi::luaL_typename(state, 3)).to_bytes().escape_ascii();
    ErrorText::new(format_args!("string/function/table expected, got {found}")).raise_argument(state, 3)
}

/// Appends the replacement of a match, or the match where there is none, and tells which.
unsafe fn replace(
    state: *mut lua_State,
    buffer: *mut luaL_Buffer,
    matcher: &Matcher<'_>,
    text: &Whole<'_>,
    replacement: Replacement<'_>,
) -> bool {
    match replacement {
        Replacement::Text(template) => {
            append_template(state, buffer, matcher, text, template);
            return true;
        }
        Replacement::Function => {
            hook::work(state, CALL);
            ffi::lua_pushvalue(state, 3);
            let arguments = push_captures(state, matcher, text, matcher.captures().max(1));
            ffi::lua_call(state, arguments, 1);
        }
        Replacement::Table => {
            hook::work(state, CALL);
            push_captures(state, matcher, text, 1);
            ffi::lua_gettable(state, 3);
        }
    }
    if ffi::lua_toboolean(state, -1) == 0 {
        ffi::lua_pop(state, 1);
        append(buffer, &text.subject[text.span.clone()]);
        return false;
    }
    if ffi::lua_isstring(state, -1) == 0 {
        let found = CStr::from_ptr(ffi::luaL_typename(state, -1)).to_bytes().escape_ascii();
        ErrorText::new(format_args!("invalid replacement value (a {found})")).raise(state);
    }
    ffi::luaL_addvalue(buffer);
    true
}

unsafe fn append_template(
    state: *mut lua_State,
    buffer: *mut luaL_Buffer,
    matcher: &Matcher<'_>,
    text: &Whole<'_>,
    template: &[u8],
) {
    let mut rest = template;
    while let Some(escape) = memchr::memchr(b'%', rest) {
        append(buffer, &rest[..escape]);
        match rest.get(escape + 1) {
            Some(b'%') => append(buffer, b"%"),
            Some(b'0') => append(buffer, &text.subject[text.span.clone()]),
            Some(digit @ b'1'..=b'9') => {
                match matcher.capture(usize::from(digit - b'1'), text.span.clone()) {
                    Ok(Capture::Text(range)) => append(buffer, &text.subject[range]),
                    Ok(Capture::Position(at)) => {
                        push_position(state, at);
                        ffi::luaL_addvalue(buffer);
                    }
                    Err(fault) => {
                        raise(state, fault, text.subject, text.pattern);
                    }
                }
            }
            _ => {
                raise(state, Fault::EscapeInReplacement, text.subject, text.pattern);
            }
        }
        rest = &rest[escape + 2..];
    }
    append(buffer, rest);
}

/// A match and where it was found.
struct Whole<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    span: Range<usize>,
}

unsafe fn push_captures(
    state: *mut lua_State,
    matcher: &Matcher<'_>,
    text: &Whole<'_>,
    count: usize,
) -> c_int {
    let count = c_int::try_from(count).unwrap_or(c_int::MAX);
    ffi::luaL_checkstack(state, count, c"too many captures".as_ptr());
    for index in 0..count {
        match matcher.capture(index as usize, text.span.clone()) {
            Ok(Capture::Text(range)) => push_bytes(state, &text.subject[range]),
            Ok(Capture::Position(at)) => push_position(state, at),
            Err(fault) => {
                raise(state, fault, text.subject, text.pattern);
            }
        }
    }
    count
}

unsafe fn push_position(state: *mut lua_State, at: usize) {
    ffi::lua_pushinteger(state, i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1));
}

unsafe fn push_span(state: *mut lua_State, span: Range<usize>) {
    push_position(state, span.start);
    ffi::lua_pushinteger(state, i64::try_from(span.end).unwrap_or(i64::MAX));
}

fn split_anchor(pattern: &[u8]) -> (bool, &[u8]) {
    pattern.strip_prefix(b"^").map_or((false, pattern), |items| (true, items))
}

/// Counts the steps taken since the matcher had that much fuel as work, and fills it up again.
unsafe fn spend(state: *mut lua_State, matcher: &mut Matcher<'_>, fuel: u64) {
    let left = matcher.refuel(fuel);
    hook::work(state, (fuel - left) * STEP);
}

unsafe fn raise(state: *mut lua_State, fault: Fault, subject: &[u8], pattern: &[u8]) -> c_int {
    const SHOWN: usize = 80;
    let text = if fault == Fault::TooLong {
        let shown = Shown(&pattern[..pattern.len().min(SHOWN)]);
        let rest = if pattern.len() > SHOWN { "..." } else { "" };
        let length = subject.len();
        ErrorText::new(format_args!("{fault}: {shown}{rest} against a subject of {length} bytes"))
    } else {
        ErrorText::new(format_args!("{fault}"))
    };
    text.raise(state)
}
