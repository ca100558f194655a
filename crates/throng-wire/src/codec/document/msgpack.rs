//! The head of a MessagePack document.

use rmp::Marker;
use rmp::decode::{read_int, read_marker};
use rmp::encode::{write_map_len, write_sint, write_str};

use super::{DocumentError, DocumentForm, Key, Keys, Name, Outline};
use crate::codec::WriteError;

/// Reads the outermost map's keys; of two that are the same the last counts.
pub(super) fn outline<'a>(keys: &Keys, document: &'a [u8]) -> Result<Outline<'a>, DocumentError> {
    let cut_short = || DocumentForm::Msgpack.error("it is cut short");
    let mut rest = document;
    let count = map_count(&mut rest).ok_or_else(|| DocumentForm::Msgpack.error("it is not a map"))?;
    let mut outline = Outline::default();
    for _ in 0..count {
        let key = take_value(&mut rest).ok_or_else(cut_short)?;
        let value = take_value(&mut rest).ok_or_else(cut_short)?;
        match text(key).map_or(Key::Other, |key| keys.which(key)) {
            Key::Name => outline.name = text(value).map(Name::Text).or(whole(value).map(Name::Number)),
            Key::Session => outline.session = whole(value),
            Key::Body => outline.body = Some(value),
            Key::Code => outline.code = code(value),
            Key::Other => {}
        }
    }
    if rest.is_empty() { Ok(outline) } else { Err(DocumentForm::Msgpack.error("more bytes follow it")) }
}

/// Appends the map with name, session and body.
pub(super) fn write(
    name: Option<(&str, Name<'_>)>,
    session: Option<(&str, i64)>,
    body_key: Option<&str>,
    body: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), WriteError> {
    if body_key.is_none() && name.is_none() && session.is_none() {
        out.extend_from_slice(body);
        return Ok(());
    }
    let body_key = body_key.filter(|_| !body.is_empty());
    let mut fields = body;
    let inner = match body_key {
        None if body.is_empty() => 0,
        None => map_count(&mut fields).ok_or(WriteError::NotObject)?,
        Some(_) => 1,
    };
    let own = u32::from(name.is_some()) + u32::from(session.is_some());
    let count = inner.checked_add(own).ok_or(WriteError::TooLong { length: body.len() })?;
    // Writing to a vector does not fail.
    let _ = write_map_len(out, count);
    if let Some((key, name)) = name {
        let _ = write_str(out, key);
        match name {
            Name::Text(text) | Name::Escaped(_, text) => drop(write_str(out, text)),
            Name::Number(number) => drop(write_sint(out, number)),
        }
    }
    if let Some((key, session)) = session {
        let _ = write_str(out, key);
        let _ = write_sint(out, session);
    }
    if let Some(key) = body_key {
        let _ = write_str(out, key);
    }
    out.extend_from_slice(fields);
    Ok(())
}

/// Takes a map's header off the front.
fn map_count(bytes: &mut &[u8]) -> Option<u32> {
    match read_marker(bytes).ok()? {
        Marker::FixMap(count) => Some(u32::from(count)),
        Marker::Map16 => take_length(bytes, 2),
        Marker::Map32 => take_length(bytes, 4),
        _ => None,
    }
}

/// Takes a whole value off the front. What it holds is counted and not descended into, so no depth can exhaust the stack.
fn take_value<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let all = *bytes;
    let mut left = 1_u64;
    while left > 0 {
        left -= 1;
        let (skipped, inner) = step(bytes)?;
        *bytes = bytes.get(usize::try_from(skipped).ok()?..)?;
        left += inner;
        // Every value takes a byte.
        if left > bytes.len() as u64 {
            return None;
        }
    }
    Some(&all[..all.len() - bytes.len()])
}

/// Takes a marker and the length behind it; how many bytes follow, and how many values.
fn step(bytes: &mut &[u8]) -> Option<(u64, u64)> {
    let skip = |count: u32| Some((u64::from(count), 0));
    let hold = |count: u32| Some((0, u64::from(count)));
    match read_marker(bytes).ok()? {
        Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => skip(0),
        Marker::Reserved => None,
        Marker::U8 | Marker::I8 => skip(1),
        Marker::U16 | Marker::I16 => skip(2),
        Marker::U32 | Marker::I32 | Marker::F32 => skip(4),
        Marker::U64 | Marker::I64 | Marker::F64 => skip(8),
        Marker::FixStr(count) => skip(u32::from(count)),
        Marker::Str8 | Marker::Bin8 => skip(take_length(bytes, 1)?),
        Marker::Str16 | Marker::Bin16 => skip(take_length(bytes, 2)?),
        Marker::Str32 | Marker::Bin32 => skip(take_length(bytes, 4)?),
        Marker::FixExt1 => skip(2),
        Marker::FixExt2 => skip(3),
        Marker::FixExt4 => skip(5),
        Marker::FixExt8 => skip(9),
        Marker::FixExt16 => skip(17),
        Marker::Ext8 => Some((u64::from(take_length(bytes, 1)?) + 1, 0)),
        Marker::Ext16 => Some((u64::from(take_length(bytes, 2)?) + 1, 0)),
        Marker::Ext32 => Some((u64::from(take_length(bytes, 4)?) + 1, 0)),
        Marker::FixArray(count) => hold(u32::from(count)),
        Marker::Array16 => hold(take_length(bytes, 2)?),
        Marker::Array32 => hold(take_length(bytes, 4)?),
        Marker::FixMap(count) => hold(2 * u32::from(count)),
        Marker::Map16 => hold(2 * take_length(bytes, 2)?),
        Marker::Map32 => Some((0, 2 * u64::from(take_length(bytes, 4)?))),
    }
}

fn take_length(bytes: &mut &[u8], size: usize) -> Option<u32> {
    let (field, rest) = bytes.split_at_checked(size)?;
    *bytes = rest;
    Some(field.iter().fold(0, |length, byte| length << 8 | u32::from(*byte)))
}

fn text(value: &[u8]) -> Option<&str> {
    let mut rest = value;
    let text = match read_marker(&mut rest).ok()? {
        Marker::FixStr(_) => rest,
        Marker::Str8 => rest.get(1..)?,
        Marker::Str16 => rest.get(2..)?,
        Marker::Str32 => rest.get(4..)?,
        _ => return None,
    };
    std::str::from_utf8(text).ok()
}

fn whole(value: &[u8]) -> Option<i64> {
    read_int(&mut &value[..]).ok()
}

fn code(value: &[u8]) -> Option<i64> {
    match value {
        [0xc2] => Some(0),
        [0xc3] => Some(1),
        value => whole(value),
    }
}
