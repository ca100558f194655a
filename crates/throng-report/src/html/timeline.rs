//! What happened when, thinned so that a run of any length fits a page.
//!
//! A [`Timeline`] takes the seconds of a run as they come, or as they were stored. It joins them into longer stretches whenever
//! there are more than a page shows, so its memory is bounded, and so is the page's size.

use std::collections::BTreeSet;
use std::time::Duration;

use throng_metrics::Stretch;

use super::message::Messages;
use super::point::Point;

/// The most stretches of the whole run.
const POINTS: usize = 600;
/// What is shorter than this is a rest of the stretch before: its own rates would say nothing.
const SHORTEST_MS: u64 = 500;
/// The most spans of phases.
const SPANS: usize = 400;

/// What happened when.
#[derive(Debug, Default)]
pub struct Timeline {
    pub(super) phases: Vec<Span>,
    /// How many phases there are; each may have several spans.
    names: BTreeSet<String>,
    pub(super) points: Grid<Point>,
    pub(super) messages: Messages,
}

/// From when to when the plan did what.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) phase: String,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

impl Timeline {
    /// Adds a stretch; they come in the order of time.
    pub fn push(&mut self, stretch: &Stretch<'_>) {
        let (from_ms, took_ms) = (millis(stretch.at), millis(stretch.took));
        if took_ms == 0 {
            return;
        }
        self.span(stretch.phase, from_ms, from_ms + took_ms);
        self.points.push(from_ms, took_ms, Point::of(stretch), POINTS);
        self.messages.push(from_ms, took_ms, stretch.totals, self.names.len());
    }

    fn span(&mut self, phase: &str, from_ms: u64, to_ms: u64) {
        let full = self.phases.len() >= SPANS;
        match self.phases.last_mut() {
            Some(last) if full || last.phase == phase => last.to_ms = to_ms,
            _ => {
                self.names.insert(phase.to_owned());
                self.phases.push(Span { phase: phase.to_owned(), from_ms, to_ms });
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2).min(u64::MAX / 2)
}

/// What can be added up over time.
pub(super) trait Joined {
    /// Adds what came after.
    fn join(&mut self, later: Self);
}

/// Values of stretches, one after the other; a stretch that was joined covers as many seconds as its neighbours.
#[derive(Debug)]
pub(super) struct Grid<T> {
    pub(super) at: Vec<(u64, u64)>,
    pub(super) values: Vec<T>,
    /// How many seconds go into one stretch; twice as many whenever there are too many stretches.
    seconds: u64,
}

impl<T> Default for Grid<T> {
    fn default() -> Self {
        Self { at: Vec::new(), values: Vec::new(), seconds: 1 }
    }
}

impl<T: Joined> Grid<T> {
    pub(super) fn push(&mut self, from_ms: u64, took_ms: u64, value: T, most: usize) {
        self.add(from_ms, took_ms, value);
        while self.at.len() > most.max(2) {
            self.widen();
        }
    }

    fn add(&mut self, from_ms: u64, took_ms: u64, value: T) {
        let seconds = self.seconds;
        match (self.at.last_mut(), self.values.last_mut()) {
            (Some(last), Some(before))
                if took_ms < SHORTEST_MS
                    || seconds > 1 && slot(last.0, seconds) == slot(from_ms, seconds) =>
            {
                last.1 = (from_ms + took_ms).saturating_sub(last.0);
                before.join(value);
            }
            _ => {
                self.at.push((from_ms, took_ms));
                self.values.push(value);
            }
        }
    }

    fn widen(&mut self) {
        self.seconds *= 2;
        let (at, values) = (std::mem::take(&mut self.at), std::mem::take(&mut self.values));
        for ((from_ms, took_ms), value) in at.into_iter().zip(values) {
            self.add(from_ms, took_ms, value);
        }
    }
}

/// Seconds are closed about on the second, a little before or after it.
fn slot(from_ms: u64, seconds: u64) -> u64 {
    (from_ms + 500) / 1_000 / seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Joined for u64 {
        fn join(&mut self, later: Self) {
            *self += later;
        }
    }

    fn grid(stretches: impl IntoIterator<Item = (u64, u64)>, most: usize) -> Grid<u64> {
        let mut grid = Grid::default();
        stretches.into_iter().for_each(|(from_ms, took_ms)| grid.push(from_ms, took_ms, 1, most));
        grid
    }

    #[test]
    fn a_short_run_is_kept_second_by_second_whatever_the_seconds_jitter() {
        let grid = grid([(0, 998), (998, 1_004), (2_002, 1_000)], 10);
        assert_eq!(grid.at, [(0, 998), (998, 1_004), (2_002, 1_000)]);
    }

    #[test]
    fn the_rest_of_a_second_at_the_end_belongs_to_the_second_before() {
        let grid = grid([(0, 1_000), (1_000, 1_000), (2_000, 8)], 10);
        assert_eq!((grid.at, grid.values), (vec![(0, 1_000), (1_000, 1_008)], vec![1, 2]));
    }

    #[test]
    fn a_long_run_is_thinned_evenly_and_loses_nothing() {
        let seconds = (0..1_000).map(|second| (second * 1_000 + second % 7, 1_000));
        let grid = grid(seconds, 100);
        assert!((50..=100).contains(&grid.at.len()), "{}", grid.at.len());
        assert_eq!(grid.values.iter().sum::<u64>(), 1_000);
        assert!(grid.values[..grid.values.len() - 1].iter().all(|&value| value == 16), "{:?}", grid.values);
    }

    #[test]
    fn stretches_of_ten_seconds_and_of_one_lie_beside_each_other() {
        let old = (0..30).map(|at| (at * 10_000, 10_000));
        let new = (300..360).map(|second| (second * 1_000, 1_000));
        let grid = grid(old.chain(new), 50);
        assert_eq!(grid.values.iter().sum::<u64>(), 90);
        assert_eq!(grid.at.last().map(|&(from_ms, took_ms)| from_ms + took_ms), Some(360_000));
        assert!(grid.at.windows(2).all(|pair| pair[0].0 + pair[0].1 == pair[1].0), "{:?}", grid.at);
    }
}
