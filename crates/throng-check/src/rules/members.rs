//! Names of the API: members that an object does not have, dots for colons, connections that nobody opens.

use super::{Literal, Scope, literal};
use crate::api::{Class, ClassId, What};
use crate::draft::Draft;
use crate::infer::{Link, Speaks, Type};
use crate::lua::{ExprId, ExprKind, Name, Span};
use crate::nearest::{is_near_miss, nearest};
use crate::project::Role;

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    let chunk = scope.chunk();
    for id in chunk.expr_ids() {
        match chunk.kind(id) {
            ExprKind::Method { base, name, args } => {
                out.extend(method(scope, *base, name));
                out.extend(reserved(scope, *base, name, args));
            }
            ExprKind::Index { base, key } if !chunk.expr(id).store => {
                if let Some(text) = chunk.constant(*key) {
                    let name = Name { text, span: chunk.span(*key) };
                    out.extend(field(scope, *base, &name));
                }
            }
            ExprKind::Index { base, key } if scope.type_of(*base) == Type::Object(ClassId::Robot) => {
                let message = "the robot has no fields of your own: put it in self";
                out.push(Draft::error(chunk.span(*key), message));
            }
            ExprKind::Index { base, key } => out.extend(stored(scope, *base, *key)),
            ExprKind::Call { callee, args } => out.extend(dot_call(scope, *callee, args)),
            _ => {}
        }
    }
}

/// `self.robot.mods.x = 5`: what a robot lists cannot be added to.
fn stored(scope: &Scope<'_>, base: ExprId, key: ExprId) -> Option<Draft> {
    let message = match scope.type_of(base) {
        Type::Object(ClassId::Mods) => "the mods of a robot are those of the project: put it in self",
        Type::Object(ClassId::Connections) => "connections are opened by `robot:connect(name, url)`",
        _ => return None,
    };
    Some(Draft::error(scope.chunk().span(key), message))
}

fn method(scope: &Scope<'_>, base: ExprId, name: &Name) -> Option<Draft> {
    match scope.type_of(base) {
        Type::Object(ClassId::Mod) => method_of_mod(scope, name),
        Type::Object(id) => {
            let class = id.class();
            match class.member(&name.text).map(|member| &member.what) {
                Some(What::Function(_)) => {
                    let message = format!("`{}.{}` is a function, not a method", class.name, name.text);
                    let help = format!("write `.{}(...)` with a dot", name.text);
                    Some(Draft::error(name.span, message).help(help))
                }
                Some(What::Field(_)) => Some(called_value(class, name)),
                Some(_) => None,
                None if is_given(scope, &name.text) => None,
                None => unknown(scope, class, name),
            }
        }
        Type::Connection(link) => member_of_connection(&link, name).or_else(|| {
            let class = ClassId::Connection.class();
            let is_value = matches!(class.member(&name.text)?.what, What::Field(_));
            is_value.then(|| called_value(class, name))
        }),
        _ => None,
    }
}

/// A property with a colon and parentheses.
fn called_value(class: &Class, name: &Name) -> Draft {
    let message = format!("`{}` of {} is a value, not a method", name.text, described(class));
    Draft::error(name.span, message).help(format!("write `.{}` with a dot, and no parentheses", name.text))
}

fn field(scope: &Scope<'_>, base: ExprId, name: &Name) -> Option<Draft> {
    match scope.type_of(base) {
        Type::Object(ClassId::Robot) if ClassId::Robot.class().member(&name.text).is_none() => {
            unopened(scope, name, true)
        }
        Type::Object(ClassId::Connections) => unopened(scope, name, false),
        Type::Object(ClassId::Mods) => unknown_mod(scope, name),
        Type::Object(ClassId::Options) => unknown_option(scope, name),
        // Tests may put what they like into these.
        Type::Object(ClassId::Mod | ClassId::Server | ClassId::Client) => None,
        Type::Object(ClassId::Throng) if name.text == "test" => outside_tests(scope, name),
        Type::Object(id) if id.class().member(&name.text).is_none() => unknown(scope, id.class(), name),
        Type::Connection(link) => member_of_connection(&link, name),
        Type::Library(library) => unknown_in_library(scope, &library, name),
        _ => None,
    }
}

/// Whether the file gives some object a field of this name.
fn is_given(scope: &Scope<'_>, name: &str) -> bool {
    let chunk = scope.chunk();
    chunk.writes.iter().any(|write| match chunk.kind(write.target) {
        ExprKind::Index { key, .. } => chunk.constant(*key).as_deref() == Some(name),
        _ => false,
    })
}

fn outside_tests(scope: &Scope<'_>, name: &Name) -> Option<Draft> {
    let message = "`throng.test` is only there in tests";
    (scope.role() != Role::Test)
        .then(|| Draft::error(name.span, message).help("tests are the files tests/NAME_test.lua"))
}

fn unknown(scope: &Scope<'_>, class: &Class, name: &Name) -> Option<Draft> {
    let open = matches!(class.id, ClassId::Options | ClassId::Mods | ClassId::Connections);
    let extended = scope.defined.contains(&format!("throng.{}", name.text));
    if open || (class.id == ClassId::Throng && extended) {
        return None;
    }
    let members = class.members.iter().map(|member| member.name);
    let here = members.filter(|name| *name != "test" || scope.role() == Role::Test);
    Some(no_member(class, name, here))
}

fn no_member<'a>(class: &Class, name: &Name, names: impl Iterator<Item = &'a str> + Clone) -> Draft {
    let message = format!("{} has no `{}`", described(class), name.text);
    let draft = Draft::error(name.span, message);
    let suggestions = nearest(&name.text, names.clone());
    if !suggestions.is_empty() {
        return draft.suggest(suggestions);
    }
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    draft.help(format!("it has {}", names.join(", ")))
}

fn described(class: &Class) -> &'static str {
    match class.id {
        ClassId::Throng => "`throng`",
        ClassId::Log => "`throng.log`",
        ClassId::Run => "`throng.run`",
        ClassId::Http => "`throng.http`",
        ClassId::HttpResponse => "an HTTP response",
        ClassId::HttpQuestion => "an HTTP request",
        ClassId::Json => "`throng.json`",
        ClassId::Msgpack => "`throng.msgpack`",
        ClassId::Crypto => "`throng.crypto`",
        ClassId::Skynet => "skynet's login set",
        ClassId::CipherStream => "a cipher's stream",
        ClassId::Sproto => "`throng.sproto`",
        ClassId::SprotoSchema => "a Sproto schema",
        ClassId::SprotoHost => "a Sproto host",
        ClassId::Protobuf => "`throng.protobuf`",
        ClassId::ProtobufSchema => "a schema of Protocol Buffers",
        ClassId::Robot => "a robot",
        ClassId::Connection => "a connection",
        ClassId::Stream => "a stream connection",
        ClassId::Watch => "a watch",
        ClassId::Timer => "a timer",
        ClassId::Spawned => "a spawned function",
        ClassId::World => "a test's world",
        ClassId::Server => "a fake server",
        ClassId::Client => "a fake server's client",
        ClassId::TestRobot => "a robot under test",
        _ => "this",
    }
}

/// A mod has whatever its author gave it, so only a near miss of something it has is reported.
fn method_of_mod(scope: &Scope<'_>, name: &Name) -> Option<Draft> {
    let module = scope.file.module.as_ref()?;
    let class = ClassId::Mod.class();
    let known = class.member(&name.text).is_some() || module.has_method(&name.text);
    if known || module.open || scope.file.fields.contains_key(&name.text) || writes_unseen_fields(scope) {
        return None;
    }
    let api = class.members.iter().filter(|member| member.signature().is_some()).map(|member| member.name);
    let own = module
        .methods
        .iter()
        .filter(|method| method.function.is_some())
        .map(|method| method.name.text.as_str());
    let near: Vec<String> =
        api.chain(own).filter(|own| is_near_miss(&name.text, own)).map(str::to_owned).collect();
    let message = format!("a mod has no method `{}`", name.text);
    (!near.is_empty()).then(|| Draft::error(name.span, message).suggest(near))
}

/// Whether `self[...] = ...` is written with a name made at run time.
fn writes_unseen_fields(scope: &Scope<'_>) -> bool {
    let chunk = scope.chunk();
    chunk.writes.iter().any(|write| match chunk.kind(write.target) {
        ExprKind::Index { base, key } => {
            chunk.constant(*key).is_none() && scope.type_of(*base) == Type::Object(ClassId::Mod)
        }
        _ => false,
    })
}

fn member_of_connection(link: &Link, name: &Name) -> Option<Draft> {
    let connection = ClassId::Connection.class();
    let stream = ClassId::Stream.class();
    let on_connection = connection.member(&name.text).is_some();
    let on_stream = stream.member(&name.text).is_some();
    match link.speaks {
        Speaks::Unknown if on_connection || on_stream => None,
        Speaks::Protocol(_) if on_connection => None,
        Speaks::Stream if on_stream => None,
        Speaks::Stream if on_connection => {
            let message = format!("a stream has no messages, so no `{}`", name.text);
            Some(
                Draft::error(name.span, message)
                    .help("use `write` and `read_line`, `read_exactly`, `read_until`"),
            )
        }
        Speaks::Protocol(_) if on_stream => {
            let message = format!("`{}` is for connections of `protocol = \"stream\"`", name.text);
            Some(Draft::error(name.span, message))
        }
        Speaks::Stream => Some(no_member(stream, name, stream.members.iter().map(|member| member.name))),
        Speaks::Unknown | Speaks::Protocol(_) => {
            Some(no_member(connection, name, connection.members.iter().map(|member| member.name)))
        }
    }
}

fn unopened(scope: &Scope<'_>, name: &Name, on_robot: bool) -> Option<Draft> {
    let names = scope.connection_names()?;
    if names.contains(&name.text.as_str()) {
        return None;
    }
    let members = ClassId::Robot.class().members.iter().filter(|_| on_robot).map(|member| member.name);
    let suggestions = nearest(&name.text, names.into_iter().chain(members));
    let message = format!("no mod opens a connection `{}`", name.text);
    Some(Draft::error(name.span, message).suggest(suggestions))
}

fn unknown_mod(scope: &Scope<'_>, name: &Name) -> Option<Draft> {
    let names = scope.mod_names();
    let missing = !names.is_empty() && !names.contains(&name.text.as_str());
    let message = format!("there is no mod `{}`", name.text);
    missing.then(|| Draft::error(name.span, message).suggest(nearest(&name.text, names)))
}

fn unknown_option(scope: &Scope<'_>, name: &Name) -> Option<Draft> {
    let settings = scope.project.settings.as_ref()?;
    if settings.options.contains(&name.text) {
        return None;
    }
    let suggestions = nearest(&name.text, settings.options.iter().map(String::as_str));
    let message = format!("`[options]` has no `{}`", name.text);
    Some(Draft::error(name.span, message).suggest(suggestions))
}

fn unknown_in_library(scope: &Scope<'_>, library: &str, name: &Name) -> Option<Draft> {
    let members = crate::api::library(library)?;
    let path = format!("{library}.{}", name.text);
    if members.contains(&name.text.as_str()) || scope.defined.contains(&path) {
        return None;
    }
    if crate::api::instead_of_removed(&path).or(crate::api::instead_of_old(&path)).is_some() {
        return None;
    }
    let message = format!("`{library}` has no `{}`", name.text);
    Some(Draft::error(name.span, message).suggest(nearest(&name.text, members.iter().copied())))
}

/// `self.robot.connect("lobby")`: the robot itself is missing.
fn dot_call(scope: &Scope<'_>, callee: ExprId, args: &[ExprId]) -> Option<Draft> {
    let chunk = scope.chunk();
    let ExprKind::Index { base, key } = chunk.kind(callee) else { return None };
    let name = chunk.constant(*key)?;
    let classes = match scope.type_of(*base) {
        Type::Object(id) => vec![id],
        Type::Connection(_) => vec![ClassId::Connection, ClassId::Stream],
        _ => return None,
    };
    let is_method =
        |id: &ClassId| matches!(id.class().member(&name).map(|member| &member.what), Some(What::Method(_)));
    let without_receiver = match args.first() {
        None => true,
        Some(first) => {
            matches!(literal(chunk, *first), Some(Literal::Text(_) | Literal::Number(_) | Literal::Function))
        }
    };
    if !without_receiver || !classes.iter().any(is_method) {
        return None;
    }
    let message = format!("`{name}` is a method: it is called with a colon");
    Some(Draft::error(chunk.span(*key), message).help(format!("write `:{name}(...)`")))
}

fn reserved(scope: &Scope<'_>, base: ExprId, name: &Name, args: &[ExprId]) -> Option<Draft> {
    let chunk = scope.chunk();
    if name.text != "connect" || scope.type_of(base) != Type::Object(ClassId::Robot) {
        return None;
    }
    let first = *args.first()?;
    let wanted = chunk.constant(first)?;
    let span: Span = chunk.span(first);
    let message = format!("a connection cannot be called `{wanted}`: the robot has a `{wanted}` of its own");
    crate::api::RESERVED_CONNECTION_NAMES
        .contains(&wanted.as_str())
        .then(|| Draft::error(span, message).help("choose another name, such as `lobby` or `game`"))
}
