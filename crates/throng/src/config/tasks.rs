//! `[tasks]`: the weights of tasks, without touching code.

use super::layers::Section;
use super::problem::{Place, Problem};
use super::setting::{Refusal, Setting};

/// A task's weight from the settings, which beats the one in its mod.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskWeight {
    /// The task's full name, `mod.task`.
    pub name: String,
    /// How often it is picked beside the others; 0 is never.
    pub weight: f64,
    /// Where its name stands, for whoever finds that there is no such task.
    pub key: Place,
}

const NAME_FORM: &str = "a task as \"mod.task\", such as \"role.chat\" = 3";

pub(super) fn read(section: &Section<'_>) -> Vec<TaskWeight> {
    let mut weights = Vec::new();
    for (key, place, setting) in section.chosen() {
        if setting.is_table() {
            // `role.chat = 3` without quotes is a table `role` to TOML.
            let Some(tasks) = setting.section() else { continue };
            for (task, place, setting) in tasks.chosen() {
                weights.extend(weight(section, format!("{key}.{task}"), place, &setting));
            }
        } else {
            weights.extend(weight(section, key.to_owned(), place, &setting));
        }
    }
    weights
}

fn weight(section: &Section<'_>, name: String, place: &Place, setting: &Setting<'_>) -> Option<TaskWeight> {
    if !name.split_once('.').is_some_and(|(module, task)| !module.is_empty() && !task.is_empty()) {
        let problem = Problem::new(place.clone(), format!("`{name}` does not name a task of a mod"));
        section.layers.report(problem.wanted(NAME_FORM));
        return None;
    }
    let weight =
        setting.read("a number, 0 or more", |value| match value.as_number().ok_or(Refusal::Kind)? {
            weight if weight.is_finite() && weight >= 0.0 => Ok(weight),
            _ => Err(Refusal::Value("it is no weight".to_owned())),
        })?;
    Some(TaskWeight { name, weight, key: place.clone() })
}
