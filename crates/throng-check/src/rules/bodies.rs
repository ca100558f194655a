//! Bodies of messages: fields a message does not have, values of a type that a field does not take.

use super::{Literal, Scope, literal};
use crate::draft::Draft;
use crate::lua::{ExprId, ExprKind, Field, FieldKey};
use crate::messages::{Body, Message, ProtocolMessages, Shape, StructType};
use crate::nearest::nearest;

const MOST_LEVELS: usize = 64;
const MOST_NAMES: usize = 12;

pub(super) fn check(
    scope: &Scope<'_>,
    protocol: usize,
    message: &Message,
    body: ExprId,
    out: &mut Vec<Draft>,
) {
    let protocol = &scope.project.messages.protocols[protocol];
    let check = Check { scope, protocol };
    match message.body {
        Body::Unknown => {}
        Body::Nothing => {
            let Some((_, fields)) = scope.chunk().table_of(body) else { return };
            if let Some(field) = fields.first() {
                let span = check.key_span(field);
                out.push(Draft::error(span, format!("`{}` carries no fields", message.name)));
            }
        }
        Body::Struct(id) => check.value(&message.name, &Shape::Struct(id), body, MOST_LEVELS, out),
    }
}

struct Check<'a> {
    scope: &'a Scope<'a>,
    protocol: &'a ProtocolMessages,
}

impl Check<'_> {
    /// Checks a value against what `place` (a message or `message.field`) takes.
    fn value(&self, place: &str, shape: &Shape, value: ExprId, levels: usize, out: &mut Vec<Draft>) {
        let Some(levels) = levels.checked_sub(1) else { return };
        let chunk = self.scope.chunk();
        if let (Some((_, fields)), Shape::Struct(_) | Shape::Array(_) | Shape::Map(_)) =
            (chunk.table_of(value), shape)
        {
            match shape {
                Shape::Struct(id) => self.fields(place, *id, fields, levels, out),
                Shape::Array(element) => self.elements(place, element, fields, levels, out),
                Shape::Map(element) => {
                    for field in fields {
                        self.value(place, element, field.value, levels, out);
                    }
                }
                _ => {}
            }
            return;
        }
        let Some(literal) = literal(chunk, value) else { return };
        if let (Shape::Enum(id), Literal::Text(Some(name))) = (shape, &literal) {
            out.extend(self.enum_name(place, *id, name, value));
        } else if !takes(shape, &literal) {
            let draft =
                Draft::error(chunk.span(value), format!("`{place}` takes {}", shape.in_words(self.protocol)));
            out.push(draft.wanted(shape.in_words(self.protocol)).found(literal.in_words()));
        }
    }

    /// A name that an enum does not have.
    fn enum_name(&self, place: &str, id: usize, name: &str, value: ExprId) -> Option<Draft> {
        let ty = self.protocol.enums.get(id).filter(|ty| !ty.values.iter().any(|known| known == name))?;
        let message = format!("`{place}` takes a name in the enum `{}`, which has no `{name}`", ty.name);
        let draft = Draft::error(self.scope.chunk().span(value), message);
        let suggestions = nearest(name, ty.values.iter().map(String::as_str));
        let names = || {
            let listed: Vec<String> =
                ty.values.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
            let more = if ty.values.len() > MOST_NAMES { " ..." } else { "" };
            format!("its names: {}{more}", listed.join(", "))
        };
        Some(if suggestions.is_empty() { draft.help(names()) } else { draft.suggest(suggestions) })
    }

    fn fields(&self, place: &str, id: usize, fields: &[Field], levels: usize, out: &mut Vec<Draft>) {
        let Some(ty) = self.protocol.types.get(id) else { return };
        for field in fields {
            match &field.key {
                FieldKey::Name(name) => match ty.field(&name.text) {
                    Some(known) => {
                        self.value(&format!("{place}.{}", name.text), &known.shape, field.value, levels, out);
                    }
                    None => {
                        let draft =
                            Draft::error(name.span, format!("`{place}` has no field `{}`", name.text));
                        out.push(suggest_field(draft, ty, &name.text));
                    }
                },
                FieldKey::Position if !self.may_be_empty(field.value) => {
                    let message = format!("a value without a field name in `{place}`");
                    out.push(list_fields(Draft::error(self.key_span(field), message), ty));
                }
                FieldKey::Position | FieldKey::Computed(_) => {}
            }
        }
    }

    fn elements(&self, place: &str, element: &Shape, fields: &[Field], levels: usize, out: &mut Vec<Draft>) {
        for field in fields {
            match &field.key {
                FieldKey::Position => self.value(&format!("{place}[]"), element, field.value, levels, out),
                FieldKey::Name(name) => {
                    let message = format!("`{place}` is a list: its elements have no names");
                    out.push(Draft::error(name.span, message).found(format!("`{}`", name.text)));
                }
                FieldKey::Computed(_) => {}
            }
        }
    }

    /// A call or `...` in a constructor may add nothing at all.
    fn may_be_empty(&self, value: ExprId) -> bool {
        matches!(
            self.scope.chunk().kind(value),
            ExprKind::Call { .. } | ExprKind::Method { .. } | ExprKind::Vararg | ExprKind::Nil
        )
    }

    fn key_span(&self, field: &Field) -> crate::lua::Span {
        match &field.key {
            FieldKey::Name(name) => name.span,
            FieldKey::Position => self.scope.chunk().span(field.value),
            FieldKey::Computed(key) => self.scope.chunk().span(*key),
        }
    }
}

/// The nearest fields, or all of them.
pub(super) fn suggest_field(draft: Draft, ty: &StructType, wanted: &str) -> Draft {
    let suggestions = nearest(wanted, ty.fields.iter().map(|field| field.name.as_str()));
    if suggestions.is_empty() { list_fields(draft, ty) } else { draft.suggest(suggestions) }
}

fn list_fields(draft: Draft, ty: &StructType) -> Draft {
    let names: Vec<String> =
        ty.fields.iter().take(MOST_NAMES).map(|field| format!("`{}`", field.name)).collect();
    let more = if ty.fields.len() > MOST_NAMES { " ..." } else { "" };
    match names.is_empty() {
        true => draft.help(format!("`{}` has no fields at all", ty.name)),
        false => draft.help(format!("its fields: {}{more}", names.join(", "))),
    }
}

fn takes(shape: &Shape, literal: &Literal) -> bool {
    match (shape, literal) {
        (Shape::Any, _) => true,
        (Shape::Enum(_), Literal::Text(_)) => true,
        (Shape::Integer | Shape::Enum(_), Literal::Number(_)) => !literal.is_fraction(),
        (Shape::Number, Literal::Number(_)) => true,
        (Shape::Integer | Shape::Number, Literal::Text(text)) => text.as_deref().is_none_or(reads_as_number),
        (Shape::Boolean, Literal::Boolean) => true,
        (Shape::String | Shape::Binary, Literal::Text(_)) => true,
        (Shape::Struct(_) | Shape::Array(_) | Shape::Map(_), Literal::Table) => true,
        _ => false,
    }
}

/// Lua turns such a string into a number by itself.
fn reads_as_number(text: &str) -> bool {
    let text = text.trim();
    text.parse::<f64>().is_ok() || text.trim_start_matches('-').to_lowercase().starts_with("0x")
}
