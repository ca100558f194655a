//! How far the seconds of a run depend on those before them, and what that does to a standard error.

/// Up to so many stretches back.
const LAGS: usize = 5;
/// Beyond this a run is too short to tell dependence from drift, and no factor would help.
const MOST: f64 = 0.95;

/// How many times larger the standard error is than `blocks` blocks of two runs make it look.
pub(crate) fn inflation(a: &[f64], b: &[f64], blocks: usize) -> f64 {
    let length = (a.len() + b.len()) as f64 / 2.0;
    let blocks = blocks as f64;
    let dependence = dependence(a, b);
    let (whole, block) =
        (variance_of_mean(dependence, length), variance_of_mean(dependence, length / blocks));
    (whole * (blocks - 1.0) / (block - whole)).max(1.0).sqrt()
}

/// The coefficient of the least AR(1) process that is as dependent as both series at every lag where they clearly are.
fn dependence(a: &[f64], b: &[f64]) -> f64 {
    let together = (a.len() + b.len()) as f64;
    let clear = 2.0 * (together.log10() / together).sqrt();
    let at = |lag: usize| {
        let raw = (autocorrelation(a, lag) + autocorrelation(b, lag)) / 2.0;
        // What is lost because each mean was estimated from the series itself (Kendall 1954).
        raw + (1.0 + 3.0 * raw) / (together / 2.0)
    };
    let next = at(1);
    if next <= 0.0 {
        // What goes up and down each second returns at even lags, and its mean is surer than it looks.
        return 0.0;
    }
    let further = (2..=LAGS).map(|lag| (lag, at(lag))).filter(|&(_, value)| value > clear);
    let further = further.map(|(lag, value)| value.powf(1.0 / lag as f64));
    further.fold(next, f64::max).min(MOST)
}

fn autocorrelation(series: &[f64], lag: usize) -> f64 {
    let mean = series.iter().sum::<f64>() / series.len().max(1) as f64;
    let square: f64 = series.iter().map(|value| (value - mean).powi(2)).sum();
    let pairs = series.iter().zip(series.iter().skip(lag));
    let product: f64 = pairs.map(|(one, other)| (one - mean) * (other - mean)).sum();
    if square > 0.0 { product / square } else { 0.0 }
}

/// The variance of the mean of so many values of an AR(1) process with variance 1.
fn variance_of_mean(dependence: f64, count: f64) -> f64 {
    let rest = 1.0 - dependence;
    let ends = 2.0 * dependence * (1.0 - dependence.powf(count)) / (count * rest * rest);
    ((1.0 + dependence) / rest - ends) / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_of_a_mean_is_that_of_the_sum_of_covariances() {
        for (dependence, count) in [(0.0_f64, 8_u32), (0.5, 6), (0.9, 12)] {
            let covariances = (1..count).map(|lag| {
                2.0 * (1.0 - f64::from(lag) / f64::from(count)) * dependence.powi(lag.cast_signed())
            });
            let wanted = (1.0 + covariances.sum::<f64>()) / f64::from(count);
            assert!((variance_of_mean(dependence, count.into()) - wanted).abs() < 1e-12);
        }
    }

    #[test]
    fn slow_waves_widen_and_what_jumps_each_second_does_not() {
        let waves: Vec<f64> = (0..80).map(|at| (f64::from(at) / 4.0).sin()).collect();
        let jumps: Vec<f64> = (0..80).map(|at| f64::from(at % 2)).collect();
        assert!(inflation(&waves, &waves, 10) > 1.5);
        assert!((inflation(&jumps, &jumps, 10) - 1.0).abs() < 1e-9);
        assert!((inflation(&[3.0; 60], &[3.0; 60], 10) - 1.0).abs() < 0.05);
    }
}
