//! A message's stretches in blocks of about the same length, and what leaving one of them out changes.

use crate::metric::Metric;
use crate::series::{Piece, Series};

/// What was recorded in several stretches together.
#[derive(Clone, Default)]
pub(crate) struct Pool {
    pub(crate) seconds: f64,
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    pub(crate) count: u64,
    pub(crate) sum_us: u64,
    /// By place in the list of bins in use.
    pub(crate) bins: Vec<u64>,
}

impl Pool {
    fn add(&mut self, seconds: f64, piece: &Piece, used: &[u16]) {
        self.seconds += seconds;
        self.ok += piece.ok;
        self.failed += piece.failed;
        self.count += piece.count;
        self.sum_us += piece.sum_us;
        for (bin, count) in &piece.bins {
            let at = used.binary_search(bin).expect("every bin of the pieces is in the list");
            self.bins[at] += u64::from(*count);
        }
    }

    fn with(&self, other: &Self) -> Self {
        Self {
            seconds: self.seconds + other.seconds,
            ok: self.ok + other.ok,
            failed: self.failed + other.failed,
            count: self.count + other.count,
            sum_us: self.sum_us + other.sum_us,
            bins: self.bins.iter().zip(&other.bins).map(|(one, other)| one + other).collect(),
        }
    }

    fn without(&self, block: &Self) -> Self {
        Self {
            seconds: self.seconds - block.seconds,
            ok: self.ok - block.ok,
            failed: self.failed - block.failed,
            count: self.count - block.count,
            sum_us: self.sum_us - block.sum_us,
            bins: self.bins.iter().zip(&block.bins).map(|(all, part)| all - part).collect(),
        }
    }
}

/// One message of one run.
pub(crate) struct Blocks {
    /// The bins in use in both runs, sorted.
    used: Vec<u16>,
    whole: Pool,
    blocks: Vec<Pool>,
    seconds: Vec<f64>,
    pieces: Vec<Piece>,
}

/// A metric of one message of one run.
pub(crate) struct Estimate {
    pub(crate) value: f64,
    /// The value as each block would have it: their mean is the value in the metric's scale. Nothing when there is too
    /// little to compare.
    pub(crate) by_block: Option<Vec<f64>>,
}

/// So many blocks of a message's stretches in each run.
pub(crate) fn cut(runs: [&Series; 2], message: &str, count: usize) -> [Blocks; 2] {
    let pieces = runs.map(|run| {
        let mut pieces = run.messages.get(message).cloned().unwrap_or_default();
        pieces.resize_with(run.len(), Piece::default);
        pieces
    });
    let bins = pieces.iter().flatten().flat_map(|piece| piece.bins.iter().map(|&(bin, _)| bin));
    let mut used: Vec<u16> = bins.collect();
    used.sort_unstable();
    used.dedup();
    let [a, b] = pieces;
    [Blocks::of(runs[0], a, used.clone(), count), Blocks::of(runs[1], b, used, count)]
}

/// What each block of two runs adds to or takes from the metric of both together, up to a constant factor. The value of
/// both together stays what it is when blocks change places, so of runs alike any order is as likely as any other.
pub(crate) fn exchangeable([a, b]: [&Blocks; 2], metric: Metric) -> Option<[Vec<f64>; 2]> {
    let together = metric.of(&a.whole.with(&b.whole), &a.used)?;
    Some([a, b].map(|run| {
        let weight = metric.weight(&run.whole) / run.blocks.len() as f64;
        run.blocks.iter().map(|block| metric.influence(block, &run.used, together) / weight).collect()
    }))
}

impl Blocks {
    fn of(series: &Series, pieces: Vec<Piece>, used: Vec<u16>, count: usize) -> Self {
        let empty = Pool { bins: vec![0; used.len()], ..Pool::default() };
        let (mut whole, mut blocks) = (empty.clone(), vec![empty; count]);
        let all = series.seconds();
        let mut before = 0.0;
        for (&seconds, piece) in series.seconds.iter().zip(&pieces) {
            let middle = (before + seconds / 2.0) / all * count as f64;
            blocks[(middle as usize).min(count - 1)].add(seconds, piece, &used);
            whole.add(seconds, piece, &used);
            before += seconds;
        }
        Self { used, whole, blocks, seconds: series.seconds.clone(), pieces }
    }

    /// The metric, if it has a value.
    pub(crate) fn estimate(&self, metric: Metric) -> Option<Estimate> {
        let value = metric.of(&self.whole, &self.used)?;
        let enough = metric.has_enough(&self.whole);
        Some(Estimate { value, by_block: if enough { self.by_block(metric, value) } else { None } })
    }

    /// How many replies there were in how many seconds, and in what share of the blocks.
    pub(crate) fn replies(&self) -> (f64, f64, f64) {
        let busy = self.blocks.iter().filter(|block| block.ok > 0).count();
        (self.whole.ok as f64, self.whole.seconds, busy as f64 / self.blocks.len() as f64)
    }

    /// The jackknife's pseudo-values, moved so that their mean is the value of the whole.
    fn by_block(&self, metric: Metric, value: f64) -> Option<Vec<f64>> {
        let without = |block| metric.scaled(metric.of(&self.whole.without(block), &self.used)?);
        let without: Vec<f64> = self.blocks.iter().map(without).collect::<Option<_>>()?;
        let mean = without.iter().sum::<f64>() / without.len() as f64;
        let value = metric.scaled(value)?;
        let others = (without.len() - 1) as f64;
        Some(without.iter().map(|without| value + others * (mean - without)).collect())
    }

    /// What each stretch adds to or takes from the metric, up to a constant factor.
    pub(crate) fn by_stretch(&self, metric: Metric, value: f64) -> Vec<f64> {
        let each = self.pieces.iter().zip(&self.seconds).map(|(piece, &seconds)| {
            let bins = piece.bins.iter().map(|&(bin, count)| (bin, u64::from(count)));
            let (used, bins): (Vec<u16>, Vec<u64>) = bins.unzip();
            let Piece { ok, failed, count, sum_us, .. } = *piece;
            metric.influence(&Pool { seconds, ok, failed, count, sum_us, bins }, &used, value)
        });
        each.collect()
    }
}
