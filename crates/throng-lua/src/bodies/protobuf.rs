//! The same for messages of Protocol Buffers.

use super::{DEPTH, VALUES, entries, field_name, no_field};
use crate::sandbox::freeze::contents;
use mlua::Value;
use throng_protobuf::{Field, MessageId, Repeat, Schema};

/// The first field of a body that its message does not have, in words; `place` is what it is a field of.
pub(super) fn stray(schema: &Schema, ty: MessageId, place: &str, body: &Value) -> Option<String> {
    Search { schema, left: VALUES }.message(ty, place, body, DEPTH)
}

struct Search<'a> {
    schema: &'a Schema,
    left: usize,
}

impl Search<'_> {
    fn message(&mut self, ty: MessageId, place: &str, value: &Value, depth: usize) -> Option<String> {
        let (table, depth) = (contents(value.as_table()?), depth.checked_sub(1)?);
        let ty = self.schema.message(ty);
        for (key, value) in entries(&table, &mut self.left) {
            let name = match field_name(&key, place) {
                Ok(name) => name,
                Err(stray) => return Some(stray),
            };
            let Some(field) = ty.field(&name) else {
                return Some(no_field(place, &name, ty.fields.iter().map(|field| &*field.name)));
            };
            let stray = self.field(field, &format!("{place}.{name}"), &value, depth);
            if stray.is_some() {
                return stray;
            }
        }
        None
    }

    /// What a field holds: a message, or a list or map of messages; anything else has no fields.
    fn field(&mut self, field: &Field, place: &str, value: &Value, depth: usize) -> Option<String> {
        let ty = field.kind.message()?;
        if field.repeat == Repeat::One {
            return self.message(ty, place, value, depth);
        }
        let held = entries(&contents(value.as_table()?), &mut self.left);
        held.into_iter().find_map(|(_, value)| self.message(ty, &format!("{place}[]"), &value, depth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::Lua;
    use throng_protobuf::SourceFile;

    #[track_caller]
    fn check(body: &str, found: Option<&str>) {
        let text = "syntax = \"proto3\"; message Item { int32 id = 1; } \
                    message Buy { Item item = 1; repeated Item list = 2; map<string, Item> map = 3; string note = 4; }";
        let schema = Schema::compile(&[SourceFile { name: "test.proto", text }]).expect("a schema");
        let lua = Lua::new();
        let body: Value = lua.load(body).eval().expect("valid Lua");
        let ty = schema.find_message("Buy").expect("Buy");
        assert_eq!(stray(&schema, ty, "Buy", &body).as_deref(), found);
    }

    #[test]
    fn a_strange_field_is_named_with_the_nearest() {
        check("{ item = { id = 1 }, list = { { id = 2 } }, map = { a = { id = 3 } }, note = 'n' }", None);
        check("{ ntoe = 'x' }", Some("Buy has no field 'ntoe'; did you mean 'note'?"));
        check("{ list = { {}, { idd = 1 } } }", Some("Buy.list[] has no field 'idd'; did you mean 'id'?"));
        check("{ map = { a = { zzzzz = 1 } } }", Some("Buy.map[] has no field 'zzzzz'"));
        check("{ item = { 1 } }", Some("Buy.item has no field [1]"));
    }
}
