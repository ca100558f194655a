//! What a comparison with an earlier run found, as a threshold: what became worse does not hold.

use serde::{Deserialize, Serialize};

use super::ThresholdSummary;
use crate::units;

/// So many figures that became worse are thresholds of their own; [`Baseline::worse`] has all of them.
const MOST_THRESHOLDS: usize = 20;

/// What a comparison with an earlier run found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Baseline {
    /// The number of the earlier run.
    pub run: i64,
    /// The share by which a figure may become worse.
    pub tolerance: f64,
    /// The phases that were compared.
    pub phases: Vec<String>,
    /// How many figures could be compared.
    pub figures: u64,
    /// How many of them became better.
    pub better: u64,
    /// Those that became worse, which is no noise.
    pub worse: Vec<WorseFigure>,
    /// Why the runs could not be compared, if they could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A figure of a message that became worse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorseFigure {
    /// The message, with its connection.
    pub message: String,
    /// `p50`, `p99`, `mean`, `throughput` or `error_rate`.
    pub metric: String,
    /// What it was in the earlier run: microseconds, replies per second, or a share.
    pub was: f64,
    /// What it is now.
    pub is: f64,
    /// The change: a share of what it was, of error rates the difference.
    pub change: f64,
}

impl WorseFigure {
    fn unit(&self) -> &'static str {
        match self.metric.as_str() {
            "throughput" => "per_second",
            "error_rate" => "share",
            _ => "us",
        }
    }

    fn shown(&self, value: f64) -> String {
        match self.unit() {
            "per_second" => format!("{}/s", units::rate(value)),
            "share" => units::percent(value),
            _ => units::time(value.round() as u64),
        }
    }
}

impl Baseline {
    /// One threshold for each figure that became worse, or one that says that none did.
    pub(super) fn thresholds(&self) -> Vec<ThresholdSummary> {
        if self.worse.is_empty() {
            return vec![self.whole()];
        }
        let worse = self.worse.iter().take(MOST_THRESHOLDS).map(|figure| ThresholdSummary {
            key: format!("baseline.{}.{}", figure.message, figure.metric),
            condition: format!(
                "not worse than {} in run {}{}",
                figure.shown(figure.was),
                self.run,
                self.of_phases()
            ),
            actual: figure.shown(figure.is),
            value: Some(figure.is),
            unit: figure.unit(),
            ..self.whole()
        });
        worse.collect()
    }

    /// Which phases were compared, where it is not the one that most plans have.
    fn of_phases(&self) -> String {
        match self.phases.as_slice() {
            [] => String::new(),
            [only] if only == "hold" => String::new(),
            _ if self.figures == 0 => String::new(),
            phases => format!(" ({})", phases.join(", ")),
        }
    }

    fn whole(&self) -> ThresholdSummary {
        let compared = self.figures > 0 && self.failure.is_none();
        ThresholdSummary {
            key: "baseline".into(),
            condition: format!("nothing worse than in run {}{}", self.run, self.of_phases()),
            passed: compared && self.worse.is_empty(),
            actual: match &self.failure {
                Some(why) => format!("not compared: {why}"),
                None if !compared => "no samples".into(),
                None => format!("nothing of {} figures", self.figures),
            },
            value: compared.then_some(self.worse.len() as f64),
            unit: "number",
            phase: None,
            abort_after_s: None,
            ended_run: false,
            decided_by: None,
            nearest: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Ledger, Recorder, RunRecord, Summary};

    fn judged(baseline: Baseline) -> (u8, String) {
        let mut recorder = Recorder::default();
        let check = recorder.check("fine");
        recorder.check_passed(check);
        let mut ledger = Ledger::default();
        ledger.merge(&recorder.take());
        let took = Duration::from_secs(60);
        let summary =
            Summary::of(&ledger, &RunRecord { took, baseline: Some(baseline), ..RunRecord::default() });
        (summary.exit_code, summary.reason)
    }

    fn worse(metric: &str, was: f64, is: f64) -> WorseFigure {
        WorseFigure { message: "game/Move".into(), metric: metric.into(), was, is, change: is / was - 1.0 }
    }

    #[test]
    fn a_figure_that_became_worse_fails_the_run() {
        let worse = vec![worse("p99", 20_400.0, 21_400.0), worse("throughput", 500.0, 410.0)];
        let (code, reason) = judged(Baseline { run: 12, figures: 10, worse, ..Baseline::default() });
        let said = "2 of 3 thresholds do not hold, the first: baseline.game/Move.p99 was 21.4 ms, wanted not worse than \
                    20.4 ms in run 12.";
        assert_eq!((code, reason.as_str()), (1, said));
    }

    #[test]
    fn phases_that_were_compared_are_said_where_it_is_not_hold_alone() {
        let phases = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let of = |names| Baseline { run: 12, figures: 1, phases: phases(names), ..Baseline::default() };
        assert_eq!(of(&["hold"]).thresholds()[0].condition, "nothing worse than in run 12");
        let named = of(&["hold", "evening"]).thresholds()[0].condition.clone();
        assert_eq!(named, "nothing worse than in run 12 (hold, evening)");
    }

    #[test]
    fn nothing_worse_holds_and_nothing_compared_does_not() {
        let (code, reason) = judged(Baseline { run: 12, figures: 10, better: 3, ..Baseline::default() });
        assert_eq!((code, reason.as_str()), (0, "All 2 thresholds hold."));
        let (code, reason) = judged(Baseline { run: 12, ..Baseline::default() });
        let said = "One of 2 thresholds does not hold: baseline has no samples, wanted nothing worse than in run 12.";
        assert_eq!((code, reason.as_str()), (1, said));
    }

    #[test]
    fn only_the_first_of_many_are_thresholds() {
        let worse = (0..30).map(|_| worse("p50", 1.0, 2.0)).collect();
        let baseline = Baseline { run: 1, figures: 90, worse, ..Baseline::default() };
        assert_eq!(baseline.thresholds().len(), MOST_THRESHOLDS);
        assert!(baseline.thresholds().iter().all(|threshold| !threshold.passed));
    }
}
