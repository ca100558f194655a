//! The messages of a protocol of Protocol Buffers, for the checker and for editors.

use std::collections::HashMap;

use throng_check::{Body, Codec, EnumType, FieldType, Message, ProtocolMessages, Shape, StructType};
use throng_protobuf::{EnumDef, Field, Kind, MessageId as TypeId, Repeat, Schema};
use throng_wire::{self as wire, ProtobufCodec, ReplyKey};

use crate::config::Protocol;

/// All messages with their fields. One goes in one direction only where the tables of numbers say so.
pub(super) fn messages(protocol: &Protocol, codec: &ProtobufCodec) -> ProtocolMessages {
    let mut types = Types { schema: codec.schema(), structs: Vec::new(), known: HashMap::new() };
    let mut body = |id| codec.body_type(id).map_or(Body::Unknown, |(_, ty)| Body::Struct(types.index(ty)));
    let message = |(id, name): (wire::MessageId, &str)| {
        let reply = match protocol.wire.awaits(id, 0) {
            Some(ReplyKey::Name(reply)) => body(reply),
            Some(ReplyKey::Session(_) | ReplyKey::Fifo) | None => Body::Unknown,
        };
        Message { body: body(id), reply, ..super::named_message(&protocol.wire, id, name) }
    };
    let messages = protocol.wire.messages().map(message).collect();
    let values = |each: &EnumDef| each.values.iter().map(|value| value.name.to_string()).collect();
    let enums = codec.schema().enums().iter();
    ProtocolMessages {
        types: types.structs,
        enums: enums.map(|each| EnumType { name: each.name.to_string(), values: values(each) }).collect(),
        messages,
        ..super::bare(protocol, Codec::Schema)
    }
}

/// The types met so far.
struct Types<'s> {
    schema: &'s Schema,
    structs: Vec<StructType>,
    known: HashMap<TypeId, usize>,
}

impl Types<'_> {
    fn index(&mut self, id: TypeId) -> usize {
        if let Some(index) = self.known.get(&id) {
            return *index;
        }
        let schema = self.schema;
        let ty = schema.message(id);
        let index = self.structs.len();
        self.known.insert(id, index);
        // Known before its fields are: a type may hold itself.
        self.structs.push(StructType { name: ty.name.to_string(), fields: Vec::new() });
        let fields: Vec<FieldType> = ty
            .fields
            .iter()
            .map(|field| FieldType { name: field.name.to_string(), shape: self.field(field) })
            .collect();
        self.structs[index].fields = fields;
        index
    }

    fn field(&mut self, field: &Field) -> Shape {
        let value = self.value(field.kind);
        match field.repeat {
            Repeat::One => value,
            Repeat::Array { .. } => Shape::Array(Box::new(value)),
            Repeat::Map { .. } => Shape::Map(Box::new(value)),
        }
    }

    fn value(&mut self, kind: Kind) -> Shape {
        match kind {
            Kind::Double | Kind::Float => Shape::Number,
            Kind::Bool => Shape::Boolean,
            Kind::String { .. } => Shape::String,
            Kind::Bytes => Shape::Binary,
            Kind::Enum(id) => Shape::Enum(id.0 as usize),
            Kind::Message(id) | Kind::Group(id) => Shape::Struct(self.index(id)),
            Kind::Int32
            | Kind::Int64
            | Kind::Uint32
            | Kind::Uint64
            | Kind::Sint32
            | Kind::Sint64
            | Kind::Fixed32
            | Kind::Fixed64
            | Kind::Sfixed32
            | Kind::Sfixed64 => Shape::Integer,
        }
    }
}
