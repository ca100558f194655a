//! State that robots would share by accident: file-level locals and the mod's class, written to by what the engine
//! calls for each robot.

use std::collections::{HashMap, HashSet};

use super::Scope;
use crate::draft::Draft;
use crate::lua::{Chunk, ExprId, ExprKind, FunctionId, LocalId, MAIN};
use crate::model::Module;
use crate::project::Role;

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    let chunk = scope.chunk();
    let (Role::Mod, Some(module)) = (scope.role(), &scope.file.module) else { return };
    let reached = reached(chunk, &module.roots);
    for write in chunk.writes.iter().filter(|write| reached.contains(&write.function)) {
        out.extend(
            shared_target(chunk, module, write.target)
                .map(|local| complaint(chunk, module, local, write.target)),
        );
    }
    for id in chunk.expr_ids().filter(|id| reached.contains(&chunk.expr(*id).function)) {
        if let Some(list) = changed_list(chunk, id)
            && let Some(local) = shared_table(chunk, module, list)
        {
            out.push(complaint(chunk, module, local, list));
        }
    }
}

/// The functions that run when these are called: what is inside them, and what they refer to.
pub(super) fn reached(chunk: &Chunk, roots: &[FunctionId]) -> HashSet<FunctionId> {
    let mut refers: HashMap<FunctionId, Vec<FunctionId>> = HashMap::new();
    for id in chunk.expr_ids() {
        if let Some(function) = chunk.function_of(id) {
            refers.entry(chunk.expr(id).function).or_default().push(function);
        }
    }
    let mut reached = HashSet::new();
    let mut waiting = roots.to_vec();
    while let Some(function) = waiting.pop() {
        if reached.insert(function) {
            waiting.extend(refers.get(&function).into_iter().flatten());
        }
    }
    reached
}

fn shared_target(chunk: &Chunk, module: &Module, target: ExprId) -> Option<LocalId> {
    match chunk.kind(target) {
        ExprKind::Local(local) if chunk.local(*local).function == MAIN => Some(*local),
        ExprKind::Index { base, .. } => shared_table(chunk, module, *base),
        _ => None,
    }
}

/// The file-level local whose own table an expression is a part of.
fn shared_table(chunk: &Chunk, module: &Module, mut id: ExprId) -> Option<LocalId> {
    while let ExprKind::Index { base, .. } = chunk.kind(id) {
        id = *base;
    }
    let ExprKind::Local(local) = chunk.kind(id) else { return None };
    let is_table = module.local == Some(*local) || chunk.table_of(id).is_some();
    (chunk.local(*local).function == MAIN && is_table).then_some(*local)
}

/// The list that `table.insert` or `table.remove` changes.
fn changed_list(chunk: &Chunk, id: ExprId) -> Option<ExprId> {
    let ExprKind::Call { callee, args } = chunk.kind(id) else { return None };
    let path = chunk.global_path(*callee)?;
    matches!(path.as_str(), "table.insert" | "table.remove").then(|| args.first().copied())?
}

fn complaint(chunk: &Chunk, module: &Module, local: LocalId, place: ExprId) -> Draft {
    let name = &chunk.local(local).name.text;
    if module.local == Some(local) {
        let message = format!("`{name}` is the mod's class, which all robots share: put it in self");
        return Draft::error(chunk.span(place), message).help("write `self` for the robot's own object");
    }
    let class = module.local.map_or("mod", |local| chunk.local(local).name.text.as_str());
    let message = format!("all robots share `{name}`: put it in self");
    let help = format!("set `self.{name}` in `function {class}:init()`, and use it as `self.{name}`");
    Draft::error(chunk.span(place), message).help(help)
}
