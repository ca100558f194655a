//! `[thresholds]`: what must hold for a run to pass.

use throng_metrics::{Threshold, ThresholdError, Thresholds};

use super::layers::Section;
use super::problem::Problem;

pub(super) fn read(section: &Section<'_>) -> Thresholds {
    let mut thresholds = Vec::new();
    for (measure, place, setting) in section.chosen() {
        let Some(condition) = setting.text("a comparison such as \"< 50ms\", \"== 0\" or \"< 1%\"") else {
            continue;
        };
        match Threshold::parse(measure, &condition) {
            Ok(threshold) => thresholds.push(threshold),
            Err(error) => {
                let of_condition =
                    matches!(error, ThresholdError::Comparison { .. } | ThresholdError::Value { .. });
                let place = if of_condition { setting.place() } else { place.clone() };
                section.layers.report(Problem::new(place, error.to_string()));
            }
        }
    }
    Thresholds::new(thresholds)
}
