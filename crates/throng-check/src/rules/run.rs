//! Functions of `throng.run`: registered while a file is loaded, and called in a Lua state that no robot sees.

use std::collections::HashSet;

use super::Scope;
use super::shared::reached;
use crate::api::ClassId;
use crate::draft::Draft;
use crate::infer::Type;
use crate::lua::{Chunk, ExprId, ExprKind, FunctionId, LocalId, MAIN};
use crate::project::Role;

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    let chunk = scope.chunk();
    let by_robots =
        scope.file.module.as_ref().map(|module| reached(chunk, &module.roots)).unwrap_or_default();
    let mut functions = Vec::new();
    for (id, callee, args) in registrations(scope) {
        if by_robots.contains(&chunk.expr(id).function) || scope.role() == Role::Test {
            let message = "this belongs at file level of a mod or of lib/";
            out.push(
                Draft::error(chunk.span(callee), message).help("a run that has begun would not know of it"),
            );
        }
        functions.extend(args.first().and_then(|function| chunk.function_of(*function)));
    }
    unseen(chunk, &reached(chunk, &functions), &by_robots, out);
}

/// The functions that files hand to `throng.run`.
pub(super) fn functions(scope: &Scope<'_>) -> Vec<FunctionId> {
    let chunk = scope.chunk();
    registrations(scope).filter_map(|(_, _, args)| chunk.function_of(*args.first()?)).collect()
}

/// Calls of `throng.run.on_start` and `throng.run.on_stop`: the call, what is called, its arguments.
fn registrations<'a>(scope: &'a Scope<'_>) -> impl Iterator<Item = (ExprId, ExprId, &'a [ExprId])> {
    let chunk = scope.chunk();
    chunk.expr_ids().filter_map(move |id| {
        let ExprKind::Call { callee, args } = chunk.kind(id) else { return None };
        let ExprKind::Index { base, .. } = chunk.kind(*callee) else { return None };
        (scope.type_of(*base) == Type::Object(ClassId::Run)).then_some((id, *callee, args.as_slice()))
    })
}

/// File-level locals that a run's function assigns and a robot's reads: the robot never sees what was assigned.
fn unseen(
    chunk: &Chunk,
    by_run: &HashSet<FunctionId>,
    by_robots: &HashSet<FunctionId>,
    out: &mut Vec<Draft>,
) {
    for write in chunk.writes.iter().filter(|write| by_run.contains(&write.function)) {
        let Some(local) = file_local(chunk, write.target) else { continue };
        let is_read = chunk.expr_ids().any(|id| {
            by_robots.contains(&chunk.expr(id).function)
                && matches!(chunk.kind(id), ExprKind::Local(read) if *read == local)
        });
        if is_read && !by_robots.contains(&write.function) {
            let name = &chunk.local(local).name.text;
            let message = format!("robots do not see this `{name}`: they run in other Lua states");
            let help =
                "what robots need is made by each of them, in `init` or `start`, or comes from `[options]`";
            out.push(Draft::error(chunk.span(write.target), message).help(help));
        }
    }
}

/// The local at file level that an assignment changes, or changes a part of.
fn file_local(chunk: &Chunk, mut target: ExprId) -> Option<LocalId> {
    while let ExprKind::Index { base, .. } = chunk.kind(target) {
        target = *base;
    }
    let ExprKind::Local(local) = chunk.kind(target) else { return None };
    (chunk.local(*local).function == MAIN).then_some(*local)
}
