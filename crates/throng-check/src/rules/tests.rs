//! Tests: the options that a world is given must be the project's.

use super::Scope;
use crate::api::ClassId;
use crate::draft::Draft;
use crate::infer::Type;
use crate::lua::{ExprKind, FieldKey};
use crate::nearest::nearest;

pub(super) fn check(scope: &Scope<'_>, out: &mut Vec<Draft>) {
    let Some(settings) = &scope.project.settings else { return };
    let chunk = scope.chunk();
    for id in chunk.expr_ids() {
        let ExprKind::Method { base, name, args } = chunk.kind(id) else { continue };
        if name.text != "options" || scope.type_of(*base) != Type::Object(ClassId::World) {
            continue;
        }
        let Some((_, fields)) = args.first().and_then(|values| chunk.table_of(*values)) else { continue };
        for field in fields {
            let FieldKey::Name(option) = &field.key else { continue };
            if !settings.options.contains(&option.text) {
                let known = settings.options.iter().map(String::as_str);
                let message = format!("`[options]` has no `{}`", option.text);
                out.push(Draft::error(option.span, message).suggest(nearest(&option.text, known)));
            }
        }
    }
}
