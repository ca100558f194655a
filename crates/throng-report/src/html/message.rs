//! What is kept of each message over time.

use std::collections::BTreeMap;

use throng_metrics::Totals;
use throng_metrics::table::Key;

use super::shape::Shape;
use super::timeline::{Grid, Joined};

/// How many stretches all messages may have together, so that two hundred of them over hours stay below 2 MB in a page.
const CELLS: usize = 26_000;
/// Figures of a message in a phase take as much of a page as so many of its stretches; few phases have room beside them.
const CELLS_OF_A_PHASE: usize = 6;
const FEW_PHASES: usize = 4;
/// The most stretches of a message, and the fewest, however many there are.
const MOST: usize = 300;
const FEWEST: usize = 24;

/// Messages over time; each is known by its place in `requests` or `pushes`.
#[derive(Debug, Default)]
pub(super) struct Messages {
    pub(super) requests: Names,
    pub(super) pushes: Names,
    pub(super) grid: Grid<Slice>,
}

/// The names of messages in the order in which they were first seen.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) keys: Vec<Key>,
    places: BTreeMap<Key, usize>,
}

/// What was recorded of all messages in one stretch, by their places.
#[derive(Debug, Default)]
pub(super) struct Slice {
    pub(super) requests: BTreeMap<usize, Piece>,
    pub(super) pushes: BTreeMap<usize, u64>,
}

/// What was recorded of one request in one stretch.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) ok: u64,
    pub(super) failed: u64,
    pub(super) latency: Shape,
    pub(super) intended: Shape,
}

impl Messages {
    /// Adds what was recorded in a stretch of a run that had so many phases until then.
    pub(super) fn push(&mut self, from_ms: u64, took_ms: u64, totals: &Totals, phases: usize) {
        let mut slice = Slice::default();
        for (key, row) in totals.requests().iter() {
            let (ok, failed) = (row.counts.ok, row.counts.failures.total());
            let mut piece = Piece { ok, failed, ..Piece::default() };
            piece.latency.add(row.latency());
            piece.intended.add(row.intended());
            slice.requests.insert(self.requests.place(key), piece);
        }
        for (key, row) in totals.pushes().iter() {
            slice.pushes.insert(self.pushes.place(key), row.counts.count);
        }
        let messages = (self.requests.keys.len() + self.pushes.keys.len()).max(1);
        let most = (CELLS / messages).saturating_sub(CELLS_OF_A_PHASE * phases.saturating_sub(FEW_PHASES));
        self.grid.push(from_ms, took_ms, slice, most.clamp(FEWEST, MOST));
    }
}

impl Names {
    fn place(&mut self, key: &Key) -> usize {
        if let Some(&place) = self.places.get(key) {
            return place;
        }
        let place = self.keys.len();
        self.keys.push(key.clone());
        self.places.insert(key.clone(), place);
        place
    }
}

impl Joined for Slice {
    fn join(&mut self, later: Self) {
        for (place, piece) in later.requests {
            let mine = self.requests.entry(place).or_default();
            mine.ok = mine.ok.saturating_add(piece.ok);
            mine.failed = mine.failed.saturating_add(piece.failed);
            mine.latency.merge(&piece.latency);
            mine.intended.merge(&piece.intended);
        }
        for (place, count) in later.pushes {
            let mine = self.pushes.entry(place).or_default();
            *mine = mine.saturating_add(count);
        }
    }
}
