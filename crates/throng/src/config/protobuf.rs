//! `codec = "protobuf"` and what goes with it: where the numbers of messages are, or which message is around them.

use throng_protobuf::{Defaults, SchemaError};
use throng_wire::{CodecSpec, ProtobufIds, ProtobufNames, ProtobufRule, ProtobufShape, ProtobufSpec};

use super::layers::Section;
use super::problem::{OtherFile, Place, Problem};
use super::setting::Setting;
use super::{fields, schema};

const DEFAULTS: [(&str, Defaults); 3] =
    [("scalars", Defaults::Scalars), ("all", Defaults::All), ("leave", Defaults::Leave)];
const NAMES: [(&str, ProtobufNames); 2] = [("full", ProtobufNames::Full), ("short", ProtobufNames::Short)];
const SHAPES: &str = "ids = \"game.v1.MsgId\" for the numbers of a header, \
     envelope = { type = \"Packet\", oneof = \"payload\" }, or envelope = { type = \"Packet\", name = \"name\", body = \"body\" }";
const IDS: &str = "an enum such as \"game.v1.MsgId\", { option = \"msg_id\" }, or messages and their numbers";

/// Whether the codec is this one.
pub(super) fn is_codec(section: &Section<'_>) -> bool {
    section.setting("codec").is_some_and(|codec| codec.node.value.as_text() == Some("protobuf"))
}

/// Whether `ids` names an enum or an option, and lists no numbers.
pub(super) fn has_rule(section: &Section<'_>) -> bool {
    is_codec(section) && section.setting("ids").is_some_and(|ids| is_rule(&ids))
}

fn is_rule(ids: &Setting<'_>) -> bool {
    !ids.is_table() || ids.section().is_some_and(|table| fields::has_rule(&table))
}

/// Reads the codec.
pub(super) fn read(
    section: &Section<'_>,
    files: Option<Setting<'_>>,
    envelope: Option<Section<'_>>,
    defaults: Option<Setting<'_>>,
) -> Option<CodecSpec> {
    let shape = match (envelope, section.has("ids")) {
        (Some(envelope), false) => self::envelope(&envelope),
        (None, true) => ids(section).map(ProtobufShape::Bare),
        (None, false) => refuse(section, "no envelope and no ids"),
        (Some(_), true) => refuse(section, "both an envelope and ids"),
    };
    let defaults = defaults.map_or(Some(Defaults::Scalars), |setting| setting.choice(&DEFAULTS));
    let Some(files) = files else {
        section.report(
            format!("`{}` is missing", section.path_of("schema")),
            "a .proto file or a folder of them",
        );
        return None;
    };
    let schema = schema::protobuf(&files);
    Some(CodecSpec::Protobuf(Box::new(ProtobufSpec { schema: schema?, shape: shape?, defaults: defaults? })))
}

fn refuse(section: &Section<'_>, kind: &str) -> Option<ProtobufShape> {
    section.report(format!("`{}` has {kind}", section.path), SHAPES);
    None
}

/// `ids = "MsgId"`, `{ send = "C2S", receive = "S2C" }`, `{ enum = "MsgId", prefix = "ID_" }`, `{ option = "msg_id" }`, or numbers, which are read elsewhere.
fn ids(section: &Section<'_>) -> Option<ProtobufIds> {
    let setting = section.setting("ids")?;
    let table = if setting.is_table() { setting.section() } else { None };
    let Some(table) = table.filter(fields::is_separate) else { return one_way(&setting) };
    // What is missing or unknown there is told where the numbers are read.
    let (send, receive) = (table.setting("send")?, table.setting("receive")?);
    let (send, receive) = (one_way(&send), one_way(&receive));
    Some(ProtobufIds::Separate { send: Box::new(send?), receive: Box::new(receive?) })
}

/// The numbers of one direction, or of both.
fn one_way(setting: &Setting<'_>) -> Option<ProtobufIds> {
    if !is_rule(setting) {
        return Some(ProtobufIds::Listed);
    }
    if !setting.is_table() {
        return Some(ProtobufIds::Enum { name: setting.text(IDS)?, rule: ProtobufRule::default() });
    }
    let table = setting.section()?;
    if let Some(option) = table.setting("option") {
        table.refuse_unknown();
        return Some(ProtobufIds::Option(
            option.text("the name of an option of messages, such as \"msg_id\"")?,
        ));
    }
    let name = table.required("enum", IDS).and_then(|setting| setting.text(IDS));
    let text = |key, wanted| match table.setting(key) {
        Some(setting) => setting.text(wanted),
        None => Some(String::new()),
    };
    let prefix = text("prefix", "what the enum's names begin with, such as \"ID_\"");
    let suffix = text("suffix", "what the enum's names end with, such as \"_ID\"");
    let message_prefix = text("message_prefix", "what messages begin with, such as \"Msg\"");
    let message_suffix = text("message_suffix", "what messages end with, such as \"Message\"");
    let package = text("package", "the package with the messages, such as \"game.v1\"");
    table.refuse_unknown();
    let rule = ProtobufRule {
        prefix: prefix?,
        suffix: suffix?,
        message_prefix: message_prefix?,
        message_suffix: message_suffix?,
        package: package?,
    };
    Some(ProtobufIds::Enum { name: name?, rule })
}

fn envelope(section: &Section<'_>) -> Option<ProtobufShape> {
    let ty = section.required("type", "the message around all others, such as \"Packet\"");
    let ty = ty.and_then(|setting| setting.text("the name of a message"));
    let field =
        |key: &'static str| section.setting(key).map(|setting| setting.text("a field of the envelope"));
    let (oneof, name, body, session) = (field("oneof"), field("name"), field("body"), field("session"));
    let names = section.setting("names").map(|setting| setting.choice(&NAMES));
    section.refuse_unknown();
    if [&oneof, &name, &body, &session].iter().any(|field| matches!(field, Some(None))) {
        return None;
    }
    let [oneof, name, body, session] = [oneof, name, body, session].map(Option::flatten);
    match (oneof, name, body, names) {
        (None, Some(name), Some(body), names) => {
            let names = names.unwrap_or(Some(ProtobufNames::Full))?;
            Some(ProtobufShape::Named { ty: ty?, name, body, session, names })
        }
        (oneof, None, None, None) => Some(ProtobufShape::Oneof { ty: ty?, oneof, session }),
        _ => {
            let wanted = "`oneof`, or `name` and `body`, which `names` goes with";
            section.report(format!("`{}` does not say where a message is", section.path), wanted);
            None
        }
    }
}

/// A mistake of a `.proto` file, shown where it is.
pub(super) fn problem(section: &Section<'_>, spec: &ProtobufSpec, error: &SchemaError) -> Problem {
    let line = spec
        .schema
        .iter()
        .find(|source| *source.name == *error.file)
        .and_then(|source| source.text.lines().nth((error.line as usize).checked_sub(1)?));
    let shown = |setting: Setting<'_>| schema::shown_file(&setting, &error.file);
    let place = OtherFile {
        name: section.setting("schema").map_or_else(|| error.file.to_string(), shown),
        line: error.line as usize,
        column: error.column as usize,
        text: line.unwrap_or_default().to_owned(),
    };
    let problem = Problem::new(Place::OtherFile(Box::new(place)), error.message.to_string());
    match &error.help {
        Some(help) => problem.wanted(help.to_string()),
        None => problem,
    }
}
