//! When a resume has run for too long or taken too much: the decision alone, with no clock of its own.
//!
//! The wall clock raises the suspicion, the thread's CPU clock confirms it: a script whose process was
//! preempted is innocent. No clock is read for a resume that ends before its first check, so the limit of time
//! counts from that check.

use std::time::{Duration, Instant};

/// Instructions between two checks of a state that runs at its normal pace.
pub(super) const PERIOD: i32 = 1_000;
/// Instructions between two checks of a state whose instructions turned out to be slow (large strings, huge
/// tables).
const SLOW_PERIOD: i32 = 20;
/// A stretch between two checks that took longer than this is slow.
const SLOW: Duration = Duration::from_millis(1);

/// Why a script was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It ran for longer than the limit without waiting.
    Deadline,
    /// It allocated more than the limit without waiting.
    Memory,
}

/// What one resume may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) time: Duration,
    /// Bytes by which the state's memory may grow.
    pub(super) memory: usize,
}

/// Where the present resume stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is watched: the host runs code of its own.
    Off,
    /// Watched, and no check has come yet; `memory` was in use at the beginning, if anybody looked.
    Entered {
        memory: Option<usize>,
    },
    Running(Run),
    /// A good part of the limit has gone by on the wall clock; `cpu` was the thread's CPU time then.
    Suspect {
        run: Run,
        since: Instant,
        cpu: Duration,
    },
    Cut(Reason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    since: Instant,
    checked: Instant,
    memory: usize,
}

/// What the caller of a check has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Go on, with the next check after so many instructions.
    Run {
        period: i32,
    },
    Cut(Reason),
}

impl Phase {
    /// Judges a check made at `now` with `memory` bytes in use; `cpu` is asked for only when the wall clock
    /// is suspicious.
    pub(super) fn check(
        self,
        bounds: Bounds,
        now: Instant,
        memory: usize,
        cpu: impl FnOnce() -> Duration,
    ) -> (Phase, Step) {
        match self {
            Phase::Off => (Phase::Off, Step::Run { period: PERIOD }),
            Phase::Cut(reason) => (self, Step::Cut(reason)),
            Phase::Entered { memory: before } => {
                let run = Run { since: now, checked: now, memory: before.unwrap_or(memory) };
                if run.grew(memory) > bounds.memory {
                    return (Phase::Cut(Reason::Memory), Step::Cut(Reason::Memory));
                }
                (Phase::Running(run), Step::Run { period: PERIOD })
            }
            Phase::Running(run) | Phase::Suspect { run, .. } if run.grew(memory) > bounds.memory => {
                (Phase::Cut(Reason::Memory), Step::Cut(Reason::Memory))
            }
            Phase::Running(run) => {
                let (run, step) = run.checked_at(now);
                if now.saturating_duration_since(run.since) < bounds.time / 4 {
                    return (Phase::Running(run), step);
                }
                (Phase::Suspect { run, since: now, cpu: cpu() }, step)
            }
            Phase::Suspect { run, since, cpu: before } => {
                let (run, step) = run.checked_at(now);
                let overran = now.saturating_duration_since(since) >= bounds.time * 3 / 4
                    && cpu().saturating_sub(before) >= bounds.time / 2;
                if overran {
                    return (Phase::Cut(Reason::Deadline), Step::Cut(Reason::Deadline));
                }
                (Phase::Suspect { run, since, cpu: before }, step)
            }
        }
    }
}

impl Phase {
    /// Whether a script that failed for want of memory brought that about: it took a good part of what it may.
    pub(super) fn is_to_blame(self, bounds: Bounds, memory: usize) -> bool {
        match self {
            Phase::Running(run) | Phase::Suspect { run, .. } => run.grew(memory) > bounds.memory / 4,
            Phase::Entered { memory: Some(before) } => memory.saturating_sub(before) > bounds.memory / 4,
            _ => false,
        }
    }
}

impl Run {
    fn grew(&self, memory: usize) -> usize {
        memory.saturating_sub(self.memory)
    }

    /// Notes the check and chooses the period to the next by how long this one took to come.
    fn checked_at(self, now: Instant) -> (Run, Step) {
        let slow = now.saturating_duration_since(self.checked) > SLOW;
        let period = if slow { SLOW_PERIOD } else { PERIOD };
        (Run { checked: now, ..self }, Step::Run { period })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { time: Duration::from_millis(100), memory: 1_000 };

    /// Feeds checks of (wall ms, CPU ms, bytes) and returns the last step.
    fn run(checks: &[(u64, u64, usize)]) -> Step {
        let start = Instant::now();
        let mut phase = Phase::Entered { memory: None };
        let mut last = Step::Run { period: 0 };
        for &(wall, cpu, memory) in checks {
            let now = start + Duration::from_millis(wall);
            (phase, last) = phase.check(BOUNDS, now, memory, || Duration::from_millis(cpu));
        }
        last
    }

    #[test]
    fn a_script_that_burns_its_limit_is_cut() {
        assert_eq!(run(&[(0, 0, 0), (30, 30, 0), (104, 104, 0)]), Step::Run { period: SLOW_PERIOD });
        assert_eq!(run(&[(0, 0, 0), (30, 30, 0), (106, 106, 0)]), Step::Cut(Reason::Deadline));
    }

    #[test]
    fn a_preempted_script_is_spared() {
        let preempted = [(0, 0, 0), (30, 1, 0), (5_000, 2, 0)];
        assert!(matches!(run(&preempted), Step::Run { .. }));
    }

    #[test]
    fn growth_counts_from_the_first_check() {
        assert!(matches!(run(&[(0, 0, 5_000), (1, 1, 6_000)]), Step::Run { .. }));
        assert_eq!(run(&[(0, 0, 5_000), (1, 1, 6_001)]), Step::Cut(Reason::Memory));
    }

    #[test]
    fn growth_counts_from_the_beginning_where_that_is_known() {
        let entered = Phase::Entered { memory: Some(5_000) };
        let check = |memory| entered.check(BOUNDS, Instant::now(), memory, || Duration::ZERO).1;
        assert!(matches!(check(6_000), Step::Run { .. }));
        assert_eq!(check(6_001), Step::Cut(Reason::Memory));
    }

    #[test]
    fn a_cut_off_script_stays_cut_off() {
        let cut = [(0, 0, 0), (1, 1, 9_000), (1, 1, 0)];
        assert_eq!(run(&cut), Step::Cut(Reason::Memory));
    }

    #[test]
    fn slow_instructions_are_checked_more_often() {
        assert_eq!(run(&[(0, 0, 0), (3, 3, 0)]), Step::Run { period: SLOW_PERIOD });
        assert_eq!(run(&[(0, 0, 0), (3, 3, 0), (3, 3, 0)]), Step::Run { period: PERIOD });
    }

    #[test]
    fn nothing_is_judged_while_nobody_entered() {
        let (phase, step) = Phase::Off.check(BOUNDS, Instant::now(), usize::MAX, || Duration::MAX);
        assert_eq!((phase, step), (Phase::Off, Step::Run { period: PERIOD }));
    }
}
