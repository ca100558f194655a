//! Stages: of robots and of arrivals.

use std::sync::Arc;
use std::time::Duration;

use throng_engine::{MOST_RATE, RateStage, Stage};

use super::MOST_ROBOTS;
use crate::config::layers::Section;
use crate::config::setting::{Refusal, Setting};

/// A stage's name is shown in tables.
const LONGEST_NAME: usize = 32;
/// Phases that no stage can be called: those of what is not in the plan.
const OWN_PHASES: [&str; 2] = ["stop", "storm"];
const STAGE_FORM: &str = "a list of { robots = 100, over = \"1m\" }";
const RATE_FORM: &str = "arrivals a second, or a list of { rate = 5, over = \"1m\" }";
const OVER: &str = "how long the stage takes, such as \"1m\"";
pub(super) const RATE: &str = "robots per second, a number above 0";

/// Stages of robots.
pub(super) fn of_robots(setting: &Setting<'_>) -> Vec<Stage> {
    let elements = setting.elements();
    if elements.is_empty() {
        setting.refuse(format!("`{}` is empty", setting.path), STAGE_FORM);
    }
    let mut stages: Vec<Stage> = Vec::new();
    for element in &elements {
        let before = stages.last().map_or(0, |stage| stage.robots);
        stages.extend(robots(element, before));
    }
    if !stages.is_empty() && stages.len() == elements.len() && stages.iter().all(|stage| stage.robots == 0) {
        setting.refuse(format!("`{}` never has a robot", setting.path), "a stage with one robot or more");
    }
    stages
}

fn robots(setting: &Setting<'_>, before: u64) -> Option<Stage> {
    let section = setting.section()?;
    let robots = section.required("robots", "how many robots there are at the stage's end");
    let robots = robots.and_then(|setting| setting.whole(0..=MOST_ROBOTS)).map(i64::cast_unsigned);
    let over = over_or_rate(&section, robots.map(|robots| robots.abs_diff(before)));
    let name = name(&section);
    section.refuse_unknown();
    Some(Stage { robots: robots?, over: over?, name: name? })
}

/// A stage takes a time, or as long as its robots take at a rate.
fn over_or_rate(section: &Section<'_>, robots: Option<u64>) -> Option<Duration> {
    let Some(rate) = section.setting("spawn_rate") else {
        return section.required("over", OVER)?.duration();
    };
    if section.setting("over").is_some() {
        rate.refuse(
            format!("`{}` and `over` contradict each other", rate.path),
            "how long the stage takes, or how many robots come a second",
        );
        return None;
    }
    let rate = rate.positive_number(RATE)?;
    Some(Duration::try_from_secs_f64(robots? as f64 / rate).unwrap_or(Duration::MAX))
}

/// Arrivals a second: always as many, or stages of them.
pub(super) fn of_rates(setting: &Setting<'_>) -> Option<Result<f64, Vec<RateStage>>> {
    let elements = setting.elements();
    if !elements.iter().any(Setting::is_table) && elements.len() == 1 {
        return setting.rate(RATE_FORM).map(Ok);
    }
    if elements.is_empty() {
        setting.refuse(format!("`{}` is empty", setting.path), RATE_FORM);
    }
    let stages: Vec<RateStage> = elements.iter().filter_map(rate).collect();
    if !stages.is_empty() && stages.len() == elements.len() && stages.iter().all(|stage| stage.rate == 0.0) {
        setting.refuse(format!("`{}` never lets a robot come", setting.path), "a stage with a rate above 0");
    }
    Some(Err(stages))
}

fn rate(setting: &Setting<'_>) -> Option<RateStage> {
    let section = setting.section()?;
    let rate = section.required("rate", "how many robots come a second at the stage's end");
    let wanted = "robots per second, a number, 0 or more";
    let rate = rate.and_then(|setting| {
        setting.read(wanted, |value| match value.as_number().ok_or(Refusal::Kind)? {
            rate if (0.0..=MOST_RATE).contains(&rate) => Ok(rate),
            _ => Err(Refusal::Value("it is no rate".to_owned())),
        })
    });
    let over = section.required("over", OVER).and_then(|setting| setting.duration());
    let name = name(&section);
    section.refuse_unknown();
    Some(RateStage { rate: rate?, over: over?, name: name? })
}

/// A stage's name, if it has one: one word, that thresholds and reports can use.
fn name(section: &Section<'_>) -> Option<Option<Arc<str>>> {
    let Some(setting) = section.setting("name") else { return Some(None) };
    let name = setting.read("one word of letters, digits, `_` and `-`, such as \"evening\"", |value| {
        let name = value.as_text().ok_or(Refusal::Kind)?;
        match name {
            "" => Err(Refusal::Value("it is empty".to_owned())),
            name if name.chars().count() > LONGEST_NAME => Err(Refusal::Value("it is too long".to_owned())),
            name if !is_word(name) => Err(Refusal::Value("it is not one word".to_owned())),
            name if OWN_PHASES.contains(&name) => {
                Err(Refusal::Value(format!("throng itself calls other seconds `{name}`")))
            }
            name => Ok(name.into()),
        }
    });
    name.map(Some)
}

/// Whether a name is one word, as thresholds and reports can use it.
pub(in crate::config) fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}
