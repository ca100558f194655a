//! What stands before and behind a body: the fields of headers and trailers, and what they mean.
//!
//! [`Ends::write`] and [`Ends::read`] take the place of the codec's own: they write and read the fields around what the codec
//! does. The field `len` is the framing's; which fields carry a message's number, the session and the refusal is worked out
//! once, when the protocol is built.

mod build;
mod given;

pub(crate) use build::Plan;
pub use given::{GivenError, GivenField};

use std::io::Write as _;

use crate::codec::{Codec, Head, HeadError, HeadKind, WriteError};
use crate::compress::Compressor;
use crate::framing::FieldType;
use crate::framing::field::Unread;
use crate::ids::Ids;
use crate::reply::Comparison;
use crate::{Direction, MessageId};
use given::value_at;

/// The headers and trailers of a protocol.
#[derive(Debug)]
pub(crate) struct Ends {
    sent: Side,
    received: Side,
    /// The numbers of messages, where a header has them.
    ids: Option<Ids>,
    /// The greatest session that its field can hold, where there is one.
    session: Option<i64>,
    refused: Option<Comparison>,
    compression: Option<Compression>,
}

/// One direction.
#[derive(Debug)]
struct Side {
    header: Box<[Slot]>,
    trailer: Box<[Slot]>,
    trailer_size: usize,
}

/// A field.
#[derive(Debug)]
struct Slot {
    name: Box<str>,
    ty: FieldType,
    role: Role,
    /// The bits that say that the body is compressed.
    flag: i64,
    /// Whether it tells a reply that says no.
    tested: bool,
}

/// What a field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Nothing: what the script gives it, else 0.
    Plain,
    Constant(i64),
    /// The message's number.
    Id,
    Session,
}

#[derive(Debug)]
struct Compression {
    compressor: Compressor,
    /// Bodies from this size on are compressed, in bytes.
    above: usize,
    /// Whether a flag says so; without one every body is.
    flagged: bool,
    limit: usize,
}

/// A message that is sent, but for its body.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Which one it is.
    pub message: MessageId,
    /// Its session, where somebody waits for its reply.
    pub session: Option<i64>,
    /// What its sender wants in the fields of header and trailer; the others are 0.
    pub given: &'a [GivenField],
}

/// What the fields of a message are to say.
#[derive(Clone, Copy)]
struct Around<'a> {
    number: i64,
    session: i64,
    given: &'a [GivenField],
}

/// What the fields of a message said.
#[derive(Debug, Default)]
struct Said {
    id: Option<i64>,
    session: Option<i64>,
    tested: Option<i64>,
    flagged: bool,
}

impl Ends {
    /// The numbers of messages.
    pub(crate) fn ids(&self) -> Option<&Ids> {
        self.ids.as_ref()
    }

    /// Whether replies are found by one of the fields.
    pub(crate) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// The session as its field carries it: 1 to its greatest value, again and again. 0 is what a push has.
    #[inline]
    pub(crate) fn session(&self, session: i64) -> i64 {
        match self.session {
            Some(greatest) => session.wrapping_sub(1).rem_euclid(greatest) + 1,
            None => session,
        }
    }

    #[inline]
    pub(crate) fn write(
        &self,
        codec: &Codec,
        outgoing: Outgoing<'_>,
        body: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let start = out.len();
        let written = self.write_all(codec, outgoing, body, scratch, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn write_all(
        &self,
        codec: &Codec,
        Outgoing { message, session, given }: Outgoing<'_>,
        body: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let number = match &self.ids {
            Some(ids) => ids.number(message).ok_or_else(|| codec.no_number(message))?,
            None => 0,
        };
        if !self.sent.carries(number) {
            return Err(codec.no_number(message));
        }
        let asked = session.map(|session| self.session(session));
        let around = Around { number, session: asked.unwrap_or_default(), given };
        self.write_around(around, scratch, out, |scratch, out| {
            codec.write(message, asked, body, scratch, out)
        })
    }

    /// Writes the answer to what the peer asked: its session is the codec's own, and it has no number.
    pub(crate) fn write_answer(
        &self,
        codec: &Codec,
        session: i64,
        body: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let start = out.len();
        let around = Around { number: 0, session: 0, given: &[] };
        let written = self.write_around(around, scratch, out, |scratch, out| {
            codec.write_answer(session, body, scratch, out)
        });
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// Writes the fields around what `write` appends, which is compressed where that is wanted.
    fn write_around(
        &self,
        Around { number, session, given }: Around<'_>,
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut flag = None;
        for (place, slot) in self.sent.header.iter().enumerate() {
            if slot.flag != 0 {
                flag = Some((out.len(), slot));
            }
            slot.write((number, session), value_at(given, place), out);
        }
        let at = out.len();
        write(scratch, out)?;
        if let Some(compression) = &self.compression
            && compression.deflate(at, scratch, out)
            && let Some((place, slot)) = flag
        {
            slot.raise(place, out);
        }
        for (place, slot) in self.sent.trailer.iter().enumerate() {
            slot.write((number, session), value_at(given, self.sent.header.len() + place), out);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn read<'a>(
        &self,
        codec: &Codec,
        payload: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<Head<'a>, HeadError> {
        let mut said = Said::default();
        let body = self.received.read(payload, &mut said)?;
        let compressed = self.compression.as_ref().filter(|found| !found.flagged || said.flagged);
        let mut head = match (&self.ids, compressed) {
            (None, None) => codec.read(body, scratch)?,
            (ids, compressed) => {
                scratch.clear();
                if let Some(compression) = compressed {
                    compression.compressor.inflate(body, compression.limit, scratch)?;
                }
                let length = scratch.len();
                let number = said.id.unwrap_or_default();
                let message = ids.as_ref().and_then(|ids| ids.message(number));
                if ids.is_some() && message.is_none() {
                    // Behind what was inflated; writing to a vector does not fail.
                    let _ = write!(scratch, "{number}");
                }
                let (inflated, name) = scratch.split_at(length);
                let head = codec.read_plain(if compressed.is_some() { inflated } else { body })?;
                match ids {
                    Some(_) if message.is_some() => Head { message, unknown_name: None, ..head },
                    Some(_) => Head { message, unknown_name: std::str::from_utf8(name).ok(), ..head },
                    None => head,
                }
            }
        };
        if self.session.is_some() {
            head.kind = match said.session {
                Some(session) if session != 0 => HeadKind::Reply { session },
                _ => HeadKind::Push,
            };
        }
        if let (Some(refused), Some(value)) = (&self.refused, said.tested)
            && refused.holds(value)
        {
            head.refused = Some(value);
        }
        Ok(head)
    }

    /// The value of a field of a message that came.
    pub(crate) fn field(&self, payload: &[u8], name: &str) -> Option<i64> {
        self.fields(payload, Direction::Received).find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// All fields of a message with their values, as far as it has them; padding is none.
    pub(crate) fn fields<'a>(
        &'a self,
        payload: &'a [u8],
        direction: Direction,
    ) -> impl Iterator<Item = (&'a str, i64)> {
        let side = match direction {
            Direction::Sent => &self.sent,
            Direction::Received => &self.received,
        };
        let behind = payload.len().saturating_sub(side.trailer_size);
        let read = |slots: &'a [Slot], mut at: usize| {
            slots.iter().map_while(move |slot| {
                let (value, size) = slot.ty.read(payload.get(at..)?).ok()?;
                at += size;
                Some((&*slot.name, value))
            })
        };
        read(&side.header, 0).chain(read(&side.trailer, behind)).filter(|(name, _)| *name != "_")
    }
}

impl Side {
    /// Whether the header can say a message's number.
    #[inline]
    fn carries(&self, number: i64) -> bool {
        self.header.iter().all(|slot| slot.role != Role::Id || slot.carries(number))
    }

    /// Reads the fields, and says which bytes are between them.
    #[inline]
    fn read<'a>(&self, payload: &'a [u8], said: &mut Said) -> Result<&'a [u8], HeadError> {
        let short = HeadError::Short { length: payload.len() };
        let Some(end) = payload.len().checked_sub(self.trailer_size) else { return Err(short) };
        let (front, mut trailer) = payload.split_at(end);
        let mut front = front;
        for slot in &self.header {
            slot.read(&mut front, said, &short)?;
        }
        for slot in &self.trailer {
            slot.read(&mut trailer, said, &short)?;
        }
        Ok(front)
    }
}

impl Slot {
    #[inline]
    fn write(&self, (number, session): (i64, i64), given: i64, out: &mut Vec<u8>) {
        let value = match self.role {
            Role::Plain => given,
            Role::Constant(value) => value,
            Role::Id => number,
            Role::Session => session,
        };
        self.ty.write(value, out);
    }

    /// Whether it can say a message's number.
    #[inline]
    fn carries(&self, number: i64) -> bool {
        self.ty.holds(number) && number & self.flag == 0
    }

    /// Sets the flag in the field that was written at `place`.
    fn raise(&self, place: usize, out: &mut [u8]) {
        let Some(field) = self.ty.size().and_then(|size| out.get_mut(place..place + size)) else { return };
        if let Ok((value, _)) = self.ty.read(field) {
            self.ty.overwrite(value | self.flag, field);
        }
    }

    /// Takes the field off the front of `bytes`.
    #[inline]
    fn read(&self, bytes: &mut &[u8], said: &mut Said, short: &HeadError) -> Result<(), HeadError> {
        let (raw, size) = match self.ty.read(bytes) {
            Ok(read) => read,
            Err(Unread::Need(_) | Unread::LongVarint) => return Err(short.clone()),
        };
        *bytes = &bytes[size..];
        let value = raw & !self.flag;
        said.flagged |= value != raw;
        if self.tested {
            said.tested = Some(value);
        }
        match self.role {
            Role::Plain => {}
            Role::Id => said.id = Some(value),
            Role::Session => said.session = Some(value),
            Role::Constant(wanted) if wanted == value => {}
            Role::Constant(wanted) => {
                return Err(HeadError::Constant { field: self.name.clone(), wanted, found: value });
            }
        }
        Ok(())
    }
}

impl Compression {
    /// Compresses what stands in `out` from `at` on where that is wanted and gains anything.
    fn deflate(&self, at: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        if self.flagged && out.len() - at < self.above.max(1) {
            return false;
        }
        scratch.clear();
        self.compressor.compress(&out[at..], scratch);
        if self.flagged && scratch.len() >= out.len() - at {
            return false;
        }
        out.truncate(at);
        out.extend_from_slice(scratch);
        true
    }
}

#[cfg(test)]
mod tests;
