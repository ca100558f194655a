//! `[protocols.NAME]`: how robots and a server talk.
//!
//! The section is read into a `ProtocolSpec`; whether its parts go together, and with the schema, is for `throng-wire` to
//! say, and is shown here at the setting that is meant.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use throng_wire::{
    CodecSpec, DEFAULT_UNPACKED, FieldPlace, Fields, FirstSpec, Framing, HeartbeatSpec, KcpSpec, Limits,
    OnClose, OnMalformed, ProtobufError, ProtobufShape, ProtocolError, ProtocolSpec, RefusalSpec, ReplySpec,
    SprotoShape, SprotoSpec, WebSocketSpec,
};

use super::Pattern;
use super::layers::Section;
use super::nearest::nearest;
use super::own::Surroundings;
use super::problem::{Place, Problem};
use super::setting::{Refusal, Setting};
use super::{codec, fields, framing, kcp, own, protobuf, schema};

/// How the connections to some addresses talk.
#[derive(Debug, Clone)]
pub struct Protocol {
    /// Its name in `throng.toml`.
    pub name: String,
    /// The addresses that speak it, as patterns over `scheme://host:port`; the first protocol that fits is taken. Without
    /// any it is used by name, or everywhere if it is the only one.
    pub hosts: Vec<Pattern>,
    /// The file of its functions in Lua.
    pub lua: Option<PathBuf>,
    /// What the user described.
    pub spec: ProtocolSpec,
    /// The protocol, ready for use.
    pub wire: Arc<throng_wire::Protocol>,
    /// Where the section is.
    pub place: Place,
}

const ON_CLOSE: [(&str, OnClose); 3] =
    [("restart", OnClose::Restart), ("call", OnClose::Call), ("ignore", OnClose::Ignore)];
const ON_MALFORMED: [(&str, OnMalformed); 2] = [("skip", OnMalformed::Skip), ("close", OnMalformed::Close)];
const REPLY_RULES: [(&str, ReplyWord); 3] =
    [("session", ReplyWord::Session), ("fifo", ReplyWord::Fifo), ("none", ReplyWord::None)];
const REPLY_FORMS: &str = "\"session\", \"fifo\", \"none\", a field such as { header = \"seq\" }, \
     or a table of names such as { \"*Request\" = \"*Response\" }";
const HOSTS_FORMS: &str = "a pattern over addresses such as \"ws://*\", or a list of them";

/// What `connect` calls a connection without framing; no protocol can have the name.
const STREAM: &str = "stream";
const MOST_MAX_MESSAGE: u64 = 1 << 30;
/// The least and the most that a WebSocket handshake's head may be bounded to.
const HANDSHAKES: RangeInclusive<u64> = 256..=1 << 20;
/// Levels that a document may have at most.
const DEEPEST_DOCUMENT: i64 = 127;

#[derive(Clone, Copy)]
enum ReplyWord {
    Session,
    Fifo,
    None,
}

/// Reads `[protocols]`, one section for each name the user chose.
pub(super) fn read_all(section: &Section<'_>, own: &Surroundings<'_>) -> Vec<Protocol> {
    let mut protocols: Vec<Protocol> = Vec::new();
    for (name, place, setting) in section.chosen() {
        if !is_name(name) {
            let problem = Problem::new(place.clone(), format!("`{name}` cannot be a protocol's name"));
            let wanted = "letters, digits and `_`; `stream` has a meaning of its own";
            section.layers.report(problem.wanted(wanted));
        }
        let Some(body) = setting.section() else { continue };
        protocols.extend(read(name, place, &body, own));
    }
    refuse_shared_hosts(section, &protocols);
    protocols
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name != STREAM && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn read(name: &str, place: &Place, section: &Section<'_>, own: &Surroundings<'_>) -> Option<Protocol> {
    let before = section.layers.problem_count();
    let hosts = section.setting("hosts").map(|setting| hosts(&setting)).unwrap_or_default();
    let lua = section.setting("lua").and_then(|setting| own.read(name, &setting));
    if lua.is_none() && section.has("lua") {
        // What else is missing cannot be told without it.
        return None;
    }
    let functions = lua.as_ref().map(|lua| lua.functions).unwrap_or_default();
    let framing = match section.setting("framing") {
        _ if functions.robots.framing => own::framing(section),
        Some(setting) => framing::read(&setting),
        None => section.optional_section("framing").and_then(|table| framing::from_table(&table)),
    };
    let (framing, header) = fields::split(framing);
    let trailer = section.setting("trailer").and_then(|setting| fields::fields(&setting));
    let (ids, ids_received) = match protobuf::has_rule(section) {
        true => (None, None),
        false => fields::ids(section, protobuf::is_codec(section)),
    };
    let codec = match functions.robots.has_codec() && !section.has("codec") {
        true => Some(CodecSpec::Own),
        false => codec::read(section, section.has("ids")),
    };
    let (reply, failed) = reply(section, codec.as_ref());
    let error = section.optional_section("error").and_then(|table| fields::error(&table));
    let compression = section.optional_section("compress").and_then(|table| fields::compression(&table));
    let first = section.optional_section("first").and_then(|table| first(&table));
    let heartbeat = section.optional_section("heartbeat").and_then(|table| heartbeat(&table));
    let on_close = section.setting("on_close").and_then(|setting| setting.choice(&ON_CLOSE));
    let on_malformed = section.setting("on_malformed").and_then(|setting| setting.choice(&ON_MALFORMED));
    let request_timeout = section.setting("request_timeout").and_then(|setting| setting.positive_duration());
    let websocket = websocket(section);
    let limits = limits(section, codec.as_ref());
    let kcp = section.optional_section("kcp").map(|table| kcp::read(&table)).unwrap_or_default();
    section.refuse_unknown();
    refuse_missing_framing(section, &hosts, (framing.as_ref(), header.as_ref()), &kcp);
    refuse_two_refusals(section, failed.as_ref(), error.as_ref());
    if section.layers.problem_count() > before {
        return None;
    }
    let blank = ProtocolSpec::new(name, codec?);
    let spec = ProtocolSpec {
        framing,
        header,
        trailer: trailer.unwrap_or_default(),
        websocket,
        kcp,
        own: functions.robots,
        server: functions.server,
        ids,
        ids_received,
        compression,
        refusal: failed.or(error),
        first,
        reply,
        heartbeat,
        on_close: on_close.unwrap_or_default(),
        on_malformed: on_malformed.unwrap_or_default(),
        limits,
        request_timeout: request_timeout.unwrap_or(blank.request_timeout),
        ..blank
    };
    match throng_wire::Protocol::build(spec.clone()) {
        Ok(wire) => {
            let (name, place, lua) = (name.to_owned(), place.clone(), lua.map(|lua| lua.path));
            Some(Protocol { name, hosts, lua, spec, wire: Arc::new(wire), place })
        }
        Err(error) => {
            section.layers.report(build_problem(section, &spec, &error));
            None
        }
    }
}

/// Patterns over addresses.
pub(super) fn hosts(setting: &Setting<'_>) -> Vec<Pattern> {
    let read = |element: Setting<'_>| {
        element.read(HOSTS_FORMS, |value| {
            let text = value.as_text().ok_or(Refusal::Kind)?;
            let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
            match (text, scheme) {
                ("*", _) | (_, "tcp" | "tls" | "ws" | "wss" | "udp" | "kcp" | "*") => Ok(Pattern::new(text)),
                (_, "") => Err(Refusal::Value("it has no scheme".to_owned())),
                (_, scheme) => Err(Refusal::Value(format!("{scheme:?} is not a scheme throng speaks"))),
            }
        })
    };
    setting.elements().into_iter().filter_map(read).collect()
}

/// Whether addresses that fit the pattern have no messages of their own; over KCP that is a setting.
fn is_stream(pattern: &str, kcp: &KcpSpec) -> bool {
    let is = |scheme| pattern.starts_with(scheme);
    is("tcp://") || is("tls://") || kcp.stream && is("kcp://")
}

/// A stream of bytes says nothing about where its messages end.
fn refuse_missing_framing(
    section: &Section<'_>,
    hosts: &[Pattern],
    (framing, header): (Option<&Framing>, Option<&Fields>),
    kcp: &KcpSpec,
) {
    let Some(host) = hosts.iter().find(|pattern| is_stream(pattern.as_str(), kcp)) else { return };
    let wanted = "{ length = \"u16be\" }, { delimiter = \"\\n\" } or { fixed = 16 }";
    let (path, host) = (section.path_of("framing"), host.as_str());
    match framing {
        None if !section.has("framing") => {
            section.report(format!("`{path}` is missing: {host} is a stream"), wanted);
        }
        Some(Framing::Message) if header.is_some() => {
            let title = format!("`{path}` has no field `len`: {host} is a stream");
            let problem = Problem::new(section.place_of("framing"), title);
            section
                .layers
                .report(problem.wanted("a length among the header's fields, such as \"len:u16be\""));
        }
        Some(Framing::Message) => {
            let title = format!("`{path}` cannot be \"message\": {host} is a stream");
            section.layers.report(Problem::new(section.place_of("framing"), title).wanted(wanted));
        }
        _ => {}
    }
}

fn websocket(section: &Section<'_>) -> WebSocketSpec {
    let blank = WebSocketSpec::default();
    let max_message = section.setting("max_message").and_then(|setting| setting.size(1..=MOST_MAX_MESSAGE));
    let text = section.setting("text").and_then(|setting| setting.boolean());
    let max_handshake = section.setting("max_handshake").and_then(|setting| setting.size(HANDSHAKES));
    WebSocketSpec {
        max_message: max_message.map_or(blank.max_message, |bytes| bytes as usize),
        max_handshake: max_handshake.map_or(blank.max_handshake, |bytes| bytes as usize),
        text: text.unwrap_or(blank.text),
        ..blank
    }
}

/// What bounds messages beside their framing. No codec reads deeper than its own limit, which can only be lowered.
fn limits(section: &Section<'_>, codec: Option<&CodecSpec>) -> Limits {
    let deepest = match codec {
        None | Some(CodecSpec::Raw | CodecSpec::Own) => 1,
        Some(CodecSpec::Sproto(_)) => i64::from(throng_sproto::MAX_DEPTH),
        Some(CodecSpec::Protobuf(_)) => i64::from(throng_protobuf::MAX_DEPTH),
        Some(CodecSpec::Document(_)) => DEEPEST_DOCUMENT,
    };
    let (depth, unpacked) = (section.setting("max_depth"), section.setting("max_unpacked"));
    let (sproto, raw) = (
        matches!(codec, Some(CodecSpec::Sproto(_)) | None),
        matches!(codec, Some(CodecSpec::Raw | CodecSpec::Own)),
    );
    for (setting, means, wanted) in [
        (&depth, !raw, "codec = \"sproto\", \"protobuf\", \"json\" or \"msgpack\""),
        (&unpacked, sproto, "codec = \"sproto\""),
    ] {
        if let Some(setting) = setting.as_ref().filter(|_| !means) {
            setting.refuse(format!("`{}` means nothing to this codec", setting.path), wanted);
        }
    }
    let depth = depth.filter(|_| !raw && codec.is_some()).and_then(|depth| depth.whole(1..=deepest));
    let unpacked = unpacked.filter(|_| sproto).and_then(|unpacked| unpacked.size(1..=MOST_MAX_MESSAGE));
    Limits {
        depth: depth.map(|depth| depth as u32),
        unpacked: unpacked.map_or(DEFAULT_UNPACKED, |bytes| bytes as usize),
    }
}

/// `first = { codec = "raw", reply = "fifo", count = 1 }`.
fn first(section: &Section<'_>) -> Option<Box<FirstSpec>> {
    let codec = codec::read(section, false);
    let (reply, _) = reply(section, codec.as_ref());
    let count = section.setting("count").map_or(Some(1), |setting| setting.whole(1..=1 << 20));
    section.refuse_unknown();
    Some(Box::new(FirstSpec { codec: codec?, reply, count: count? as u32 }))
}

fn refuse_two_refusals(section: &Section<'_>, failed: Option<&RefusalSpec>, error: Option<&RefusalSpec>) {
    if failed.is_some() && error.is_some() {
        let title = format!(
            "`{}` and `{}` both say which replies fail",
            section.path_of("reply"),
            section.path_of("error")
        );
        section.layers.report(Problem::new(section.place_of("error"), title).wanted("one of them"));
    }
}

/// The reply rule, and which replies say no where it tells; only codecs with sessions have one when nothing is said.
fn reply(section: &Section<'_>, codec: Option<&CodecSpec>) -> (Option<ReplySpec>, Option<RefusalSpec>) {
    let Some(setting) = section.setting("reply") else {
        let has_session = match codec {
            None => true,
            Some(CodecSpec::Sproto(sproto)) => matches!(sproto.shape, SprotoShape::Rpc { .. }),
            Some(CodecSpec::Document(document)) => document.session.is_some(),
            Some(CodecSpec::Protobuf(protobuf)) => has_session(&protobuf.shape),
            Some(CodecSpec::Raw | CodecSpec::Own) => false,
        };
        if !has_session {
            section.report(format!("`{}` is missing", section.path_of("reply")), REPLY_FORMS);
        }
        return (None, None);
    };
    if setting.is_table() {
        let by_field = setting.section().and_then(|table| fields::reply(&table));
        return match by_field {
            Some(Some((reply, failed))) => (Some(reply), failed),
            Some(None) => (None, None),
            None => (names(&setting), None),
        };
    }
    if setting.node.value.as_text().is_none() {
        setting.refuse(format!("`{}` is of the wrong type", setting.path), REPLY_FORMS);
        return (None, None);
    }
    let rule = setting.choice(&REPLY_RULES).map(|word| match word {
        ReplyWord::Session => ReplySpec::Session,
        ReplyWord::Fifo => ReplySpec::Fifo,
        ReplyWord::None => ReplySpec::None,
    });
    (rule, None)
}

fn names(setting: &Setting<'_>) -> Option<ReplySpec> {
    let section = setting.section()?;
    let wanted = "the reply's type name, with `*` for what stands for `*` in the request's";
    let pairs: Vec<(String, String)> = section
        .chosen()
        .into_iter()
        .filter_map(|(request, _, reply)| Some((request.to_owned(), reply.text(wanted)?)))
        .collect();
    if pairs.is_empty() {
        setting.refuse(format!("`{}` is empty", setting.path), REPLY_FORMS);
        return None;
    }
    Some(ReplySpec::Name(pairs))
}

fn heartbeat(section: &Section<'_>) -> Option<HeartbeatSpec> {
    let send = section.required("send", "the name of the message");
    let every = section.required("every", "how often, such as \"5s\"");
    section.refuse_unknown();
    let send = send.and_then(|setting| setting.text("the name of the message"));
    let every = every.and_then(|setting| setting.positive_duration());
    Some(HeartbeatSpec { send: send?, every: every? })
}

/// What `throng-wire` says about a description, at the setting it is about.
fn build_problem(section: &Section<'_>, spec: &ProtocolSpec, error: &ProtocolError) -> Problem {
    use ProtocolError as E;
    match (error, &spec.codec) {
        (E::Schema(error), CodecSpec::Sproto(sproto)) => return schema::problem(&sproto.schema, error),
        (E::Protobuf(ProtobufError::Schema(error)), CodecSpec::Protobuf(spec)) => {
            return protobuf::problem(section, spec, error);
        }
        _ => {}
    }
    let key = match error {
        E::Schema(_) | E::Protobuf(ProtobufError::Schema(_)) => "schema",
        E::Protobuf(ProtobufError::Ids(_) | ProtobufError::NoIds) => "ids",
        E::Protobuf(_) => "envelope",
        E::UnknownEnvelope { .. } | E::UnknownField { .. } | E::NotBytes { .. } | E::SameField { .. } => {
            "envelope"
        }
        E::UnknownPackage { .. } | E::Package(_) | E::NoSession => "package",
        E::UnknownHeartbeat { .. } | E::RawHeartbeat => "heartbeat",
        E::ReplyRule { .. } | E::Patterns(_) => "reply",
        E::Framing(_) | E::HeaderInPayload | E::SameFieldName { .. } => "framing",
        E::UnknownId { .. } | E::SameId { .. } | E::WideId { .. } | E::NoIdField | E::NoIds => "ids",
        E::UnknownEnd { .. } if matches!(spec.reply, Some(ReplySpec::Field { .. })) => "reply",
        E::UnknownEnd { place: FieldPlace::Header | FieldPlace::Trailer, .. }
        | E::Flag { .. }
        | E::PackedCompression => "compress",
        E::VarintTrailer => "trailer",
        E::Own(_) => "lua",
        E::UnknownRefusal { .. } => "error",
        E::First(_) => "first",
        E::Kcp(_) => "kcp",
        E::ZeroTime { .. } => "request_timeout",
    };
    let problem = |place| Problem::new(place, format!("`{}`: {error}", section.path_of(key)));
    match error.unknown_name() {
        Some((name, candidates)) => {
            let problem = problem(section.place_naming(key, name))
                .nearest(nearest(name, candidates.iter().map(String::as_str)));
            if candidates.is_empty() {
                problem
            } else {
                problem.wanted(format!("one of {}", listed(candidates)))
            }
        }
        None if key == "reply" => problem(section.place_of(key)).wanted(reply_forms(&spec.codec)),
        None => problem(section.place_of(key)),
    }
}

/// Whether an envelope of Protocol Buffers has a field for the session.
fn has_session(shape: &ProtobufShape) -> bool {
    match shape {
        ProtobufShape::Named { session, .. } | ProtobufShape::Oneof { session, .. } => session.is_some(),
        ProtobufShape::Bare(_) => false,
    }
}

/// The reply rules that go with a codec.
fn reply_forms(codec: &CodecSpec) -> &'static str {
    match codec {
        CodecSpec::Own => {
            "\"session\" and a table of names, which need the function `head`, or \"fifo\" or \"none\""
        }
        CodecSpec::Raw => "a field such as { header = \"seq\" }, \"fifo\" or \"none\"",
        CodecSpec::Sproto(SprotoSpec { shape: SprotoShape::Rpc { .. }, .. }) => "\"session\" or \"none\"",
        CodecSpec::Document(document) if document.session.is_some() => "\"session\" or \"none\"",
        CodecSpec::Protobuf(protobuf) if has_session(&protobuf.shape) => "\"session\" or \"none\"",
        CodecSpec::Sproto(_) | CodecSpec::Document(_) | CodecSpec::Protobuf(_) => {
            "a table of names such as { \"*Request\" = \"*Response\" }, a field such as { header = \"seq\" }, \
             \"fifo\" or \"none\""
        }
    }
}

/// The first names of a list that may be long.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown}, ... ({} in all)", names.len()) } else { shown }
}

/// Two protocols with the same pattern could both be meant by an address.
fn refuse_shared_hosts(section: &Section<'_>, protocols: &[Protocol]) {
    for (index, later) in protocols.iter().enumerate() {
        for earlier in &protocols[..index] {
            if let Some(host) = later.hosts.iter().find(|host| earlier.hosts.contains(host)) {
                let title =
                    format!("`{}` and `{}` both have hosts {:?}", earlier.name, later.name, host.as_str());
                let problem = Problem::new(later.place.clone(), title);
                section.layers.report(problem.wanted("each address pattern in one protocol"));
            }
        }
    }
}
