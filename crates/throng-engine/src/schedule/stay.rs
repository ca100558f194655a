//! How long robots stay.

use std::time::Duration;

/// The length of a robot's session, from its begin to its leaving.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stay {
    /// Always as long.
    Constant(Duration),
    /// Evenly distributed between two bounds.
    Between(Duration, Duration),
    /// Exponentially distributed around a mean: who has stayed long is as likely to leave as who has just come.
    Exponential(Duration),
}

impl Stay {
    /// The length that `random`, evenly distributed in 0..1, draws.
    pub(crate) fn length(self, random: f64) -> Duration {
        match self {
            Stay::Constant(length) => length,
            Stay::Between(low, high) => low.saturating_add(high.saturating_sub(low).mul_f64(random)),
            Stay::Exponential(mean) => {
                let seconds = mean.as_secs_f64() * -(1.0 - random).max(f64::MIN_POSITIVE).ln();
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
        }
    }

    /// The mean length.
    pub(crate) fn mean(self) -> Duration {
        match self {
            Stay::Constant(length) | Stay::Exponential(length) => length,
            Stay::Between(low, high) => low.saturating_add(high) / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_as_long_as_they_say() {
        let second = Duration::from_secs(1);
        for stay in
            [Stay::Constant(4 * second), Stay::Between(second, 7 * second), Stay::Exponential(4 * second)]
        {
            let draws = (0..10_000).map(|draw| stay.length((f64::from(draw) + 0.5) / 10_000.0).as_secs_f64());
            let mean = draws.sum::<f64>() / 10_000.0;
            assert!((mean - stay.mean().as_secs_f64()).abs() < 0.01, "{stay:?} {mean}");
        }
        assert_eq!(Stay::Exponential(Duration::MAX).length(0.9), Duration::MAX);
    }
}
