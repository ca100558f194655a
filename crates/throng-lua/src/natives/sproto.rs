//! `throng.sproto`: schemas that scripts make themselves, and messages by them. The codec is `throng-sproto`'s.

mod usual;

use super::{Context, Natives, Refused};
use crate::sandbox;
use crate::suggest;
use crate::values::kind_of;
use mlua::{Lua, LuaString, Table, Value};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;
use throng_sproto::{
    Field, FieldType, MAX_MESSAGE, Protocol, Repeat, Response, Schema, SourceFile, TypeDef, TypeId,
};

/// The most schemas that a state keeps. They stay until its end, because what was asked by them may be answered any time.
const MOST_SCHEMAS: usize = 256;
/// What they may be made of, all together, in bytes.
const MOST_SOURCE: usize = 4 << 20;
/// The longest text or bundle of a schema, in bytes.
const LONGEST_SOURCE: usize = 1 << 20;

/// What a byte costs, in nanoseconds.
const COMPARING: u64 = 1;
const PACKING: u64 = 3;
const CODING: u64 = 10;
const PARSING: u64 = 100;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    let schemas = Rc::new(Schemas::default());
    add_schemas(natives, &schemas)?;
    add_questions(natives, &schemas)?;
    add_messages(natives, &schemas)?;
    usual::add(natives, &schemas)?;
    add_calls(natives, &schemas)
}

/// The schemas of one state, each once, however often it is asked for: robots parse the same text again and again.
#[derive(Default)]
struct Schemas {
    kept: RefCell<Vec<Rc<Schema>>>,
    /// How many bytes they were made of.
    source: Cell<usize>,
    /// Where each stands in `kept`, by what it was made of.
    places: RefCell<HashMap<Made, usize>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Made {
    OfText(Box<[u8]>),
    OfBundle(Box<[u8]>),
}

impl Schemas {
    /// The number of the schema made of this.
    fn place(&self, made: Made) -> Result<usize, Refused> {
        if let Some(place) = self.places.borrow().get(&made) {
            return Ok(*place);
        }
        let (Made::OfText(bytes) | Made::OfBundle(bytes)) = &made;
        let source = self.source.get() + bytes.len();
        let mut kept = self.kept.borrow_mut();
        if kept.len() == MOST_SCHEMAS || source > MOST_SOURCE {
            let mebibytes = MOST_SOURCE >> 20;
            return Err(format!(
                "no more than {MOST_SCHEMAS} schemas of {mebibytes} MiB can be made: make each once, at file level"
            )
            .into());
        }
        kept.push(Rc::new(match &made {
            Made::OfText(text) => parsed(text)?,
            Made::OfBundle(bundle) => Schema::from_bundle("bundle", bundle).map_err(as_text)?,
        }));
        self.source.set(source);
        let place = kept.len() - 1;
        drop(kept);
        self.places.borrow_mut().insert(made, place);
        Ok(place)
    }

    /// The schema of a number that the prelude was given.
    fn at(&self, place: usize) -> Result<Rc<Schema>, Refused> {
        self.kept.borrow().get(place).cloned().ok_or_else(|| "there is no such schema".into())
    }
}

fn parsed(text: &[u8]) -> Result<Schema, Refused> {
    let text = std::str::from_utf8(text).map_err(|_| "a schema is a text in UTF-8")?;
    Schema::parse(&[SourceFile { name: "schema", text }]).map_err(|error| error.to_string().into())
}

fn source(lua: &Lua, what: &str, value: &Value) -> Result<Box<[u8]>, Refused> {
    let bytes = bytes(what, value)?;
    let bytes = bytes.as_bytes();
    if bytes.len() > LONGEST_SOURCE {
        return Err(format!("{what} of {} bytes is longer than {LONGEST_SOURCE}", bytes.len()).into());
    }
    sandbox::work(lua, bytes.len() as u64 * COMPARING);
    Ok(bytes[..].into())
}

fn bytes(what: &str, value: &Value) -> Result<LuaString, Refused> {
    match value {
        Value::String(bytes) => Ok(bytes.clone()),
        other => Err(format!("wanted {what} as a string of bytes, not {}", kind_of(other)).into()),
    }
}

fn name(what: &str, value: &Value) -> Result<String, Refused> {
    match value {
        Value::String(name) => Ok(name.to_string_lossy()),
        other => Err(format!("wanted the name of a {what}, not {}", kind_of(other)).into()),
    }
}

fn string(lua: &Lua, bytes: &[u8]) -> Result<Value, Refused> {
    lua.create_string(bytes).map(Value::String).map_err(as_text)
}

fn as_text(error: impl Display) -> Refused {
    error.to_string().into()
}

fn type_of(schema: &Schema, value: &Value) -> Result<TypeId, Refused> {
    let name = name("type", value)?;
    schema
        .type_id(&name)
        .ok_or_else(|| suggest::unknown("type", &name, schema.types().map(|(_, ty)| &*ty.name)).into())
}

fn add_schemas(natives: &Natives<'_>, schemas: &Rc<Schemas>) -> mlua::Result<()> {
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_parse", move |_, lua, text: Value| {
        let text = source(lua, "a schema", &text)?;
        placed(lua, &kept, text.len(), Made::OfText(text))
    })?;
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_load", move |_, lua, bundle: Value| {
        let bundle = source(lua, "a bundle", &bundle)?;
        placed(lua, &kept, bundle.len(), Made::OfBundle(bundle))
    })?;
    natives.may_refuse("sproto_bundle", |_, lua, text: Value| {
        let text = source(lua, "a schema", &text)?;
        sandbox::work(lua, text.len() as u64 * PARSING);
        string(lua, &parsed(&text)?.bundle())
    })
}

fn placed(lua: &Lua, schemas: &Schemas, length: usize, made: Made) -> Result<Value, Refused> {
    let before = schemas.kept.borrow().len();
    let place = schemas.place(made)?;
    if schemas.kept.borrow().len() > before {
        sandbox::work(lua, length as u64 * PARSING);
    }
    Ok(Value::Integer(place as i64))
}

/// What a schema has.
fn add_questions(natives: &Natives<'_>, schemas: &Rc<Schemas>) -> mlua::Result<()> {
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_has_type", move |_, _, (place, ty): (usize, Value)| {
        Ok(kept.at(place)?.type_id(&name("type", &ty)?).is_some())
    })?;
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_protocol", move |_, lua, (place, wanted): (usize, Value)| {
        let schema = kept.at(place)?;
        let found = match &wanted {
            Value::Integer(tag) => u32::try_from(*tag).ok().and_then(|tag| schema.protocol_by_tag(tag)),
            wanted => schema.protocol(&name("protocol", wanted)?),
        };
        found.map_or(Ok(Value::Nil), |protocol| protocol_table(lua, &schema, protocol).map_err(as_text))
    })?;
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_unknown_protocol", move |_, _, (place, wanted): (usize, Value)| {
        let schema = kept.at(place)?;
        Ok(match &wanted {
            Value::Integer(tag) => format!("no protocol has the tag {tag}"),
            wanted => {
                let names = schema.protocols().map(|protocol| &*protocol.name);
                suggest::unknown("protocol", &name("protocol", wanted)?, names)
            }
        })
    })?;
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_default", move |_, lua, (place, ty): (usize, Value)| {
        let schema = kept.at(place)?;
        let ty = type_of(&schema, &ty)?;
        default_table(lua, &schema, schema.type_def(ty)).map(Value::Table).map_err(as_text)
    })
}

/// `{ name, tag, request, response }`; a response without content is true.
fn protocol_table(lua: &Lua, schema: &Schema, protocol: &Protocol) -> mlua::Result<Value> {
    let type_name = |ty| &*schema.type_def(ty).name;
    let table = lua.create_table_with_capacity(0, 4)?;
    table.raw_set("name", &*protocol.name)?;
    table.raw_set("tag", protocol.tag)?;
    table.raw_set("request", protocol.request.map(type_name))?;
    match protocol.response {
        Response::None => {}
        Response::Confirm => table.raw_set("response", true)?,
        Response::Type(ty) => table.raw_set("response", type_name(ty))?,
    }
    Ok(Value::Table(table))
}

/// A value for each field; what is no single value is a table that says what it would hold.
fn default_table(lua: &Lua, schema: &Schema, ty: &TypeDef) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, ty.fields.len())?;
    for field in &ty.fields {
        table.raw_set(&*field.name, default_value(lua, schema, field)?)?;
    }
    Ok(table)
}

fn default_value(lua: &Lua, schema: &Schema, field: &Field) -> mlua::Result<Value> {
    let (value, what) = match field.ty {
        FieldType::Integer => (Value::Integer(0), "__array"),
        FieldType::Fixed { .. } | FieldType::Double => (Value::Number(0.0), "__array"),
        FieldType::Boolean => (Value::Boolean(false), "__array"),
        FieldType::String | FieldType::Binary => (Value::String(lua.create_string("")?), "__array"),
        FieldType::Struct(ty) => (Value::String(lua.create_string(&*schema.type_def(ty).name)?), "__type"),
    };
    match (field.repeat, what) {
        (Repeat::One, "__array") => Ok(value),
        (repeat, what) => {
            let table = lua.create_table()?;
            table.raw_set(if repeat == Repeat::One { what } else { "__array" }, value)?;
            Ok(Value::Table(table))
        }
    }
}

fn add_messages(natives: &Natives<'_>, schemas: &Rc<Schemas>) -> mlua::Result<()> {
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_code", move |_, _, (place, ty): (usize, Value)| {
        Ok(kept.at(place)?.type_id(&name("type", &ty)?).map(|ty| usual::code(place, ty)))
    })?;
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_encode", move |context, lua, (place, ty, body): (usize, Value, Value)| {
        let mut out = Vec::new();
        let schema = kept.at(place)?;
        encode(context, lua, &schema, &ty, &body, &mut out)?;
        string(lua, &out)
    })?;
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_decode", move |context, lua, (place, ty, given): (usize, Value, Value)| {
        let schema = kept.at(place)?;
        let given = bytes("a message", &given)?;
        decode(context, lua, &schema, type_of(&schema, &ty)?, &given.as_bytes())
    })?;
    natives.may_refuse("sproto_pack", |_, lua, given: Value| {
        let given = bytes("what it packs", &given)?;
        packed(lua, &given.as_bytes())
    })?;
    natives.may_refuse("sproto_unpack", |_, lua, given: Value| {
        let given = bytes("what it unpacks", &given)?;
        string(lua, &unpacked(lua, &given.as_bytes())?)
    })
}

fn encode(
    context: &Context,
    lua: &Lua,
    schema: &Schema,
    ty: &Value,
    body: &Value,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let ty = type_of(schema, ty)?;
    let before = out.len();
    context.vm.codec.encode_table(lua, schema, ty, body, out)?;
    sandbox::work(lua, (out.len() - before) as u64 * CODING);
    Ok(())
}

/// The message, and how many bytes it takes.
fn decode(
    context: &Context,
    lua: &Lua,
    schema: &Schema,
    ty: TypeId,
    bytes: &[u8],
) -> Result<(Value, usize), Refused> {
    sandbox::work(lua, bytes.len() as u64 * CODING);
    Ok(context.vm.codec.decode_table(lua, schema, ty, bytes)?)
}

fn packed(lua: &Lua, bytes: &[u8]) -> Result<Value, Refused> {
    sandbox::work(lua, bytes.len() as u64 * PACKING);
    let mut out = Vec::new();
    throng_sproto::pack(bytes, &mut out);
    string(lua, &out)
}

fn unpacked(lua: &Lua, bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::new();
    throng_sproto::unpack(bytes, MAX_MESSAGE + 8, &mut out).map_err(as_text)?;
    sandbox::work(lua, out.len() as u64 * PACKING);
    Ok(out)
}

/// A whole RPC message to be sent: the schema and type of its header, the header, and those of its content, if any.
type Message = (usize, Value, Value, usize, Value, Value);

fn add_calls(natives: &Natives<'_>, schemas: &Rc<Schemas>) -> mlua::Result<()> {
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_message", move |context, lua, message: Message| {
        let (own, package, header, remote, ty, content) = message;
        let mut out = Vec::new();
        let (own, remote) = (kept.at(own)?, kept.at(remote)?);
        encode(context, lua, &own, &package, &header, &mut out)?;
        if !ty.is_nil() {
            encode(context, lua, &remote, &ty, &content, &mut out)?;
        }
        packed(lua, &out)
    })?;
    let kept = Rc::clone(schemas);
    natives.may_refuse("sproto_open", move |context, lua, (place, package, given): (usize, Value, Value)| {
        let schema = kept.at(place)?;
        let given = bytes("a message", &given)?;
        let message = unpacked(lua, &given.as_bytes())?;
        let (header, used) = decode(context, lua, &schema, type_of(&schema, &package)?, &message)?;
        Ok((header, string(lua, &message[used..])?))
    })
}
