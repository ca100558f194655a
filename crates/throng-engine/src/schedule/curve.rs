//! A figure over time, linear between its points: how many robots, or how many come a second.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

/// What a figure is at each moment of a run. Before its first point and after its last one it stays.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    points: Vec<(Duration, f64)>,
    /// Names of the stretches that end at each point, where stages have some.
    names: Vec<Option<Arc<str>>>,
    /// The area below the curve up to each point.
    areas: Vec<f64>,
}

/// How much of its past a curve that is turned keeps: what is reported is at most some seconds old.
const REMEMBERED: Duration = Duration::from_secs(10);

/// One stretch: reach `to` in the course of `over`.
pub(crate) struct Stretch {
    pub(crate) to: f64,
    pub(crate) over: Duration,
    pub(crate) name: Option<Arc<str>>,
}

impl Curve {
    /// Stretches one after the other, from `from`.
    pub(crate) fn new(from: f64, stretches: impl IntoIterator<Item = Stretch>) -> Curve {
        let mut curve = Curve { points: vec![(Duration::ZERO, from)], names: vec![None], areas: vec![0.0] };
        let (mut at, mut low, mut area) = (Duration::ZERO, from, 0.0);
        for Stretch { to, over, name } in stretches {
            at = at.saturating_add(over);
            area += over.as_secs_f64() * (low + to) / 2.0;
            low = to;
            curve.points.push((at, to));
            curve.names.push(name);
            curve.areas.push(area);
        }
        curve
    }

    /// The same up to `at`, and then to `to` in the course of `over`. What is long past is forgotten.
    pub(crate) fn turned(&self, at: Duration, to: f64, over: Duration) -> Curve {
        let since = at.saturating_sub(REMEMBERED);
        let past = self.points.iter().filter(|(point, _)| (since..at).contains(point));
        let here = std::iter::once((at, self.at(at)));
        let mut before = since;
        let mut stretches = vec![Stretch { to: self.at(since), over: since, name: None }];
        for (point, figure) in past.copied().chain(here) {
            let over = point - std::mem::replace(&mut before, point);
            stretches.push(Stretch { to: figure, over, name: None });
        }
        stretches.push(Stretch { to, over, name: None });
        Curve::new(self.at(since), stretches)
    }

    /// The first point after `now`, and the one before it.
    fn around(&self, now: Duration) -> (usize, (Duration, f64)) {
        let after = self.points.partition_point(|(at, _)| *at <= now);
        (after, self.points[after.max(1) - 1])
    }

    /// The figure at `now`.
    pub(crate) fn at(&self, now: Duration) -> f64 {
        let (after, (from, low)) = self.around(now);
        self.points.get(after).map_or(low, |(to, high)| {
            low + (high - low) * ((now - from).as_secs_f64() / (*to - from).as_secs_f64())
        })
    }

    /// The figure at `now` in whole ones.
    pub(crate) fn whole_at(&self, now: Duration) -> u64 {
        // One that is part due while the number rises is due; while it falls it may stay.
        match self.trend(now) {
            Ordering::Less => self.at(now).ceil() as u64,
            Ordering::Equal | Ordering::Greater => self.at(now).floor() as u64,
        }
    }

    /// Whether the figure rises, falls or stays at `now`; it rises also where the next one is seconds away.
    pub(crate) fn trend(&self, now: Duration) -> Ordering {
        let (after, (_, low)) = self.around(now);
        self.points.get(after).map_or(Ordering::Equal, |(_, high)| high.total_cmp(&low))
    }

    /// What goes on at `now`, in one word: the name of the stretch, or `ramp_up`, `hold` or `ramp_down`.
    pub(crate) fn phase(&self, now: Duration) -> &str {
        let (after, _) = self.around(now);
        // After the last stretch it stays as that one left it, and so does its name.
        let named = self.names.get(after).or(self.names.last()).and_then(Option::as_deref);
        named.unwrap_or(phase_of(self.trend(now)))
    }

    /// The names of its stretches, where they have some.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(Option::as_deref)
    }

    /// The largest figure.
    pub(crate) fn peak(&self) -> f64 {
        self.points.iter().map(|(_, figure)| *figure).fold(0.0, f64::max)
    }

    /// The last figure, which stays.
    pub(crate) fn last(&self) -> f64 {
        self.points.last().map_or(0.0, |(_, figure)| *figure)
    }

    /// When the figure stays from then on.
    pub(crate) fn ends(&self) -> Duration {
        self.points.last().map_or(Duration::ZERO, |(at, _)| *at)
    }

    /// The area below the curve up to `now`: of a rate, how many have come.
    pub(crate) fn area(&self, now: Duration) -> f64 {
        let (after, (from, low)) = self.around(now);
        self.areas[after.max(1) - 1] + now.saturating_sub(from).as_secs_f64() * (low + self.at(now)) / 2.0
    }

    /// When the area below the curve is `area`; `None` where it never is.
    pub(crate) fn when(&self, area: f64) -> Option<Duration> {
        let after = self.areas.partition_point(|to_here| *to_here <= area);
        let before = after.max(1) - 1;
        let (from, low) = self.points[before];
        let slope = self.points.get(after).map_or(0.0, |(to, high)| {
            let over = to.saturating_sub(from).as_secs_f64();
            if over > 0.0 { (high - low) / over } else { 0.0 }
        });
        let left = area - self.areas[before];
        if left <= 0.0 {
            return (low > 0.0 || slope > 0.0).then_some(from);
        }
        // The root of `low * x + slope / 2 * x^2 = left` in the form that loses no digits where the slope is small.
        let root = (low * low + 2.0 * slope * left).max(0.0).sqrt();
        let later = Duration::try_from_secs_f64(2.0 * left / (low + root)).ok()?;
        from.checked_add(later)
    }
}

/// What it is called that a figure rises, stays or falls.
pub(crate) fn phase_of(trend: Ordering) -> &'static str {
    match trend {
        Ordering::Greater => "ramp_up",
        Ordering::Equal => "hold",
        Ordering::Less => "ramp_down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(stretches: &[(f64, f64)]) -> Curve {
        let stretches = stretches.iter().map(|(to, over)| Stretch {
            to: *to,
            over: Duration::from_secs_f64(*over),
            name: None,
        });
        Curve::new(0.0, stretches)
    }

    #[test]
    fn the_area_below_a_ramp_is_half_of_it() {
        let curve = curve(&[(10.0, 4.0), (10.0, 2.0), (0.0, 0.0), (0.0, 3.0), (2.0, 0.0)]);
        let areas = [0, 2, 4, 6, 9, 11].map(|second| curve.area(Duration::from_secs(second)));
        assert_eq!(areas, [0.0, 5.0, 20.0, 40.0, 40.0, 44.0]);
        let when = |area| curve.when(area).map(|at| at.as_secs_f64());
        assert_eq!([when(5.0), when(20.0), when(30.0)], [Some(2.0), Some(4.0), Some(5.0)]);
        assert_eq!([when(40.0), when(44.0)], [Some(9.0), Some(11.0)]);
    }

    #[test]
    fn what_never_comes_has_no_time() {
        assert_eq!(curve(&[(10.0, 2.0), (0.0, 2.0)]).when(20.1), None);
        assert_eq!(curve(&[]).when(0.5), None);
        assert_eq!(curve(&[(0.0, 5.0)]).when(0.0), None);
    }

    #[test]
    fn a_curve_that_is_turned_goes_on_from_where_it_is() {
        let seconds = Duration::from_secs;
        let mut turning = curve(&[(10.0, 5.0)]);
        for second in 3..100 {
            turning = turning.turned(seconds(second), 4.0, seconds(2));
        }
        assert_eq!((turning.at(seconds(96)), turning.at(seconds(200))), (4.0, 4.0));
        assert!(turning.points.len() < 30, "{}", turning.points.len());
        let slow = curve(&[(100.0, 100.0)]).turned(seconds(50), 0.0, seconds(10));
        assert_eq!([41, 45, 50, 55].map(|at| slow.at(seconds(at)).round()), [41.0, 45.0, 50.0, 25.0]);
        let once = curve(&[(10.0, 5.0)]).turned(seconds(3), 2.0, seconds(4));
        assert_eq!([0, 2, 3, 5, 7, 9].map(|at| once.at(seconds(at))), [0.0, 4.0, 6.0, 4.0, 2.0, 2.0]);
        assert_eq!([1, 4, 8].map(|at| once.phase(seconds(at))), ["ramp_up", "ramp_down", "hold"]);
    }

    proptest! {
        #[test]
        fn times_and_areas_are_each_others_inverse(
            stretches in prop::collection::vec((0.0..1e5f64, 0.0..1e4f64), 1..8),
            share in 0.0..2.0f64,
        ) {
            let curve = curve(&stretches);
            let whole = curve.area(curve.ends());
            if let Some(at) = curve.when(whole * share) {
                let error: f64 = (curve.area(at) - whole * share).abs();
                // A time is exact to the nanosecond.
                prop_assert!(error <= 1e-9 * whole.max(1.0) + 1e-9 * curve.peak(), "{error} of {whole}");
            }
        }
    }
}
