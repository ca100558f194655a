//! `[redact]`: which fields are shown as `***` in samples and timelines.

use super::Pattern;
use super::layers::Section;
use super::setting::Refusal;
use throng_engine::redact::Redaction;

pub(super) fn read(section: &Section<'_>) -> Redaction {
    let patterns = |key| {
        let Some(setting) = section.setting(key) else { return Vec::new() };
        let pattern = |element: super::setting::Setting<'_>| {
            element.read("names of fields, such as \"card_*\"", |value| {
                let text = value.as_text().ok_or(Refusal::Kind)?.trim();
                if text.is_empty() {
                    Err(Refusal::Value("it is empty".to_owned()))
                } else {
                    Ok(text.to_owned())
                }
            })
        };
        setting
            .elements()
            .into_iter()
            .filter_map(pattern)
            .map(|text| Pattern::new(&text.to_lowercase()))
            .collect()
    };
    let redaction = Redaction::new(patterns("fields"), patterns("show"));
    section.refuse_unknown();
    redaction
}
