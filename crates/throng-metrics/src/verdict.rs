//! The verdict of a run and the sentence that explains it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::kinds::FailureKind;
use crate::summary::ThresholdSummary;
use crate::table::Key;
use crate::tally::{Counts, Tally};
use crate::threshold::Abort;
use crate::totals::Totals;
use crate::units;

/// How a run is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every threshold holds and something succeeded.
    Pass,
    /// A threshold does not hold, or nothing succeeded.
    Fail,
    /// The run could not be carried out as planned.
    Broken,
    /// The user ended the run early.
    Interrupted,
}

impl Verdict {
    /// The exit code of the process: 0, 1, 3 or 130.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Broken => 3,
            Self::Interrupted => 130,
        }
    }

    /// The name used in JSON: `pass`, `fail`, `broken` or `interrupted`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Broken => "broken",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// The plan was carried out, or all robots ended by themselves.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// A threshold did not hold for too long.
    Aborted(Abort),
    /// It could not go on as planned; the reason is a clause such as "out of file descriptors".
    Broken(String),
}

/// A verdict and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence with a full stop.
    pub reason: String,
}

impl Judgement {
    /// Judges a run that took so long, by its end, what it counted, and how its thresholds went.
    ///
    /// A broken run is broken and an interrupted one interrupted, whatever its figures say: neither did what was asked.
    pub fn of(end: &RunEnd, totals: &Totals, results: &[ThresholdSummary], took: Duration) -> Self {
        let (verdict, reason) = match end {
            RunEnd::Broken(why) => {
                (Verdict::Broken, format!("The run broke off: {}.", why.trim_end_matches('.')))
            }
            RunEnd::Interrupted => (
                Verdict::Interrupted,
                format!("The run was interrupted after {}.", units::span(took.as_secs_f64())),
            ),
            RunEnd::Aborted(abort) => (Verdict::Fail, aborted(abort, took)),
            RunEnd::Complete if !totals.anything_succeeded() => (Verdict::Fail, nothing_succeeded(totals)),
            RunEnd::Complete => by_thresholds(results),
        };
        Self { verdict, reason }
    }
}

fn by_thresholds(results: &[ThresholdSummary]) -> (Verdict, String) {
    let failed: Vec<&ThresholdSummary> = results.iter().filter(|result| !result.passed).collect();
    let all = results.len();
    let sentence = match (failed.as_slice(), all) {
        ([], 0) => return (Verdict::Pass, "Something succeeded, and no threshold was set.".into()),
        ([], 1) => return (Verdict::Pass, format!("The threshold holds: {}.", clause(&results[0]))),
        ([], _) => return (Verdict::Pass, format!("All {all} thresholds hold.")),
        ([one], 1) => format!("The threshold does not hold: {}.", clause(one)),
        ([one], _) => format!("One of {all} thresholds does not hold: {}.", clause(one)),
        ([first, ..], _) if failed.len() == all => {
            format!("None of the {all} thresholds holds, the first: {}.", clause(first))
        }
        ([first, ..], _) => {
            format!("{} of {all} thresholds do not hold, the first: {}.", failed.len(), clause(first))
        }
    };
    (Verdict::Fail, sentence)
}

fn aborted(abort: &Abort, took: Duration) -> String {
    let Abort { key, condition, actual, after, .. } = abort;
    let after = match *after {
        Duration::ZERO => String::new(),
        after => format!(" did not hold for {}, it", units::span(after.as_secs_f64())),
    };
    let took = units::span(took.as_secs_f64());
    format!("The run was ended after {took}: {key}{after} was {actual}, wanted {condition}.")
}

fn clause(result: &ThresholdSummary) -> String {
    let (key, wanted) = (&result.key, &result.condition);
    match result.value {
        Some(_) => format!("{key} was {}, wanted {wanted}", result.actual),
        None => format!("{key} has no samples, wanted {wanted}"),
    }
}

/// Says in one sentence how far the robots came.
fn nothing_succeeded(totals: &Totals) -> String {
    let robots = totals.robots();
    if robots.started == 0 {
        return "Nothing succeeded: no robot was started.".into();
    }
    let mut failures = Tally::<FailureKind>::default();
    let (mut attempts, mut opened) = (0_u64, 0_u64);
    let mut name = None;
    for (key, row) in totals.connections().iter() {
        attempts = attempts.saturating_add(row.counts.attempts);
        opened = opened.saturating_add(row.counts.opened);
        failures.add(&row.counts.failures);
        name = name.or_else(|| (row.counts.failures.total() > 0).then(|| key.name.clone()));
    }
    if attempts > 0 && opened == 0 {
        let Some((kind, _)) = failures.most_frequent() else {
            return format!("Nothing succeeded: none of {attempts} connects came to an end.");
        };
        let all = if failures.total() == 1 {
            "the only connect".into()
        } else {
            format!("all {} connects", failures.total())
        };
        let to = name.map_or_else(String::new, |name| format!(" to `{name}`"));
        let one_kind = failures.iter().count() == 1;
        let why =
            if one_kind { kind.phrase().to_owned() } else { format!("most often because {}", kind.phrase()) };
        let why = if one_kind { format!("because {why}") } else { why };
        return format!("Nothing succeeded: {all}{to} failed, {why}.");
    }
    if let Some((kind, count)) = totals.errors().most_frequent() {
        let what = first_failing_request(totals).map_or_else(String::new, |key| format!(" at `{key}`"));
        let times = if count == 1 { "once".into() } else { format!("{} times", units::count(count)) };
        return format!("Nothing succeeded: {}{what} ({times}), and nothing came back.", kind.phrase());
    }
    "Nothing succeeded: no reply, no push, no passing check and no message came.".into()
}

fn first_failing_request(totals: &Totals) -> Option<&Key> {
    let mut failing = totals.requests().iter().filter(|(_, row)| row.counts.failures.total() > 0);
    failing.next().map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ledger, Recorder, RunRecord, Summary, Threshold, Thresholds, no_sample};

    #[track_caller]
    fn check(
        end: &RunEnd,
        record: impl FnOnce(&mut Recorder),
        asked: &[(&str, &str)],
        verdict: Verdict,
        reason: &str,
    ) {
        let mut recorder = Recorder::default();
        record(&mut recorder);
        let mut ledger = Ledger::default();
        ledger.merge(&recorder.take());
        let asked = asked.iter().map(|(key, condition)| Threshold::parse(key, condition).unwrap()).collect();
        let took = Duration::from_secs(72);
        let run =
            RunRecord { end: end.clone(), took, thresholds: Thresholds::new(asked), ..RunRecord::default() };
        let summary = Summary::of(&ledger, &run);
        assert_eq!((summary.verdict, summary.reason.as_str()), (verdict, reason));
    }

    fn refused(r: &mut Recorder) {
        let id = r.connection("game");
        for _ in 0..500 {
            r.robot_started();
            r.connecting(id);
            r.connect_failed(id, FailureKind::Refused, "refused", no_sample);
        }
    }

    fn pushed(r: &mut Recorder) {
        let (push, connection) = (r.push("Kick", "game"), r.connection("game"));
        r.opened(connection, 1);
        r.pushed(push, 1);
    }

    #[test]
    fn a_server_that_refuses_everybody_fails_in_one_sentence() {
        let said =
            "Nothing succeeded: all 500 connects to `game` failed, because the connection was refused.";
        check(&RunEnd::Complete, refused, &[], Verdict::Fail, said);
    }

    #[test]
    fn a_server_that_never_answers_fails() {
        let silent = |r: &mut Recorder| {
            r.robot_started();
            let (request, connection) = (r.request("Login", "game"), r.connection("game"));
            r.connecting(connection);
            r.opened(connection, 1);
            r.issued(request);
            r.request_failed(request, FailureKind::Timeout, "no reply", no_sample);
        };
        let said = "Nothing succeeded: no reply in time at `game/Login` (once), and nothing came back.";
        check(&RunEnd::Complete, silent, &[], Verdict::Fail, said);
    }

    #[test]
    fn a_run_without_robots_fails() {
        check(&RunEnd::Complete, |_| {}, &[], Verdict::Fail, "Nothing succeeded: no robot was started.");
    }

    #[test]
    fn thresholds_decide_when_something_succeeded() {
        let said = "The threshold holds: errors.rate was 0%, wanted < 1%.";
        check(&RunEnd::Complete, pushed, &[], Verdict::Pass, said);
        let said = "One of 2 thresholds does not hold: push.Kick.count was 1, wanted > 5.";
        check(&RunEnd::Complete, pushed, &[("push.Kick.count", "> 5")], Verdict::Fail, said);
        let said = "2 of 3 thresholds do not hold, the first: request.Echo.p99 has no samples, wanted < 1ms.";
        let asked = [("request.Echo.p99", "< 1ms"), ("push.Kick.count", "> 5")];
        check(&RunEnd::Complete, pushed, &asked, Verdict::Fail, said);
    }

    #[test]
    fn broken_and_interrupted_runs_are_neither_pass_nor_fail() {
        let end = RunEnd::Broken("out of file descriptors".into());
        check(&end, pushed, &[], Verdict::Broken, "The run broke off: out of file descriptors.");
        check(
            &RunEnd::Interrupted,
            refused,
            &[],
            Verdict::Interrupted,
            "The run was interrupted after 1m 12s.",
        );
    }

    #[test]
    fn exit_codes_are_those_documented() {
        let codes =
            [Verdict::Pass, Verdict::Fail, Verdict::Broken, Verdict::Interrupted].map(Verdict::exit_code);
        assert_eq!(codes, [0, 1, 3, 130]);
    }
}
