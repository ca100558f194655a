//! `[thresholds]`: what must hold for a run to pass.

use throng_metrics::{Threshold, ThresholdError, Thresholds};

use super::layers::Section;
use super::problem::Problem;
use super::setting::Setting;
use std::time::Duration;
use throng_engine::Schedule;

const FORMS: &str = "a comparison such as \"< 50ms\", \"== 0\" or \"< 1%\"";

/// Phases that any plan may have.
const PHASES: [&str; 5] = ["ramp_up", "hold", "ramp_down", "storm", "stop"];

pub(super) fn read(section: &Section<'_>, schedule: &Schedule) -> Thresholds {
    let phases: Vec<&str> = PHASES.into_iter().chain(schedule.stage_names()).collect();
    let mut thresholds = Vec::new();
    for (measure, place, setting) in section.chosen() {
        let Some((condition, abort_after)) = condition(&setting) else { continue };
        let Some(text) = condition.text(FORMS) else { continue };
        let threshold = Threshold::parse(measure, &text).and_then(|threshold| {
            threshold.check_phase(&phases)?;
            Ok(threshold)
        });
        match threshold {
            Ok(threshold) => thresholds.push(match abort_after {
                Some(after) => threshold.aborting(after),
                None => threshold,
            }),
            Err(error) => {
                let of_condition =
                    matches!(error, ThresholdError::Comparison { .. } | ThresholdError::Value { .. });
                let place = if of_condition { condition.place() } else { place.clone() };
                section.layers.report(Problem::new(place, error.to_string()));
            }
        }
    }
    Thresholds::new(thresholds)
}

/// What must hold, and for how long it may not before the run is ended.
fn condition<'a>(setting: &Setting<'a>) -> Option<(Setting<'a>, Option<Duration>)> {
    if !setting.is_table() {
        return Some((setting.clone(), None));
    }
    let fields = setting.section()?;
    let must = fields.required("must", FORMS);
    let abort_after = fields.setting("abort_after").map(|after| after.duration());
    if fields.refuse_unknown() {
        return None;
    }
    match abort_after {
        None => Some((must?, None)),
        Some(after) => Some((must?, Some(after?))),
    }
}
