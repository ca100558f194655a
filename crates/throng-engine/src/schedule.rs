//! The load plan of the closed model: how many robots there should be at each moment.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

/// The wanted number of robots over time, linear between its points.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    points: Vec<(Duration, f64)>,
    /// Names of the stretches that end at each point, where stages have some.
    names: Vec<Option<Arc<str>>>,
    /// When the run ends by itself.
    run_time: Option<Duration>,
}

/// A stretch of a schedule: reach `robots` in the course of `over`.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Robots at its end.
    pub robots: u64,
    /// How long it takes; 0 is a jump.
    pub over: Duration,
    /// What its seconds are called in place of what the number of robots does.
    pub name: Option<Arc<str>>,
}

impl Stage {
    /// A stage without a name.
    pub fn new(robots: u64, over: Duration) -> Stage {
        Stage { robots, over, name: None }
    }
}

impl Schedule {
    /// `robots` robots that begin at `spawn_rate` a second, evenly inside each second, then stay.
    pub fn constant(robots: u64, spawn_rate: f64, run_time: Option<Duration>) -> Schedule {
        let over = Duration::try_from_secs_f64(robots as f64 / spawn_rate).unwrap_or(Duration::MAX);
        let mut schedule = Schedule::stages(&[Stage::new(robots, over)], None);
        schedule.run_time = run_time;
        schedule
    }

    /// Stages one after the other, from no robots at all. The run ends with the last, or at `run_time` if that is set.
    pub fn stages(stages: &[Stage], run_time: Option<Duration>) -> Schedule {
        let mut points = vec![(Duration::ZERO, 0.0)];
        let mut names = vec![None];
        let mut at = Duration::ZERO;
        for stage in stages {
            at = at.saturating_add(stage.over);
            points.push((at, stage.robots as f64));
            names.push(stage.name.clone());
        }
        Schedule { points, names, run_time: run_time.or(Some(at)) }
    }

    /// How many robots there should be at `now`.
    pub fn robots_at(&self, now: Duration) -> u64 {
        let after = self.points.partition_point(|(at, _)| *at <= now);
        let (from, low) = self.points[after.max(1) - 1];
        match self.points.get(after) {
            Some((to, high)) => {
                let share = (now - from).as_secs_f64() / (*to - from).as_secs_f64();
                let robots = low + (high - low) * share;
                // A robot that is part due while the number rises is due; while it falls it may stay.
                if high >= &low { robots.floor() as u64 } else { robots.ceil() as u64 }
            }
            None => low as u64,
        }
    }

    /// Whether the wanted number rises, falls or stays at `now`; it rises also where the next robot is seconds away.
    pub fn trend(&self, now: Duration) -> Ordering {
        let after = self.points.partition_point(|(at, _)| *at <= now);
        let (_, low) = self.points[after.max(1) - 1];
        self.points.get(after).map_or(Ordering::Equal, |(_, high)| high.total_cmp(&low))
    }

    /// What the plan does at `now`, in one word: the name of its stage, or `ramp_up`, `hold` or `ramp_down`.
    pub fn phase(&self, now: Duration) -> &str {
        let after = self.points.partition_point(|(at, _)| *at <= now);
        // After the last stage the run stays as that one left it, and so does its name.
        let named = self.names.get(after).or(self.names.last()).and_then(Option::as_deref);
        named.unwrap_or(match self.trend(now) {
            Ordering::Greater => "ramp_up",
            Ordering::Equal => "hold",
            Ordering::Less => "ramp_down",
        })
    }

    /// The most robots it ever asks for.
    pub fn peak(&self) -> u64 {
        self.points.iter().map(|(_, robots)| *robots as u64).max().unwrap_or(0)
    }

    /// When the run ends by itself, if ever.
    pub fn run_time(&self) -> Option<Duration> {
        self.run_time
    }

    /// Whether no further robot will be asked for after `now`.
    pub fn is_complete(&self, now: Duration) -> bool {
        self.points.last().is_none_or(|(at, _)| *at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn robots_begin_evenly_inside_the_second() {
        let schedule = Schedule::constant(10, 5.0, None);
        let at = |millis| schedule.robots_at(Duration::from_millis(millis));
        assert_eq!([at(0), at(199), at(200), at(399), at(400), at(2000), at(9000)], [0, 0, 1, 1, 2, 10, 10]);
        assert_eq!(schedule.run_time(), None);
    }

    #[test]
    fn stages_ramp_up_hold_and_ramp_down() {
        let stages = [
            Stage::new(4, 2 * SECOND),
            Stage::new(4, 3 * SECOND),
            Stage::new(1, 3 * SECOND),
            Stage::new(8, Duration::ZERO),
        ];
        let schedule = Schedule::stages(&stages, None);
        let at = |seconds: f64| schedule.robots_at(Duration::from_secs_f64(seconds));
        assert_eq!(
            [at(0.0), at(1.0), at(2.0), at(4.0), at(5.0), at(5.5), at(6.0), at(7.9)],
            [0, 2, 4, 4, 4, 4, 3, 2]
        );
        assert_eq!(at(8.0), 8);
        assert_eq!(schedule.peak(), 8);
        assert_eq!(schedule.run_time(), Some(8 * SECOND));
        assert!(!schedule.is_complete(7 * SECOND) && schedule.is_complete(8 * SECOND));
    }

    #[test]
    fn a_slow_ramp_rises_all_the_time() {
        use Ordering::{Equal, Greater, Less};
        let stages = [(3, 30), (3, 10), (1, 20)];
        let stages = stages.map(|(robots, seconds)| Stage::new(robots, seconds * SECOND));
        let schedule = Schedule::stages(&stages, None);
        let trends = [0, 5, 29, 30, 39, 40, 59, 60].map(|second| schedule.trend(second * SECOND));
        assert_eq!(trends, [Greater, Greater, Greater, Equal, Equal, Less, Less, Equal]);
        let phases = [5, 30, 45, 60].map(|second| schedule.phase(second * SECOND));
        assert_eq!(phases, ["ramp_up", "hold", "ramp_down", "hold"]);
        let constant = Schedule::constant(2, 0.1, None);
        assert_eq!([7, 20].map(|second| constant.trend(second * SECOND)), [Greater, Equal]);
    }

    #[test]
    fn a_stage_s_name_is_what_its_seconds_are_called() {
        let named = |robots, name: &str| Stage { name: Some(name.into()), ..Stage::new(robots, 10 * SECOND) };
        let stages = [named(5, "morning"), Stage::new(5, 10 * SECOND), named(9, "evening")];
        let schedule = Schedule::stages(&stages, Some(60 * SECOND));
        let phases = [0, 9, 10, 20, 29, 30, 59].map(|second| schedule.phase(second * SECOND));
        assert_eq!(phases, ["morning", "morning", "hold", "evening", "evening", "evening", "evening"]);
    }

    #[test]
    fn an_instant_spawn_is_a_jump() {
        let schedule = Schedule::constant(3, f64::INFINITY, Some(SECOND));
        assert_eq!(schedule.robots_at(Duration::ZERO), 3);
    }
}
