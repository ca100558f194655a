//! What the shapes of Sproto share: a side for each direction, and payloads that are packed or lie as they are.

use throng_sproto::{Schema, UnpackError, pack, unpack};

use super::Direction;
use crate::spec::DEFAULT_UNPACKED;

/// What is known of each direction.
#[derive(Debug, Clone)]
pub(super) struct Sides<S> {
    pub(super) sent: S,
    pub(super) received: S,
}

impl<S> Sides<S> {
    #[inline]
    pub(super) fn of(&self, direction: Direction) -> &S {
        match direction {
            Direction::Sent => &self.sent,
            Direction::Received => &self.received,
        }
    }
}

/// How payloads lie on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Packed {
        /// The most that a payload may unpack to, in bytes.
        limit: usize,
    },
    Plain,
}

impl Packing {
    pub(super) fn new(packed: bool) -> Packing {
        if packed { Packing::Packed { limit: DEFAULT_UNPACKED } } else { Packing::Plain }
    }

    /// Bounds what payloads unpack to.
    pub(super) fn limit(&mut self, most: usize) {
        if let Packing::Packed { limit } = self {
            *limit = most;
        }
    }

    /// Appends to `out` what `payload` appends to its buffer.
    #[inline]
    pub(super) fn write(self, scratch: &mut Vec<u8>, out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
        match self {
            Packing::Packed { .. } => {
                scratch.clear();
                payload(scratch);
                pack(scratch, out);
            }
            Packing::Plain => payload(out),
        }
    }

    /// Empties `scratch`, and puts there what `payload` unpacks to if it is packed.
    #[inline]
    pub(super) fn unpack(self, payload: &[u8], scratch: &mut Vec<u8>) -> Result<(), UnpackError> {
        scratch.clear();
        match self {
            Packing::Packed { limit } => unpack(payload, limit, scratch),
            Packing::Plain => Ok(()),
        }
    }

    /// The bytes to read: those that were unpacked, or the payload's own.
    #[inline]
    pub(super) fn content<'a>(self, payload: &'a [u8], unpacked: &'a [u8]) -> &'a [u8] {
        match self {
            Packing::Packed { .. } => unpacked,
            Packing::Plain => payload,
        }
    }
}

/// The names of a schema's types, for a "did you mean".
pub(super) fn type_names(schema: &Schema) -> Vec<String> {
    schema.types().map(|(_, ty)| ty.name.to_string()).collect()
}
