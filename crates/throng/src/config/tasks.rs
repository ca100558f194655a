//! `[tasks]`: the weights and rates of tasks, without touching code.

use super::layers::Section;
use super::problem::{Place, Problem};
use super::setting::{Refusal, Setting};

/// What the settings say of a task, which beats what its mod says.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSetting {
    /// The task's full name, `mod.task`.
    pub name: String,
    /// How often it is picked beside the others; 0 is never.
    pub weight: Option<f64>,
    /// So many a second over all robots.
    pub rate: Option<f64>,
    /// Where its name stands, for whoever finds that there is no such task.
    pub key: Place,
}

const NAME_FORM: &str = "a task as \"mod.task\", such as \"role.chat\" = 3";
const FORM: &str = "a weight of 0 or more, or { rate = 20 }";
/// What a rate of tasks is.
pub(super) const RATE_FORM: &str = "tasks a second over all robots, a number above 0";

pub(super) fn read(section: &Section<'_>) -> Vec<TaskSetting> {
    let mut found = Vec::new();
    for (key, place, setting) in section.chosen() {
        if setting.is_table() && !key.contains('.') {
            // `role.chat = 3` without quotes is a table `role` to TOML.
            let Some(tasks) = setting.section() else { continue };
            for (task, place, setting) in tasks.chosen() {
                found.extend(task_setting(section, format!("{key}.{task}"), place, &setting));
            }
        } else {
            found.extend(task_setting(section, key.to_owned(), place, &setting));
        }
    }
    found
}

fn task_setting(
    section: &Section<'_>,
    name: String,
    place: &Place,
    setting: &Setting<'_>,
) -> Option<TaskSetting> {
    if !name.split_once('.').is_some_and(|(module, task)| !module.is_empty() && !task.is_empty()) {
        let problem = Problem::new(place.clone(), format!("`{name}` does not name a task of a mod"));
        section.layers.report(problem.wanted(NAME_FORM));
        return None;
    }
    let (weight, rate) = match setting.is_table() {
        true => {
            let options = setting.section()?;
            let rate = options.setting("rate").and_then(|setting| setting.rate(RATE_FORM));
            let weight = options.setting("weight").and_then(|setting| weight(&setting));
            options.refuse_unknown();
            (weight, rate)
        }
        false => (Some(weight(setting)?), None),
    };
    Some(TaskSetting { name, weight, rate, key: place.clone() })
}

fn weight(setting: &Setting<'_>) -> Option<f64> {
    setting.read(FORM, |value| match value.as_number().ok_or(Refusal::Kind)? {
        weight if weight.is_finite() && weight >= 0.0 => Ok(weight),
        _ => Err(Refusal::Value("it is no weight".to_owned())),
    })
}
