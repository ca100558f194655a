//! How large the largest of many differences gets by chance alone.

/// One thing compared: its value in each block of both runs.
pub(crate) struct Contrast {
    values: Vec<f64>,
    sum: f64,
    squares: f64,
}

impl Contrast {
    /// Of two runs with as many blocks each.
    pub(crate) fn new(a: &[f64], b: &[f64]) -> Self {
        // Near zero, so that squares lose nothing.
        let middle = (a.iter().sum::<f64>() + b.iter().sum::<f64>()) / (a.len() + b.len()) as f64;
        let values: Vec<f64> = a.iter().chain(b).map(|value| value - middle).collect();
        let (sum, squares) = (values.iter().sum(), values.iter().map(|value| value * value).sum());
        Self { values, sum, squares }
    }

    /// How far the mean of the second half lies above that of the first, and the standard error of that.
    pub(crate) fn difference(&self) -> (f64, f64) {
        self.split(0..self.values.len() / 2)
    }

    fn split(&self, first: impl Iterator<Item = usize>) -> (f64, f64) {
        let half = self.values.len() as f64 / 2.0;
        let (sum, squares) = first.fold((0.0, 0.0), |(sum, squares), at| {
            let value = self.values[at];
            (sum + value, squares + value * value)
        });
        let spread = |sum: f64, squares: f64| ((squares - sum * sum / half) / (half - 1.0)).max(0.0);
        let (others, other_squares) = (self.sum - sum, self.squares - squares);
        let error = ((spread(sum, squares) + spread(others, other_squares)) / half).sqrt();
        ((others - sum) / half, error)
    }
}

/// The number of standard errors that the largest difference stays below with probability `1 - level` when the blocks
/// of both runs are alike.
pub(crate) fn bound(contrasts: &[&Contrast], level: f64, permutations: usize, seed: u64) -> f64 {
    let Some(blocks) = contrasts.first().map(|contrast| contrast.values.len()) else { return f64::INFINITY };
    let mut random = fastrand::Rng::with_seed(seed);
    let mut order: Vec<usize> = (0..blocks).collect();
    let mut largest: Vec<f64> = (0..permutations)
        .map(|_| {
            random.shuffle(&mut order);
            let each = contrasts.iter().map(|contrast| {
                let (difference, error) = contrast.split(order[..blocks / 2].iter().copied());
                if error > 0.0 { difference.abs() / error } else { 0.0 }
            });
            each.fold(0.0, f64::max)
        })
        .collect();
    largest.sort_unstable_by(f64::total_cmp);
    let place = ((permutations + 1) as f64 * (1.0 - level)).ceil() as usize;
    largest.get(place.saturating_sub(1)).copied().unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64) -> Contrast {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut run = || (0..12).map(|_| random.f64() + random.f64() + random.f64()).collect::<Vec<_>>();
        Contrast::new(&run(), &run())
    }

    #[test]
    fn one_difference_is_bound_as_by_students_t() {
        let bound = bound(&[&noise(1)], 0.05, 999, 7);
        assert!((1.9..2.3).contains(&bound), "{bound}");
    }

    #[test]
    fn more_differences_need_more_and_copies_of_one_do_not() {
        let many: Vec<_> = (0..20).map(noise).collect();
        let copies: Vec<_> = (0..20).map(|_| noise(1)).collect();
        assert!(bound(&many.iter().collect::<Vec<_>>(), 0.05, 999, 7) > 2.9);
        assert!(bound(&copies.iter().collect::<Vec<_>>(), 0.05, 999, 7) < 2.3);
    }

    #[test]
    fn nothing_to_compare_is_never_exceeded() {
        assert_eq!(bound(&[], 0.05, 99, 7), f64::INFINITY);
    }
}
