//! Tables of named options and durations, wherever the API takes them.

use super::{Literal, Scope, literal};
use crate::api::{ClassId, Kind, OptionsId, Signature};
use crate::draft::Draft;
use crate::duration;
use crate::infer::{Speaks, Type};
use crate::lua::{ExprId, ExprKind, Field, FieldKey, Name};
use crate::nearest::nearest;

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    let chunk = scope.chunk();
    for id in chunk.expr_ids() {
        let (class, name, args) = match chunk.kind(id) {
            ExprKind::Method { base, name, args } => (class_of(scope, *base), name.text.clone(), args),
            ExprKind::Call { callee, args } => {
                let ExprKind::Index { base, key } = chunk.kind(*callee) else { continue };
                let Some(name) = chunk.constant(*key) else { continue };
                match scope.type_of(*base) {
                    Type::Object(id @ (ClassId::Throng | ClassId::Run | ClassId::Http)) => {
                        (vec![id], name, args)
                    }
                    _ => continue,
                }
            }
            _ => continue,
        };
        let signature =
            class.iter().find_map(|id| id.class().member(&name)).and_then(|member| member.signature());
        if let Some(signature) = signature {
            arguments(scope, signature, args, out);
        }
        if class == [ClassId::Mod] && matches!(name.as_str(), "on" | "task") {
            out.extend(missing_function(scope, &name, args));
        }
    }
}

fn class_of(scope: &Scope<'_>, base: ExprId) -> Vec<ClassId> {
    match scope.type_of(base) {
        Type::Object(id) => vec![id],
        Type::Connection(link) if link.speaks == Speaks::Stream => vec![ClassId::Stream],
        Type::Connection(_) => vec![ClassId::Connection, ClassId::Stream],
        _ => Vec::new(),
    }
}

fn arguments(scope: &Scope<'_>, signature: &Signature, args: &[ExprId], out: &mut Vec<Draft>) {
    // Where one before it may be left out, an argument may be another's.
    let mut after_optional = false;
    for (parameter, arg) in signature.parameters.iter().zip(args) {
        match parameter.kind {
            Kind::Duration => out.extend(check_duration(scope, parameter.name, *arg)),
            Kind::Options(id) => check_options(scope, id, *arg, out),
            Kind::How if scope.chunk().table_of(*arg).is_some() => {
                check_options(scope, OptionsId::How, *arg, out);
            }
            Kind::How => out.extend(check_duration(scope, parameter.name, *arg)),
            Kind::Function(_) if !after_optional => out.extend(check_function(scope, parameter.name, *arg)),
            _ => {}
        }
        after_optional |= parameter.optional;
    }
}

fn check_function(scope: &Scope<'_>, name: &str, arg: ExprId) -> Option<Draft> {
    let found = literal(scope.chunk(), arg).filter(|literal| *literal != Literal::Function)?;
    let draft = Draft::error(scope.chunk().span(arg), format!("`{name}` takes a function"));
    Some(draft.wanted("a function").found(found.in_words()))
}

fn missing_function(scope: &Scope<'_>, method: &str, args: &[ExprId]) -> Option<Draft> {
    let [_, .., last] = args else { return None };
    let found = literal(scope.chunk(), *last).filter(|literal| *literal != Literal::Function)?;
    let message = format!("`{method}` ends with the function to call");
    Some(Draft::error(scope.chunk().span(*last), message).wanted("a function").found(found.in_words()))
}

fn check_options(scope: &Scope<'_>, id: OptionsId, table: ExprId, out: &mut Vec<Draft>) {
    let set = id.set();
    let Some((_, fields)) = scope.chunk().table_of(table) else { return };
    for field in fields {
        let FieldKey::Name(name) = &field.key else { continue };
        match set.keys.iter().find(|key| key.name == name.text) {
            Some(key) => {
                check_value(scope, name, key.kind, field, out);
                out.extend(check_reference(scope, id, name, field));
            }
            None => {
                let suggestions = nearest(&name.text, set.keys.iter().map(|key| key.name));
                let message = format!("there is no option `{}` here", name.text);
                let names: Vec<String> = set.keys.iter().map(|key| format!("`{}`", key.name)).collect();
                let draft = Draft::error(name.span, message);
                out.push(match suggestions.is_empty() {
                    true => draft.help(format!("the options: {}", names.join(", "))),
                    false => draft.suggest(suggestions),
                });
            }
        }
    }
}

fn check_value(scope: &Scope<'_>, name: &Name, kind: Kind, field: &Field, out: &mut Vec<Draft>) {
    match kind {
        Kind::Duration => return out.extend(check_duration(scope, &name.text, field.value)),
        Kind::Options(id) => return check_options(scope, id, field.value, out),
        Kind::Wait => check_wait(scope, field.value, out),
        _ => {}
    }
    let Some(found) = literal(scope.chunk(), field.value) else { return };
    let Some(wanted) = refusal(kind, &found) else { return };
    let draft = Draft::error(scope.chunk().span(field.value), format!("`{}` takes {wanted}", name.text));
    out.push(draft.wanted(wanted).found(found.in_words()));
}

/// What a kind takes, if it does not take this.
fn refusal(kind: Kind, found: &Literal) -> Option<&'static str> {
    let (takes, wanted) = match kind {
        Kind::Text => (matches!(found, Literal::Text(_)), "a string"),
        Kind::Number => (matches!(found, Literal::Number(_)), "a number"),
        Kind::Weight => {
            (matches!(found, Literal::Number(_)) && !found.is_negative(), "a number that is not negative")
        }
        Kind::Integer => (matches!(found, Literal::Number(_)) && !found.is_fraction(), "an integer"),
        Kind::Boolean => (*found == Literal::Boolean, "`true` or `false`"),
        Kind::Texts => (matches!(found, Literal::Text(_) | Literal::Table), "a list of names"),
        Kind::Function(_) => (*found == Literal::Function, "a function"),
        _ => (true, ""),
    };
    (!takes).then_some(wanted)
}

fn check_wait(scope: &Scope<'_>, value: ExprId, out: &mut Vec<Draft>) {
    let chunk = scope.chunk();
    let Some((_, fields)) = chunk.table_of(value) else {
        out.extend(check_duration(scope, "wait", value));
        return;
    };
    check_options(scope, OptionsId::Wait, value, out);
    let between = fields.iter().find(|field| field.is_named("between"));
    let bounds = between.and_then(|field| chunk.table_of(field.value)).map_or(&[][..], |(_, bounds)| bounds);
    for bound in bounds {
        out.extend(check_duration(scope, "between", bound.value));
    }
}

fn check_duration(scope: &Scope<'_>, name: &str, value: ExprId) -> Option<Draft> {
    let span = scope.chunk().span(value);
    let wanted = "seconds as a number, or a string such as \"500ms\", \"90s\", \"10m\", \"1h30m\"";
    let found = literal(scope.chunk(), value)?;
    let draft = |message: String| Draft::error(span, message).wanted(wanted).found(found.in_words());
    match &found {
        Literal::Number(_) if found.is_negative() => Some(draft(format!("`{name}` cannot be negative"))),
        Literal::Number(_) | Literal::Text(None) => None,
        Literal::Text(Some(text)) if duration::is_valid(text) => None,
        Literal::Text(Some(text)) => {
            let meant = duration::suggestion(text).map(|text| format!("\"{text}\""));
            Some(draft(format!("`{text}` is not a duration")).suggest(meant.into_iter().collect()))
        }
        Literal::Boolean | Literal::Table | Literal::Function => {
            Some(draft(format!("`{name}` takes a duration")))
        }
    }
}

/// Options that name a protocol or a connection of the project.
fn check_reference(scope: &Scope<'_>, id: OptionsId, name: &Name, field: &Field) -> Option<Draft> {
    let text = scope.chunk().constant(field.value)?;
    let span = scope.chunk().span(field.value);
    match (id, name.text.as_str()) {
        (OptionsId::Connect | OptionsId::Server, "protocol") => {
            let protocols = &scope.project.messages.protocols;
            let names: Vec<&str> =
                protocols.iter().map(|protocol| protocol.name.as_str()).chain(["stream"]).collect();
            let missing = !protocols.is_empty() && !names.contains(&text.as_str());
            let message = format!("there is no protocol `{text}`");
            missing.then(|| Draft::error(span, message).suggest(nearest(&text, names)))
        }
        (OptionsId::On, "connection") => {
            let names = scope.connection_names()?;
            let missing = !names.contains(&text.as_str());
            let message = format!("no mod opens a connection `{text}`");
            missing.then(|| Draft::error(span, message).suggest(nearest(&text, names)))
        }
        _ => None,
    }
}
