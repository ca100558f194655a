//! What the robots of a run can do: mods and their tasks, as a host found them when it loaded.

use std::time::Duration;

/// The mods and tasks of a robot project, in load order; the same on every shard.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The mods, in load order.
    pub mods: Vec<ModSpec>,
    /// The tasks of all mods.
    pub tasks: Vec<TaskSpec>,
    /// Robots become ready by `ready()` alone, not when every start has returned.
    pub manual_ready: bool,
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
    /// Tasks begin this far apart, however long they take; a late one does not catch up.
    Pacing(Duration),
    /// Tasks begin this often a second, however long they take; a late one does not catch up.
    Throughput(f64),
}

impl Wait {
    /// How long to wait when a task that began `since_begin` ago has ended; `random` is evenly distributed in 0..1.
    pub fn after(self, since_begin: Duration, random: f64) -> Duration {
        match self {
            Wait::Constant(wait) => wait,
            Wait::Between(low, high) => low.saturating_add(high.saturating_sub(low).mul_f64(random)),
            Wait::Exponential(mean) => {
                seconds(mean.as_secs_f64() * -(1.0 - random).max(f64::MIN_POSITIVE).ln())
            }
            Wait::Pacing(interval) => interval.saturating_sub(since_begin),
            Wait::Throughput(rate) => seconds(1.0 / rate).saturating_sub(since_begin),
        }
    }

    /// A phase for a robot's first task, so that robots that start together do not act together.
    pub fn phase(self, random: f64) -> Duration {
        match self {
            Wait::Constant(wait) | Wait::Between(_, wait) | Wait::Pacing(wait) | Wait::Exponential(wait) => {
                wait.mul_f64(random)
            }
            Wait::Throughput(rate) => seconds(random / rate),
        }
    }
}

/// A time in seconds; one that no clock can tell is as long as can be.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_beyond_all_bounds_is_as_long_as_can_be() {
        for wait in [Wait::Throughput(0.0), Wait::Throughput(1e-300), Wait::Exponential(Duration::MAX)] {
            assert_eq!(wait.after(Duration::ZERO, 0.9), Duration::MAX, "{wait:?}");
            assert!(wait.phase(0.9) > Duration::from_secs(1 << 60), "{wait:?}");
        }
        let between = Wait::Between(Duration::MAX, Duration::MAX);
        assert_eq!(between.after(Duration::ZERO, 0.5), Duration::MAX);
    }

    #[test]
    fn waits_are_what_they_say() {
        let second = Duration::from_secs(1);
        for (wait, since_begin, random, wanted) in [
            (Wait::Constant(second), second, 0.5, second),
            (Wait::Between(second, 3 * second), second, 0.5, 2 * second),
            (Wait::Exponential(second), second, 0.0, Duration::ZERO),
            (Wait::Pacing(5 * second), 2 * second, 0.5, 3 * second),
            (Wait::Pacing(second), 2 * second, 0.5, Duration::ZERO),
            (Wait::Throughput(0.25), second, 0.5, 3 * second),
        ] {
            assert_eq!(wait.after(since_begin, random), wanted, "{wait:?}");
        }
    }
}
