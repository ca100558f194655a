//! Schemas and values made of a supply of bytes, so that fewer or smaller bytes make simpler ones.

use std::fmt::Write;

use throng_protobuf::{Field, Kind, MessageDef, Repeat, Schema, Value};

/// The most fields of a message.
const FIELDS: usize = 12;

/// Bytes to decide by; zeros when they are used up, which mean nothing more.
pub(crate) struct Supply<'b>(pub(crate) &'b [u8]);

impl Supply<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    fn chance(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// Small, near a power of two, or anything.
    fn bits(&mut self) -> u64 {
        match self.below(4) {
            0 => self.byte().into(),
            1 => 1_u64.rotate_left(self.byte().into()).wrapping_sub(self.below(2) as u64),
            2 => !u64::from(self.byte()),
            _ => (0..8).fold(0, |bits, _| bits << 8 | u64::from(self.byte())),
        }
    }
}

const SCALARS: [&str; 15] = [
    "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64",
    "float", "double", "bool", "string", "bytes",
];

/// The text of a schema whose first message is `M0`.
pub(crate) fn schema(supply: &mut Supply<'_>) -> String {
    let proto3 = supply.chance();
    let messages = 1 + supply.below(3);
    let mut text = format!("syntax = \"{}\"; package p;\n", if proto3 { "proto3" } else { "proto2" });
    text.push_str("enum E { E0 = 0; E1 = 1; E2 = 2; MINUS = -5; FAR = 70000; }\n");
    for message in 0..messages {
        writeln!(text, "message M{message} {{").unwrap();
        fields(supply, proto3, messages, &mut text);
        text.push_str("}\n");
    }
    text
}

fn fields(supply: &mut Supply<'_>, proto3: bool, messages: usize, text: &mut String) {
    let mut number = 0;
    for field in 0..supply.below(FIELDS) {
        number += match supply.below(8) {
            7 => 1000,
            step => step + 1,
        };
        let scalar = SCALARS[supply.below(SCALARS.len())];
        let ty = match supply.below(4) {
            0 => format!("M{}", supply.below(messages)),
            1 => "E".to_owned(),
            _ => scalar.to_owned(),
        };
        let is_packable = !matches!(&*ty, "string" | "bytes") && !ty.starts_with('M');
        let packed = match supply.below(3) {
            0 => "",
            1 if is_packable => " [packed = true]",
            2 if is_packable => " [packed = false]",
            _ => "",
        };
        let one = if proto3 { ["", "optional "][supply.below(2)] } else { "optional " };
        match supply.below(6) {
            0 if !matches!(scalar, "float" | "double" | "bytes") => {
                writeln!(text, "map<{scalar}, {ty}> f{field} = {number};").unwrap();
            }
            1 | 2 => writeln!(text, "repeated {ty} f{field} = {number}{packed};").unwrap(),
            3 => {
                let other = number + 1;
                writeln!(text, "oneof o{field} {{ {ty} f{field} = {number}; {scalar} g{field} = {other}; }}")
                    .unwrap();
                number += 1;
            }
            _ => writeln!(text, "{one}{ty} f{field} = {number};").unwrap(),
        }
    }
}

/// A message as decoding its bytes gives it: fields by number, no zeros where these are absent.
pub(crate) fn message(schema: &Schema, message: &MessageDef, depth: u32, supply: &mut Supply<'_>) -> Value {
    let mut fields: Vec<(Box<str>, Value)> = Vec::new();
    let mut oneofs = vec![false; message.oneofs.len()];
    for field in &message.fields {
        let is_nested = field.kind.message().is_some();
        let taken = field.oneof.is_some_and(|oneof| oneofs[usize::from(oneof)]);
        if !supply.chance() || taken || (is_nested && depth == 0) {
            continue;
        }
        let value = match field.repeat {
            Repeat::One => Some(value(schema, field.kind, depth, supply)),
            Repeat::Array { .. } => array(schema, field, depth, supply),
            Repeat::Map { key } => map(schema, field, key, depth, supply),
        };
        if let Some(value) = value.filter(|value| field.presence || !is_zero(value)) {
            if let Some(oneof) = field.oneof {
                oneofs[usize::from(oneof)] = true;
            }
            fields.push((field.name.clone(), value));
        }
    }
    Value::Message(fields)
}

fn array(schema: &Schema, field: &Field, depth: u32, supply: &mut Supply<'_>) -> Option<Value> {
    let count = supply.below(5);
    (count > 0).then(|| Value::Array((0..count).map(|_| value(schema, field.kind, depth, supply)).collect()))
}

fn map(schema: &Schema, field: &Field, key: Kind, depth: u32, supply: &mut Supply<'_>) -> Option<Value> {
    let mut entries: Vec<(Value, Value)> = Vec::new();
    for _ in 0..supply.below(4) {
        let key = value(schema, key, 0, supply);
        if entries.iter().all(|(other, _)| *other != key) {
            entries.push((key, value(schema, field.kind, depth, supply)));
        }
    }
    (!entries.is_empty()).then_some(Value::Map(entries))
}

fn value(schema: &Schema, kind: Kind, depth: u32, supply: &mut Supply<'_>) -> Value {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::Integer((supply.bits() as i32).into()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::Integer(supply.bits() as i64),
        Kind::Uint32 | Kind::Fixed32 => Value::Unsigned((supply.bits() as u32).into()),
        Kind::Uint64 | Kind::Fixed64 => Value::Unsigned(supply.bits()),
        Kind::Float => Value::Double((supply.bits() as i64 as f32 / 7.0).into()),
        Kind::Double => Value::Double(supply.bits() as i64 as f64 / 7.0),
        Kind::Bool => Value::Boolean(supply.chance()),
        Kind::String { .. } => {
            let text = ["", "x", "角色", "a longer text", "\0"][supply.below(5)];
            Value::String(text.repeat(1 + supply.below(40)).into())
        }
        Kind::Bytes => Value::Bytes((0..supply.below(9)).map(|_| supply.byte()).collect()),
        Kind::Enum(id) => {
            let values = &schema.enumeration(id).values;
            Value::Enum(values[supply.below(values.len())].name.clone())
        }
        Kind::Message(id) | Kind::Group(id) => {
            message(schema, schema.message(id), depth.saturating_sub(1), supply)
        }
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Integer(value) => *value == 0,
        Value::Unsigned(value) => *value == 0,
        Value::Double(value) => value.to_bits() == 0,
        Value::Boolean(value) => !value,
        Value::String(bytes) | Value::Bytes(bytes) => bytes.is_empty(),
        Value::Enum(name) => **name == *"E0",
        Value::Message(_) | Value::Array(_) | Value::Map(_) => false,
    }
}
