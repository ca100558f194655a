//! A set of small numbers that allocates only for large schemas.

/// How many numbers cost no allocation.
const INLINE: usize = 128;

/// Which fields and oneofs of one message were met.
#[derive(Debug)]
pub(crate) struct Bits {
    inline: u128,
    more: Vec<u64>,
}

impl Bits {
    /// A set of numbers below `count`, all absent.
    #[inline(always)]
    pub(crate) fn new(count: usize) -> Bits {
        let more = if count <= INLINE { Vec::new() } else { vec![0; (count - INLINE).div_ceil(64)] };
        Bits { inline: 0, more }
    }

    #[inline(always)]
    pub(crate) fn contains(&self, number: usize) -> bool {
        match number.checked_sub(INLINE) {
            None => self.inline >> number & 1 != 0,
            Some(over) => self.more.get(over / 64).is_some_and(|word| word >> (over % 64) & 1 != 0),
        }
    }

    /// Adds a number; was it there?
    #[inline(always)]
    pub(crate) fn insert(&mut self, number: usize) -> bool {
        match number.checked_sub(INLINE) {
            None => {
                let was = self.inline >> number & 1 != 0;
                self.inline |= 1 << number;
                was
            }
            Some(over) => {
                let was = self.contains(number);
                if let Some(word) = self.more.get_mut(over / 64) {
                    *word |= 1 << (over % 64);
                }
                was
            }
        }
    }

    pub(crate) fn remove(&mut self, number: usize) {
        match number.checked_sub(INLINE) {
            None => self.inline &= !(1 << number),
            Some(over) => {
                if let Some(word) = self.more.get_mut(over / 64) {
                    *word &= !(1 << (over % 64));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_and_above_the_inline_ones_are_kept_apart() {
        let mut bits = Bits::new(300);
        for number in [0, 127, 128, 191, 192, 299] {
            assert!(!bits.insert(number), "{number}");
            assert!(bits.insert(number), "{number}");
        }
        assert!(!bits.contains(1) && !bits.contains(129) && !bits.contains(298));
        bits.remove(128);
        bits.remove(0);
        assert!(!bits.contains(128) && !bits.contains(0) && bits.contains(127) && bits.contains(299));
    }
}
