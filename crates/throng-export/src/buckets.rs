//! A histogram's buckets for sending: exponential ones, and the few of a fixed list.
//!
//! throng keeps durations at three digits, in buckets of at most 0.1 %. Each goes into the coarser bucket that holds its
//! shortest duration, so that a figure on a border is where it belongs, and no count ever goes down.

use throng_metrics::Histogram;

/// The upper borders in microseconds of the fixed list; what is longer is in a last bucket without one. From a tenth of a
/// millisecond, which a server on the same machine needs, to a minute, which is longer than a request may take.
pub const CLASSIC_US: [u64; 18] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Exponential buckets grow by the 2^4th root of 2: each is 4.4 % wide, and a percentile from them is at most 2.2 % off.
///
/// The scale is fixed and not chosen by what was seen, as it is in clients that have to bound their memory: the durations
/// themselves are bounded (1 µs to a day are 600 buckets at most), and buckets that do not change their width can be
/// subtracted by whoever reads them.
pub const SCALE: i32 = 4;

/// Durations in buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    /// How many durations, exact.
    pub count: u64,
    /// Their sum in seconds.
    pub sum: f64,
    /// The shortest in seconds.
    pub min: Option<f64>,
    /// The longest in seconds.
    pub max: Option<f64>,
    /// How many were too short to be measured.
    pub zero: u64,
    /// Exponential buckets in use, from the shortest: the bucket `i` holds what is above `base^i` and at most `base^(i+1)`
    /// seconds, where `base` is 2^(2^-[`SCALE`]).
    pub exponential: Vec<(i32, u64)>,
    /// How many are in each bucket of [`CLASSIC_US`], and in the last one.
    pub classic: [u64; CLASSIC_US.len() + 1],
}

impl Buckets {
    /// What a histogram holds.
    pub fn of(histogram: &Histogram) -> Buckets {
        let seconds = |us: u64| us as f64 / 1e6;
        let mut buckets = Buckets {
            count: histogram.count(),
            sum: seconds(histogram.sum_us()),
            min: histogram.min_us().map(seconds),
            max: histogram.max_us().map(seconds),
            ..Buckets::default()
        };
        let mut rest = buckets.count;
        for (floor_us, count) in histogram.floors() {
            // A counter that has reached its end must not make the parts more than the whole.
            let count = count.min(rest);
            rest -= count;
            buckets.add(floor_us, count);
        }
        // Nor less: what such a counter missed is among the longest.
        if let Some(max_us) = histogram.max_us().filter(|_| rest > 0) {
            buckets.add(max_us, rest);
        }
        buckets
    }

    fn add(&mut self, us: u64, count: u64) {
        self.classic[CLASSIC_US.partition_point(|&border| border < us)] += count;
        if us == 0 {
            self.zero += count;
            return;
        }
        let index = index(us);
        match self.exponential.binary_search_by_key(&index, |&(index, _)| index) {
            Ok(place) => self.exponential[place].1 += count,
            Err(place) => self.exponential.insert(place, (index, count)),
        }
    }
}

/// The exponential bucket of a duration that is not zero.
fn index(us: u64) -> i32 {
    let log = (us as f64 / 1e6).log2() * f64::from(1 << SCALE);
    log.ceil() as i32 - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use throng_metrics::{Ledger, Recorder};

    fn of(values: &[u64]) -> Buckets {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&us| histogram.record(us));
        Buckets::of(&histogram)
    }

    #[test]
    fn a_duration_on_a_border_is_below_it() {
        for (place, &border) in CLASSIC_US.iter().enumerate() {
            let buckets = of(&[border, border + border / 500 + 1]);
            assert_eq!((buckets.classic[place], buckets.classic[place + 1]), (1, 1), "{border}");
        }
        let second = of(&[1_000_000, 1_000_001_000]);
        assert_eq!(second.exponential[0], (-1, 1), "1 s is the upper border of the bucket -1");
    }

    #[test]
    fn what_is_no_time_at_all_has_a_bucket_of_its_own() {
        let buckets = of(&[0, 0, 1]);
        assert_eq!((buckets.zero, buckets.exponential.len(), buckets.classic[0]), (2, 1, 3));
    }

    #[test]
    fn an_empty_histogram_has_empty_buckets() {
        assert_eq!(Buckets::of(&Histogram::default()), Buckets::default());
    }

    #[test]
    fn counts_that_a_bucket_could_not_hold_are_not_lost() {
        // Figures of a file: more than 32 bits in one bucket.
        let text = r#"{"measures":[{"name":"m","counts":{},
            "times":[{"n":9000000000,"sum":90,"min":5,"max":9,"cells":[11,253,255,255,255,15,8]}]}]}"#;
        let mut totals = throng_metrics::Totals::default();
        totals.absorb(&serde_json::from_str(text).unwrap());
        let buckets = Buckets::of(totals.measures().find("", "m").unwrap().values());
        assert_eq!(buckets.exponential.iter().map(|(_, count)| count).sum::<u64>(), 9_000_000_000);
        assert_eq!(buckets.classic.iter().sum::<u64>(), 9_000_000_000);
    }

    fn recorded(ledger: &mut Ledger, recorder: &mut Recorder, values: &[u64]) -> Buckets {
        let id = recorder.measure("m");
        values.iter().for_each(|&us| recorder.measured(id, us));
        ledger.merge(&recorder.take());
        Buckets::of(ledger.totals().measures().find("", "m").unwrap().values())
    }

    proptest! {
        #[test]
        fn every_duration_is_in_one_bucket_near_it(values in prop::collection::vec(0..100_000_000_000_u64, 1..50)) {
            let buckets = of(&values);
            let exponential: u64 = buckets.exponential.iter().map(|(_, count)| count).sum();
            prop_assert_eq!(buckets.zero + exponential, values.len() as u64);
            prop_assert_eq!(buckets.classic.iter().sum::<u64>(), values.len() as u64);
            let single = of(&values[..1]);
            if let Some(&(index, _)) = single.exponential.first() {
                let base = 2_f64.powf(1.0 / f64::from(1 << SCALE));
                let value = values[0].min(86_400_000_000) as f64 / 1e6;
                prop_assert!(value >= base.powi(index) * 0.998, "{} {}", value, index);
                prop_assert!(value <= base.powi(index + 1) * 1.002, "{} {}", value, index);
            }
        }

        #[test]
        fn no_count_goes_down(
            first in prop::collection::vec(0..5_000_000_u64, 1..20), then in prop::collection::vec(0..50_000_000_u64, 1..20)
        ) {
            let (mut ledger, mut recorder) = (Ledger::default(), Recorder::default());
            let before = recorded(&mut ledger, &mut recorder, &first);
            let after = recorded(&mut ledger, &mut recorder, &then);
            for (before, after) in before.classic.iter().zip(after.classic) {
                prop_assert!(*before <= after);
            }
            for (index, count) in before.exponential {
                let now = after.exponential.iter().find(|(other, _)| *other == index);
                prop_assert!(now.is_some_and(|(_, now)| *now >= count));
            }
        }
    }
}
