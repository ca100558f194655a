//! Reading: what a record holds goes into a field, and into the memory that the field has.
#![allow(missing_docs)] // all of it is hidden from readers of the documentation

use bstr::{BStr, BString};

use crate::MAX_DEPTH;
use crate::decode::{DecodeErrorKind, number_array};
use crate::encode::factor;
use crate::reader::{Content, Done, Failure, cut, expect_end, widened};
use crate::records::LENGTH;
use crate::schema::FieldType;
use crate::typed::Message;

/// The most elements that a new list is made with room for before they come.
const ROOM: usize = 1024;

/// Refuses a struct that stands too deep; `bytes` is its message.
#[inline(always)]
pub fn check_depth(depth: u32, bytes: &[u8]) -> Done {
    if depth > MAX_DEPTH { Err(Failure::new(DecodeErrorKind::TooDeep, bytes)) } else { Ok(()) }
}

#[inline(always)]
pub fn integer(slot: &mut Option<i64>, content: Content<'_>) -> Done {
    *slot = Some(content.integer()?);
    Ok(())
}

#[inline(always)]
pub fn fixed(slot: &mut Option<f64>, content: Content<'_>, digits: u8) -> Done {
    *slot = Some(content.integer()? as f64 / factor(digits));
    Ok(())
}

#[inline(always)]
pub fn boolean(slot: &mut Option<bool>, content: Content<'_>) -> Done {
    *slot = Some(content.boolean()?);
    Ok(())
}

#[inline(always)]
pub fn double(slot: &mut Option<f64>, content: Content<'_>) -> Done {
    *slot = Some(content.double()?);
    Ok(())
}

/// What holds the bytes of a string or binary.
pub trait Block<'b>: Default {
    fn fill(&mut self, bytes: &'b [u8]);
}

impl Block<'_> for BString {
    #[inline(always)]
    fn fill(&mut self, bytes: &[u8]) {
        Vec::fill(self, bytes);
    }
}

impl Block<'_> for Vec<u8> {
    #[inline(always)]
    fn fill(&mut self, bytes: &[u8]) {
        self.clear();
        self.extend_from_slice(bytes);
    }
}

impl<'b> Block<'b> for &'b BStr {
    #[inline(always)]
    fn fill(&mut self, bytes: &'b [u8]) {
        *self = BStr::new(bytes);
    }
}

impl<'b> Block<'b> for &'b [u8] {
    #[inline(always)]
    fn fill(&mut self, bytes: &'b [u8]) {
        *self = bytes;
    }
}

#[inline(always)]
pub fn block<'b, T: Block<'b>>(slot: &mut Option<T>, content: Content<'b>) -> Done {
    slot.get_or_insert_default().fill(content.block()?);
    Ok(())
}

#[inline(always)]
pub fn nested<'b, T: Message<'b>>(slot: &mut Option<T>, content: Content<'b>, depth: u32) -> Done {
    whole(slot.get_or_insert_default(), content.block()?, depth)
}

/// A message that fills `block`.
#[inline(always)]
fn whole<'b, T: Message<'b>>(message: &mut T, block: &'b [u8], depth: u32) -> Done {
    expect_end(message.read(block, depth + 1)?)
}

/// Fills the elements there are, adds those that are missing, drops those that are left.
#[inline(always)]
fn elements<'b, T: Default>(
    slot: &mut Option<Vec<T>>,
    content: Content<'b>,
    mut fill: impl FnMut(&mut T, &'b [u8]) -> Done,
) -> Done {
    let mut rest = content.block()?;
    let list = slot.get_or_insert_default();
    if list.capacity() == 0 {
        list.reserve_exact(count(rest).min(ROOM));
    }
    let mut count = 0;
    while !rest.is_empty() {
        let (block, after) = cut(rest).map_err(|failure| failure.element(count))?;
        rest = after;
        if count == list.len() {
            list.push(T::default());
        }
        fill(&mut list[count], block).map_err(|failure| failure.element(count))?;
        count += 1;
    }
    list.truncate(count);
    Ok(())
}

/// How many blocks `bytes` seem to consist of.
#[inline(always)]
fn count(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() {
        count += 1;
        bytes = rest.get(u32::from_le_bytes(*length) as usize..).unwrap_or_default();
    }
    count
}

#[inline(always)]
pub fn list<'b, T: Message<'b>>(slot: &mut Option<Vec<T>>, content: Content<'b>, depth: u32) -> Done {
    elements(slot, content, |element, block| whole(element, block, depth))
}

/// Entries that must have their keys.
#[inline(always)]
pub fn keyed_map<'b, T: Message<'b>>(
    slot: &mut Option<Vec<T>>,
    content: Content<'b>,
    depth: u32,
    has_key: impl Fn(&T) -> bool,
) -> Done {
    elements(slot, content, |entry, block| {
        whole(entry, block, depth)?;
        if has_key(entry) {
            return Ok(());
        }
        Err(Failure::new(DecodeErrorKind::MissingKey, block).at(T::NAME, None))
    })
}

/// Entries whose key is an array: such maps can be written, but not read.
pub fn unreadable_map<'b, T: Message<'b>>(slot: &mut Option<Vec<T>>, content: Content<'b>) -> Done {
    elements(slot, content, |_, block| Err(Failure::new(DecodeErrorKind::ArrayKey, block)))
}

/// Entries that must have keys and values.
#[inline(always)]
pub fn pair_map<'b, T: Message<'b>>(
    slot: &mut Option<Vec<T>>,
    content: Content<'b>,
    depth: u32,
    has_key: impl Fn(&T) -> bool,
    has_value: impl Fn(&T) -> bool,
) -> Done {
    elements(slot, content, |entry, block| {
        whole(entry, block, depth)?;
        match (has_key(entry), has_value(entry)) {
            (true, true) => Ok(()),
            (true, false) => Err(Failure::new(DecodeErrorKind::MissingValue, block)),
            (false, _) => Err(Failure::new(DecodeErrorKind::MissingKey, block)),
        }
    })
}

pub fn blocks<'b, T: Block<'b>>(slot: &mut Option<Vec<T>>, content: Content<'b>) -> Done {
    elements(slot, content, |element, block| {
        element.fill(block);
        Ok(())
    })
}

pub fn booleans(slot: &mut Option<Vec<bool>>, content: Content<'_>) -> Done {
    let block = content.block()?;
    let list = slot.get_or_insert_default();
    list.clear();
    list.extend(block.iter().map(|byte| *byte != 0));
    Ok(())
}

pub fn integers(slot: &mut Option<Vec<i64>>, content: Content<'_>) -> Done {
    numbers(slot, content, FieldType::Integer, widened)
}

pub fn fixeds(slot: &mut Option<Vec<f64>>, content: Content<'_>, digits: u8) -> Done {
    numbers(slot, content, FieldType::Fixed { digits }, |bytes| widened(bytes) as f64 / factor(digits))
}

pub fn doubles(slot: &mut Option<Vec<f64>>, content: Content<'_>) -> Done {
    numbers(slot, content, FieldType::Double, |bytes| f64::from_bits(widened(bytes) as u64))
}

#[inline(always)]
fn numbers<T>(
    slot: &mut Option<Vec<T>>,
    content: Content<'_>,
    ty: FieldType,
    number: impl Fn(&[u8]) -> T,
) -> Done {
    let block = content.block()?;
    let (width, elements) = number_array(ty, block).map_err(|kind| Failure::new(kind, block))?;
    let list = slot.get_or_insert_default();
    list.clear();
    list.extend(elements.chunks_exact(width).map(number));
    Ok(())
}
