//! The distribution of a stretch, small enough that a report can hold thousands of them.

use throng_metrics::Histogram;

/// Bins in a doubling of the duration; a figure read from a bin's middle is wrong by less than 1 %.
const PER_DOUBLING: u64 = 64;

/// How often which duration was seen, in bins of at most 1.6 % of their value.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    count: u64,
    max_us: u64,
    /// Sorted by bin.
    bins: Vec<(u16, u32)>,
}

impl Shape {
    pub(super) fn add(&mut self, histogram: &Histogram) {
        let mut bins: Vec<(u16, u32)> = Vec::new();
        for bucket in histogram.buckets() {
            let (bin, count) = (bin_of(bucket.up_to_us), u32::try_from(bucket.count).unwrap_or(u32::MAX));
            match bins.last_mut() {
                Some(last) if last.0 == bin => last.1 = last.1.saturating_add(count),
                _ => bins.push((bin, count)),
            }
        }
        self.join(histogram.count(), histogram.max_us().unwrap_or(0), &bins);
    }

    pub(super) fn merge(&mut self, other: &Shape) {
        self.join(other.count, other.max_us, &other.bins);
    }

    fn join(&mut self, count: u64, max_us: u64, bins: &[(u16, u32)]) {
        self.count = self.count.saturating_add(count);
        self.max_us = self.max_us.max(max_us);
        if self.bins.is_empty() {
            self.bins = bins.to_vec();
            return;
        }
        for &(bin, count) in bins {
            match self.bins.binary_search_by_key(&bin, |&(bin, _)| bin) {
                Ok(at) => self.bins[at].1 = self.bins[at].1.saturating_add(count),
                Err(at) => self.bins.insert(at, (bin, count)),
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn max_us(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_us)
    }

    /// The duration that this share of all does not exceed.
    pub(super) fn quantile_us(&self, quantile: f64) -> Option<u64> {
        let whole: u64 = self.bins.iter().map(|&(_, count)| u64::from(count)).sum();
        let wanted = ((whole as f64 * quantile).ceil() as u64).max(1);
        let mut below = 0;
        let bin = self.bins.iter().find(|&&(_, count)| {
            below += u64::from(count);
            below >= wanted
        })?;
        Some(middle(bin.0).min(self.max_us))
    }

    /// How many lie in each row of a heat map with so many rows for a doubling: the lowest row that holds any, and from there up
    /// to the highest.
    pub(super) fn rows(&self, per_doubling: u32) -> (u32, Vec<u64>) {
        let row = |bin| ((middle(bin).max(1) as f64).log2() * f64::from(per_doubling)) as u32;
        let Some(first) = self.bins.first().map(|&(bin, _)| row(bin)) else { return (0, Vec::new()) };
        let mut rows = Vec::new();
        for &(bin, count) in &self.bins {
            let at = (row(bin) - first) as usize;
            rows.resize(rows.len().max(at + 1), 0);
            rows[at] += u64::from(count);
        }
        (first, rows)
    }
}

/// Up to 128 us each has a bin of its own, from there each doubling has 64.
fn bin_of(us: u64) -> u16 {
    let shift = us.checked_ilog2().unwrap_or(0).saturating_sub(PER_DOUBLING.ilog2());
    u16::try_from(u64::from(shift) * PER_DOUBLING + (us >> shift)).unwrap_or(u16::MAX)
}

fn middle(bin: u16) -> u64 {
    let bin = u64::from(bin);
    if bin < 2 * PER_DOUBLING {
        return bin;
    }
    let shift = bin / PER_DOUBLING - 1;
    let low = (bin - shift * PER_DOUBLING) << shift;
    low + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Shape {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|us| histogram.record(us));
        let mut shape = Shape::default();
        shape.add(&histogram);
        shape
    }

    #[test]
    fn figures_are_right_to_one_in_a_hundred() {
        let shape = of(1..=100_000);
        for (quantile, wanted) in [(0.5, 50_000_u64), (0.9, 90_000), (0.99, 99_000)] {
            let found = shape.quantile_us(quantile).unwrap();
            assert!(found.abs_diff(wanted) * 100 <= wanted, "{found} for {wanted}");
        }
        assert_eq!((shape.count(), shape.max_us()), (100_000, Some(100_000)));
    }

    #[test]
    fn nothing_has_no_figures() {
        let empty = Shape::default();
        assert_eq!((empty.quantile_us(0.5), empty.max_us()), (None, None));
        assert_eq!(empty.rows(8), (0, Vec::new()));
    }

    #[test]
    fn rows_of_a_heat_map_are_parts_of_a_doubling() {
        let (first, rows) = of([1_000, 1_001, 2_000, 4_000]).rows(1);
        assert_eq!((first, rows), (9, vec![2, 1, 1]));
    }

    proptest! {
        #[test]
        fn a_bin_holds_its_middle(us in 0_u64..3_600_000_000) {
            prop_assert_eq!(bin_of(middle(bin_of(us))), bin_of(us));
        }

        #[test]
        fn shapes_that_are_joined_are_the_shape_of_the_whole(
            one in prop::collection::vec(1_u64..1_000_000, 0..50),
            other in prop::collection::vec(1_u64..1_000_000, 0..50),
        ) {
            let mut joined = of(one.iter().copied());
            joined.merge(&of(other.iter().copied()));
            let whole = of(one.iter().chain(&other).copied());
            prop_assert_eq!((joined.count, joined.max_us, joined.bins), (whole.count, whole.max_us, whole.bins));
        }
    }
}
