//! How long messages took that say when the server sent them, though nobody knows how far its clock is from ours.
//!
//! What can be seen of a message is `received - sent`: its delay plus the distance of two clocks. The distance is the same for
//! all, so the smallest that was ever seen stands for it, as in NTP's clock filter (RFC 5905, 10): that message met no queue.
//! What the others are above it is their delay above that of the fastest. The fastest one's own delay stays unknown; it is
//! at most the shortest round trip on the same connection (Cristian 1989), which is what the report sets beside it.
//!
//! Clocks are told apart up to a bound. What is by further ones cannot be compared with anything, and is only counted.
//!
//! What came in the second that goes on is kept until its end, so that the first messages are not compared with themselves.

use std::collections::HashMap;

/// Messages that are kept until the end of their second; further ones are compared with what is known by then.
const PENDING: usize = 4_096;
/// Clocks that are told apart.
const CLOCKS: usize = 1_024;
/// A clock that is so far from where it was has been set, in microseconds: ten minutes.
const SET_US: i64 = 600_000_000;

/// Which clock of which row.
pub(crate) type ClockKey = (u32, u64);

/// The clocks of the servers that a shard's robots speak with.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    clocks: HashMap<ClockKey, Clock>,
    pending: Vec<(ClockKey, i64)>,
}

#[derive(Debug)]
struct Clock {
    /// The smallest of all, in microseconds.
    least: i64,
    /// The smallest of the second that goes on.
    least_now: Option<i64>,
}

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A message took so many microseconds more than the fastest.
    Delay { row: u32, us: u64 },
    /// The fastest message of a second took so many microseconds more than the fastest of all.
    Floor { row: u32, us: u64 },
    /// The clock was set.
    Set { row: u32 },
    /// A message by a clock beyond those that are told apart.
    Beyond { row: u32 },
}

impl Clocks {
    /// A message came; `difference_us` is when, less when it was sent by its own clock.
    pub(crate) fn see(&mut self, row: u32, clock: u64, difference_us: i64, mut book: impl FnMut(Found)) {
        let key = (row, clock);
        if self.clocks.len() >= CLOCKS && !self.clocks.contains_key(&key) {
            return book(Found::Beyond { row });
        }
        let known = self.clocks.entry(key).or_insert(Clock { least: difference_us, least_now: None });
        if difference_us.saturating_sub(known.least).saturating_abs() > SET_US {
            *known = Clock { least: difference_us, least_now: None };
            self.pending.retain(|(other, _)| *other != key);
            book(Found::Set { row });
        }
        known.least = known.least.min(difference_us);
        known.least_now = Some(known.least_now.map_or(difference_us, |least| least.min(difference_us)));
        if self.pending.len() < PENDING {
            self.pending.push((key, difference_us));
        } else {
            book(delay(key, known.least, difference_us));
        }
    }

    /// The second is over.
    pub(crate) fn end_second(&mut self, mut book: impl FnMut(Found)) {
        if self.pending.is_empty() {
            return;
        }
        for (key, difference) in self.pending.drain(..) {
            if let Some(clock) = self.clocks.get(&key) {
                book(delay(key, clock.least, difference));
            }
        }
        for ((row, _), clock) in &mut self.clocks {
            if let Some(least) = clock.least_now.take() {
                book(Found::Floor { row: *row, us: least.abs_diff(clock.least) });
            }
        }
    }
}

fn delay((row, _): ClockKey, least: i64, difference: i64) -> Found {
    Found::Delay { row, us: difference.saturating_sub(least).unsigned_abs() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is booked of messages on one clock, second by second.
    fn seen(seconds: &[&[i64]]) -> Vec<Found> {
        let (mut clocks, mut found) = (Clocks::default(), Vec::new());
        for second in seconds {
            second.iter().for_each(|us| clocks.see(0, 0, *us, |one| found.push(one)));
            clocks.end_second(|one| found.push(one));
        }
        found
    }

    fn delays(found: &[Found]) -> Vec<u64> {
        let delay = |one: &Found| match one {
            Found::Delay { us, .. } => Some(*us),
            _ => None,
        };
        found.iter().filter_map(delay).collect()
    }

    #[test]
    fn delays_are_above_the_fastest_wherever_the_clocks_are() {
        for offset in [0, 1_700_000_000_000_000, -50_000_000] {
            let second: Vec<i64> = [300, 100, 5_100, 250].map(|us| us + offset).into();
            let found = seen(&[&second]);
            assert_eq!(delays(&found), [200, 0, 5_000, 150]);
            assert_eq!(found.last(), Some(&Found::Floor { row: 0, us: 0 }));
        }
    }

    #[test]
    fn a_faster_one_counts_from_its_own_second_on() {
        let found = seen(&[&[300, 400], &[100, 400], &[400]]);
        assert_eq!(delays(&found), [0, 100, 0, 300, 300]);
    }

    #[test]
    fn a_second_without_a_fast_one_shows_in_the_floor() {
        let floors = |found: Vec<Found>| -> Vec<u64> {
            let floor = |one| match one {
                Found::Floor { us, .. } => Some(us),
                _ => None,
            };
            found.into_iter().filter_map(floor).collect()
        };
        assert_eq!(floors(seen(&[&[100, 200], &[900, 1_100], &[], &[150]])), [0, 800, 50]);
    }

    #[test]
    fn a_clock_that_was_set_begins_anew() {
        let found = seen(&[&[100, 200], &[100 + SET_US * 2, 160 + SET_US * 2]]);
        assert!(found.contains(&Found::Set { row: 0 }));
        assert_eq!(delays(&found), [0, 100, 0, 60]);
        let back = seen(&[&[100], &[100 - SET_US * 2]]);
        assert!(back.contains(&Found::Set { row: 0 }), "{back:?}");
    }

    #[test]
    fn clocks_are_apart_and_bounded() {
        let (mut clocks, mut found) = (Clocks::default(), Vec::new());
        for clock in 0..2 {
            clocks.see(0, clock, 1_000 * clock as i64, |one| found.push(one));
            clocks.see(0, clock, 1_000 * clock as i64 + 7, |one| found.push(one));
        }
        clocks.end_second(|one| found.push(one));
        assert_eq!(delays(&found), [0, 7, 0, 7]);
        for clock in 0..5_000 {
            clocks.see(0, clock, 0, |_| {});
        }
        assert!(clocks.clocks.len() <= CLOCKS && clocks.pending.len() <= PENDING);
    }

    #[test]
    fn clocks_beyond_are_not_taken_for_one() {
        let (mut clocks, mut found) = (Clocks::default(), Vec::new());
        let apart = SET_US * 2;
        for clock in 0..CLOCKS as u64 + 2 {
            clocks.see(0, clock, apart * clock as i64, |one| found.push(one));
        }
        assert_eq!(found, [Found::Beyond { row: 0 }; 2]);
        found.clear();
        clocks.end_second(|one| found.push(one));
        assert!(delays(&found).iter().all(|us| *us == 0) && delays(&found).len() == CLOCKS);
    }

    #[test]
    fn differences_beyond_all_bounds_are_taken() {
        let found = seen(&[&[i64::MIN, i64::MAX, i64::MIN]]);
        assert_eq!(delays(&found), [0]);
    }
}
