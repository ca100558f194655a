//! `protocols.NAME.framing`: how a stream is cut into messages.

use throng_wire::{DelimiterFraming, Framing, LengthFraming, LengthWidth};

use super::fields;
use super::layers::Section;
use super::setting::Setting;

const FORMS: &str = "{ length = \"u16be\" }, { header = [\"len:u16be\", \"id:u16be\"] }, { delimiter = \"\\n\" }, \
                     { fixed = 16 } or \"message\"";
/// The largest frame when nothing is said: what a game server sends at most, with much room.
const DEFAULT_MAX: u64 = throng_wire::DEFAULT_MAX as u64;
const MOST: u64 = 1 << 30;
const MOST_OFFSET: i64 = 1 << 10;

pub(super) fn read(setting: &Setting<'_>) -> Option<Framing> {
    if !setting.is_table() {
        let message = setting.text(FORMS)? == "message";
        if !message {
            setting.refuse(format!("`{}` has no such choice", setting.path), FORMS);
        }
        return message.then_some(Framing::Message);
    }
    from_table(&setting.section()?)
}

pub(super) fn from_table(section: &Section<'_>) -> Option<Framing> {
    let length = section.setting("length");
    let delimiter = section.setting("delimiter");
    let fixed = section.setting("fixed");
    let header = section.setting("header");
    let framing = match (length, delimiter, fixed, header) {
        (None, None, None, Some(header)) => fields::header(section, &header),
        (Some(length), None, None, None) => self::length(section, &length),
        (None, Some(delimiter), None, None) => self::delimiter(section, &delimiter),
        (None, None, Some(fixed), None) => {
            fixed.whole(1..=MOST.cast_signed()).map(|size| Framing::Fixed(size as usize))
        }
        (None, None, None, None) if section.refuse_unknown() => return None,
        _ => {
            let title = format!("`{}` is not one kind of framing", section.path);
            section.report(title, FORMS);
            return None;
        }
    };
    section.refuse_unknown();
    framing
}

fn length(section: &Section<'_>, width: &Setting<'_>) -> Option<Framing> {
    let words: Vec<(&str, LengthWidth)> =
        LengthWidth::NAMES.iter().filter_map(|name| Some((*name, name.parse().ok()?))).collect();
    let width = width.choice(&words);
    let inclusive = section.setting("inclusive").map_or(Some(false), |setting| setting.boolean());
    let offset = section.setting("offset").map_or(Some(0), |setting| setting.whole(0..=MOST_OFFSET));
    let max = section.setting("max").map(|setting| setting.size(1..=MOST));
    let width = width?;
    let default = match width {
        LengthWidth::U8 => u64::from(u8::MAX),
        LengthWidth::U16(_) => throng_wire::DEFAULT_MAX_U16 as u64,
        _ => DEFAULT_MAX,
    };
    Some(Framing::Length(LengthFraming {
        width,
        offset: offset? as usize,
        inclusive: inclusive?,
        max: max.unwrap_or(Some(default))? as usize,
    }))
}

fn delimiter(section: &Section<'_>, delimiter: &Setting<'_>) -> Option<Framing> {
    let delimiter = delimiter.text("the bytes that end a message, such as \"\\n\"");
    let max = section.setting("max").map_or(Some(DEFAULT_MAX), |setting| setting.size(1..=MOST));
    Some(Framing::Delimiter(DelimiterFraming::new(delimiter?.as_bytes(), max? as usize)))
}
