//! A codec out of a schema's texts and what stands around its messages.

use std::collections::HashMap;
use std::sync::Arc;

use throng_protobuf::{DefaultValue, Envelope, FieldPath, IdTable, MessageId as TypeId, Schema, SourceFile};

use super::{Extent, ProtobufCodec, ProtobufError, Refusal, Shape};
use crate::MessageId;
use crate::codec::Listed;
use crate::codec::messages::Messages;
use crate::reply::Comparison;
use crate::spec::{ProtobufIds, ProtobufNames, ProtobufShape, ProtobufSpec};

/// What a shape makes of a schema.
struct Parts {
    names: Vec<Box<str>>,
    types: Vec<TypeId>,
    shape: Shape,
    session: Option<FieldPath>,
    unmatched: Vec<Box<str>>,
}

impl ProtobufCodec {
    /// A codec; `listed` are the numbers of messages where the user listed them.
    pub(in crate::codec) fn new(
        spec: ProtobufSpec,
        listed: Listed<'_>,
    ) -> Result<ProtobufCodec, ProtobufError> {
        let files: Vec<SourceFile<'_>> =
            spec.schema.iter().map(|file| SourceFile { name: &file.name, text: &file.text }).collect();
        let schema = Schema::compile(&files)?;
        let parts = match spec.shape {
            ProtobufShape::Bare(ids) => numbered(&schema, &ids, listed)?,
            ProtobufShape::Named { ty, name, body, session, names } => {
                named_shape(&schema, &ty, (&name, &body), session.as_deref(), names)?
            }
            ProtobufShape::Oneof { ty, oneof, session } => {
                oneof_shape(&schema, &ty, oneof.as_deref(), session.as_deref())?
            }
        };
        Ok(ProtobufCodec {
            extent: extent(&schema),
            schema: Arc::new(schema),
            defaults: spec.defaults,
            messages: Messages::new(parts.names.iter().map(|name| &**name)),
            types: parts.types,
            shape: parts.shape,
            session: parts.session,
            refusal: None,
            unmatched: parts.unmatched,
        })
    }

    /// Looks for a field that tells a refusal, in the envelope and in the bodies; false where none has it.
    pub(crate) fn refuse_by(&mut self, envelope: Option<&str>, field: &str, refused: Comparison) -> bool {
        let path = |ty| FieldPath::new(&self.schema, ty, field).ok().filter(FieldPath::is_integer);
        let outer = envelope.and_then(|name| path(self.schema.find_message(name).ok()?));
        let inner: Vec<Option<FieldPath>> = self.types.iter().map(|ty| path(*ty)).collect();
        let found = outer.is_some() || inner.iter().any(Option::is_some);
        self.refusal = found.then_some(Refusal { refused, outer, inner });
        found
    }
}

/// Messages behind a header's number.
fn numbered(schema: &Schema, ids: &ProtobufIds, listed: Listed<'_>) -> Result<Parts, ProtobufError> {
    let (sent, received) = match ids {
        ProtobufIds::Separate { send, receive } => {
            (table(schema, send, listed.sent)?, Some(table(schema, receive, listed.received)?))
        }
        ids => (table(schema, ids, listed.sent)?, None),
    };
    let mut types: Vec<TypeId> = sent.entries().iter().map(|(_, ty)| *ty).collect();
    if let Some(received) = &received {
        types.extend(received.entries().iter().map(|(_, ty)| *ty).filter(|ty| sent.id(*ty).is_none()));
    }
    let numbers = |table: &IdTable| {
        let number = |(index, ty): (usize, &TypeId)| Some((MessageId(index as u32), table.id(*ty)?));
        types.iter().enumerate().filter_map(number).collect::<Vec<_>>()
    };
    let shape = Shape::Numbered { sent: numbers(&sent), received: received.as_ref().map(numbers) };
    let unmatched = sent.unmatched().iter().chain(received.iter().flat_map(IdTable::unmatched));
    Ok(Parts {
        names: names(schema, &types),
        shape,
        session: None,
        unmatched: unmatched.cloned().collect(),
        types,
    })
}

/// The numbers of one direction, or of both.
fn table(
    schema: &Schema,
    ids: &ProtobufIds,
    listed: Option<&[(String, i64)]>,
) -> Result<IdTable, ProtobufError> {
    Ok(match ids {
        ProtobufIds::Enum { name, rule } => IdTable::from_enum(schema, name, &rule.as_rule())?,
        ProtobufIds::Option(option) => IdTable::from_option(schema, option)?,
        ProtobufIds::Listed => {
            let pairs = listed.ok_or(ProtobufError::NoIds)?;
            IdTable::from_pairs(schema, pairs.iter().map(|(name, id)| (&**name, *id)))?
        }
        // A table of one direction has none of its own.
        ProtobufIds::Separate { .. } => return Err(ProtobufError::NoIds),
    })
}

/// Messages behind their names.
fn named_shape(
    schema: &Schema,
    outer: &str,
    (name, body): (&str, &str),
    session: Option<&str>,
    written: ProtobufNames,
) -> Result<Parts, ProtobufError> {
    let outer = schema.find_message(outer)?;
    let bytes = |field: &str| {
        let path = FieldPath::new(schema, outer, field)?;
        if path.is_bytes() { Ok(path) } else { Err(ProtobufError::NotBytes { field: field.to_owned() }) }
    };
    let own = schema.messages().iter().filter(|message| message.file.is_some() && message.id != outer);
    let types: Vec<TypeId> = own.map(|message| message.id).collect();
    let names = names(schema, &types);
    let full = || types.iter().map(|ty| schema.message(*ty).name.clone());
    let mut known: rustc_hash::FxHashMap<Box<str>, MessageId> = rustc_hash::FxHashMap::default();
    for (index, name) in names.iter().cloned().enumerate().chain(full().enumerate()) {
        known.insert(name, MessageId(index as u32));
    }
    let written = match written {
        ProtobufNames::Full => full().collect(),
        ProtobufNames::Short => names.clone(),
    };
    let shape = Shape::Named { name: bytes(name)?, body: bytes(body)?, known, written };
    Ok(Parts { names, shape, types, session: session_path(schema, outer, session)?, unmatched: Vec::new() })
}

/// Messages in a message that has one of them as a field.
fn oneof_shape(
    schema: &Schema,
    outer: &str,
    oneof: Option<&str>,
    session: Option<&str>,
) -> Result<Parts, ProtobufError> {
    let envelope = Envelope::new(schema, outer, oneof)?;
    let types: Vec<TypeId> = envelope.cases().iter().map(|case| case.message).collect();
    let mut names = names(schema, &types);
    if !are_different(&names) {
        // Two cases of one type are told apart by what they are called.
        names = envelope.cases().iter().map(|case| case.name.clone()).collect();
    }
    let session = session_path(schema, schema.find_message(outer)?, session)?;
    Ok(Parts { names, types, shape: Shape::Oneof(envelope), session, unmatched: Vec::new() })
}

fn session_path(
    schema: &Schema,
    outer: TypeId,
    field: Option<&str>,
) -> Result<Option<FieldPath>, ProtobufError> {
    let Some(field) = field else { return Ok(None) };
    let path = FieldPath::new(schema, outer, field)?;
    if path.is_integer() { Ok(Some(path)) } else { Err(ProtobufError::Session { field: field.to_owned() }) }
}

/// What scripts call messages: their short names, and their full ones where two have the same.
fn names(schema: &Schema, types: &[TypeId]) -> Vec<Box<str>> {
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for ty in types {
        *counts.entry(schema.message(*ty).short_name()).or_default() += 1;
    }
    let name = |ty: &TypeId| {
        let message = schema.message(*ty);
        match counts.get(message.short_name()) {
            Some(1) => message.short_name().into(),
            _ => message.name.clone(),
        }
    };
    types.iter().map(name).collect()
}

fn are_different(names: &[Box<str>]) -> bool {
    let mut seen = std::collections::HashSet::new();
    names.iter().all(|name| seen.insert(name))
}

/// The most that an empty message comes to.
fn extent(schema: &Schema) -> Extent {
    let bytes = |value: &Option<DefaultValue>| match value {
        Some(DefaultValue::String(bytes) | DefaultValue::Bytes(bytes)) => bytes.len(),
        _ => 0,
    };
    let messages = schema.messages();
    Extent {
        fields: messages.iter().map(|message| message.fields.len()).max().unwrap_or_default(),
        bytes: messages
            .iter()
            .map(|message| message.fields.iter().map(|field| bytes(&field.default)).sum())
            .max()
            .unwrap_or_default(),
    }
}
