//! `protocols.NAME.codec` and what goes with it: what a message is.

use throng_wire::{CodecSpec, DocumentForm, DocumentSpec, SprotoShape, SprotoSpec};

use super::layers::Section;
use super::problem::Problem;
use super::setting::Setting;
use super::{protobuf, schema};

const CODECS: [(&str, CodecName); 5] = [
    ("sproto", CodecName::Sproto),
    ("protobuf", CodecName::Protobuf),
    ("json", CodecName::Json),
    ("msgpack", CodecName::Msgpack),
    ("raw", CodecName::Raw),
];
const FORMS: &str = "\"sproto\", \"protobuf\", \"json\", \"msgpack\" or \"raw\"";
const SCHEMA_FORMS: &str = "a schema file, a folder of them, or { send = \"...\", receive = \"...\" }";

#[derive(Clone, Copy, PartialEq, Eq)]
enum CodecName {
    Raw,
    Sproto,
    Protobuf,
    Json,
    Msgpack,
}

impl CodecName {
    fn word(self) -> &'static str {
        match self {
            CodecName::Raw => "raw",
            CodecName::Sproto => "sproto",
            CodecName::Protobuf => "protobuf",
            CodecName::Json => "json",
            CodecName::Msgpack => "msgpack",
        }
    }
}

/// Reads the codec; `numbered` says whether a header's numbers tell messages apart.
pub(super) fn read(section: &Section<'_>, numbered: bool) -> Option<CodecSpec> {
    let name = section.required("codec", FORMS).and_then(|setting| setting.choice(&CODECS));
    let schema = section.setting("schema");
    let envelope = section.optional_section("envelope");
    let package = section.setting("package");
    let defaults = section.setting("defaults");
    let json = section.optional_section("json");
    let msgpack = section.optional_section("msgpack");
    let name = name?;
    refuse_foreign(section, name);
    match name {
        CodecName::Raw => Some(CodecSpec::Raw),
        CodecName::Protobuf => protobuf::read(section, schema, envelope, defaults),
        CodecName::Json => document(DocumentForm::Json, json),
        CodecName::Msgpack => document(DocumentForm::Msgpack, msgpack),
        CodecName::Sproto => {
            let shape = shape(section, envelope, package, numbered);
            let Some(schema) = schema else {
                section.report(format!("`{}` is missing", section.path_of("schema")), SCHEMA_FORMS);
                return None;
            };
            let schema = schema::read(&schema);
            Some(CodecSpec::Sproto(SprotoSpec { schema: schema?, shape: shape?, packed: None }))
        }
    }
}

/// Settings of other codecs mean nothing.
fn refuse_foreign(section: &Section<'_>, name: CodecName) {
    for (key, codecs) in [
        ("schema", &[CodecName::Sproto, CodecName::Protobuf][..]),
        ("package", &[CodecName::Sproto]),
        ("envelope", &[CodecName::Sproto, CodecName::Protobuf]),
        ("defaults", &[CodecName::Protobuf]),
        ("json", &[CodecName::Json]),
        ("msgpack", &[CodecName::Msgpack]),
    ] {
        if !codecs.contains(&name) && section.has(key) {
            let title = format!("`{}` means nothing to codec \"{}\"", section.path_of(key), name.word());
            let problem = Problem::new(section.place_of(key), title);
            section.layers.report(problem.wanted(words(codecs)));
        }
    }
}

/// `codec = "sproto"` or `codec = "protobuf"`.
fn words(codecs: &[CodecName]) -> String {
    let words: Vec<String> = codecs.iter().map(|codec| format!("codec = \"{}\"", codec.word())).collect();
    words.join(" or ")
}

/// `json = { name = "cmd", session = "seq", body = "data" }`.
fn document(form: DocumentForm, section: Option<Section<'_>>) -> Option<CodecSpec> {
    let Some(section) = section else {
        return Some(CodecSpec::Document(DocumentSpec { form, name: None, session: None, body: None }));
    };
    let key = |key, what| section.setting(key).map(|setting| setting.text(what));
    let name = key("name", "the key of a message's name, such as \"cmd\"");
    let session = key("session", "the key of its session, such as \"seq\"");
    let body = key("body", "the key of its body, such as \"data\"");
    section.refuse_unknown();
    let keys = [name, session, body];
    if keys.iter().any(|key| matches!(key, Some(None))) {
        return None;
    }
    let [name, session, body] = keys.map(Option::flatten);
    let given: Vec<&String> = [&name, &session, &body].into_iter().flatten().collect();
    if given.iter().enumerate().any(|(index, key)| given[..index].contains(key)) {
        section.report(format!("`{}` has one key for two things", section.path), "three different keys");
        return None;
    }
    Some(CodecSpec::Document(DocumentSpec { form, name, session, body }))
}

fn shape(
    section: &Section<'_>,
    envelope: Option<Section<'_>>,
    package: Option<Setting<'_>>,
    numbered: bool,
) -> Option<SprotoShape> {
    let kind = match (envelope, package) {
        (Some(envelope), None) => return self::envelope(&envelope),
        (None, Some(package)) => {
            let package = package.text("the name of the header's type, such as \"package\"")?;
            return Some(SprotoShape::Rpc { package });
        }
        (None, None) if numbered => return Some(SprotoShape::Bare),
        (None, None) => "no envelope and no package",
        (Some(_), Some(_)) => "both an envelope and a package",
    };
    let wanted = "envelope = { type = \"Msg\", name = \"Name\", body = \"Bin\" }, or package = \"package\" for Sproto RPC";
    section.report(format!("`{}` has {kind}", section.path), wanted);
    None
}

fn envelope(section: &Section<'_>) -> Option<SprotoShape> {
    let text = |key, what| section.required(key, what).and_then(|setting| setting.text(what));
    let ty = text("type", "the type that carries every message, such as \"Msg\"");
    let name = text("name", "its field with the message's type name, such as \"Name\"");
    let body = text("body", "its field with the encoded message, such as \"Bin\"");
    section.refuse_unknown();
    Some(SprotoShape::Envelope { ty: ty?, name: name?, body: body? })
}
