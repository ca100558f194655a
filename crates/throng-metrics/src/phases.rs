//! A run's figures phase by phase: what holds while robots begin says little about what holds when all of them play.
//!
//! Every second of a run is of one phase, and so is everything that happened in it: a request is counted as issued in
//! the phase in which it was issued, and as answered in the phase in which its reply came. A phase may come several
//! times, and is one phase then. Only the one that goes on has its histograms open; the others are kept as the few
//! buckets that they use, so that many phases take little more room than one.

use std::sync::Arc;
use std::time::Duration;

use crate::recorder::Limits;
use crate::sample::Sample;
use crate::table::{LONGEST_NAME, OTHER, truncated};
use crate::totals::Totals;

/// Phases beyond this many are one: a plan may have any number of stages with names.
const MOST_PHASES: usize = 32;

/// The figures of all phases of a run, in the order in which they first came.
#[derive(Debug, Default)]
pub struct Phases {
    limits: Limits,
    all: Vec<Phase>,
    elapsed: Duration,
}

/// What was recorded in the seconds of one phase.
#[derive(Debug)]
pub struct Phase {
    name: Arc<str>,
    began: Duration,
    took: Duration,
    /// The figures while the phase goes on.
    open: Option<Box<Totals>>,
    /// The figures while it does not.
    folded: Option<Folded>,
}

/// Totals as the bytes of a sample.
#[derive(Debug)]
pub(crate) struct Folded(Vec<u8>);

impl Folded {
    pub(crate) fn of(stretch: &Totals, run: &Totals) -> Self {
        Self(rmp_serde::to_vec_named(&stretch.sample(run)).expect("figures and names can be written down"))
    }

    pub(crate) fn unfold(&self) -> Sample {
        rmp_serde::from_slice(&self.0).expect("what was written can be read")
    }
}

impl Phases {
    /// No phases yet, whose figures will tell at most so many things apart.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Adds a stretch that took so long to its phase; `run` are the totals of the whole run at the stretch's end.
    pub(crate) fn add(&mut self, name: &str, took: Duration, stretch: &Totals, run: &Totals) {
        let place = self.place(truncated(name, LONGEST_NAME));
        for (other, phase) in self.all.iter_mut().enumerate() {
            if other != place {
                phase.fold();
            }
        }
        let phase = &mut self.all[place];
        phase.took = phase.took.saturating_add(took);
        phase.open(self.limits).add(stretch, run);
        self.elapsed = self.elapsed.saturating_add(took);
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(known) = self.all.iter().position(|phase| &*phase.name == name) {
            return known;
        }
        if self.all.len() >= MOST_PHASES && name != OTHER {
            return self.place(OTHER);
        }
        let (began, took) = (self.elapsed, Duration::ZERO);
        self.all.push(Phase { name: name.into(), began, took, open: None, folded: None });
        self.all.len() - 1
    }

    /// Each phase in the order in which they first came.
    pub fn iter(&self) -> std::slice::Iter<'_, Phase> {
        self.all.iter()
    }

    /// The phase of that name, if the run had it.
    pub fn find(&self, name: &str) -> Option<&Phase> {
        self.all.iter().find(|phase| &*phase.name == name)
    }
}

impl Phase {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it first began, since the run's start.
    pub fn began(&self) -> Duration {
        self.began
    }

    /// How long it took, all its seconds together.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Looks at what was recorded in it. The most robots alive at once are those at the end of one of its seconds.
    pub fn read<T>(&self, look: impl FnOnce(&Totals) -> T) -> T {
        match &self.open {
            Some(totals) => look(totals),
            None => look(&unfolded(self.folded.as_ref(), Limits::default())),
        }
    }

    fn fold(&mut self) {
        if let Some(totals) = self.open.take() {
            self.folded = Some(Folded::of(&totals, &totals));
        }
    }

    fn open(&mut self, limits: Limits) -> &mut Totals {
        let folded = self.folded.take();
        self.open.get_or_insert_with(|| Box::new(unfolded(folded.as_ref(), limits)))
    }
}

fn unfolded(folded: Option<&Folded>, limits: Limits) -> Totals {
    let mut totals = Totals::new(limits);
    if let Some(folded) = folded {
        totals.absorb(&folded.unfold());
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Ledger, Recorder, RobotState, RunRecord, Summary};

    fn second(recorder: &mut Recorder, replies: u64, us: u64) {
        let echo = recorder.request("Echo", "game");
        for _ in 0..replies {
            recorder.issued(echo);
            let answer = Answer { latency_us: us, intended_us: None, observed_us: us, generator_us: 0 };
            recorder.answered(echo, answer);
        }
        recorder.robot_started();
        recorder.robot_changed(RobotState::Connecting, RobotState::Ready);
    }

    fn played(phases: &[&str]) -> Ledger {
        let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
        ledger.plan_robots(9);
        for (at, phase) in phases.iter().enumerate() {
            second(&mut recorder, at as u64 + 1, 1_000 * (at as u64 + 1));
            ledger.merge(&recorder.take());
            ledger.close_second(Duration::from_secs(1), phase);
        }
        ledger
    }

    #[test]
    fn a_phase_has_the_figures_of_its_own_seconds_however_often_it_comes() {
        let ledger = played(&["ramp_up", "hold", "storm", "hold", "stop"]);
        let names: Vec<_> = ledger.phases().iter().map(Phase::name).collect();
        assert_eq!(names, ["ramp_up", "hold", "storm", "stop"]);
        let hold = ledger.phases().find("hold").unwrap();
        assert_eq!((hold.began(), hold.took()), (Duration::from_secs(1), Duration::from_secs(2)));
        hold.read(|totals| {
            let row = totals.requests().find("game", "Echo").unwrap();
            assert_eq!((row.counts.ok, row.latency().count()), (2 + 4, 6));
            assert_eq!((row.latency().min_us(), row.latency().max_us()), (Some(2_000), Some(4_000)));
            assert_eq!((totals.robots().started, totals.robots().peak, totals.robots().planned), (2, 4, 9));
        });
        assert!(ledger.phases().find("ramp_down").is_none());
    }

    #[test]
    fn phases_add_up_to_the_run() {
        let ledger = played(&["ramp_up", "hold", "ramp_down", "hold", "ramp_up", "stop"]);
        let sum: u64 = ledger
            .phases()
            .iter()
            .map(|phase| phase.read(|totals| totals.requests().find("game", "Echo").unwrap().counts.ok))
            .sum();
        assert_eq!(sum, ledger.totals().requests().find("game", "Echo").unwrap().counts.ok);
    }

    #[test]
    fn phases_beyond_the_bound_are_one() {
        let names: Vec<String> = (0..40).map(|stage| format!("stage {stage}")).collect();
        let ledger = played(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(ledger.phases().iter().count(), MOST_PHASES + 1);
        assert_eq!(ledger.phases().find(OTHER).unwrap().took(), Duration::from_secs(8));
    }

    #[test]
    fn phases_that_were_written_down_are_read_as_they_were() {
        let phases = ["ramp_up", "hold", "hold", "ramp_up", "stop"];
        let (mut recorder, mut ledger, mut again) =
            (Recorder::default(), Ledger::default(), Ledger::default());
        for (at, phase) in phases.into_iter().enumerate() {
            second(&mut recorder, 5, 700 * (at as u64 + 1));
            ledger.merge(&recorder.take());
            ledger.close_second(Duration::from_millis(990), phase);
            let text = serde_json::to_string(&ledger.last_second().sample(ledger.totals())).unwrap();
            again.absorb(&serde_json::from_str(&text).unwrap(), Duration::from_millis(990), phase);
        }
        let said = |ledger| serde_json::to_string(&Summary::of(ledger, &RunRecord::default())).unwrap();
        assert_eq!(said(&again), said(&ledger));
    }
}
