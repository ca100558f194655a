//! What a try came to.

use throng_metrics::{Ledger, PhaseSummary, Summary, Threshold, ThresholdSummary, Verdict};
use throng_report::{SearchCondition, SearchTry};
use throng_stats::Tried;

use super::ground::{Ground, HOLD, bare};
use crate::cli::Raise;

/// The share of a load that must have been there: of the robots that were to be ready, of the tasks that were to be played.
const THERE: f64 = 0.99;

/// How long before its end tasks may come due that are not begun before it, in seconds.
const LAST_S: f64 = 0.25;

/// What one run came to.
pub(super) struct Judged {
    pub(super) step: SearchTry,
    pub(super) verdict: Verdict,
}

impl Ground {
    /// What the seconds in which the load was held came to.
    pub(super) fn judged(
        &self,
        (load, again): (f64, bool),
        summary: &Summary,
        ledger: &Ledger,
        run: Option<i64>,
    ) -> Judged {
        let limits = ledger.phases().find(HOLD).map_or_else(Vec::new, |phase| {
            phase.read(|totals| self.prepared.bounds.judge(totals.generator()))
        });
        let asked: Vec<&ThresholdSummary> =
            summary.thresholds.iter().filter(|asked| asked.phase.as_deref() == Some(HOLD)).collect();
        let broken = asked.iter().filter(|asked| !asked.passed);
        let broken = broken
            .map(|asked| format!("{} was {}, wanted {}", bare(&asked.key), asked.actual, asked.condition));
        let mut why: Vec<String> = broken.chain(self.missing(load, summary)).collect();
        let result = match (limits.is_empty(), why.is_empty()) {
            (false, _) => Tried::Limited,
            (true, true) => Tried::Held,
            (true, false) => Tried::Failed,
        };
        why.extend(limits.iter().map(ToString::to_string));
        if matches!(summary.verdict, Verdict::Broken | Verdict::Interrupted) {
            why = vec![summary.reason.clone()];
        }
        let first = asked.iter().find(|asked| bare(&asked.key) == self.figure);
        let held = summary.phases.iter().find(|phase| phase.name == HOLD);
        let step = SearchTry {
            load,
            again,
            result,
            figure: first.map_or_else(|| "-".to_owned(), |asked| asked.actual.clone()),
            value: first.and_then(|asked| asked.value),
            unit: first.map_or("", |asked| asked.unit),
            replies_per_s: held.map_or(0.0, replies_per_s),
            lag_p99_us: held.and_then(|phase| Some(phase.lag_us?.p99)),
            run,
            why: why.join("; "),
            conditions: asked.into_iter().map(|asked| self.condition(asked)).collect(),
            latency_us: held.and_then(|phase| phase.latency_us),
            requests: held.map_or_else(Vec::new, |phase| phase.requests.clone()),
            errors: held.map(|phase| phase.errors.clone()),
        };
        Judged { step, verdict: summary.verdict }
    }

    /// Why the load was not there at all, if it was not.
    fn missing(&self, load: f64, summary: &Summary) -> Option<String> {
        match self.raise {
            Raise::Arrivals => {
                let dropped: u64 = summary.load.arrivals.iter().map(|arrivals| arrivals.dropped).sum();
                (dropped > 0).then(|| format!("{dropped} arrivals were turned away"))
            }
            Raise::Robots => {
                let ready = self.ready(summary);
                ((ready as f64) < load * THERE)
                    .then(|| format!("only {ready} of {load} robots were ever ready"))
            }
            Raise::TaskRate => {
                let rate = summary.schedules.iter().find(|schedule| schedule.name == "task_rate");
                let (due, begun) = rate.map_or((0, 0), |rate| (rate.due, rate.begun));
                // Tasks that wait for an idle robot are not late in the figures of requests, which are not sent yet. What
                // comes due in the run's last moments may still wait though all is well.
                let wanted = (due as f64 * THERE).min(due as f64 - load * LAST_S);
                (due == 0 || (begun as f64) < wanted)
                    .then(|| format!("only {begun} of {due} tasks were begun: the robots were busy"))
            }
        }
    }

    /// How many of the robots that the search asks for were ever ready; not those that scenarios have of their own.
    fn ready(&self, summary: &Summary) -> u64 {
        if self.prepared.shares.is_empty() {
            return summary.robots.ready;
        }
        let shares = |name: &str| self.prepared.shares.iter().any(|(known, _)| known == name);
        let sharing = summary.load.scenarios.iter().filter(|scenario| shares(&scenario.name));
        sharing.map(|scenario| scenario.ready).sum()
    }

    fn condition(&self, asked: &ThresholdSummary) -> SearchCondition {
        let mut thresholds = self.prepared.thresholds.iter();
        let threshold = thresholds.find(|one| one.key() == asked.key && one.condition() == asked.condition);
        SearchCondition {
            key: bare(&asked.key).to_owned(),
            condition: asked.condition.clone(),
            passed: asked.passed,
            actual: asked.actual.clone(),
            value: asked.value,
            unit: asked.unit,
            bound: threshold.map_or(0.0, Threshold::limit),
        }
    }
}

fn replies_per_s(phase: &PhaseSummary) -> f64 {
    let replies: u64 = phase.requests.iter().map(|request| request.ok).sum();
    replies as f64 / phase.duration_s.max(1e-9)
}
