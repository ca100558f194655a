//! Globals: made by accident inside a function, not defined anywhere, or kept from scripts.

use std::collections::BTreeSet;

use super::Scope;
use crate::api;
use crate::draft::Draft;
use crate::lua::{Chunk, ExprId, ExprKind, MAIN};
use crate::nearest::nearest;
use crate::project::Role;

/// The globals that a file assigns to, and the fields it gives to globals: `helper`, `string.split`.
pub(super) fn defined_by(chunk: &Chunk) -> Vec<String> {
    chunk.writes.iter().filter_map(|write| chunk.global_path(write.target)).collect()
}

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    let chunk = scope.chunk();
    // Below an `_ENV` of its own a file's globals are fields of whatever that is.
    if chunk.locals.iter().any(|local| local.name.text == "_ENV") {
        return;
    }
    made_by_accident(scope, out);
    let mut reported: BTreeSet<ExprId> = chunk.expr_ids().filter_map(|id| harmless(chunk, id)).collect();
    for id in chunk.expr_ids().rev() {
        // A path is met before its first name, and speaks for it.
        if let ExprKind::Index { base, .. } = chunk.kind(id)
            && let Some(draft) = removed(scope, id)
        {
            out.push(draft);
            reported.insert(*base);
        }
    }
    // A script that asks whether a global is there may go on to use it: `jit and jit.version`.
    let asked: BTreeSet<&str> = chunk.expr_ids().filter_map(|id| asked_for(chunk, id)).collect();
    // An undefined name is said once, however often it is used.
    let mut said: BTreeSet<&str> = BTreeSet::new();
    for id in chunk.expr_ids() {
        let ExprKind::Global(name) = chunk.kind(id) else { continue };
        if chunk.expr(id).store || reported.contains(&id) {
            continue;
        }
        if let Some(draft) = removed(scope, id) {
            out.push(draft);
        } else if !asked.contains(name.as_str())
            && !said.contains(name.as_str())
            && let Some(draft) = undefined(scope, id, name)
        {
            said.insert(name);
            out.push(draft);
        }
    }
}

/// The parts of what is removed that are there: `collectgarbage("count")` and `debug.traceback`.
fn harmless(chunk: &Chunk, id: ExprId) -> Option<ExprId> {
    match chunk.kind(id) {
        ExprKind::Call { callee, args }
            if chunk.global_path(*callee).as_deref() == Some("collectgarbage") =>
        {
            let what = args.first().and_then(|what| chunk.constant(*what))?;
            (what == "count").then_some(*callee)
        }
        ExprKind::Index { base, .. } if chunk.global_path(id).as_deref() == Some("debug.traceback") => {
            Some(*base)
        }
        _ => None,
    }
}

fn asked_for(chunk: &Chunk, id: ExprId) -> Option<&str> {
    match chunk.kind(id) {
        ExprKind::Global(name) if chunk.expr(id).guarded => Some(name),
        _ => None,
    }
}

/// A path that scripts do not have, or that Lua 5.4 no longer has.
fn removed(scope: &Scope<'_>, id: ExprId) -> Option<Draft> {
    let chunk = scope.chunk();
    let path = chunk.global_path(id)?;
    let library = path.split('.').next().unwrap_or(&path);
    let expr = chunk.expr(id);
    if scope.defined.contains(&path) || scope.defined.contains(library) || expr.store {
        return None;
    }
    if let Some(help) = api::instead_of_removed(&path) {
        return Some(Draft::error(expr.span, format!("scripts have no `{path}`")).help(help));
    }
    // `table.unpack or unpack` runs under every Lua.
    let old = api::instead_of_old(&path).filter(|_| !expr.guarded)?;
    Some(Draft::error(expr.span, format!("Lua 5.4 has no `{path}`")).help(old))
}

fn undefined(scope: &Scope<'_>, id: ExprId, name: &str) -> Option<Draft> {
    let chunk = scope.chunk();
    let expr = chunk.expr(id);
    let known = api::is_known_global(name)
        || api::instead_of_old(name).is_some()
        || scope.defined.contains(name)
        || scope.project.globals.iter().any(|global| global == name);
    // A file that could not be read may define anything.
    if known || !scope.all_read {
        return None;
    }
    let visible = chunk.visible.get(&id).map_or(&[][..], Vec::as_slice);
    let locals = visible.iter().map(|local| chunk.local(*local).name.text.as_str());
    let libraries = api::LIBRARIES.iter().map(|(library, _)| *library);
    let defined = scope.defined.iter().filter(|name| !name.contains('.')).map(String::as_str);
    let names = locals.chain(api::GLOBALS.iter().copied()).chain(libraries).chain(defined);
    let draft = Draft::error(expr.span, format!("`{name}` is not defined")).suggest(nearest(name, names));
    Some(match name {
        "self" => {
            draft.help("a function has `self` when it is declared with a colon, or takes it as a parameter")
        }
        "robot" => draft.help("the robot is `self.robot`"),
        _ => draft,
    })
}

fn made_by_accident(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    let chunk = scope.chunk();
    let mut seen = BTreeSet::new();
    for write in &chunk.writes {
        let ExprKind::Global(name) = chunk.kind(write.target) else { continue };
        if write.function == MAIN || scope.role() == Role::Test || !seen.insert(name.as_str()) {
            continue;
        }
        let visible = chunk.visible.get(&write.target).map_or(&[][..], Vec::as_slice);
        let locals = visible.iter().map(|local| chunk.local(*local).name.text.as_str());
        let message = format!("`{name}` is a global: robots would share it");
        let draft = Draft::error(chunk.span(write.target), message).suggest(nearest(name, locals));
        out.push(draft.help(format!("write `local {name}`, or put it in self")));
    }
}
