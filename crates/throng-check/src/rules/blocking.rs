//! Calls that wait, where Lua cannot wait: while a file is loaded, and inside functions that Lua's C code calls.

use std::collections::HashMap;

use super::{Scope, at_load, run};
use crate::api::ClassId;
use crate::draft::Draft;
use crate::infer::Type;
use crate::lua::{ExprId, ExprKind, FunctionId, Span};
use crate::project::Role;

const RUN: &str = "throng.run";

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    if scope.role() == Role::Protocol {
        return;
    }
    let chunk = scope.chunk();
    let callbacks = callbacks(scope);
    for id in chunk.expr_ids() {
        let Some((name, span)) = waits(scope, id) else { continue };
        let message = format!("`{name}` waits, and may not block here");
        if at_load(chunk, id) && scope.role() != Role::Test {
            let help = "the file is only loaded here: move it into `start`, a task or a handler";
            out.push(Draft::error(span, message).help(help));
        } else if let Some(caller) = callbacks.get(&chunk.expr(id).function) {
            let help = match *caller {
                RUN => "functions of `throng.run` cannot wait: only robots can".to_owned(),
                caller => format!("Lua cannot wait inside `{caller}`: do it before or after"),
            };
            out.push(Draft::error(span, message).help(help));
        }
    }
}

/// The name of a call that waits, and where it is.
pub(super) fn waits(scope: &Scope<'_>, call: ExprId) -> Option<(String, Span)> {
    let chunk = scope.chunk();
    let (base, name, span) = match chunk.kind(call) {
        ExprKind::Method { base, name, .. } => (*base, name.text.clone(), name.span),
        ExprKind::Call { callee, .. } => match chunk.kind(*callee) {
            ExprKind::Index { base, key } => (*base, chunk.constant(*key)?, chunk.span(*key)),
            _ => return None,
        },
        _ => return None,
    };
    blocks(scope, base, &name).then_some((name, span))
}

fn blocks(scope: &Scope<'_>, base: ExprId, name: &str) -> bool {
    let classes = match scope.type_of(base) {
        Type::Object(id) => vec![id],
        Type::Connection(_) => vec![ClassId::Connection, ClassId::Stream],
        _ => return false,
    };
    let mut members = classes.into_iter().filter_map(|id| id.class().member(name));
    members.any(|member| member.signature().is_some_and(|signature| signature.blocks))
}

/// The functions that `table.sort`, `gsub` and `throng.run` call.
fn callbacks(scope: &Scope<'_>) -> HashMap<FunctionId, &'static str> {
    let chunk = scope.chunk();
    let mut callbacks: HashMap<_, _> =
        run::functions(scope).into_iter().map(|function| (function, RUN)).collect();
    for id in chunk.expr_ids() {
        let (function, caller) = match chunk.kind(id) {
            ExprKind::Call { callee, args } => match chunk.global_path(*callee).as_deref() {
                Some("table.sort") => (args.get(1), "table.sort"),
                Some("string.gsub") => (args.get(2), "string.gsub"),
                _ => continue,
            },
            ExprKind::Method { name, args, .. } if name.text == "gsub" => (args.get(1), "string.gsub"),
            _ => continue,
        };
        if let Some(function) = function.and_then(|function| chunk.function_of(*function)) {
            callbacks.insert(function, caller);
        }
    }
    callbacks
}
