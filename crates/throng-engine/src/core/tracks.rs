//! Measures of what came before: numbers that a server counts up, times between two things, delays that change. A robot has
//! none of it until its script asks for the first.

use super::Core;
use crate::id::{ConnectionKey, RobotKey};
use std::hash::{DefaultHasher, Hash, Hasher};
use throng_metrics::{DelayId, GapId, OrderId, Sequence};
use throng_wire::Nanos;

/// Streams of one kind that are remembered of a robot; of more, the oldest is forgotten and begins anew.
const STREAMS: usize = 64;

/// What a robot's script measures by what came before.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    orders: Streams<OrderId, Sequence>,
    gaps: Streams<GapId, Nanos>,
    delays: Streams<DelayId, i64>,
}

/// The message that the host is being told of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) connection: ConnectionKey,
    /// When the kernel received it.
    pub(crate) received: Nanos,
}

/// Something of each stream: a row of the books, and the script's own key.
#[derive(Debug)]
struct Streams<I, T> {
    kept: Vec<((I, u64), T)>,
    /// The one to forget next.
    oldest: usize,
}

impl<I, T> Default for Streams<I, T> {
    fn default() -> Self {
        Streams { kept: Vec::new(), oldest: 0 }
    }
}

impl<I: PartialEq, T> Streams<I, T> {
    fn get(&mut self, stream: &(I, u64)) -> Option<&mut T> {
        self.kept.iter_mut().find(|(known, _)| known == stream).map(|(_, value)| value)
    }

    /// Begins a stream that is not known.
    fn begin(&mut self, stream: (I, u64), value: T) {
        if self.kept.len() < STREAMS {
            return self.kept.push((stream, value));
        }
        self.kept[self.oldest] = (stream, value);
        self.oldest = (self.oldest + 1) % STREAMS;
    }

    /// Sets what is remembered of a stream; gives what was.
    fn replace(&mut self, stream: (I, u64), value: T) -> Option<T> {
        match self.get(&stream) {
            Some(known) => Some(std::mem::replace(known, value)),
            None => {
                self.begin(stream, value);
                None
            }
        }
    }
}

/// The key of a stream within its row. Names beyond the limit share a row, but their streams are different ones all the same.
fn apart(is_other: bool, name: &str, key: u64) -> u64 {
    if !is_other {
        return key;
    }
    let mut hasher = DefaultHasher::new();
    (name, key).hash(&mut hasher);
    hasher.finish()
}

impl Core {
    fn tracks(&mut self, robot: RobotKey) -> Option<&mut Tracks> {
        Some(self.robots.get_mut(robot)?.tracks.get_or_insert_default())
    }

    /// A number of a stream that a server counts up came; whether it is in order.
    pub(crate) fn in_order(&mut self, robot: RobotKey, name: &str, key: u64, number: i64) -> bool {
        let row = self.recorder.order(name);
        let key = apart(self.recorder.is_other_order(row), name, key);
        let Some(tracks) = self.tracks(robot) else { return true };
        let standing = match tracks.orders.get(&(row, key)) {
            Some(sequence) => sequence.see(number),
            None => {
                tracks.orders.begin((row, key), Sequence::new(number));
                throng_metrics::Standing::First
            }
        };
        self.recorder.ordered(row, standing);
        standing.is_in_order()
    }

    /// Something came that comes again and again.
    pub(crate) fn gap(&mut self, robot: RobotKey, name: &str, key: u64) {
        let now = self.told.map_or_else(|| self.now(), |told| told.received);
        let row = self.recorder.gap(name);
        let key = apart(self.recorder.is_other_gap(row), name, key);
        let Some(tracks) = self.tracks(robot) else { return };
        if let Some(before) = tracks.gaps.replace((row, key), now) {
            self.recorder.gapped(row, now.saturating_sub(before) / 1_000);
        }
    }

    /// A message came that a server sent at `sent_us`, in microseconds by the clock of that key.
    pub(crate) fn delay(&mut self, robot: RobotKey, name: &str, clock: u64, sent_us: i64) {
        let told = self.told;
        let received = told.map_or_else(|| self.now(), |told| told.received);
        let label = told.and_then(|told| self.connections.get(told.connection)).map(|open| open.label);
        let connection = label.map_or("", |label| &self.labels.get(label).name);
        let row = self.recorder.delay(name, connection);
        let clock = apart(self.recorder.is_other_delay(row), name, clock);
        let received = i64::try_from(received / 1_000).unwrap_or(i64::MAX);
        let difference = received.saturating_sub(sent_us);
        self.recorder.delayed(row, clock, difference);
        let Some(tracks) = self.tracks(robot) else { return };
        if let Some(before) = tracks.delays.replace((row, clock), difference) {
            self.recorder.jitter(row, difference.abs_diff(before));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_names_that_share_a_row_stay_apart() {
        assert_eq!(apart(false, "moves", 7), 7);
        assert_ne!(apart(true, "moves", 7), apart(true, "shots", 7));
        assert_ne!(apart(true, "moves", 7), apart(true, "moves", 8));
        assert_eq!(apart(true, "moves", 7), apart(true, "moves", 7));
    }

    #[test]
    fn streams_are_bounded_and_the_oldest_begins_anew() {
        let mut streams = Streams::default();
        for key in 0..1_000 {
            assert_eq!(streams.replace((0_u32, key), key), None);
        }
        assert_eq!(streams.kept.len(), STREAMS);
        assert_eq!(streams.replace((0, 999), 7), Some(999));
        assert_eq!(streams.replace((0, 1), 7), None);
        assert_eq!(streams.replace((1, 999), 7), None, "another row is another stream");
    }
}
