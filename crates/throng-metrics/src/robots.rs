//! How many robots are in which state, and the most that were alive at once.

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::kinds::RobotState;
use crate::tally::{Counts, Kind, counts};

const STATES: usize = RobotState::ALL.len();

/// How many robots a run has, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Robots {
    /// How many the plan wants at its highest.
    pub planned: u64,
    /// How many the plan wants now, where it names a number.
    pub wanted: Option<u64>,
    /// How many were ever started.
    pub started: u64,
    /// How many are connecting now.
    pub connecting: u64,
    /// How many are logging in now.
    pub logging_in: u64,
    /// How many are ready now.
    pub ready: u64,
    /// How many were ready at least once.
    pub were_ready: u64,
    /// How many ended by a failure.
    pub failed: u64,
    /// How many ended in good order.
    pub stopped: u64,
    /// How often a robot was restarted.
    pub restarts: u64,
    /// How many are connecting, logging in or ready now.
    pub alive: u64,
    /// The most that were alive at once: the sum of the shards' peaks within one second.
    pub peak: u64,
}

counts! {
    /// Counters of robots; the gauges among them travel as differences.
    pub(crate) struct RobotCounts {
        /// Robots started.
        started: u64,
        /// Robots that became ready for the first time.
        were_ready: u64,
        /// Restarts.
        restarts: u64,
        /// Robots by state.
        states: StateGauges,
    }
}

/// A signed count for each state.
///
/// It is written as a list in the order of the states, of which a reader may know fewer or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<i64>", into = "Vec<i64>")]
pub(crate) struct StateGauges([i64; STATES]);

impl From<StateGauges> for Vec<i64> {
    fn from(gauges: StateGauges) -> Self {
        gauges.0.into()
    }
}

impl From<Vec<i64>> for StateGauges {
    fn from(list: Vec<i64>) -> Self {
        let mut gauges = Self::default();
        gauges.0.iter_mut().zip(list).for_each(|(gauge, value)| *gauge = value);
        gauges
    }
}

impl Counts for StateGauges {
    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_add(theirs);
        }
    }
}

impl StateGauges {
    fn of(&self, state: RobotState) -> u64 {
        u64::try_from(self.0[state.index()]).unwrap_or(0)
    }

    fn alive(&self) -> u64 {
        [RobotState::Connecting, RobotState::LoggingIn, RobotState::Ready]
            .map(|state| self.of(state))
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// The robots of one shard.
#[derive(Debug, Default)]
pub(crate) struct RobotBook {
    changed: RobotCounts,
    now: StateGauges,
    alive_at_take: u64,
    most_alive: u64,
    rates: Histogram,
}

/// What changed since the last take.
pub(crate) struct RobotChanges {
    counts: RobotCounts,
    /// How far the number alive rose above where it was at the last take.
    rise: u64,
    rates: Histogram,
}

impl RobotBook {
    pub(crate) fn start(&mut self) {
        self.changed.started += 1;
        self.shift(RobotState::Connecting, 1);
    }

    pub(crate) fn change(&mut self, from: RobotState, to: RobotState) {
        self.shift(from, -1);
        self.shift(to, 1);
    }

    pub(crate) fn first_ready(&mut self) {
        self.changed.were_ready += 1;
    }

    pub(crate) fn restart(&mut self) {
        self.changed.restarts += 1;
    }

    pub(crate) fn take(&mut self) -> RobotChanges {
        let rise = self.most_alive.saturating_sub(self.alive_at_take);
        self.alive_at_take = self.now.alive();
        self.most_alive = self.alive_at_take;
        RobotChanges { counts: std::mem::take(&mut self.changed), rise, rates: self.rates.take() }
    }

    /// A robot is gone that had so many thousandths of a message a second.
    pub(crate) fn gone(&mut self, rate: u64) {
        self.rates.record(rate);
    }

    fn shift(&mut self, state: RobotState, by: i64) {
        self.now.0[state.index()] += by;
        self.changed.states.0[state.index()] += by;
        self.most_alive = self.most_alive.max(self.now.alive());
    }
}

/// The robots of all shards.
#[derive(Clone, Debug, Default)]
pub(crate) struct RobotTotals {
    pub(crate) planned: u64,
    pub(crate) wanted: Option<u64>,
    counts: RobotCounts,
    peak: u64,
    round_start: u64,
    round_rise: u64,
    /// Messages per second of each robot that is gone, in thousandths.
    pub(crate) rates: Histogram,
}

/// What a stretch of a run changed, and the run's figures at its end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RobotSample {
    planned: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<u64>,
    peak: u64,
    changes: RobotCounts,
    rates: Histogram,
}

impl RobotTotals {
    /// What changed, beside the peak of the whole run that `run` knows.
    pub(crate) fn sample(&self, run: &RobotTotals) -> RobotSample {
        RobotSample {
            planned: run.planned,
            wanted: run.wanted,
            peak: run.peak,
            changes: self.counts.clone(),
            rates: self.rates.clone(),
        }
    }

    /// Adds what a stretch changed; `run` knows how many there were at its end.
    pub(crate) fn add(&mut self, stretch: &Self, run: &Self) {
        self.counts.add(&stretch.counts);
        self.planned = self.planned.max(run.planned);
        self.peak = self.peak.max(run.counts.states.alive());
        self.rates.absorb(&stretch.rates);
    }

    pub(crate) fn absorb_sample(&mut self, sample: &RobotSample) {
        self.counts.add(&sample.changes);
        self.planned = self.planned.max(sample.planned);
        self.wanted = sample.wanted.or(self.wanted);
        self.peak = self.peak.max(sample.peak);
        self.rates.absorb(&sample.rates);
    }

    pub(crate) fn absorb(&mut self, changes: &RobotChanges) {
        self.counts.add(&changes.counts);
        self.round_rise += changes.rise;
        self.rates.absorb(&changes.rates);
        self.peak = self.peak.max(self.round_start + self.round_rise);
    }

    /// Every shard's changes of this second are in.
    pub(crate) fn end_round(&mut self) {
        self.round_start = self.counts.states.alive();
        self.round_rise = 0;
    }

    pub(crate) fn view(&self) -> Robots {
        let states = &self.counts.states;
        Robots {
            planned: self.planned,
            wanted: self.wanted,
            started: self.counts.started,
            connecting: states.of(RobotState::Connecting),
            logging_in: states.of(RobotState::LoggingIn),
            ready: states.of(RobotState::Ready),
            were_ready: self.counts.were_ready,
            failed: states.of(RobotState::Failed),
            stopped: states.of(RobotState::Stopped),
            restarts: self.counts.restarts,
            alive: states.alive(),
            peak: self.peak,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RobotState::{Connecting, LoggingIn, Ready, Stopped};

    #[test]
    fn gauges_of_shards_add_up_and_move() {
        let (mut one, mut two, mut total) =
            (RobotBook::default(), RobotBook::default(), RobotTotals::default());
        one.start();
        two.start();
        one.change(Connecting, LoggingIn);
        total.absorb(&one.take());
        total.absorb(&two.take());
        total.end_round();
        one.change(LoggingIn, Ready);
        one.first_ready();
        total.absorb(&one.take());
        let robots = total.view();
        assert_eq!((robots.started, robots.connecting, robots.logging_in, robots.ready), (2, 1, 0, 1));
        assert_eq!((robots.alive, robots.were_ready, robots.peak), (2, 1, 2));
    }

    #[test]
    fn a_robot_that_lived_less_than_a_second_counts_in_the_peak() {
        let (mut shard, mut total) = (RobotBook::default(), RobotTotals::default());
        shard.start();
        shard.change(Connecting, Stopped);
        total.absorb(&shard.take());
        assert_eq!((total.view().peak, total.view().alive, total.view().stopped), (1, 0, 1));
    }

    #[test]
    fn churn_over_many_seconds_does_not_raise_the_peak() {
        let (mut shard, mut total) = (RobotBook::default(), RobotTotals::default());
        for _ in 0..10 {
            shard.start();
            shard.change(Connecting, Stopped);
            total.absorb(&shard.take());
            total.end_round();
        }
        assert_eq!((total.view().peak, total.view().started), (1, 10));
    }
}
