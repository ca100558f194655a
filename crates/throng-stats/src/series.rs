//! What was recorded of each message, stretch by stretch.

use std::collections::BTreeMap;
use std::time::Duration;

use throng_metrics::Totals;

use crate::bins::bin_of;

/// More than a stretch can hold, and so little that a day of stretches adds up: only a damaged file says more.
const MOST: u64 = 1 << 46;
/// With more stretches than this, neighbours become one, so that a run of any length takes a bounded room. Blocks are far longer.
const MOST_STRETCHES: usize = 900;
/// Seconds are never exactly as long as they should be.
const SLACK: f64 = 1.05;

/// What was recorded of one message in one stretch.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    pub(crate) count: u64,
    pub(crate) sum_us: u64,
    /// Sorted by bin.
    pub(crate) bins: Vec<(u16, u32)>,
}

impl Piece {
    /// A request that was answered after so many microseconds.
    pub fn answered(&mut self, us: u64) {
        self.ok += 1;
        self.count += 1;
        self.sum_us += us;
        self.add(bin_of(us), 1);
    }

    /// A request that failed.
    pub fn failed(&mut self) {
        self.failed += 1;
    }

    fn add(&mut self, bin: u16, count: u32) {
        match self.bins.binary_search_by_key(&bin, |&(bin, _)| bin) {
            Ok(at) => self.bins[at].1 = self.bins[at].1.saturating_add(count),
            Err(at) => self.bins.insert(at, (bin, count)),
        }
    }

    fn join(&mut self, later: &Self) {
        self.ok = self.ok.saturating_add(later.ok);
        self.failed = self.failed.saturating_add(later.failed);
        self.count = self.count.saturating_add(later.count);
        self.sum_us = self.sum_us.saturating_add(later.sum_us);
        later.bins.iter().for_each(|&(bin, count)| self.add(bin, count));
    }

    fn is_empty(&self) -> bool {
        self.ok == 0 && self.failed == 0 && self.count == 0
    }
}

/// What was recorded of each message of a run, stretch by stretch in the order of time.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// How long each stretch took, in seconds.
    pub(crate) seconds: Vec<f64>,
    /// What each stretch is to be chosen by.
    kinds: Vec<u32>,
    /// For each message a piece of each stretch; the last ones may be missing.
    pub(crate) messages: BTreeMap<String, Vec<Piece>>,
    /// Neighbours of one kind that together take no longer than so many seconds are one stretch.
    grain: f64,
}

impl Series {
    /// Adds a stretch.
    pub fn push(&mut self, took: Duration, pieces: impl IntoIterator<Item = (String, Piece)>) {
        self.push_as(0, took, pieces);
    }

    /// Adds a stretch of a kind by which it can be chosen: see [`Series::only`].
    pub fn push_as(&mut self, kind: u32, took: Duration, pieces: impl IntoIterator<Item = (String, Piece)>) {
        let place = self.place(took.as_secs_f64(), kind);
        for (message, piece) in pieces {
            let row = self.messages.entry(message).or_default();
            match row.get_mut(place) {
                Some(before) => before.join(&piece),
                None => {
                    row.resize_with(place, Piece::default);
                    row.push(piece);
                }
            }
        }
        while self.seconds.len() > MOST_STRETCHES && self.grain < self.seconds() {
            self.widen();
        }
    }

    /// Adds a stretch of a run: its requests, by connection and name.
    pub fn push_totals(&mut self, kind: u32, took: Duration, totals: &Totals) {
        let pieces = totals.requests().iter().map(|(key, row)| {
            let latency = row.latency();
            let mut piece = Piece {
                ok: row.counts.ok.min(MOST),
                failed: row.counts.failures.total().min(MOST),
                count: latency.count().min(MOST),
                sum_us: latency.sum_us().min(MOST),
                bins: Vec::new(),
            };
            for bucket in latency.buckets() {
                piece.add(bin_of(bucket.up_to_us), u32::try_from(bucket.count).unwrap_or(u32::MAX));
            }
            (key.to_string(), piece)
        });
        self.push_as(kind, took, pieces);
    }

    /// The stretches of kinds that are wanted, and the messages of which something was recorded in them.
    pub fn only(&self, wanted: impl Fn(u32) -> bool) -> Series {
        let of_wanted = |pieces: &[Piece]| -> Vec<Piece> {
            let kept = pieces.iter().zip(&self.kinds).filter(|(_, kind)| wanted(**kind));
            kept.map(|(piece, _)| piece.clone()).collect()
        };
        let messages = self.messages.iter().map(|(message, pieces)| (message.clone(), of_wanted(pieces)));
        let seconds = self.seconds.iter().zip(&self.kinds).filter(|(_, kind)| wanted(**kind));
        Series {
            seconds: seconds.map(|(seconds, _)| *seconds).collect(),
            kinds: self.kinds.iter().copied().filter(|kind| wanted(*kind)).collect(),
            messages: messages.filter(|(_, pieces)| !pieces.iter().all(Piece::is_empty)).collect(),
            grain: self.grain,
        }
    }

    /// How many seconds all stretches took.
    pub fn seconds(&self) -> f64 {
        self.seconds.iter().sum()
    }

    /// How many seconds the stretches of a kind took.
    pub fn seconds_of(&self, kind: u32) -> f64 {
        let all = self.kinds.iter().zip(&self.seconds);
        all.filter(|(known, _)| **known == kind).map(|(_, seconds)| seconds).sum()
    }

    /// How many stretches there are.
    pub fn len(&self) -> usize {
        self.seconds.len()
    }

    /// Whether there is no stretch.
    pub fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }

    /// The place of a stretch that comes now: that of the last one, if they become one.
    fn place(&mut self, took: f64, kind: u32) -> usize {
        match (self.seconds.last_mut(), self.kinds.last()) {
            (Some(last), Some(before)) if *before == kind && *last + took <= self.grain * SLACK => {
                *last += took
            }
            _ => {
                self.seconds.push(took);
                self.kinds.push(kind);
            }
        }
        self.seconds.len() - 1
    }

    /// Joins neighbours into stretches that are twice as long.
    fn widen(&mut self) {
        self.grain = (self.grain * 2.0).max(2.0);
        let (seconds, kinds) = (std::mem::take(&mut self.seconds), std::mem::take(&mut self.kinds));
        let places: Vec<usize> =
            seconds.into_iter().zip(kinds).map(|(took, kind)| self.place(took, kind)).collect();
        for pieces in self.messages.values_mut() {
            let mut joined: Vec<Piece> = Vec::new();
            for (piece, &place) in std::mem::take(pieces).into_iter().zip(&places) {
                match joined.get_mut(place) {
                    Some(before) => before.join(&piece),
                    None => joined.push(piece),
                }
            }
            *pieces = joined;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(kinds: impl IntoIterator<Item = u32>) -> Series {
        let mut series = Series::default();
        for (at, kind) in kinds.into_iter().enumerate() {
            let mut piece = Piece::default();
            piece.answered(1_000 + at as u64);
            let message = if kind == 0 { "Login" } else { "Move" };
            series.push_as(kind, Duration::from_secs(1), [(message.to_owned(), piece)]);
        }
        series
    }

    #[test]
    fn a_long_run_takes_no_more_room_and_loses_nothing() {
        let series = pushed((0..100_000).map(|at| u32::from(at > 700)));
        assert!((MOST_STRETCHES / 2..=MOST_STRETCHES + 1).contains(&series.len()), "{}", series.len());
        assert_eq!((series.seconds_of(0), series.seconds_of(1)), (701.0, 99_299.0));
        for (message, wanted) in [("Login", 701), ("Move", 99_299)] {
            let pieces = &series.messages[message];
            assert!(pieces.len() <= series.len());
            let sum = |of: fn(&Piece) -> u64| pieces.iter().map(of).sum::<u64>();
            assert_eq!((sum(|piece| piece.ok), sum(|piece| piece.count)), (wanted, wanted));
            assert_eq!(sum(|piece| piece.bins.iter().map(|&(_, count)| u64::from(count)).sum()), wanted);
        }
    }

    #[test]
    fn stretches_are_chosen_by_kind_and_messages_that_are_left_empty_go() {
        let series = pushed([0, 0, 1, 1, 0, 1]).only(|kind| kind == 1);
        assert_eq!((series.len(), series.seconds()), (3, 3.0));
        assert_eq!(series.messages.keys().collect::<Vec<_>>(), ["Move"]);
        let sums: Vec<u64> = series.messages["Move"].iter().map(|piece| piece.sum_us).collect();
        assert_eq!(sums, [1_002, 1_003, 1_005]);
    }

    #[test]
    fn a_short_run_is_kept_as_it_is() {
        assert_eq!(pushed([1; MOST_STRETCHES]).len(), MOST_STRETCHES);
    }
}
