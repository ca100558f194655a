//! Thresholds that end a run early: `"errors.rate" = { must = "< 5%", abort_after = "30s" }`.
//!
//! They are looked at once a second, and one that did not hold for `abort_after` without a break ends the run. What is
//! compared is what a person would look at who was woken: **times, shares and rates of the last ten seconds**, because a
//! server that dies in the sixth hour should not have to outweigh six good hours first, and a bad start that is over
//! should not end a run that has become a good one; **counts of the run so far** (or of the phase so far), because a count
//! means nothing without its beginning. Ten seconds are long enough for time-outs to show and for percentiles to have
//! something to stand on. A moment without samples says nothing: the clock stands still.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Outcome, Threshold, ThresholdResult, Thresholds, Unit};
use crate::ledger::Ledger;
use crate::phases::Folded;
use crate::totals::Totals;

/// How far back times, shares and rates are looked at.
const WINDOW: Duration = Duration::from_secs(10);

/// Seconds are never exactly as long as they should be.
const SLACK: Duration = Duration::from_millis(250);

/// The thresholds that may end a run, and for how long each has not held.
#[derive(Debug, Default)]
pub struct AbortWatch {
    watched: Vec<Watched>,
    recent: VecDeque<Second>,
}

#[derive(Debug)]
struct Watched {
    threshold: Threshold,
    after: Duration,
    failing: Duration,
    /// What it was when it was seen to fail last.
    actual: String,
}

/// A threshold that does not hold, and will end the run if it goes on like that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// What is compared.
    pub key: String,
    /// With what.
    pub condition: String,
    /// What it is, for a person.
    pub actual: String,
    /// How long it has not held.
    pub since: Duration,
    /// For how long it may not hold.
    pub after: Duration,
}

#[derive(Debug)]
struct Second {
    phase: String,
    took: Duration,
    figures: Folded,
}

/// A threshold that ended its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Abort {
    /// What is compared.
    pub key: String,
    /// With what.
    pub condition: String,
    /// The figure in the metric's unit when the run was ended.
    pub value: f64,
    /// The same for a person.
    pub actual: String,
    /// For how long it did not have to hold.
    pub after: Duration,
}

impl AbortWatch {
    /// Watches those of `thresholds` that may end a run.
    pub fn new(thresholds: &Thresholds) -> Self {
        let watched = thresholds.iter().filter_map(|threshold| {
            let after = threshold.abort_after()?;
            let (failing, actual) = (Duration::ZERO, String::new());
            Some(Watched { threshold: threshold.clone(), after, failing, actual })
        });
        Self { watched: watched.collect(), recent: VecDeque::new() }
    }

    /// Looks at the second that was closed last, which was of `phase` and took so long; gives the threshold that has now not
    /// held for too long.
    pub fn second(&mut self, ledger: &Ledger, phase: &str, took: Duration) -> Option<Abort> {
        if self.watched.is_empty() {
            return None;
        }
        self.remember(ledger, phase, took);
        let recent = &self.recent;
        let mut whole = None;
        let mut of_phase = None;
        for watched in &mut self.watched {
            let threshold = &watched.threshold;
            if threshold.phase().is_some_and(|wanted| wanted != phase) {
                watched.failing = Duration::ZERO;
                continue;
            }
            let so_far = threshold.evaluate(ledger, Duration::ZERO);
            let result = if threshold.tells_of_now() {
                let (sum, only) = match threshold.phase() {
                    Some(_) => (&mut of_phase, Some(phase)),
                    None => (&mut whole, None),
                };
                let (totals, took) = sum.get_or_insert_with(|| window(recent, only));
                threshold.now(&so_far, totals, *took)
            } else {
                so_far
            };
            match result.outcome {
                Outcome::Pass { .. } => watched.failing = Duration::ZERO,
                Outcome::NoSamples { .. } => {}
                Outcome::Fail { actual } => {
                    watched.failing = watched.failing.saturating_add(took);
                    watched.actual = result.actual();
                    if watched.failing + SLACK >= watched.after {
                        return Some(Abort {
                            key: threshold.key().to_owned(),
                            condition: threshold.condition().to_owned(),
                            value: actual,
                            actual: watched.actual.clone(),
                            after: watched.after,
                        });
                    }
                }
            }
        }
        None
    }

    /// Those that do not hold now; the one that ends the run first comes first.
    pub fn failing(&self) -> Vec<Failing> {
        let failing = self.watched.iter().filter(|watched| !watched.failing.is_zero());
        let mut failing: Vec<Failing> = failing
            .map(|watched| Failing {
                key: watched.threshold.key().to_owned(),
                condition: watched.threshold.condition().to_owned(),
                actual: watched.actual.clone(),
                since: watched.failing,
                after: watched.after,
            })
            .collect();
        failing.sort_by_key(|failing| failing.after.saturating_sub(failing.since));
        failing
    }

    fn remember(&mut self, ledger: &Ledger, phase: &str, took: Duration) {
        if !self.watched.iter().any(|watched| watched.threshold.tells_of_now()) {
            return;
        }
        let figures = Folded::of(ledger.last_second(), ledger.totals());
        self.recent.push_back(Second { phase: phase.to_owned(), took, figures });
        let mut all: Duration = self.recent.iter().map(|second| second.took).sum();
        while let Some(first) = self.recent.front()
            && all.saturating_sub(first.took) + SLACK >= WINDOW
        {
            all = all.saturating_sub(first.took);
            self.recent.pop_front();
        }
    }
}

/// The sum of the newest seconds, all of them or those of one phase, and how long they took.
fn window(recent: &VecDeque<Second>, phase: Option<&str>) -> (Totals, Duration) {
    let mut totals = Totals::default();
    let mut took = Duration::ZERO;
    for second in recent.iter().filter(|second| phase.is_none_or(|phase| second.phase == phase)) {
        totals.absorb(&second.figures.unfold());
        took += second.took;
    }
    (totals, took)
}

impl Threshold {
    /// Whether it is looked at over the last seconds; the others are about what has added up.
    fn tells_of_now(&self) -> bool {
        matches!(self.metric.unit(self.family), Unit::Time | Unit::Share | Unit::PerSecond)
    }

    /// How it goes over the last seconds, given how it went so far.
    fn now(&self, so_far: &ThresholdResult, recent: &Totals, took: Duration) -> ThresholdResult {
        let result = self.over(recent, took);
        let silent = matches!(result.outcome, Outcome::NoSamples { .. });
        let known = match self.metric.unit(self.family) {
            // A rate of what was seen before and is not seen any more is a rate of nothing.
            Unit::PerSecond => so_far.has_row,
            _ => false,
        };
        if silent && known { self.judged(0.0) } else { result }
    }
}

impl Abort {
    /// Says of the threshold that ended the run that it did.
    pub(crate) fn mark(&self, results: &mut [ThresholdResult]) {
        let mut ended = results.iter_mut().filter(|result| {
            result.threshold.key() == self.key && result.threshold.condition() == self.condition
        });
        if let Some(result) = ended.next() {
            result.outcome = Outcome::Fail { actual: self.value };
            result.ended_run = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, FailureKind, Recorder, no_sample};

    const SECOND: Duration = Duration::from_secs(1);

    struct Play {
        recorder: Recorder,
        ledger: Ledger,
        watch: AbortWatch,
    }

    impl Play {
        fn new(key: &str, condition: &str, after: u32) -> Self {
            let threshold = Threshold::parse(key, condition).unwrap().aborting(after * SECOND);
            let watch = AbortWatch::new(&Thresholds::new(vec![threshold]));
            Self { recorder: Recorder::default(), ledger: Ledger::default(), watch }
        }

        /// A second with so many replies and failures; whether it ended the run.
        fn second(&mut self, phase: &str, replies: u64, failures: u64) -> bool {
            let id = self.recorder.request("Echo", "game");
            for _ in 0..replies {
                self.recorder.issued(id);
                let us = 1_000;
                let answer = Answer { latency_us: us, intended_us: None, observed_us: us, generator_us: 0 };
                self.recorder.answered(id, answer);
            }
            for _ in 0..failures {
                self.recorder.issued(id);
                self.recorder.request_failed(id, FailureKind::Timeout, "no reply", no_sample);
            }
            self.ledger.merge(&self.recorder.take());
            self.ledger.close_second(SECOND, phase);
            self.watch.second(&self.ledger, phase, SECOND).is_some()
        }

        /// In which of these seconds the run was ended, counted from 1.
        fn ended_in(&mut self, seconds: impl IntoIterator<Item = (&'static str, u64, u64)>) -> Option<usize> {
            let mut seconds = seconds.into_iter();
            seconds
                .position(|(phase, replies, failures)| self.second(phase, replies, failures))
                .map(|at| at + 1)
        }
    }

    fn hold(count: usize, replies: u64, failures: u64) -> impl Iterator<Item = (&'static str, u64, u64)> {
        std::iter::repeat_n(("hold", replies, failures), count)
    }

    #[test]
    fn a_server_that_dies_late_ends_the_run_soon_whatever_went_before() {
        let mut play = Play::new("errors.rate", "< 5%", 30);
        assert_eq!(play.ended_in(hold(600, 100, 0).chain(hold(60, 0, 100))), Some(630));
    }

    #[test]
    fn what_is_about_to_end_the_run_is_said_until_it_holds_again() {
        let mut play = Play::new("errors.rate", "< 5%", 30);
        (0..20).for_each(|_| assert!(!play.second("hold", 100, 0)));
        assert_eq!(play.watch.failing(), []);
        (0..3).for_each(|_| assert!(!play.second("hold", 0, 100)));
        let said = play.watch.failing();
        let said: Vec<_> =
            said.iter().map(|one| (one.key.as_str(), one.actual.as_str(), one.since)).collect();
        assert_eq!(said, [("errors.rate", "30%", 3 * SECOND)]);
        (0..13).for_each(|_| assert!(!play.second("hold", 100, 0)));
        assert_eq!(play.watch.failing(), []);
    }

    #[test]
    fn a_hiccup_is_waited_out() {
        let mut play = Play::new("errors.rate", "< 5%", 30);
        let seconds = hold(20, 100, 0).chain(hold(5, 0, 100)).chain(hold(60, 100, 0));
        assert_eq!(play.ended_in(seconds), None);
    }

    #[test]
    fn a_break_starts_the_clock_anew() {
        let mut play = Play::new("errors.rate", "< 5%", 15);
        // The failures of one second are seen for ten.
        let bad_for_ten = || hold(1, 0, 100).chain(hold(10, 100, 0));
        assert_eq!(play.ended_in(bad_for_ten().chain(bad_for_ten()).chain(bad_for_ten())), None);
    }

    #[test]
    fn without_patience_the_first_failing_second_ends_the_run() {
        let mut play = Play::new("request.Echo.failures", "== 0", 0);
        assert_eq!(play.ended_in(hold(3, 10, 0).chain(hold(3, 10, 1))), Some(4));
    }

    #[test]
    fn counts_are_of_the_run_so_far() {
        let mut reached = Play::new("request.Echo.count", ">= 500", 10);
        assert_eq!(reached.ended_in(hold(40, 60, 0)), None, "500 are there in time, and stay");
        let mut late = Play::new("request.Echo.count", ">= 500", 5);
        assert_eq!(late.ended_in(hold(40, 60, 0)), Some(5));
    }

    #[test]
    fn silence_says_nothing_of_shares_and_is_a_rate_of_zero() {
        let silent = || hold(10, 100, 0).chain(hold(40, 0, 0));
        assert_eq!(Play::new("errors.rate", "< 5%", 3).ended_in(silent()), None);
        // 100 a second for ten, then nothing: below 50 when five of ten seconds are silent, and for three seconds after eight.
        assert_eq!(Play::new("request.Echo.rate", ">= 50", 3).ended_in(silent()), Some(18));
        assert_eq!(Play::new("request.Echo.rate", ">= 50", 25).ended_in(silent()), Some(40));
        assert_eq!(Play::new("request.Move.rate", ">= 50", 3).ended_in(silent()), None, "never seen");
    }

    #[test]
    fn a_threshold_of_a_phase_is_looked_at_only_in_it() {
        let ramp = || std::iter::repeat_n(("ramp_up", 0, 100), 20);
        let mut play = Play::new("errors.rate@hold", "< 5%", 5);
        assert_eq!(play.ended_in(ramp().chain(hold(20, 100, 0))), None, "the ramp's seconds are not in it");
        let mut play = Play::new("errors.rate@hold", "< 5%", 5);
        assert_eq!(play.ended_in(ramp().chain(hold(20, 0, 1))), Some(25));
    }

    #[test]
    fn the_run_that_was_ended_fails_and_says_why() {
        let mut play = Play::new("errors.rate", "< 5%", 2);
        (0..100).for_each(|_| assert!(!play.second("hold", 1_000, 0)));
        assert!(!play.second("hold", 0, 2_000));
        play.second("hold", 0, 0);
        let threshold = Threshold::parse("errors.rate", "< 5%").unwrap().aborting(2 * SECOND);
        let abort = AbortWatch::new(&Thresholds::new(vec![threshold.clone()]));
        assert_eq!(abort.watched.len(), 1);
        let ended = Abort {
            key: "errors.rate".into(),
            condition: "< 5%".into(),
            value: 0.18,
            actual: "18%".into(),
            after: 2 * SECOND,
        };
        let run = crate::RunRecord {
            end: crate::RunEnd::Aborted(ended),
            took: 102 * SECOND,
            thresholds: Thresholds::new(vec![threshold]),
            ..crate::RunRecord::default()
        };
        let summary = crate::Summary::of(&play.ledger, &run);
        assert_eq!((summary.verdict, summary.exit_code), (crate::Verdict::Fail, 1));
        let said =
            "The run was ended after 1m 42s: errors.rate did not hold for 2s, it was 18%, wanted < 5%.";
        assert_eq!(summary.reason, said);
        let row = &summary.thresholds[0];
        assert!(row.ended_run && !row.passed);
        assert_eq!((row.value, row.abort_after_s), (Some(0.18), Some(2.0)));
    }
}
