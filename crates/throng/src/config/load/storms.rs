//! `[[load.storms]]`: moments at which robots lose their connections.

use throng_engine::{Loss, Storm};

use super::super::layers::Section;
use super::super::setting::{Refusal, Setting};

const FORM: &str = "a list of { at = \"5m\", drop = 0.3 }";
const SHARE: &str =
    "the share of the robots that lose their connections: a number above 0, up to 1, or \"30%\"";

/// The storms of a run, in the order of their time.
pub(super) fn read(section: &Section<'_>) -> Vec<Storm> {
    let Some(setting) = section.setting("storms") else { return Vec::new() };
    let elements = setting.elements();
    if elements.is_empty() {
        setting.refuse(format!("`{}` is empty", setting.path), FORM);
    }
    let mut storms: Vec<Storm> = elements.iter().filter_map(storm).collect();
    storms.sort_by_key(|storm| storm.at);
    for (id, storm) in (1..).zip(&mut storms) {
        storm.id = id;
    }
    storms
}

fn storm(setting: &Setting<'_>) -> Option<Storm> {
    const LOSSES: [(&str, Loss); 2] = [("cable", Loss::Cable), ("close", Loss::Close)];
    let section = setting.section()?;
    let at = section.required("at", "when it comes, such as \"5m\"").and_then(|setting| setting.duration());
    let drop = section.required("drop", SHARE).and_then(|setting| share(&setting));
    let how = section.setting("how").map_or(Some(Loss::default()), |setting| setting.choice(&LOSSES));
    section.refuse_unknown();
    Some(Storm { id: 0, at: at?, drop: drop?, loss: how? })
}

fn share(setting: &Setting<'_>) -> Option<f64> {
    setting.read(SHARE, |value| {
        let percent = value.as_text().and_then(|text| text.trim().strip_suffix('%'));
        let share = match percent {
            Some(percent) => percent.trim().parse::<f64>().map_err(|_| Refusal::Kind)? / 100.0,
            None => value.as_number().ok_or(Refusal::Kind)?,
        };
        match share {
            share if share > 0.0 && share <= 1.0 => Ok(share),
            _ => Err(Refusal::Value("it is no share".to_owned())),
        }
    })
}
