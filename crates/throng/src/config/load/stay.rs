//! How long robots stay.

use throng_engine::Stay;

use crate::config::robot::between;
use crate::config::setting::{Setting, duration};

const FORMS: &str = "how long a robot stays: \"5m\", or one of { constant = \"5m\" }, { between = [\"1m\", \"10m\"] }, \
                     { exponential = \"5m\" }";

const RANGE: &str = "the shortest and the longest session, such as [\"1m\", \"10m\"]";

/// The length of sessions.
pub(in crate::config) fn read(setting: &Setting<'_>) -> Option<Stay> {
    if !setting.is_table() {
        let stay = setting.read(FORMS, |value| duration(value).map(Stay::Constant))?;
        return positive(setting, stay);
    }
    let section = setting.section()?;
    let (constant, exponential) = (section.setting("constant"), section.setting("exponential"));
    let range = section.setting("between");
    let misspelled = section.refuse_unknown();
    let given = [&constant, &exponential, &range].into_iter().flatten().count();
    if given == 0 && misspelled {
        return None;
    }
    if given != 1 {
        setting.refuse(format!("`{}` has {given} kinds of length", setting.path), FORMS);
        return None;
    }
    let stay = constant
        .map(|setting| setting.duration().map(Stay::Constant))
        .or_else(|| exponential.map(|setting| setting.duration().map(Stay::Exponential)))
        .or_else(|| range.map(|setting| between(&setting, RANGE).map(|(low, high)| Stay::Between(low, high))))
        .flatten()?;
    positive(setting, stay)
}

/// Robots that leave as they come would come without end.
fn positive(setting: &Setting<'_>, stay: Stay) -> Option<Stay> {
    let longest = match stay {
        Stay::Constant(length) | Stay::Between(_, length) | Stay::Exponential(length) => length,
    };
    if longest.is_zero() {
        setting.refuse(format!("`{}` is no time at all", setting.path), FORMS);
        return None;
    }
    Some(stay)
}
