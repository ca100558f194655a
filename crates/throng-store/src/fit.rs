//! Samples that are too large for their place keep fewer bits of each duration.
//!
//! What a sample takes grows with the number of messages and with how many different durations each of them had. Durations
//! are what can be told with fewer digits: counts, sums, the shortest and the longest stay exact whatever is given up here.

use throng_metrics::Totals;

use crate::blob;

/// What a sample of a second may take, in bytes: with the joined ones that is less than 200 MB a day.
pub(crate) const SECOND: usize = 18_000;
/// What a sample of ten seconds may take, in bytes.
pub(crate) const JOINED: usize = 13_000;

/// Significant bits of a duration: all of them, and the fewest that are of any use.
const BITS: std::ops::RangeInclusive<u32> = 2..=11;

/// How many bits fitted last: the next sample is much like the last one.
#[derive(Debug)]
pub(crate) struct Fit {
    most: usize,
    bits: u32,
}

impl Fit {
    /// Samples of at most so many bytes.
    pub(crate) fn new(most: usize) -> Fit {
        Fit { most, bits: *BITS.end() }
    }

    /// A sample as it is when it is small enough, and else with as many bits as fit.
    pub(crate) fn bytes(&mut self, packed: Vec<u8>) -> Result<Vec<u8>, String> {
        if packed.len() <= self.most {
            self.bits = *BITS.end();
            return Ok(packed);
        }
        let mut totals = Totals::default();
        totals.absorb(&blob::unpacked(&packed)?);
        self.packed(&mut totals)
    }

    /// Totals with as many bits as fit.
    pub(crate) fn packed(&mut self, totals: &mut Totals) -> Result<Vec<u8>, String> {
        // One more than last time, so that a busy moment does not make all that follow it coarse.
        let mut bits = (self.bits + 1).min(*BITS.end());
        loop {
            if bits < *BITS.end() {
                totals.coarsen(bits);
            }
            let packed = blob::packed(totals, totals)?;
            if packed.len() <= self.most || bits == *BITS.start() {
                self.bits = bits;
                return Ok(packed);
            }
            bits -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use throng_metrics::{Ledger, Recorder};

    use super::*;

    fn busy(names: u64) -> Totals {
        let mut recorder = Recorder::default();
        for name in 0..names {
            let id = recorder.measure(&format!("measure {name}"));
            (0..500).for_each(|step| recorder.measured(id, 1_000 + step * step * (name + 1)));
        }
        let mut totals = Totals::default();
        totals.merge(&recorder.take());
        totals
    }

    fn values(packed: &[u8], look: impl Fn(&throng_metrics::Histogram) -> u64) -> Vec<u64> {
        let mut ledger = Totals::default();
        ledger.absorb(&blob::unpacked(packed).unwrap());
        ledger.measures().iter().map(|(_, row)| look(row.values())).collect()
    }

    #[test]
    fn what_is_small_stays_as_it_is() {
        let packed = blob::packed(&busy(2), Ledger::default().totals()).unwrap();
        assert_eq!(Fit::new(SECOND).bytes(packed.clone()).unwrap(), packed);
    }

    #[test]
    fn what_is_large_loses_digits_and_no_count() {
        let whole = busy(40);
        let packed = blob::packed(&whole, &whole).unwrap();
        let mut fit = Fit::new(packed.len() / 3);
        for _ in 0..3 {
            let fitted = fit.bytes(packed.clone()).unwrap();
            assert!(fitted.len() <= packed.len() / 3);
            for exact in [throng_metrics::Histogram::count, throng_metrics::Histogram::sum_us] {
                assert_eq!(values(&fitted, exact), values(&packed, exact));
            }
            let median = |histogram: &throng_metrics::Histogram| histogram.quantile_us(0.5).unwrap();
            for (coarse, fine) in values(&fitted, median).into_iter().zip(values(&packed, median)) {
                assert!(coarse.abs_diff(fine) * 7 <= fine, "{coarse} for {fine}");
            }
        }
    }

    #[test]
    fn what_fits_nowhere_is_kept_all_the_same() {
        let packed = blob::packed(&busy(40), Ledger::default().totals()).unwrap();
        assert!(Fit::new(10).bytes(packed).unwrap().len() > 10);
    }
}
