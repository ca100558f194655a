//! Numbers that a server counts up: what is missing, what came twice, what came late.
//!
//! A [`Sequence`] follows one stream of numbers in constant memory. It knows the highest number and which of the 63 below
//! it came, as IPsec's window against replays does (RFC 4303, 3.4.3): so a number that comes after a later one is told
//! from one that comes twice, as long as it is not older than that.

/// How many numbers below the highest are remembered, the highest included.
const WINDOW: u64 = 64;

/// Where a number stands among those that came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the first of its stream.
    First,
    /// It is the one after the highest.
    Next,
    /// So many numbers between the highest and this one have not come.
    Skipped(u64),
    /// It came after a higher one; `missed` if it was among those that had been skipped.
    Late {
        /// Whether it was missed: the numbers before the stream's first are not.
        missed: bool,
    },
    /// It has come before.
    Doubled,
    /// It is so far below the highest that the stream began anew.
    Restarted,
}

impl Standing {
    /// Whether the stream is as it should be.
    pub fn is_in_order(self) -> bool {
        matches!(self, Self::First | Self::Next)
    }
}

/// One stream of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    first: i64,
    highest: i64,
    /// Bit `n` says that the number `n` below the highest has come.
    seen: u64,
}

impl Sequence {
    /// A stream that begins with this number.
    pub fn new(first: i64) -> Self {
        Self { first, highest: first, seen: 1 }
    }

    /// Where the number that came now stands.
    pub fn see(&mut self, number: i64) -> Standing {
        let ahead = number.abs_diff(self.highest);
        if number > self.highest {
            self.seen = if ahead < WINDOW { self.seen << ahead | 1 } else { 1 };
            self.highest = number;
            return if ahead == 1 { Standing::Next } else { Standing::Skipped(ahead - 1) };
        }
        if ahead >= WINDOW {
            *self = Self::new(number);
            return Standing::Restarted;
        }
        if self.seen & (1 << ahead) != 0 {
            return Standing::Doubled;
        }
        self.seen |= 1 << ahead;
        Standing::Late { missed: number > self.first }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use Standing::{Doubled, Late, Next, Restarted, Skipped};

    #[track_caller]
    fn check(first: i64, numbers: &[(i64, Standing)]) {
        let mut sequence = Sequence::new(first);
        for (number, wanted) in numbers {
            assert_eq!(sequence.see(*number), *wanted, "{number}");
        }
    }

    #[test]
    fn numbers_are_told_apart() {
        check(7, &[(8, Next), (9, Next), (12, Skipped(2)), (13, Next)]);
        check(7, &[(8, Next), (8, Doubled), (7, Doubled), (9, Next)]);
        check(1, &[(4, Skipped(2)), (3, Late { missed: true }), (3, Doubled), (5, Next)]);
        check(100, &[(99, Late { missed: false }), (101, Next)]);
        check(500, &[(501, Next), (1, Restarted), (2, Next)]);
    }

    #[test]
    fn the_window_reaches_sixty_three_back() {
        check(1, &[(101, Skipped(99)), (38, Late { missed: true }), (38, Doubled), (37, Restarted)]);
        check(1, &[(64, Skipped(62)), (1, Doubled)]);
        check(1, &[(65, Skipped(63)), (1, Restarted)]);
    }

    #[test]
    fn the_greatest_numbers_do_not_overflow() {
        check(i64::MIN, &[(i64::MAX, Skipped(u64::MAX - 1)), (i64::MIN, Restarted)]);
        check(i64::MAX, &[(i64::MAX, Doubled), (i64::MAX - 1, Late { missed: false })]);
    }

    proptest! {
        #[test]
        fn within_the_window_nothing_is_mistaken(numbers in prop::collection::vec(0_i64..60, 1..200)) {
            let mut sequence = Sequence::new(numbers[0]);
            let mut seen = HashSet::from([numbers[0]]);
            let (mut skipped, mut missed) = (0, 0);
            for &number in &numbers[1..] {
                let standing = sequence.see(number);
                prop_assert_eq!(standing == Doubled, !seen.insert(number));
                match standing {
                    Skipped(count) => skipped += count,
                    Late { missed: true } => missed += 1,
                    _ => {}
                }
            }
            let highest = *numbers.iter().max().unwrap();
            let came = seen.iter().filter(|number| **number >= numbers[0]).count() as u64;
            prop_assert_eq!(skipped - missed, highest.abs_diff(numbers[0]) + 1 - came);
        }
    }
}
