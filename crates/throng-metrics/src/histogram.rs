//! Durations in microseconds: a 3-digit HDR histogram with an exact count, sum, minimum and maximum.
//!
//! A [`Histogram`] holds nothing until its first record and grows with the largest value, up to one day, where it
//! saturates. What was recorded leaves a shard by moving the histogram itself, which costs the shard nothing but a new
//! allocation; adding it up is left to whoever merges.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::written::{Cells, Written, coarse};

/// Longer durations are recorded as this: one day.
pub(crate) const LONGEST_US: u64 = 86_400_000_000;
const DIGITS: u8 = 3;

/// How often which duration was seen, in microseconds from 1 us to 1 d at 3 digits.
///
/// A bucket's counter has 32 bits and saturates; the count, the sum, the minimum and the maximum are exact.
#[derive(Clone, Default)]
pub struct Histogram {
    inner: Option<Box<Inner>>,
    /// The longest duration before the last take: the next buckets reach as far at once and need not grow step by step, and one slow
    /// reply does not make all that follow it large.
    reach_us: u64,
}

#[derive(Clone)]
struct Inner {
    buckets: hdrhistogram::Histogram<u32>,
    exact: Exact,
}

#[derive(Clone, Copy)]
struct Exact {
    count: u64,
    sum_us: u64,
    min_us: u64,
    max_us: u64,
}

impl Exact {
    const EMPTY: Self = Self { count: 0, sum_us: 0, min_us: u64::MAX, max_us: 0 };

    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
    }
}

impl Inner {
    fn new(reach_us: u64) -> Self {
        let high = reach_us.clamp(2, LONGEST_US);
        let mut buckets = hdrhistogram::Histogram::new_with_bounds(1, high, DIGITS)
            .expect("the bounds are 1 and at least 2, and 3 digits are allowed");
        buckets.auto(true);
        Self { buckets, exact: Exact::EMPTY }
    }

    fn add(&mut self, us: u64) {
        // Growing can only fail where usize is too small for the bucket array; then the value is clamped instead.
        if self.buckets.record(us).is_err() {
            self.buckets.saturating_record(us);
        }
        self.exact.add(&Exact { count: 1, sum_us: us, min_us: us, max_us: us });
    }
}

impl Inner {
    /// Each bucket's shortest duration and its count.
    fn floors(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.buckets.iter_recorded().map(|bucket| {
            let floor = self.buckets.lowest_equivalent(bucket.value_iterated_to());
            (floor, u64::from(bucket.count_at_value()))
        })
    }

    fn written(&self) -> Written {
        let Exact { count, sum_us, min_us, max_us } = self.exact;
        Written { count, sum_us, min_us, max_us, cells: Cells::of(self.floors()) }
    }

    fn read(written: &Written) -> Self {
        let &Written { count, sum_us, min_us, max_us, .. } = written;
        let mut inner = Self::new(max_us);
        let max_us = max_us.min(LONGEST_US);
        inner.exact = Exact { count, sum_us, min_us: min_us.min(max_us), max_us };
        written.cells.each(|us, count| {
            inner.add_n(us.min(LONGEST_US), u32::try_from(count).unwrap_or(u32::MAX));
        });
        inner
    }

    fn add_n(&mut self, us: u64, count: u32) {
        // Growing can only fail where usize is too small for the bucket array; then the value is clamped instead.
        if self.buckets.record_n(us, count).is_err() {
            self.buckets.saturating_record_n(us, count);
        }
    }
}

impl Histogram {
    /// Records one duration in microseconds; above one day it counts as one day.
    pub fn record(&mut self, us: u64) {
        let inner = self.inner.get_or_insert_with(|| Box::new(Inner::new(self.reach_us)));
        inner.add(us.min(LONGEST_US));
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.exact.count)
    }

    /// The sum of all durations in microseconds.
    pub fn sum_us(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.exact.sum_us)
    }

    /// The shortest duration in microseconds.
    pub fn min_us(&self) -> Option<u64> {
        self.sampled().map(|inner| inner.exact.min_us)
    }

    /// The longest duration in microseconds.
    pub fn max_us(&self) -> Option<u64> {
        self.sampled().map(|inner| inner.exact.max_us)
    }

    /// The mean duration in microseconds.
    pub fn mean_us(&self) -> Option<f64> {
        self.sampled().map(|inner| inner.exact.sum_us as f64 / inner.exact.count as f64)
    }

    /// The duration in microseconds that the share `quantile` (0 to 1) of all does not exceed.
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        let inner = self.sampled()?;
        // A bucket's upper edge may lie above the largest value in it, and is never shown as more than that.
        Some(inner.buckets.value_at_quantile(quantile).clamp(inner.exact.min_us, inner.exact.max_us))
    }

    /// The usual figures, or nothing when nothing was recorded.
    pub fn spread(&self) -> Option<Spread> {
        Some(Spread {
            min: self.min_us()?,
            mean: (self.mean_us()? * 10.0).round() / 10.0,
            p50: self.quantile_us(0.5)?,
            p90: self.quantile_us(0.9)?,
            p95: self.quantile_us(0.95)?,
            p99: self.quantile_us(0.99)?,
            p999: self.quantile_us(0.999)?,
            max: self.max_us()?,
        })
    }

    /// The distribution in `bins` bins whose edges grow by a constant factor from the shortest to the longest.
    pub fn bins(&self, bins: usize) -> Vec<Bin> {
        let (Some(min), Some(max)) = (self.min_us(), self.max_us()) else { return Vec::new() };
        let Some(inner) = self.sampled() else { return Vec::new() };
        let (low, high) = ((min.max(1) as f64).ln(), (max.max(1) as f64).ln());
        let bins = if high > low { bins.max(1) } else { 1 };
        let width = (high - low) / bins as f64;
        let edge = |bin: usize| (low + width * (bin + 1) as f64).exp().round() as u64;
        let mut out: Vec<Bin> = (0..bins).map(|bin| Bin { up_to_us: edge(bin), count: 0 }).collect();
        out[bins - 1].up_to_us = max;
        for bucket in inner.buckets.iter_recorded() {
            let at = (bucket.value_iterated_to().clamp(min, max).max(1) as f64).ln();
            let bin = if width > 0.0 { (((at - low) / width) as usize).min(bins - 1) } else { 0 };
            out[bin].count += u64::from(bucket.count_at_value());
        }
        out
    }

    /// The buckets in use, each with its upper edge, from the shortest.
    pub fn buckets(&self) -> impl Iterator<Item = Bin> + '_ {
        let used = self.sampled().into_iter().flat_map(|inner| inner.buckets.iter_recorded());
        used.map(|bucket| Bin {
            up_to_us: bucket.value_iterated_to(),
            count: u64::from(bucket.count_at_value()),
        })
    }

    /// The buckets in use, each with the shortest duration in microseconds that falls into it and its count.
    ///
    /// Whoever sorts buckets into coarser ones by this, and not by a figure that moves with what is recorded later, gets
    /// counts that never go down.
    pub fn floors(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.sampled().into_iter().flat_map(Inner::floors)
    }

    /// Keeps only so many significant bits of each duration; the count, the sum, the minimum and the maximum stay exact.
    pub(crate) fn coarsen(&mut self, bits: u32) {
        let Some(inner) = self.inner.as_deref_mut() else { return };
        let mut coarser = Inner::new(inner.exact.max_us);
        for (us, count) in inner.floors() {
            coarser.add_n(coarse(us, bits).min(LONGEST_US), u32::try_from(count).unwrap_or(u32::MAX));
        }
        coarser.exact = inner.exact;
        *inner = coarser;
    }

    /// What all of them hold together.
    pub fn of_all<'a>(histograms: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        histograms.into_iter().for_each(|one| whole.absorb(one));
        whole
    }

    /// Gives away what was recorded and starts anew.
    pub(crate) fn take(&mut self) -> Self {
        let inner = self.inner.take();
        if let Some(inner) = &inner {
            self.reach_us = inner.exact.max_us;
        }
        Self { inner, reach_us: self.reach_us }
    }

    /// Adds what another histogram holds.
    pub(crate) fn absorb(&mut self, other: &Self) {
        let Some(theirs) = other.sampled() else { return };
        let inner = self.inner.get_or_insert_with(|| Box::new(Inner::new(other.reach_us)));
        inner.buckets.add(&theirs.buckets).expect("a histogram that grows can take in any other");
        inner.exact.add(&theirs.exact);
    }

    fn sampled(&self) -> Option<&Inner> {
        self.inner.as_deref().filter(|inner| inner.exact.count > 0)
    }
}

/// An empty one is nothing.
impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sampled().map(Inner::written).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Option::<Written>::deserialize(deserializer)?.filter(|written| written.count > 0);
        let inner = written.map(|written| Box::new(Inner::read(&written)));
        Ok(Self { inner, reach_us: 0 })
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("count", &self.count()).field("spread", &self.spread()).finish()
    }
}

/// The usual figures of a distribution, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The shortest, exact.
    pub min: u64,
    /// The mean, exact to a tenth.
    pub mean: f64,
    /// Half are not longer.
    pub p50: u64,
    /// 90 % are not longer.
    pub p90: u64,
    /// 95 % are not longer.
    pub p95: u64,
    /// 99 % are not longer.
    pub p99: u64,
    /// 99.9 % are not longer.
    pub p999: u64,
    /// The longest, exact.
    pub max: u64,
}

/// A part of a distribution: how many lie above the bin before and up to `up_to_us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bin {
    /// The bin's upper edge in microseconds.
    pub up_to_us: u64,
    /// How many lie in it.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&us| histogram.record(us));
        histogram
    }

    #[test]
    fn an_empty_histogram_has_no_figures() {
        let empty = Histogram::default();
        assert_eq!(empty.spread(), None);
        assert_eq!(empty.mean_us(), None);
        assert!(empty.bins(8).is_empty());
    }

    #[test]
    fn figures_are_right_to_three_digits() {
        let spread = of(&(1..=100_000).collect::<Vec<_>>()).spread().unwrap();
        assert_eq!((spread.min, spread.max, spread.mean), (1, 100_000, 50_000.5));
        for (got, wanted) in
            [(spread.p50, 50_000), (spread.p90, 90_000), (spread.p99, 99_000), (spread.p999, 99_900)]
        {
            assert!(got.abs_diff(wanted) * 1_000 <= wanted, "{got} for {wanted}");
        }
    }

    #[test]
    fn longer_than_a_day_counts_as_a_day() {
        let spread = of(&[u64::MAX]).spread().unwrap();
        assert_eq!((spread.min, spread.p50, spread.max), (LONGEST_US, LONGEST_US, LONGEST_US));
    }

    #[test]
    fn a_taken_histogram_is_empty_and_records_again() {
        let mut histogram = of(&[10, 20]);
        assert_eq!(histogram.take().count(), 2);
        assert_eq!(histogram.spread(), None);
        assert_eq!(histogram.take().count(), 0);
        histogram.record(7);
        assert_eq!(histogram.spread().unwrap().max, 7);
    }

    #[test]
    fn figures_that_cannot_be_are_read_as_ones_that_can() {
        let day = LONGEST_US;
        for (text, wanted) in [
            (r#"{"n":1,"sum":1,"min":500000000000,"max":600000000000,"cells":[]}"#, (day, day)),
            (r#"{"n":1,"sum":1,"min":9,"max":3,"cells":[14,255]}"#, (3, 3)),
            (
                r#"{"n":9,"sum":1,"min":1,"max":0,"cells":[255,255,255,255,255,255,255,255,255,255,1,255,255,255,255,255,255,255,255,255,1]}"#,
                (0, 0),
            ),
        ] {
            let read: Histogram = serde_json::from_str(text).unwrap();
            let spread = read.spread().unwrap();
            assert_eq!((spread.min, spread.max), wanted, "{text}");
            assert!(!read.bins(5).is_empty());
        }
    }

    #[test]
    fn bins_of_one_value_are_one_bin() {
        assert_eq!(of(&[50, 50]).bins(8), [Bin { up_to_us: 50, count: 2 }]);
        assert_eq!(of(&[0]).bins(8), [Bin { up_to_us: 0, count: 1 }]);
    }

    proptest! {
        #[test]
        fn taking_and_merging_parts_gives_the_figures_of_the_whole(
            values in prop::collection::vec(0..LONGEST_US * 2, 1..200), cut in 0usize..200,
        ) {
            let cut = cut.min(values.len());
            let mut merged = Histogram::default();
            for part in [&values[cut..], &values[..cut]] {
                merged.absorb(&of(part).take());
            }
            prop_assert_eq!(merged.spread(), of(&values).spread());
            prop_assert_eq!(merged.bins(12), of(&values).bins(12));
            prop_assert_eq!(merged.count(), values.len() as u64);
        }

        #[test]
        fn bins_hold_every_record(values in prop::collection::vec(0..10_000_000u64, 1..100), bins in 1usize..30) {
            let total: u64 = of(&values).bins(bins).iter().map(|bin| bin.count).sum();
            prop_assert_eq!(total, values.len() as u64);
        }
    }
}
