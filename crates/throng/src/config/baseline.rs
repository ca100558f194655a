//! `[baseline]`: the run that others are judged by.

use super::layers::Section;
use super::raw::Value;
use super::setting::Refusal;

/// Changes below this share do not matter unless the user says otherwise.
const DEFAULT_TOLERANCE: f64 = 0.01;

/// The run that others are judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineSettings {
    /// The run, named as for `throng report`; without one nothing is compared.
    pub run: Option<String>,
    /// The share of a figure by which it may become worse.
    pub tolerance: f64,
    /// The only phase that is compared; without one, those in which both plans held.
    pub phase: Option<String>,
}

pub(super) fn read(section: &Section<'_>) -> BaselineSettings {
    let run = section.setting("run").and_then(|setting| setting.text("a run: 12, last, tag:release"));
    let tolerance = section
        .setting("tolerance")
        .and_then(|setting| setting.read("a percentage, such as \"5%\"", percent));
    let phase =
        section.setting("phase").and_then(|setting| setting.text("a phase: hold, or the name of a stage"));
    section.refuse_unknown();
    BaselineSettings { run, tolerance: tolerance.unwrap_or(DEFAULT_TOLERANCE), phase }
}

fn percent(value: &Value) -> Result<f64, Refusal> {
    let number = match value.as_text() {
        Some(text) => text.trim().trim_end_matches('%').trim_end().parse().map_err(|_| Refusal::Kind)?,
        None => value.as_number().ok_or(Refusal::Kind)?,
    };
    match number {
        number if (0.0..=100.0).contains(&number) => Ok(number / 100.0),
        _ => Err(Refusal::Value("it is not from 0 to 100".to_owned())),
    }
}
