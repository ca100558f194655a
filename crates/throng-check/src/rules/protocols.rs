//! The files of protocols in Lua: a table of functions is returned, all of whose names mean something, and none of which
//! waits.

use super::blocking::waits;
use super::{Scope, literal};
use crate::api::{ClassId, What};
use crate::draft::Draft;
use crate::lua::{Chunk, ExprId, ExprKind, FieldKey, LocalId, MAIN, Name, Span};
use crate::nearest::nearest;
use crate::project::Role;

/// The part that is a table of the others, for fake servers.
const SERVER: &str = "server";

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    if scope.role() != Role::Protocol {
        return;
    }
    let chunk = scope.chunk();
    for id in chunk.expr_ids() {
        if let Some((name, span)) = waits(scope, id) {
            let message = format!("`{name}` waits, and may not block here");
            let help = "the functions of a protocol are called between messages: nothing in them can wait";
            out.push(Draft::error(span, message).help(help));
        }
        if let ExprKind::Call { callee, .. } = chunk.kind(id)
            && chunk.global_path(*callee).as_deref() == Some("throng.mod")
        {
            let message = "a protocol's file is no mod";
            let help = "it returns a table of functions: move what robots do into a file of `mods`";
            out.push(Draft::error(chunk.span(id), message).help(help));
        }
    }
    let Some(last) = chunk.function(MAIN).returns.iter().rfind(|last| !last.conditional) else {
        let help = "begin with `local name = {}` and end with `return name`";
        let start = Span { start: 0, end: 0 };
        let returns = &chunk.function(MAIN).returns;
        return out.extend(returns.is_empty().then(|| {
            Draft::error(start, "this file does not return the functions of its protocol").help(help)
        }));
    };
    let Some(value) = last.values.first() else { return };
    if let Some(found) = literal(chunk, *value).filter(|_| chunk.table_of(*value).is_none()) {
        let message = "a protocol's file returns a table of its functions";
        return out.push(Draft::error(chunk.span(*value), message).found(found.in_words()));
    }
    let local = match chunk.kind(chunk.bare(*value)) {
        ExprKind::Local(local) => Some(*local),
        _ => None,
    };
    for (name, value, inside) in parts(chunk, *value, local) {
        out.extend(part(scope, &name, value, inside));
    }
}

/// What stands in the returned table: the name, the value, and whether it is for fake servers.
fn parts(chunk: &Chunk, returned: ExprId, local: Option<LocalId>) -> Vec<(Name, Option<ExprId>, bool)> {
    let mut parts = Vec::new();
    let add = |id: ExprId, inside: bool, parts: &mut Vec<(Name, Option<ExprId>, bool)>| {
        let mut tables = Vec::new();
        if let Some((_, fields)) = chunk.table_of(id) {
            for field in fields {
                if let FieldKey::Name(name) = &field.key {
                    parts.push((name.clone(), Some(field.value), inside));
                    if name.text == SERVER {
                        tables.push(field.value);
                    }
                }
            }
        }
        tables
    };
    for server in add(returned, false, &mut parts) {
        add(server, true, &mut parts);
    }
    for write in chunk.writes.iter().filter(|write| write.function == MAIN) {
        let ExprKind::Index { base, key } = chunk.kind(write.target) else { continue };
        let Some(text) = chunk.constant(*key) else { continue };
        let inside = match chunk.kind(*base) {
            ExprKind::Local(base) if Some(*base) == local => false,
            ExprKind::Index { base, key } if chunk.constant(*key).as_deref() == Some(SERVER) => {
                match chunk.kind(*base) {
                    ExprKind::Local(base) if Some(*base) == local => true,
                    _ => continue,
                }
            }
            _ => continue,
        };
        let value = write.value.map(|value| value.expr);
        if let Some(server) = value.filter(|_| !inside && text == SERVER) {
            add(server, true, &mut parts);
        }
        parts.push((Name { text, span: chunk.span(*key) }, value, inside));
    }
    parts
}

fn part(scope: &Scope<'_>, name: &Name, value: Option<ExprId>, inside: bool) -> Option<Draft> {
    let chunk = scope.chunk();
    let members = || {
        let members = ClassId::Protocol.class().members.iter();
        members.filter(|member| !inside || member.name != SERVER)
    };
    let Some(member) = members().find(|member| member.name == name.text) else {
        let message = format!("a protocol has no function `{}`", name.text);
        let known = members().map(|member| member.name);
        return Some(Draft::error(name.span, message).suggest(nearest(&name.text, known)));
    };
    let value = value?;
    let found = literal(chunk, value)?;
    let wanted = if matches!(member.what, What::Callback(_)) { "a function" } else { "a table" };
    let fits = match wanted {
        "a function" => chunk.function_of(value).is_some(),
        _ => chunk.table_of(value).is_some(),
    };
    let message = format!("`{}` must be {wanted}", name.text);
    (!fits).then(|| Draft::error(chunk.span(value), message).wanted(wanted).found(found.in_words()))
}
