//! What the robots of a run can do: mods and their tasks, as a host found them when it loaded.

use std::sync::Arc;
use std::time::Duration;

/// The mods and tasks of a robot project, in load order; the same on every shard.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The mods, in load order.
    pub mods: Vec<ModSpec>,
    /// The tasks of all mods.
    pub tasks: Vec<TaskSpec>,
    /// The classes of robots; none where all robots are alike.
    pub scenarios: Vec<ScenarioSpec>,
    /// Robots become ready by `ready()` alone, not when every start has returned.
    pub manual_ready: bool,
}

/// One class of robots.
#[derive(Debug, Clone)]
pub struct ScenarioSpec {
    /// The scenario's name.
    pub name: Arc<str>,
    /// Which of the program's mods its robots have.
    pub mods: Vec<bool>,
    /// The weights of the program's tasks for its robots; 0 is never.
    pub weights: Vec<f64>,
    /// The wait between tasks that say nothing of their own, where it differs from the run's.
    pub wait: Option<Wait>,
    /// Tasks a second over all its robots, in place of waits between tasks; it has no part of the run's then.
    pub task_rate: Option<f64>,
    /// How many a second of each of the program's tasks over all its robots, where it has rates of its own.
    pub rates: Vec<Option<f64>>,
}

impl Program {
    /// What holds for each scenario; for all robots, where there are none.
    pub(crate) fn each_scenario(&self, holds: impl Fn(Option<&ScenarioSpec>) -> bool) -> Vec<bool> {
        match self.scenarios.as_slice() {
            [] => vec![holds(None)],
            scenarios => scenarios.iter().map(|scenario| holds(Some(scenario))).collect(),
        }
    }

    /// Whether robots of a scenario pick a task by its weight, and do not play it for a rate.
    pub(crate) fn is_drawn(&self, task: usize, scenario: Option<&ScenarioSpec>) -> bool {
        self.tasks[task].rate.is_none() && scenario.is_none_or(|own| own.rate(task).is_none())
    }

    /// Whether robots of a scenario pick any task by its weight.
    pub(crate) fn draws(&self, scenario: Option<&ScenarioSpec>) -> bool {
        self.tasks.iter().enumerate().any(|(index, task)| {
            let weight = scenario.map_or(task.weight, |own| own.weight(index));
            weight > 0.0 && self.is_drawn(index, scenario)
        })
    }
}

impl ScenarioSpec {
    /// How often a task is picked beside the others.
    pub(crate) fn weight(&self, task: usize) -> f64 {
        self.weights.get(task).copied().unwrap_or(0.0)
    }

    /// How many a second of a task its robots play, where that is a rate of its own.
    pub(crate) fn rate(&self, task: usize) -> Option<f64> {
        self.rates.get(task).copied().flatten()
    }
}

/// One mod.
#[derive(Debug, Clone, Default)]
pub struct ModSpec {
    /// The mod's name, from its file.
    pub name: Box<str>,
    /// The mods (by index) whose starts must have returned before this one's begins.
    pub needs: Vec<usize>,
    /// It has a `start`.
    pub start: bool,
    /// It has a `stop`.
    pub stop: bool,
    /// It has a `closed`.
    pub closed: bool,
}

/// One task, or one sequence when it has steps.
#[derive(Debug, Clone)]
pub struct TaskSpec {
    /// The mod it belongs to, by index.
    pub module: usize,
    /// Its full name, `mod.task`.
    pub name: Box<str>,
    /// How often it is picked beside the others; 0 is never.
    pub weight: f64,
    /// So many a second over all robots, in place of its weight beside the others.
    pub rate: Option<f64>,
    /// It has a `when` that must be asked each time.
    pub conditional: bool,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// The wait after it (and between its steps), where it differs from the run's.
    pub wait: Option<Wait>,
    /// The names of a sequence's steps, in order; empty for a plain task.
    pub steps: Vec<Box<str>>,
}

/// The wait between two tasks of a robot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wait {
    /// Always as long.
    Constant(Duration),
    /// Evenly distributed between two bounds.
    Between(Duration, Duration),
    /// Exponentially distributed around a mean.
    Exponential(Duration),
    /// Tasks begin this far apart, however long they take.
    Pacing(Duration, Late),
    /// Tasks begin this often a second, however long they take.
    Throughput(f64, Late),
}

/// What becomes of paced tasks whose time comes while the one before still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Late {
    /// They follow at once, one after the other, until the robot is back in its schedule, which stands fast.
    #[default]
    CatchUp,
    /// One of them follows at once, the others are left out, and the schedule begins anew.
    Skip,
}

impl Wait {
    /// How long to wait after a task; with a pace, after its intended start. `random` is evenly distributed in 0..1.
    pub fn after(self, random: f64) -> Duration {
        match self {
            Wait::Constant(wait) => wait,
            Wait::Between(low, high) => low.saturating_add(high.saturating_sub(low).mul_f64(random)),
            Wait::Exponential(mean) => {
                seconds(mean.as_secs_f64() * -(1.0 - random).max(f64::MIN_POSITIVE).ln())
            }
            Wait::Pacing(interval, _) => interval,
            Wait::Throughput(rate, _) => seconds(1.0 / rate),
        }
    }

    /// The time between two starts, and what becomes of late ones, where tasks have times at which they should begin.
    pub fn pace(self) -> Option<(Duration, Late)> {
        let pace = match self {
            Wait::Pacing(interval, late) => (interval, late),
            Wait::Throughput(rate, late) => (seconds(1.0 / rate), late),
            Wait::Constant(_) | Wait::Between(..) | Wait::Exponential(_) => return None,
        };
        Some(pace).filter(|(interval, _)| !interval.is_zero())
    }

    /// A phase for a robot's first task, so that robots that start together do not act together: what is left of a wait in
    /// which it is met at any time. So as many tasks begin in the first seconds as in all others.
    pub fn phase(self, random: f64) -> Duration {
        match self {
            Wait::Constant(wait) | Wait::Pacing(wait, _) => wait.mul_f64(random),
            Wait::Between(low, high) => left_between(low, high, random),
            // However long it has lasted, what is left of it is as long as the whole.
            Wait::Exponential(_) => self.after(random),
            Wait::Throughput(rate, _) => seconds(random / rate),
        }
    }
}

/// What is left of a wait between two bounds. Of length `x` it is as likely as waits are longer than `x`.
fn left_between(low: Duration, high: Duration, random: f64) -> Duration {
    let (low, high) = (low.as_secs_f64(), high.as_secs_f64());
    let reached = random * (low + high) / 2.0;
    if reached <= low {
        return seconds(reached);
    }
    let range = high - low;
    seconds(high - (range * range - 2.0 * range * (reached - low)).max(0.0).sqrt())
}

/// A time in seconds; one that no clock can tell is as long as can be.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_wait_beyond_all_bounds_is_as_long_as_can_be() {
        let rate = |rate| Wait::Throughput(rate, Late::CatchUp);
        for wait in [rate(0.0), rate(1e-300), Wait::Exponential(Duration::MAX)] {
            assert_eq!(wait.after(0.9), Duration::MAX, "{wait:?}");
            assert!(wait.phase(0.9) > Duration::from_secs(1 << 60), "{wait:?}");
        }
        let between = Wait::Between(Duration::MAX, Duration::MAX);
        assert_eq!(between.after(0.5), Duration::MAX);
    }

    #[test]
    fn as_many_tasks_begin_in_the_first_seconds_as_in_all_others() {
        let (second, robots) = (Duration::from_secs(1), 20_000);
        for wait in [
            Wait::Constant(4 * second),
            Wait::Between(second, 7 * second),
            Wait::Between(Duration::ZERO, 8 * second),
            Wait::Between(4 * second, 4 * second),
            Wait::Exponential(4 * second),
            Wait::Throughput(0.25, Late::CatchUp),
        ] {
            let mut begun = [0_u32; 12];
            for robot in 0..robots {
                let mut random = Random::new(7, robot);
                let mut at = wait.phase(random.unit());
                while let Some(begun) = begun.get_mut(at.as_secs() as usize) {
                    *begun += 1;
                    at = at.saturating_add(wait.after(random.unit()));
                }
            }
            let each = robots as u32 / 4;
            assert!(begun.iter().all(|begun| begun.abs_diff(each) < each / 10), "{wait:?}: {begun:?}");
        }
    }

    #[test]
    fn waits_are_what_they_say() {
        let second = Duration::from_secs(1);
        for (wait, random, wanted, pace) in [
            (Wait::Constant(second), 0.5, second, None),
            (Wait::Between(second, 3 * second), 0.5, 2 * second, None),
            (Wait::Exponential(second), 0.0, Duration::ZERO, None),
            (Wait::Pacing(5 * second, Late::Skip), 0.5, 5 * second, Some((5 * second, Late::Skip))),
            (Wait::Pacing(Duration::ZERO, Late::CatchUp), 0.5, Duration::ZERO, None),
            (Wait::Throughput(0.25, Late::CatchUp), 0.5, 4 * second, Some((4 * second, Late::CatchUp))),
        ] {
            assert_eq!((wait.after(random), wait.pace()), (wanted, pace), "{wait:?}");
        }
    }
}
