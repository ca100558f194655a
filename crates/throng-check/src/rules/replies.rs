//! Fields read from replies and pushed messages that their types do not have.

use std::collections::BTreeSet;

use super::Scope;
use super::bodies::suggest_field;
use crate::draft::Draft;
use crate::infer::Type;
use crate::lua::ExprKind;
use crate::messages::Shape;

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    let chunk = scope.chunk();
    let written = written(scope);
    for id in chunk.expr_ids() {
        let ExprKind::Index { base, key } = chunk.kind(id) else { continue };
        let (false, Some(name)) = (chunk.expr(id).store, chunk.constant(*key)) else { continue };
        let Type::Value { protocol, shape } = scope.type_of(*base) else { continue };
        let protocol = &scope.project.messages.protocols[protocol];
        if written.contains(&name) {
            continue;
        }
        match shape {
            Shape::Struct(id) => {
                let Some(ty) = protocol.types.get(id) else { continue };
                if ty.field(&name).is_none() {
                    let draft =
                        Draft::error(chunk.span(*key), format!("`{}` has no field `{name}`", ty.name));
                    out.push(suggest_field(draft, ty, &name));
                }
            }
            Shape::Array(_) if name != "n" => {
                let message = format!("a list has no field `{name}`");
                out.push(Draft::error(chunk.span(*key), message).help("its elements are `[1]`, `[2]` ..."));
            }
            _ => {}
        }
    }
}

/// The fields that the script itself adds to messages: it may read them back.
fn written(scope: &Scope<'_>) -> BTreeSet<String> {
    let chunk = scope.chunk();
    let targets = chunk.writes.iter().filter_map(|write| match chunk.kind(write.target) {
        ExprKind::Index { base, key } => Some((*base, *key)),
        _ => None,
    });
    targets
        .filter(|(base, _)| matches!(scope.type_of(*base), Type::Value { .. }))
        .filter_map(|(_, key)| chunk.constant(key))
        .collect()
}
