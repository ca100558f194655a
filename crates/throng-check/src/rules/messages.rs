//! Names of messages, in requests, sends, watches and handlers, and the bodies that go with them.

use super::{Scope, bodies};
use crate::api::ClassId;
use crate::draft::Draft;
use crate::infer::{Link, Type};
use crate::lua::{ExprId, ExprKind, FieldKey, Name};
use crate::messages::{Codec, Direction};
use crate::nearest::{is_slip, nearest};

/// How sure it is that a call is one of ours.
enum Receiver {
    Connection(Link),
    /// A mod, which listens on one connection or on all.
    Mod(Option<Link>),
    /// A fake server of a test, or a client of one.
    Server,
    Unknown,
}

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    for id in scope.chunk().expr_ids() {
        if let ExprKind::Method { base, name, args } = scope.chunk().kind(id) {
            call(scope, *base, &name.text, args, out);
        }
    }
    shorthand_handlers(scope, out);
}

fn call(scope: &Scope<'_>, base: ExprId, method: &str, args: &[ExprId], out: &mut Vec<Draft>) {
    if let (Some(direction), Some(first)) = (in_test(scope, base, method), args.first()) {
        let name = scope.chunk().constant(*first).map(|text| Name { text, span: scope.chunk().span(*first) });
        return out.extend(name.and_then(|name| check_name(scope, &Receiver::Server, direction, &name)));
    }
    let (Some(direction), Some(first)) = (direction_of(method), args.first()) else { return };
    let Some(receiver) = receiver(scope, base, method, args) else { return };
    let names = match direction {
        Direction::Send => {
            scope.chunk().constant(*first).map(|text| Name { text, span: scope.chunk().span(*first) })
        }
        _ => None,
    };
    let names = match direction {
        Direction::Send => names.into_iter().collect(),
        _ => scope.file.names_in(*first),
    };
    for name in &names {
        out.extend(check_name(scope, &receiver, direction, name));
    }
    if let (Direction::Send, Receiver::Connection(link), Some(options)) = (direction, &receiver, args.get(2))
    {
        header(scope, link, *options, out);
    }
    if let ([name], Direction::Send, Some(body)) = (names.as_slice(), direction, args.get(1)) {
        let link = match &receiver {
            Receiver::Connection(link) => Some(link),
            Receiver::Unknown if method != "send" => None,
            _ => return,
        };
        if let Some((protocol, message)) = scope.infer.message(link, &name.text) {
            bodies::check(scope, protocol, message, *body, out);
        }
    }
}

/// Fields around a message that its protocol does not have, or fills itself.
fn header(scope: &Scope<'_>, link: &Link, options: ExprId, out: &mut Vec<Draft>) {
    let table = |table: ExprId| scope.chunk().table_of(table).map(|(_, fields)| fields);
    let given = table(options).into_iter().flatten().find(|field| field.is_named("header"));
    let Some(given) = given.and_then(|field| table(field.value)) else { return };
    let ids = scope.infer.protocols_of(Some(link));
    let protocols = || ids.iter().map(|id| &scope.project.messages.protocols[*id]);
    let known = || protocols().flat_map(|protocol| protocol.header.iter().map(String::as_str));
    if ids.is_empty() {
        return;
    }
    for field in given {
        let FieldKey::Name(name) = &field.key else { continue };
        if known().any(|known| known == name.text) {
            continue;
        }
        let message = format!("no field `{}` around a message that is sent can be given a value", name.text);
        let draft = Draft::error(name.span, message);
        let suggestions = nearest(&name.text, known());
        let names: Vec<String> = known().map(|name| format!("`{name}`")).collect();
        out.push(match (suggestions.is_empty(), names.is_empty()) {
            (false, _) => draft.suggest(suggestions),
            (true, false) => draft.help(format!("the fields: {}", names.join(", "))),
            (true, true) => draft.help("the protocol has none that a script gives"),
        });
    }
}

/// Which way the messages go, seen from the robot, that a fake server names.
fn in_test(scope: &Scope<'_>, base: ExprId, method: &str) -> Option<Direction> {
    match (scope.type_of(base), method) {
        (Type::Object(ClassId::Server), "on" | "count" | "received") => Some(Direction::Send),
        (Type::Object(ClassId::Client), "reply") => Some(Direction::Send),
        (Type::Object(ClassId::Server | ClassId::Client), "push") => Some(Direction::Receive),
        _ => None,
    }
}

fn direction_of(method: &str) -> Option<Direction> {
    match method {
        "request" | "try_request" | "send" => Some(Direction::Send),
        "watch" | "expect" | "on" => Some(Direction::Receive),
        _ => None,
    }
}

fn receiver(scope: &Scope<'_>, base: ExprId, method: &str, args: &[ExprId]) -> Option<Receiver> {
    match (scope.type_of(base), method) {
        (Type::Object(ClassId::Mod), "on") => {
            let connection = args.get(1).and_then(|options| option(scope, *options, "connection"));
            Some(Receiver::Mod(connection.map(|name| scope.infer.connection(&name))))
        }
        (_, "on") => None,
        (Type::Connection(link), _) => Some(Receiver::Connection(link)),
        (Type::Unknown, "request" | "try_request" | "watch" | "expect") => Some(Receiver::Unknown),
        _ => None,
    }
}

fn option(scope: &Scope<'_>, options: ExprId, name: &str) -> Option<String> {
    let (_, fields) = scope.chunk().table_of(options)?;
    scope.chunk().constant(fields.iter().find(|field| field.is_named(name))?.value)
}

/// `function role.on:KickNotify(msg)`.
fn shorthand_handlers(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    let chunk = scope.chunk();
    for write in &chunk.writes {
        let ExprKind::Index { base, key } = chunk.kind(write.target) else { continue };
        let is_on = |id: ExprId| match chunk.kind(id) {
            ExprKind::Index { base, key } => {
                chunk.constant(*key).as_deref() == Some("on")
                    && scope.type_of(*base) == Type::Object(ClassId::Mod)
            }
            _ => false,
        };
        if is_on(*base) {
            let Some(text) = chunk.constant(*key) else { continue };
            let name = Name { text, span: chunk.span(*key) };
            out.extend(check_name(scope, &Receiver::Mod(None), Direction::Receive, &name));
        }
    }
}

fn check_name(scope: &Scope<'_>, receiver: &Receiver, direction: Direction, name: &Name) -> Option<Draft> {
    let link = match receiver {
        Receiver::Connection(link) => Some(link),
        Receiver::Mod(link) => link.as_ref(),
        Receiver::Server | Receiver::Unknown => None,
    };
    let ids = scope.infer.protocols_of(link);
    let all = &scope.project.messages.protocols;
    let protocols = || ids.iter().map(|id| &all[*id]);
    // Where the names of a protocol are not declared, every name may be right; so may a pattern.
    if ids.is_empty() || protocols().any(|protocol| protocol.codec == Codec::Raw) || name.text.contains('*') {
        return None;
    }
    let found: Vec<Direction> = protocols()
        .filter_map(|protocol| protocol.message(&name.text))
        .map(|message| message.direction)
        .collect();
    if found.iter().any(|declared| declared.allows(direction)) {
        return None;
    }
    if !found.is_empty() {
        return wrong_way(receiver, direction, name);
    }
    let subject = match ids.as_slice() {
        [id] => format!("protocol `{}` has no message", all[*id].name),
        _ => "no protocol has a message".to_owned(),
    };
    let right_way = protocols()
        .flat_map(|protocol| &protocol.messages)
        .filter(|message| message.direction.allows(direction))
        .map(|message| message.name.as_str());
    let message = format!("{subject} `{}`", name.text);
    let may_be_first = protocols().any(|protocol| protocol.open_first);
    if may_be_first || matches!(receiver, Receiver::Unknown) {
        let slips: Vec<String> =
            right_way.filter(|candidate| is_slip(&name.text, candidate)).map(str::to_owned).collect();
        return (!slips.is_empty()).then(|| Draft::warning(name.span, message).suggest(slips));
    }
    let draft = Draft::error(name.span, message).suggest(nearest(&name.text, right_way));
    match all.iter().find(|protocol| protocol.message(&name.text).is_some()) {
        Some(other) => Some(draft.help(format!("protocol `{}` has it", other.name))),
        None => Some(draft),
    }
}

fn wrong_way(receiver: &Receiver, direction: Direction, name: &Name) -> Option<Draft> {
    let message = match (receiver, direction) {
        (Receiver::Unknown, _) => return None,
        (_, Direction::Send) => format!("`{}` is sent by the server, not by a robot", name.text),
        _ => format!("`{}` is sent by robots, never by the server", name.text),
    };
    Some(Draft::error(name.span, message))
}
