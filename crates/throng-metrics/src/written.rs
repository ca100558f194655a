//! A histogram as it is written down: the exact figures, and the buckets in use as few bytes.
//!
//! A bucket is known by its cell: durations keep eleven significant bits, which is what three digits need, and cells are
//! counted through from the shortest. For each cell in use there is a number: twice its distance from the one before, and one more where
//! its count is more than 1, which then follows less 2. Numbers are in seven bits a byte, the lowest first.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Significant bits of a duration.
const BITS: u32 = 11;
/// Cells of the durations that have one significant bit more.
const CELLS: u64 = 1 << (BITS - 1);

/// A histogram as it is written down.
#[derive(Serialize, Deserialize)]
pub(crate) struct Written {
    #[serde(rename = "n")]
    pub(crate) count: u64,
    #[serde(rename = "sum")]
    pub(crate) sum_us: u64,
    #[serde(rename = "min")]
    pub(crate) min_us: u64,
    #[serde(rename = "max")]
    pub(crate) max_us: u64,
    #[serde(default)]
    pub(crate) cells: Cells,
}

/// Buckets in use.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cells(Vec<u8>);

impl Cells {
    /// Writes durations, the shortest first, and how often each came.
    pub(crate) fn of(buckets: impl Iterator<Item = (u64, u64)>) -> Cells {
        let (mut bytes, mut before) = (Vec::new(), 0);
        for (us, count) in buckets {
            let cell = cell(us);
            let step = cell.saturating_sub(before);
            before = cell;
            number(&mut bytes, step << 1 | u64::from(count > 1));
            if count > 1 {
                number(&mut bytes, count - 2);
            }
        }
        Cells(bytes)
    }

    /// Gives each bucket's shortest duration and its count. What is no such list ends it.
    pub(crate) fn each(&self, mut give: impl FnMut(u64, u64)) {
        let (mut bytes, mut cell) = (self.0.iter(), 0_u64);
        while let Some(token) = take(&mut bytes) {
            cell = cell.saturating_add(token >> 1);
            let count = match token & 1 {
                0 => Some(1),
                _ => take(&mut bytes).map(|count| count.saturating_add(2)),
            };
            let Some(count) = count else { return };
            give(floor(cell), count);
        }
    }
}

/// A duration with only so many significant bits, from the middle of those that look the same then.
pub(crate) fn coarse(us: u64, bits: u32) -> u64 {
    let shift = (u64::BITS - us.leading_zeros()).saturating_sub(bits);
    let floor = us >> shift << shift;
    floor + (1_u64 << shift) / 2
}

fn cell(us: u64) -> u64 {
    let shift = (u64::BITS - us.leading_zeros()).saturating_sub(BITS);
    u64::from(shift) * CELLS + (us >> shift)
}

/// The shortest duration of a cell; of one that cannot be, the longest there is.
fn floor(cell: u64) -> u64 {
    match (cell / CELLS).saturating_sub(1) {
        0 => cell,
        shift if shift <= u64::from(u64::BITS - BITS) => (cell - shift * CELLS) << shift,
        _ => u64::MAX,
    }
}

fn number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut std::slice::Iter<'_, u8>) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let byte = *bytes.next()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Cells;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Cells, E> {
                Ok(Cells(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Cells, E> {
                Ok(Cells(bytes))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Cells, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                Ok(Cells(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(cells: &Cells) -> Vec<(u64, u64)> {
        let mut all = Vec::new();
        cells.each(|us, count| all.push((us, count)));
        all
    }

    #[test]
    fn neighbours_take_a_byte_and_one_more_if_they_came_often() {
        let cells = Cells::of([(1_000, 1), (1_001, 1), (1_002, 90)].into_iter());
        assert_eq!(cells.0, [0xd0, 0x0f, 2, 3, 88]);
    }

    #[test]
    fn durations_keep_so_many_bits() {
        assert_eq!([coarse(0, 4), coarse(15, 4), coarse(16, 4), coarse(1_000, 4)], [0, 15, 17, 992]);
        assert_eq!(coarse(coarse(123_456_789, 6), 6), coarse(123_456_789, 6));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(values in prop::collection::btree_map(0..u64::MAX >> 1, 1..u64::MAX, 0..40)) {
            let exact: std::collections::BTreeMap<u64, u64> =
                values.into_iter().map(|(us, count)| (floor(cell(us)), count)).collect();
            let cells = Cells::of(exact.clone().into_iter());
            prop_assert_eq!(read(&cells), exact.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn a_cells_floor_is_at_most_a_thousandth_below(us in 0..u64::MAX) {
            let floor = floor(cell(us));
            prop_assert!(floor <= us && us - floor <= us / 1_000, "{} {}", us, floor);
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let count = bytes.len();
            prop_assert!(read(&Cells(bytes)).len() <= count);
        }
    }
}
