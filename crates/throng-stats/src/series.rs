//! What was recorded of each message, stretch by stretch.

use std::collections::BTreeMap;
use std::time::Duration;

use throng_metrics::Totals;

use crate::bins::bin_of;

/// More than a stretch can hold, and so little that a day of stretches adds up: only a damaged file says more.
const MOST: u64 = 1 << 46;

/// What was recorded of one message in one stretch.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    pub(crate) count: u64,
    pub(crate) sum_us: u64,
    /// Sorted by bin.
    pub(crate) bins: Vec<(u16, u64)>,
}

impl Piece {
    /// A request that was answered after so many microseconds.
    pub fn answered(&mut self, us: u64) {
        self.ok += 1;
        self.count += 1;
        self.sum_us += us;
        self.add(us, 1);
    }

    /// A request that failed.
    pub fn failed(&mut self) {
        self.failed += 1;
    }

    fn add(&mut self, us: u64, count: u64) {
        let bin = bin_of(us);
        match self.bins.binary_search_by_key(&bin, |&(bin, _)| bin) {
            Ok(at) => self.bins[at].1 += count,
            Err(at) => self.bins.insert(at, (bin, count)),
        }
    }
}

/// What was recorded of each message of a run, stretch by stretch in the order of time.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// How long each stretch took, in seconds.
    pub(crate) seconds: Vec<f64>,
    /// For each message a piece of each stretch; the last ones may be missing.
    pub(crate) messages: BTreeMap<String, Vec<Piece>>,
}

impl Series {
    /// Adds a stretch.
    pub fn push(&mut self, took: Duration, pieces: impl IntoIterator<Item = (String, Piece)>) {
        let before = self.seconds.len();
        self.seconds.push(took.as_secs_f64());
        for (message, piece) in pieces {
            let row = self.messages.entry(message).or_default();
            row.resize_with(before, Piece::default);
            row.push(piece);
        }
    }

    /// Adds a stretch of a run: its requests, by connection and name.
    pub fn push_totals(&mut self, took: Duration, totals: &Totals) {
        self.push(
            took,
            totals.requests().iter().map(|(key, row)| {
                let latency = row.latency();
                let mut piece = Piece {
                    ok: row.counts.ok.min(MOST),
                    failed: row.counts.failures.total().min(MOST),
                    count: latency.count().min(MOST),
                    sum_us: latency.sum_us().min(MOST),
                    bins: Vec::new(),
                };
                latency.buckets().for_each(|bucket| piece.add(bucket.up_to_us, bucket.count));
                (key.to_string(), piece)
            }),
        );
    }

    /// How many seconds all stretches took.
    pub fn seconds(&self) -> f64 {
        self.seconds.iter().sum()
    }

    /// How many stretches there are.
    pub fn len(&self) -> usize {
        self.seconds.len()
    }

    /// Whether there is no stretch.
    pub fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }
}
