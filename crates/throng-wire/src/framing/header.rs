//! Frames behind a header of several fields, one of which says how long they are.
//!
//! The payload is the whole frame: its header means something to the protocol, which writes it when it sends. Only the length
//! is filled in here.

use super::field::{FieldSpec, FieldType, Unread, varint_size};
use super::{Cut, FramingError, FramingSetupError};
use crate::Direction;

/// What the field of this name is to a framing.
pub(crate) const LENGTH: &str = "len";

/// What a length field counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Covers {
    /// What stands behind the header.
    #[default]
    Body,
    /// The whole frame.
    All,
    /// What stands behind the length field.
    Rest,
}

/// A header with a length among its fields, for each direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderFraming {
    /// The header of what is sent.
    pub send: Box<[FieldSpec]>,
    /// The header of what is received.
    pub receive: Box<[FieldSpec]>,
    /// What the length counts.
    pub covers: Covers,
    /// The most bytes behind the header.
    pub max: usize,
}

/// What the header at the start of some bytes says.
struct Header {
    length: u64,
    /// Where the length field ends.
    length_end: usize,
    /// The header's size.
    size: usize,
}

impl HeaderFraming {
    /// The same header in both directions, whose length counts what stands behind it.
    pub fn new(fields: impl Into<Box<[FieldSpec]>>, max: usize) -> HeaderFraming {
        let fields = fields.into();
        HeaderFraming { send: fields.clone(), receive: fields, covers: Covers::Body, max }
    }

    /// The most that `len` of a header lets a frame have when nothing is said, in bytes.
    pub fn default_max(fields: &[FieldSpec]) -> usize {
        let length = fields.iter().find(|field| &*field.name == LENGTH);
        let says = length.map_or(u64::MAX, |field| field.ty.greatest());
        usize::try_from(says.saturating_add(1)).unwrap_or(usize::MAX).min(super::DEFAULT_MAX)
    }

    #[inline]
    pub(super) fn cut(&self, bytes: &[u8]) -> Result<Cut, FramingError> {
        let header = match self.header(bytes)? {
            Ok(header) => header,
            Err(need) => return Ok(Cut::Need(need)),
        };
        let Header { length, length_end, size } = header;
        let counted = match self.covers {
            Covers::Body => 0,
            Covers::All => size,
            Covers::Rest => size - length_end,
        };
        let body =
            length.checked_sub(counted as u64).ok_or(FramingError::TooShort { length, header: counted })?;
        if body > self.max as u64 {
            return Err(FramingError::TooLong { length: body, max: self.max });
        }
        // The check above keeps the length within `max`, so it fits.
        let used = size + body as usize;
        if bytes.len() < used {
            return Ok(Cut::Need(used));
        }
        Ok(Cut::Frame { payload: 0..used, used })
    }

    /// Reads sizes and the length; `Err` is how many bytes are needed first.
    #[inline]
    fn header(&self, bytes: &[u8]) -> Result<Result<Header, usize>, FramingError> {
        let (mut at, mut length, mut length_end) = (0, 0, 0);
        for field in &self.receive {
            let (value, size) = match field.ty.read(bytes.get(at..).unwrap_or_default()) {
                Ok(read) => read,
                Err(Unread::Need(need)) => return Ok(Err(at + need)),
                Err(Unread::LongVarint) => return Err(FramingError::LongVarint),
            };
            at += size;
            if &*field.name == LENGTH {
                (length, length_end) = (value.cast_unsigned(), at);
            }
            if let Some(constant) = field.constant.filter(|constant| *constant != value) {
                // A stream that has lost its step must not be waited on for a length that is none.
                return Err(FramingError::Constant {
                    field: field.name.clone(),
                    wanted: constant,
                    found: value,
                });
            }
        }
        Ok(Ok(Header { length, length_end, size: at }))
    }

    /// Fills in the length of the frame that begins at `start`, whose header has been written with a length of one byte or the
    /// field's own size.
    pub(super) fn finish(&self, out: &mut Vec<u8>, start: usize) -> Result<(), FramingError> {
        let frame = out.len() - start;
        let (mut at, mut field) = (0, None);
        for spec in &self.send {
            let place = at;
            let bytes = &out[start..][at..];
            at += match spec.ty.read(bytes) {
                Ok((_, size)) => size,
                Err(_) => return Err(FramingError::NoHeader { length: frame, header: at + 1 }),
            };
            if &*spec.name == LENGTH {
                field = Some((spec.ty, place, at));
            }
        }
        let (body, Some((ty, place, length_end))) = (frame - at, field) else { return Ok(()) };
        if body > self.max {
            return Err(FramingError::TooLong { length: body as u64, max: self.max });
        }
        let counted = match self.covers {
            Covers::Body => body,
            Covers::All => frame,
            Covers::Rest => frame - length_end,
        } as u64;
        if ty == FieldType::Varint {
            let taken = length_end - place;
            let itself = self.covers == Covers::All;
            return write_varint(out, start + place, taken, counted, itself);
        }
        if counted > ty.greatest() {
            let max = usize::try_from(ty.greatest()).unwrap_or(usize::MAX);
            return Err(FramingError::TooLong { length: counted, max });
        }
        ty.overwrite(counted.cast_signed(), &mut out[start + place..start + length_end]);
        Ok(())
    }

    /// The size of the header at the start of a frame.
    pub(super) fn size(&self, frame: &[u8], direction: Direction) -> usize {
        let fields = match direction {
            Direction::Sent => &self.send,
            Direction::Received => &self.receive,
        };
        fields.iter().fold(0, |at, field| {
            let read = field.ty.read(frame.get(at..).unwrap_or_default());
            at + read.map_or(0, |(_, size)| size)
        })
    }

    pub(super) fn limit(&self) -> usize {
        let header = self.receive.iter().map(|field| field.ty.size().unwrap_or(10)).sum();
        self.max.saturating_add(header)
    }

    pub(super) fn validate(&self) -> Result<(), FramingSetupError> {
        for fields in [&self.send, &self.receive] {
            let mut lengths = fields.iter().filter(|field| &*field.name == LENGTH);
            let length = lengths.next().ok_or(FramingSetupError::NoLength)?;
            if lengths.next().is_some() {
                return Err(FramingSetupError::SameName { name: length.name.clone() });
            }
            if length.constant.is_some() {
                return Err(FramingSetupError::ConstantLength);
            }
        }
        if self.max == 0 {
            return Err(FramingSetupError::SmallMax { max: 0, least: 1 });
        }
        Ok(())
    }
}

/// Writes a varint over the `taken` bytes kept for it and moves what follows; it may count itself.
fn write_varint(
    out: &mut Vec<u8>,
    place: usize,
    taken: usize,
    counted: u64,
    itself: bool,
) -> Result<(), FramingError> {
    let value_with = |size: usize| if itself { counted - taken as u64 + size as u64 } else { counted };
    let size = (1..=10).find(|size| varint_size(value_with(*size)) <= *size).unwrap_or(10);
    let mut field = Vec::with_capacity(size);
    FieldType::Varint.write(value_with(size).cast_signed(), &mut field);
    if field.len() < size {
        // One byte more makes the number one byte longer to say, and only then: it is said in the longer way.
        field.last_mut().into_iter().for_each(|last| *last |= 0x80);
        field.push(0);
    }
    out.splice(place..place + taken, field);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Framing, Mark};
    use super::*;

    fn framing(fields: &[&str], covers: Covers, max: usize) -> Framing {
        let fields: Vec<FieldSpec> = fields.iter().map(|field| field.parse().unwrap()).collect();
        Framing::Header(Box::new(HeaderFraming { covers, ..HeaderFraming::new(fields, max) }))
    }

    fn finished(framing: &Framing, frame: &[u8]) -> Result<Vec<u8>, FramingError> {
        let mut out = b"before".to_vec();
        let mark = framing.begin(&mut out);
        assert_eq!(mark, Mark(6));
        out.extend_from_slice(frame);
        framing.finish(&mut out, mark)?;
        Ok(out.split_off(6))
    }

    const SHOP: [&str; 3] = ["len:u16be", "id:u16be", "seq:u32be"];

    #[test]
    fn a_length_counts_the_body_the_frame_or_the_rest() {
        for (covers, length) in [(Covers::Body, 4), (Covers::All, 12), (Covers::Rest, 10)] {
            let framing = framing(&SHOP, covers, 100);
            let frame = finished(&framing, b"\0\0\0\x07\0\0\0\x01body").unwrap();
            assert_eq!(frame, [&[0, length, 0, 7, 0, 0, 0, 1], &b"body"[..]].concat());
            for cut in 0..frame.len() {
                assert!(
                    matches!(framing.cut(&frame[..cut]), Ok(Cut::Need(need)) if need > cut && need <= frame.len())
                );
            }
            let stream = [&frame[..], b"next"].concat();
            assert_eq!(framing.cut(&stream), Ok(Cut::Frame { payload: 0..12, used: 12 }));
        }
    }

    #[test]
    fn a_length_may_stand_anywhere_in_the_header() {
        let framing = framing(&["magic:u16be=0xabcd", "_:1", "len:u24le", "v:u8"], Covers::Rest, 100);
        let frame = finished(&framing, b"\xab\xcd\0\0\0\0\x09hi").unwrap();
        assert_eq!(frame, b"\xab\xcd\0\x03\0\0\x09hi");
        assert_eq!(framing.cut(&frame), Ok(Cut::Frame { payload: 0..9, used: 9 }));
    }

    #[test]
    fn hostile_lengths_and_lost_steps_are_refused_before_the_body_comes() {
        let small = framing(&["len:u64be"], Covers::Body, 10);
        assert_eq!(small.cut(&[255; 8]), Err(FramingError::TooLong { length: u64::MAX, max: 10 }));
        let all = framing(&["len:u16be", "x:u16be"], Covers::All, 10);
        assert_eq!(all.cut(&[0, 3, 0, 0]), Err(FramingError::TooShort { length: 3, header: 4 }));
        let magic = framing(&["magic:u8=7", "len:u32be"], Covers::Body, 10);
        assert!(matches!(magic.cut(&[8]), Err(FramingError::Constant { wanted: 7, found: 8, .. })));
        let long = framing(&["len:varint"], Covers::Body, 10);
        assert_eq!(long.cut(&[0x80; 10]), Err(FramingError::LongVarint));
        let byte = framing(&["len:u8"], Covers::Body, 1000);
        assert_eq!(finished(&byte, &[0; 300]), Err(FramingError::TooLong { length: 299, max: 255 }));
        assert_eq!(finished(&small, &[0; 19]), Err(FramingError::TooLong { length: 11, max: 10 }));
    }

    #[test]
    fn a_header_needs_one_length() {
        let none = framing(&["id:u8"], Covers::Body, 10);
        assert_eq!(none.validate(), Err(FramingSetupError::NoLength));
        let two = framing(&["len:u8", "len:u8"], Covers::Body, 10);
        assert_eq!(two.validate(), Err(FramingSetupError::SameName { name: "len".into() }));
        let fixed = framing(&["len:u8=4"], Covers::Body, 10);
        assert_eq!(fixed.validate(), Err(FramingSetupError::ConstantLength));
        assert_eq!(framing(&SHOP, Covers::Body, 10).validate(), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_finished_is_cut(
            body in prop::collection::vec(any::<u8>(), 0..300),
            header in prop::sample::select(vec![
                vec!["len:u16be", "id:u16be"], vec!["a:u8", "len:u32le"], vec!["len:varint"], vec!["id:u16be", "len:varint", "b:u8"],
            ]),
            covers in prop::sample::select(vec![Covers::Body, Covers::All, Covers::Rest]),
        ) {
            let framing = framing(&header, covers, 1000);
            let mut frame = Vec::new();
            for field in &header {
                field.parse::<FieldSpec>().unwrap().ty.write(0, &mut frame);
            }
            frame.extend_from_slice(&body);
            let frame = finished(&framing, &frame).unwrap();
            prop_assert!(frame.ends_with(&body));
            prop_assert_eq!(framing.cut(&frame), Ok(Cut::Frame { payload: 0..frame.len(), used: frame.len() }));
        }

        #[test]
        fn any_bytes_are_cut_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40), covers in prop::sample::select(vec![Covers::Body, Covers::All, Covers::Rest])) {
            for header in [&["len:u16be", "id:u16be"][..], &["len:varint", "id:varint"], &["m:u8=1", "len:u64le"]] {
                match framing(header, covers, 100).cut(&bytes) {
                    Ok(Cut::Need(need)) => prop_assert!(need > bytes.len()),
                    Ok(Cut::Frame { payload, used }) => prop_assert!(payload.end <= used && used <= bytes.len() && used > 0),
                    Err(_) => {}
                }
            }
        }
    }
}
