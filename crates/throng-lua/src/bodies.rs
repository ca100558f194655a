//! Fields of a body that its message does not have. They are not sent, which a project that is only tried or tested should
//! hear of. Nothing here runs in a load test.

mod protobuf;

use crate::sandbox::freeze::contents;
use crate::suggest;
use mlua::{Table, Value};
use throng_sproto::{Field, FieldType, Repeat, Schema, TypeId};
use throng_wire::{Codec, Direction, Protocol};

/// How deep bodies are looked into; the codec refuses deeper ones.
const DEPTH: usize = 64;
/// How many values of a body are looked at.
const VALUES: usize = 100_000;

/// The first field of a body that is to be sent that its message does not have, in words.
pub(crate) fn stray_in_message(protocol: &Protocol, name: &str, body: &Value) -> Option<String> {
    let message = protocol.message(name)?;
    if let Codec::Protobuf(codec) = &protocol.codec {
        let (schema, ty) = codec.body_type(message)?;
        return protobuf::stray(schema, ty, name, body);
    }
    match protocol.body_type(message, Direction::Sent) {
        Some((schema, ty)) => stray_in_type(schema, ty, name, body),
        None if matches!(protocol.codec, Codec::Raw(_) | Codec::Document(_) | Codec::Own(_)) => None,
        None => {
            let fields = contents(body.as_table()?);
            fields.pairs::<Value, Value>().next().map(|_| format!("{name} has no fields at all"))
        }
    }
}

/// The same for the fields of a type; `place` is what they are fields of.
pub(crate) fn stray_in_type(schema: &Schema, ty: TypeId, place: &str, body: &Value) -> Option<String> {
    Search { schema, left: VALUES }.structure(ty, place, body, DEPTH)
}

struct Search<'a> {
    schema: &'a Schema,
    left: usize,
}

impl Search<'_> {
    fn structure(&mut self, ty: TypeId, place: &str, value: &Value, depth: usize) -> Option<String> {
        let (table, depth) = (contents(value.as_table()?), depth.checked_sub(1)?);
        let ty = self.schema.type_def(ty);
        for (key, value) in self.entries(&table) {
            let name = match field_name(&key, place) {
                Ok(name) => name,
                Err(stray) => return Some(stray),
            };
            let Some(field) = ty.fields.iter().find(|field| *field.name == *name) else {
                return Some(no_field(place, &name, ty.fields.iter().map(|field| &*field.name)));
            };
            let stray = self.field(field, &format!("{place}.{name}"), &value, depth);
            if stray.is_some() {
                return stray;
            }
        }
        None
    }

    /// What a field holds: a struct, or a list or map of structs; anything else has no fields.
    fn field(&mut self, field: &Field, place: &str, value: &Value, depth: usize) -> Option<String> {
        let FieldType::Struct(ty) = field.ty else { return None };
        let ty = match field.repeat {
            Repeat::One => return self.structure(ty, place, value, depth),
            Repeat::Array | Repeat::MapByKey { .. } => ty,
            Repeat::MapPair { value, .. } => {
                let held = self.schema.type_def(ty).fields.get(usize::from(value))?;
                match (held.ty, held.repeat) {
                    (FieldType::Struct(ty), Repeat::One) => ty,
                    _ => return None,
                }
            }
        };
        let entries = self.entries(&contents(value.as_table()?));
        entries.into_iter().find_map(|(_, value)| self.structure(ty, &format!("{place}[]"), &value, depth))
    }

    fn entries(&mut self, table: &Table) -> Vec<(Value, Value)> {
        entries(table, &mut self.left)
    }
}

/// The entries of a table, as long as there are values left to look at.
fn entries(table: &Table, left: &mut usize) -> Vec<(Value, Value)> {
    let entries: Vec<_> = table.pairs::<Value, Value>().filter_map(Result::ok).take(*left).collect();
    *left -= entries.len();
    entries
}

/// The name of a field, or why the key is none.
fn field_name(key: &Value, place: &str) -> Result<String, String> {
    match key {
        Value::String(name) => Ok(name.to_string_lossy()),
        Value::Integer(index) => Err(format!("{place} has no field [{index}]")),
        other => Err(format!("{place} has no fields named by {}", crate::values::kind_of(other))),
    }
}

fn no_field<'n>(place: &str, name: &str, known: impl Iterator<Item = &'n str>) -> String {
    match suggest::nearest(name, known) {
        Some(meant) => format!("{place} has no field '{name}'; did you mean '{meant}'?"),
        None => format!("{place} has no field '{name}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::Lua;
    use throng_sproto::SourceFile;

    const SCHEMA: &str = "
        .Item { id 0 : integer name 1 : string }
        .Pair { key 0 : string value 1 : Item }
        .Buy { item 0 : Item list 1 : *Item map 2 : *Item(id) pairs 3 : *Pair() words 4 : *string note 5 : string }";

    #[track_caller]
    fn check(body: &str, found: Option<&str>) {
        let schema = Schema::parse(&[SourceFile { name: "test.sproto", text: SCHEMA }]).expect("a schema");
        let lua = Lua::new();
        let body: Value = lua.load(body).eval().expect("valid Lua");
        let stray = stray_in_type(&schema, schema.type_id("Buy").expect("Buy"), "Buy", &body);
        assert_eq!(stray.as_deref(), found);
    }

    #[test]
    fn fields_of_the_message_are_no_strangers_however_deep() {
        check(
            "{ item = { id = 1 }, list = { { name = 'x' } }, map = { [7] = { name = 'y' } }, \
               pairs = { a = { id = 2 } }, words = { 'a' }, note = 'n' }",
            None,
        );
        check("nil", None);
        check("'text'", None);
        check("{ item = 5, list = 'x' }", None);
    }

    #[test]
    fn a_strange_field_is_named_with_the_nearest() {
        check("{ ntoe = 'x' }", Some("Buy has no field 'ntoe'; did you mean 'note'?"));
        check("{ item = { nmae = 'x' } }", Some("Buy.item has no field 'nmae'; did you mean 'name'?"));
        check("{ list = { {}, { zzzzz = 1 } } }", Some("Buy.list[] has no field 'zzzzz'"));
        check("{ map = { [1] = { idd = 1 } } }", Some("Buy.map[] has no field 'idd'; did you mean 'id'?"));
        check("{ pairs = { a = { idd = 1 } } }", Some("Buy.pairs[] has no field 'idd'; did you mean 'id'?"));
        check("{ 'x' }", Some("Buy has no field [1]"));
        check("{ [true] = 1 }", Some("Buy has no fields named by a boolean"));
    }

    #[test]
    fn a_body_that_holds_itself_comes_to_an_end() {
        check(
            "(function() local t = { list = {} } t.list[1] = t.list return t end)()",
            Some("Buy.list[] has no field [1]"),
        );
        check("(function() local t = {} t.item = t return t end)()", Some("Buy.item has no field 'item'"));
    }
}
