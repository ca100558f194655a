//! Bins that all runs share: whole microseconds up to 512, then 256 bins for each doubling, so at most 0.4 % wide.

const EXACT: u64 = 512;
const PER_DOUBLING: u64 = 256;

/// The bin of a duration in microseconds; longer than an hour counts as an hour.
pub(crate) fn bin_of(us: u64) -> u16 {
    let us = us.min(3_600_000_000);
    if us < EXACT {
        return us as u16;
    }
    let shift = u64::from(us.ilog2()) - 8;
    (EXACT + (shift - 1) * PER_DOUBLING + ((us >> shift) - PER_DOUBLING)) as u16
}

/// The first duration in microseconds of a bin, and the first one above it.
fn edges(bin: u16) -> (f64, f64) {
    let bin = u64::from(bin);
    if bin < EXACT {
        return (bin as f64, (bin + 1) as f64);
    }
    let (doubling, place) = ((bin - EXACT) / PER_DOUBLING + 1, (bin - EXACT) % PER_DOUBLING + PER_DOUBLING);
    ((place << doubling) as f64, ((place + 1) << doubling) as f64)
}

/// The duration in microseconds below which the share `quantile` lies, taken as evenly spread within a bin: without that,
/// short latencies would jump by whole microseconds, and jumps are no differences.
pub(crate) fn quantile(used: &[u16], counts: &[u64], quantile: f64) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    let wanted = total as f64 * quantile;
    let mut below = 0.0;
    for (&bin, &count) in used.iter().zip(counts) {
        let count = count as f64;
        if count > 0.0 && below + count >= wanted {
            let (low, high) = edges(bin);
            return Some(low + (high - low) * ((wanted - below) / count));
        }
        below += count;
    }
    None
}

/// How many lie below a duration in microseconds, again as evenly spread within its bin.
pub(crate) fn below(used: &[u16], counts: &[u64], us: f64) -> f64 {
    let parts = used.iter().zip(counts).map(|(&bin, &count)| {
        let (low, high) = edges(bin);
        count as f64 * ((us - low) / (high - low)).clamp(0.0, 1.0)
    });
    parts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_bin_and_bins_are_narrow() {
        let mut us = 0;
        while us < 3_600_000_000 {
            let (low, high) = edges(bin_of(us));
            assert!(low <= us as f64 && (us as f64) < high, "{us} in {low}..{high}");
            assert!(high - low <= 1.0 || (high - low) / low < 0.004, "{us}");
            us += 1 + us / 301;
        }
    }

    #[test]
    fn quantiles_lie_within_bins() {
        assert_eq!(quantile(&[100, 101], &[50, 50], 0.75), Some(101.5));
        assert_eq!(quantile(&[100], &[0], 0.5), None);
        assert_eq!(below(&[100, 101], &[50, 50], 101.5), 75.0);
    }
}
