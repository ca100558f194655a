//! MessagePack, read. Binary is a string of bytes; an extension is a table with its type and bytes.

use rmp::Marker;
use rmp::decode::read_marker;

use super::{Build, DEPTH};

/// What is said of a document that nests too deeply.
const TOO_DEEP: &str = "it nests too deeply";
const CUT_SHORT: &str = "it is cut short";

/// Builds what a document says; of two equal keys the last counts.
pub(super) fn build(document: &[u8], build: &mut impl Build) -> Result<(), String> {
    let mut rest = document;
    value(&mut rest, build, DEPTH)?;
    if rest.is_empty() { Ok(()) } else { Err(format!("{} more bytes follow it", rest.len())) }
}

/// Whether no more levels than `depth` are open at once.
pub(super) fn nests_within(document: &[u8], depth: u32) -> bool {
    let mut rest = document;
    let depth = (depth as usize).min(DEPTH);
    value(&mut rest, &mut Nothing, depth) != Err(TOO_DEEP)
}

fn value(bytes: &mut &[u8], build: &mut impl Build, depth: usize) -> Result<(), &'static str> {
    match read_marker(bytes).map_err(|_| CUT_SHORT)? {
        Marker::Null => build.null(),
        Marker::True => build.boolean(true),
        Marker::False => build.boolean(false),
        Marker::FixPos(value) => build.integer(i64::from(value)),
        Marker::FixNeg(value) => build.integer(i64::from(value)),
        Marker::U8 => build.integer(i64::from(u8::from_be_bytes(take(bytes)?))),
        Marker::U16 => build.integer(i64::from(u16::from_be_bytes(take(bytes)?))),
        Marker::U32 => build.integer(i64::from(u32::from_be_bytes(take(bytes)?))),
        Marker::U64 => {
            let value = u64::from_be_bytes(take(bytes)?);
            match i64::try_from(value) {
                Ok(value) => build.integer(value),
                Err(_) => build.number(value as f64),
            }
        }
        Marker::I8 => build.integer(i64::from(i8::from_be_bytes(take(bytes)?))),
        Marker::I16 => build.integer(i64::from(i16::from_be_bytes(take(bytes)?))),
        Marker::I32 => build.integer(i64::from(i32::from_be_bytes(take(bytes)?))),
        Marker::I64 => build.integer(i64::from_be_bytes(take(bytes)?)),
        Marker::F32 => build.number(f64::from(f32::from_be_bytes(take(bytes)?))),
        Marker::F64 => build.number(f64::from_be_bytes(take(bytes)?)),
        Marker::FixStr(count) => text(bytes, usize::from(count), build),
        Marker::Str8 | Marker::Bin8 => counted(bytes, 1).and_then(|count| text(bytes, count, build)),
        Marker::Str16 | Marker::Bin16 => counted(bytes, 2).and_then(|count| text(bytes, count, build)),
        Marker::Str32 | Marker::Bin32 => counted(bytes, 4).and_then(|count| text(bytes, count, build)),
        Marker::FixArray(count) => list(bytes, usize::from(count), build, depth),
        Marker::Array16 => counted(bytes, 2).and_then(|count| list(bytes, count, build, depth)),
        Marker::Array32 => counted(bytes, 4).and_then(|count| list(bytes, count, build, depth)),
        Marker::FixMap(count) => map(bytes, usize::from(count), build, depth),
        Marker::Map16 => counted(bytes, 2).and_then(|count| map(bytes, count, build, depth)),
        Marker::Map32 => counted(bytes, 4).and_then(|count| map(bytes, count, build, depth)),
        Marker::FixExt1 => extension(bytes, 1, build),
        Marker::FixExt2 => extension(bytes, 2, build),
        Marker::FixExt4 => extension(bytes, 4, build),
        Marker::FixExt8 => extension(bytes, 8, build),
        Marker::FixExt16 => extension(bytes, 16, build),
        Marker::Ext8 => counted(bytes, 1).and_then(|count| extension(bytes, count, build)),
        Marker::Ext16 => counted(bytes, 2).and_then(|count| extension(bytes, count, build)),
        Marker::Ext32 => counted(bytes, 4).and_then(|count| extension(bytes, count, build)),
        Marker::Reserved => Err("the byte c1 is no value"),
    }
}

fn list(bytes: &mut &[u8], count: usize, build: &mut impl Build, depth: usize) -> Result<(), &'static str> {
    let depth = within(bytes, count, depth)?;
    build.open()?;
    for place in 1..=count as i64 {
        value(bytes, build, depth)?;
        build.element(place)?;
    }
    build.close_list(count as i64)
}

fn map(bytes: &mut &[u8], count: usize, build: &mut impl Build, depth: usize) -> Result<(), &'static str> {
    let depth = within(bytes, count, depth)?;
    build.open()?;
    for _ in 0..count {
        value(bytes, build, depth)?;
        value(bytes, build, depth)?;
        build.entry()?;
    }
    Ok(())
}

/// Every value takes a byte, so a count that promises more is refused before anything is built.
fn within(bytes: &[u8], count: usize, depth: usize) -> Result<usize, &'static str> {
    if count > bytes.len() {
        return Err(CUT_SHORT);
    }
    depth.checked_sub(1).ok_or(TOO_DEEP)
}

fn extension(bytes: &mut &[u8], count: usize, build: &mut impl Build) -> Result<(), &'static str> {
    let [ty] = take(bytes)?;
    build.open()?;
    build.text(b"type")?;
    build.integer(i64::from(ty.cast_signed()))?;
    build.entry()?;
    build.text(b"bytes")?;
    text(bytes, count, build)?;
    build.entry()
}

fn text(bytes: &mut &[u8], count: usize, build: &mut impl Build) -> Result<(), &'static str> {
    let (text, rest) = bytes.split_at_checked(count).ok_or(CUT_SHORT)?;
    *bytes = rest;
    build.text(text)
}

fn counted(bytes: &mut &[u8], size: usize) -> Result<usize, &'static str> {
    let (field, rest) = bytes.split_at_checked(size).ok_or(CUT_SHORT)?;
    *bytes = rest;
    Ok(field.iter().fold(0, |count, byte| count << 8 | usize::from(*byte)))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], &'static str> {
    let (field, rest) = bytes.split_first_chunk().ok_or(CUT_SHORT)?;
    *bytes = rest;
    Ok(*field)
}

/// Builds nothing.
struct Nothing;

impl Build for Nothing {
    fn null(&mut self) -> Result<(), &'static str> {
        Ok(())
    }

    fn boolean(&mut self, _: bool) -> Result<(), &'static str> {
        Ok(())
    }

    fn integer(&mut self, _: i64) -> Result<(), &'static str> {
        Ok(())
    }

    fn number(&mut self, _: f64) -> Result<(), &'static str> {
        Ok(())
    }

    fn text(&mut self, _: &[u8]) -> Result<(), &'static str> {
        Ok(())
    }

    fn open(&mut self) -> Result<(), &'static str> {
        Ok(())
    }

    fn element(&mut self, _: i64) -> Result<(), &'static str> {
        Ok(())
    }

    fn entry(&mut self) -> Result<(), &'static str> {
        Ok(())
    }

    fn close_list(&mut self, _: i64) -> Result<(), &'static str> {
        Ok(())
    }
}
