//! What stands around a protocol's bodies: header and trailer fields, numbers of messages, compression, and which replies
//! say no.

use throng_wire::{
    Comparison, CompressionSpec, Compressor, Covers, FieldPlace, FieldSpec, Fields, Framing, HeaderFraming,
    Operator, RefusalSpec, ReplySpec,
};

use super::layers::Section;
use super::raw::Value;
use super::setting::{Refusal, Setting};

const FIELDS_FORMS: &str = "a list of fields such as [\"len:u16be\", \"id:u16be\", \"seq:u32be\"], \
                            or { send = [...], receive = [...] }";
const FIELD_FORMS: &str = "`name:type` or `name:type=value`, with a type of u8, u16be, u24le, u32be, u64le, i32be, varint, \
                           or a number of bytes for `_`";
const COVERS: [(&str, Covers); 3] = [("body", Covers::Body), ("all", Covers::All), ("rest", Covers::Rest)];
const COMPRESSORS: [(&str, Compressor); 3] =
    [("zlib", Compressor::Zlib), ("zstd", Compressor::Zstd), ("lz4", Compressor::Lz4)];
const COMPRESS_FORMS: &str = "{ zlib = { above = \"1KB\", flag = \"id:0x8000\" } }, with zlib, zstd or lz4";
/// How large a compressed body may become when nothing is said.
const DEFAULT_INFLATED: u64 = throng_wire::DEFAULT_MAX as u64;
const MOST: u64 = 1 << 30;

/// `framing = { header = [...], len_covers = "body", max = "64KB" }`.
pub(super) fn header(section: &Section<'_>, header: &Setting<'_>) -> Option<Framing> {
    let fields = fields(header);
    let covers = section.setting("len_covers").map_or(Some(Covers::Body), |setting| setting.choice(&COVERS));
    let max = section.setting("max").map(|setting| setting.size(1..=MOST));
    let Fields { send, receive } = fields?;
    let default = HeaderFraming::default_max(&receive).max(HeaderFraming::default_max(&send));
    let max = max.unwrap_or(Some(default as u64))? as usize;
    Some(Framing::Header(Box::new(HeaderFraming {
        send: send.into(),
        receive: receive.into(),
        covers: covers?,
        max,
    })))
}

/// The framing of a header: with a length it cuts a stream, without one the messages below are frames.
pub(super) fn split(framing: Option<Framing>) -> (Option<Framing>, Option<Fields>) {
    match framing {
        Some(Framing::Header(header)) if !has_length(&header.send) && !has_length(&header.receive) => {
            let HeaderFraming { send, receive, .. } = *header;
            (Some(Framing::Message), Some(Fields { send: send.into(), receive: receive.into() }))
        }
        framing => (framing, None),
    }
}

fn has_length(fields: &[FieldSpec]) -> bool {
    fields.iter().any(|field| &*field.name == "len")
}

/// Fields for both directions, or for each.
pub(super) fn fields(setting: &Setting<'_>) -> Option<Fields> {
    if !setting.is_table() {
        let fields = list(setting)?;
        return Some(Fields { send: fields.clone(), receive: fields });
    }
    let section = setting.section()?;
    let side = |key| section.setting(key).map_or(Some(Vec::new()), |setting| list(&setting));
    let (send, receive) = (side("send"), side("receive"));
    section.refuse_unknown();
    let fields = Fields { send: send?, receive: receive? };
    if fields.is_empty() {
        setting.refuse(format!("`{}` has no fields", setting.path), FIELDS_FORMS);
        return None;
    }
    Some(fields)
}

fn list(setting: &Setting<'_>) -> Option<Vec<FieldSpec>> {
    let read = |element: &Setting<'_>| {
        element.read(FIELD_FORMS, |value| {
            let text = value.as_text().ok_or(Refusal::Kind)?;
            text.parse().map_err(|error: throng_wire::FieldError| Refusal::Value(error.reason.to_owned()))
        })
    };
    let elements = setting.elements();
    let fields: Vec<FieldSpec> = elements.iter().filter_map(read).collect();
    (fields.len() == elements.len()).then_some(fields)
}

/// The numbers of messages, `ids = { Login = 1001 }`, or `ids = { send = { Login = 1 }, receive = { Welcome = 1 } }`; with
/// `rules` of a direction whose numbers stand elsewhere nothing.
pub(super) fn ids(section: &Section<'_>, rules: bool) -> (Option<Pairs>, Option<Pairs>) {
    let Some(ids) = section.optional_section("ids") else { return (None, None) };
    if !is_separate(&ids) {
        return (numbers(&ids), None);
    }
    let side = |key| {
        let setting = ids.required(key, "messages and their numbers, { Login = 1001 }")?;
        let table = if rules && !setting.is_table() { None } else { setting.section() };
        table.filter(|table| !rules || !has_rule(table)).and_then(|table| numbers(&table))
    };
    let both = (side("send"), side("receive"));
    ids.refuse_unknown();
    both
}

/// Messages and their numbers.
pub(super) type Pairs = Vec<(String, i64)>;

/// Whether `ids` has a table for each direction; a message may be called `send` too.
pub(super) fn is_separate(ids: &Section<'_>) -> bool {
    let is_rule =
        |key| ids.setting(key).is_some_and(|setting| !matches!(setting.node.value, Value::Integer(_)));
    is_rule("send") || is_rule("receive")
}

/// Whether `ids`, or one direction of it, names an enum or an option, and lists no numbers.
pub(super) fn has_rule(ids: &Section<'_>) -> bool {
    let is_text = |key| ids.setting(key).is_some_and(|setting| setting.node.value.as_text().is_some());
    is_text("enum") || is_text("option")
}

fn numbers(section: &Section<'_>) -> Option<Pairs> {
    let number = |(name, _, setting): (&str, _, Setting<'_>)| {
        Some((name.to_owned(), setting.whole(i64::MIN..=i64::MAX)?))
    };
    let chosen = section.chosen();
    let (wanted, ids) = (chosen.len(), chosen.into_iter().filter_map(number).collect::<Vec<_>>());
    if wanted == 0 {
        section
            .report(format!("`{}` is empty", section.path), "messages and their numbers, { Login = 1001 }");
    }
    (ids.len() == wanted && wanted > 0).then_some(ids)
}

/// `reply = { header = "seq" }` or `{ trailer = "session", failed = "ok == 0" }`, if the table is one of them.
pub(super) fn reply(section: &Section<'_>) -> Option<Option<(ReplySpec, Option<RefusalSpec>)>> {
    let (place, setting) = match (section.setting("header"), section.setting("trailer")) {
        (Some(header), None) => (FieldPlace::Header, header),
        (None, Some(trailer)) => (FieldPlace::Trailer, trailer),
        (None, None) => return None,
        (Some(_), Some(trailer)) => {
            trailer.refuse(format!("`{}` has a header and a trailer", section.path), "one of them");
            return Some(None);
        }
    };
    let name = setting.text("the field with the session");
    let failed = section.setting("failed").map(|setting| failed(&setting));
    section.refuse_unknown();
    let read =
        || Some((ReplySpec::Field { place, name: name? }, failed.map_or(Some(None), |read| read.map(Some))?));
    Some(read())
}

/// `"ok == 0"`.
fn failed(setting: &Setting<'_>) -> Option<RefusalSpec> {
    let wanted = "a field and a comparison, such as \"ok == 0\"";
    let text = setting.text(wanted)?;
    let split = text.find(['=', '!', '<', '>', ' ']).unwrap_or(text.len());
    let (field, comparison) = text.split_at(split);
    match comparison.parse() {
        Ok(refused) if !field.is_empty() => Some(RefusalSpec { field: field.to_owned(), refused }),
        _ => {
            setting.refuse(format!("`{}` is no comparison", setting.path), wanted);
            None
        }
    }
}

/// `error = { field = "code", ok = 0 }`.
pub(super) fn error(section: &Section<'_>) -> Option<RefusalSpec> {
    let field = section.required("field", "the field that says no");
    let ok = section.setting("ok").map_or(Some(0), |setting| setting.whole(i64::MIN..=i64::MAX));
    section.refuse_unknown();
    let field = field?.text("the field that says no")?;
    Some(RefusalSpec { field, refused: Comparison { operator: Operator::NotEqual, value: ok? } })
}

/// `compress = { zlib = { above = "1KB", flag = "id:0x8000" } }`.
pub(super) fn compression(section: &Section<'_>) -> Option<CompressionSpec> {
    let mut found = COMPRESSORS.iter().filter_map(|(word, compressor)| {
        let table = section.optional_section(word)?;
        Some((*compressor, table))
    });
    let one = found.next();
    if found.next().is_some() {
        section.report(format!("`{}` has more than one compression", section.path), COMPRESS_FORMS);
        return None;
    }
    let Some((compressor, table)) = one else {
        if !section.refuse_unknown() {
            section.report(format!("`{}` is empty", section.path), COMPRESS_FORMS);
        }
        return None;
    };
    let above = table.setting("above").map_or(Some(0), |setting| setting.size(0..=MOST));
    let max = table.setting("max").map_or(Some(DEFAULT_INFLATED), |setting| setting.size(1..=MOST));
    let flag = table.setting("flag").map(|setting| flag(&setting));
    table.refuse_unknown();
    section.refuse_unknown();
    let flag = match flag {
        Some(flag) => Some(flag?),
        None => None,
    };
    Some(CompressionSpec { compressor, above: above? as usize, flag, max: max? as usize })
}

/// `"id:0x8000"`.
fn flag(setting: &Setting<'_>) -> Option<(String, i64)> {
    setting.read("a header field and its bits, such as \"id:0x8000\"", |value| {
        let text = value.as_text().ok_or(Refusal::Kind)?;
        let refuse = || Refusal::Value("it is not `field:bits`".to_owned());
        let (field, bits) = text.split_once(':').ok_or_else(refuse)?;
        let bits = match bits.trim().strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok().map(u64::cast_signed),
            None => bits.trim().parse().ok(),
        };
        Ok((field.trim().to_owned(), bits.ok_or_else(refuse)?))
    })
}
