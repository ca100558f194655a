//! From linked descriptors to dense tables.

use std::collections::HashMap;

use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, EnumDescriptor, ExtensionDescriptor, FieldDescriptor,
    FileDescriptor, Kind as ProtoKind, MessageDescriptor, Syntax, Value,
};

use super::compile::whole_file;
use super::numbers::Numbers;
use super::{
    DefaultValue, EnumDef, EnumId, EnumValue, EnumValueId, Field, FieldId, Kind, MessageDef, MessageId,
    Method, Oneof, OptionValue, Repeat, Schema, SchemaError, SourceFile,
};
use crate::wire::WireType;

pub(super) fn build(
    files: &[SourceFile<'_>],
    import_names: &[String],
    pool: &DescriptorPool,
) -> Result<Schema, SchemaError> {
    let mut messages: Vec<MessageDescriptor> =
        pool.all_messages().filter(|message| !message.is_map_entry()).collect();
    messages.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    let mut enums: Vec<EnumDescriptor> = pool.all_enums().collect();
    enums.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    let ids = |(index, name): (usize, &str)| (name.to_owned(), index as u32);
    let mut builder = Builder {
        messages: messages.iter().map(MessageDescriptor::full_name).enumerate().map(ids).collect(),
        enums: enums.iter().map(EnumDescriptor::full_name).enumerate().map(ids).collect(),
        import_names,
        lines: pool.files().map(|file| (file.name().to_owned(), lines(&file))).collect(),
        field_count: 0,
        enum_value_count: 0,
    };
    let messages = messages.iter().map(|message| builder.message(message)).collect::<Result<_, _>>()?;
    let enums = enums.iter().map(|each| builder.enumeration(each)).collect::<Result<_, _>>()?;
    Ok(Schema {
        files: files.iter().map(|file| file.name.into()).collect(),
        messages,
        enums,
        methods: builder.methods(pool),
        field_count: builder.field_count as usize,
        enum_value_count: builder.enum_value_count as usize,
    })
}

/// The line, from 1, by the path of a declaration in its file.
type Lines = HashMap<Vec<i32>, u32>;

fn lines(file: &FileDescriptor) -> Lines {
    let locations = file.file_descriptor_proto().source_code_info.iter().flat_map(|info| &info.location);
    locations
        .filter_map(|location| {
            Some((location.path.clone(), u32::try_from(*location.span.first()?).ok()? + 1))
        })
        .collect()
}

struct Builder<'a> {
    messages: HashMap<String, u32>,
    enums: HashMap<String, u32>,
    import_names: &'a [String],
    lines: HashMap<String, Lines>,
    field_count: u32,
    enum_value_count: u32,
}

impl Builder<'_> {
    fn message_id(&self, name: &str) -> MessageId {
        MessageId(self.messages.get(name).copied().unwrap_or_default())
    }

    fn line(&self, file: &FileDescriptor, path: &[i32]) -> u32 {
        self.lines.get(file.name()).and_then(|lines| lines.get(path)).copied().unwrap_or_default()
    }

    fn message(&mut self, message: &MessageDescriptor) -> Result<MessageDef, SchemaError> {
        let mut parts: Vec<Part> = message.fields().map(Part::of_field).collect();
        parts.extend(message.extensions().map(Part::of_extension));
        parts.sort_by_key(|part| part.number);
        if parts.len() > usize::from(u16::MAX) / 2 {
            let text = format!("message `{}` has too many fields", message.full_name());
            return Err(whole_file(message.parent_file().name(), &text));
        }
        let oneofs: Box<[Oneof]> = message
            .oneofs()
            .filter(|oneof| !oneof.is_synthetic())
            .map(|oneof| Oneof {
                name: oneof.name().into(),
                fields: (0..parts.len() as u16)
                    .filter(|index| parts[usize::from(*index)].oneof.as_deref() == Some(oneof.name()))
                    .collect(),
            })
            .collect();
        let utf8 = message.parent_file().syntax() != Syntax::Proto2;
        let fields: Box<[Field]> = parts.into_iter().map(|part| self.field(part, &oneofs, utf8)).collect();
        let file = self.import_names.iter().position(|name| *name == message.parent_file().name());
        Ok(MessageDef {
            id: self.message_id(message.full_name()),
            name: message.full_name().into(),
            numbers: Numbers::new(fields.iter().map(|field| i64::from(field.number))),
            required: fields.iter().filter(|field| field.required).count() as u32,
            fields,
            oneofs,
            options: options(&message.options()),
            file: file.map(|file| file as u32),
            line: self.line(&message.parent_file(), message.path()),
        })
    }

    fn field(&mut self, part: Part, oneofs: &[Oneof], utf8: bool) -> Field {
        let id = FieldId(self.field_count);
        self.field_count += 1;
        let (kind, repeat) = match part.kind.as_message().filter(|_| part.is_map) {
            Some(entry) => {
                let key = self.kind(&entry.map_entry_key_field().kind(), false, utf8);
                let value = self.kind(&entry.map_entry_value_field().kind(), false, utf8);
                (value, Repeat::Map { key })
            }
            None => {
                let kind = self.kind(&part.kind, part.is_group, utf8);
                (kind, if part.is_list { Repeat::Array { packed: part.is_packed } } else { Repeat::One })
            }
        };
        let wire = match repeat {
            Repeat::Array { packed: true } | Repeat::Map { .. } => WireType::Bytes,
            _ => kind.wire_type(),
        };
        let oneof = oneofs.iter().position(|oneof| part.oneof.as_deref() == Some(&*oneof.name));
        Field {
            id,
            name: part.name.into(),
            json_name: part.json_name.into(),
            number: part.number,
            kind,
            repeat,
            oneof: oneof.map(|oneof| oneof as u16),
            presence: part.presence,
            required: part.required,
            default: if repeat == Repeat::One { default_value(kind, &part.default) } else { None },
            has_written_default: part.has_written_default,
            line: self.line(&part.file, &part.path),
            key: part.number << 3 | wire.bits(),
        }
    }

    fn kind(&self, kind: &ProtoKind, is_group: bool, utf8: bool) -> Kind {
        match kind {
            ProtoKind::Double => Kind::Double,
            ProtoKind::Float => Kind::Float,
            ProtoKind::Int32 => Kind::Int32,
            ProtoKind::Int64 => Kind::Int64,
            ProtoKind::Uint32 => Kind::Uint32,
            ProtoKind::Uint64 => Kind::Uint64,
            ProtoKind::Sint32 => Kind::Sint32,
            ProtoKind::Sint64 => Kind::Sint64,
            ProtoKind::Fixed32 => Kind::Fixed32,
            ProtoKind::Fixed64 => Kind::Fixed64,
            ProtoKind::Sfixed32 => Kind::Sfixed32,
            ProtoKind::Sfixed64 => Kind::Sfixed64,
            ProtoKind::Bool => Kind::Bool,
            ProtoKind::String => Kind::String { utf8 },
            ProtoKind::Bytes => Kind::Bytes,
            ProtoKind::Message(message) if is_group => Kind::Group(self.message_id(message.full_name())),
            ProtoKind::Message(message) => Kind::Message(self.message_id(message.full_name())),
            ProtoKind::Enum(each) => {
                Kind::Enum(EnumId(self.enums.get(each.full_name()).copied().unwrap_or_default()))
            }
        }
    }

    fn enumeration(&mut self, each: &EnumDescriptor) -> Result<EnumDef, SchemaError> {
        let first = self.enum_value_count;
        // Values come by number from the descriptor, so the order of the text is found by their paths.
        let mut declared: Vec<_> = each.values().collect();
        declared.sort_by_key(|value| value.path().last().copied());
        let values: Box<[EnumValue]> = declared
            .iter()
            .enumerate()
            .map(|(index, value)| EnumValue {
                id: EnumValueId(first + index as u32),
                name: value.name().into(),
                number: value.number(),
                options: options(&value.options()),
            })
            .collect();
        self.enum_value_count += values.len() as u32;
        let Ok(count) = u16::try_from(values.len()) else {
            let text = format!("enum `{}` has too many values", each.full_name());
            return Err(whole_file(each.parent_file().name(), &text));
        };
        let mut names: Vec<u16> = (0..count).collect();
        names.sort_by_key(|index| &values[usize::from(*index)].name);
        Ok(EnumDef {
            id: EnumId(self.enums.get(each.full_name()).copied().unwrap_or_default()),
            name: each.full_name().into(),
            numbers: Numbers::new(values.iter().map(|value| i64::from(value.number))),
            names: names.into(),
            values,
        })
    }

    fn methods(&self, pool: &DescriptorPool) -> Box<[Method]> {
        let services: Vec<_> = pool.services().collect();
        services
            .iter()
            .flat_map(|service| service.methods().map(move |method| (service, method)))
            .map(|(service, method)| Method {
                service: service.full_name().into(),
                name: method.name().into(),
                request: self.message_id(method.input().full_name()),
                response: self.message_id(method.output().full_name()),
            })
            .collect()
    }
}

/// What fields and extensions have in common.
struct Part {
    name: String,
    json_name: String,
    number: u32,
    kind: ProtoKind,
    is_group: bool,
    is_list: bool,
    is_map: bool,
    is_packed: bool,
    presence: bool,
    required: bool,
    oneof: Option<String>,
    default: Value,
    has_written_default: bool,
    file: FileDescriptor,
    path: Vec<i32>,
}

impl Part {
    fn of_field(field: FieldDescriptor) -> Part {
        Part {
            name: field.name().to_owned(),
            json_name: field.json_name().to_owned(),
            number: field.number(),
            kind: field.kind(),
            is_group: field.is_group(),
            is_list: field.is_list(),
            is_map: field.is_map(),
            is_packed: is_packed(field.kind(), &field.options(), field.parent_file().syntax()),
            presence: field.supports_presence(),
            required: field.cardinality() == Cardinality::Required,
            oneof: field.containing_oneof().map(|oneof| oneof.name().to_owned()),
            default: field.default_value(),
            has_written_default: field.field_descriptor_proto().default_value.is_some(),
            file: field.parent_file(),
            path: field.path().to_vec(),
        }
    }

    fn of_extension(extension: ExtensionDescriptor) -> Part {
        let name = format!("[{}]", extension.full_name());
        Part {
            json_name: name.clone(),
            name,
            number: extension.number(),
            kind: extension.kind(),
            is_group: extension.is_group(),
            is_list: extension.is_list(),
            is_map: extension.is_map(),
            is_packed: is_packed(extension.kind(), &extension.options(), extension.parent_file().syntax()),
            presence: extension.supports_presence(),
            required: false,
            oneof: None,
            default: extension.default_value(),
            has_written_default: extension.field_descriptor_proto().default_value.is_some(),
            file: extension.parent_file(),
            path: extension.path().to_vec(),
        }
    }
}

/// The descriptors tell this before they know the options of the text.
fn is_packed(kind: ProtoKind, options: &DynamicMessage, syntax: Syntax) -> bool {
    let is_packable = !matches!(kind, ProtoKind::String | ProtoKind::Bytes | ProtoKind::Message(_));
    let written = match options.has_field_by_name("packed") {
        true => options.get_field_by_name("packed").and_then(|packed| packed.as_bool()),
        false => None,
    };
    is_packable && written.unwrap_or(syntax != Syntax::Proto2)
}

fn default_value(kind: Kind, value: &Value) -> Option<DefaultValue> {
    Some(match value {
        Value::Bool(value) => DefaultValue::Boolean(*value),
        Value::I32(value) => DefaultValue::Integer((*value).into()),
        Value::I64(value) => DefaultValue::Integer(*value),
        Value::U32(value) => DefaultValue::Unsigned((*value).into()),
        Value::U64(value) => DefaultValue::Unsigned(*value),
        Value::F32(value) => DefaultValue::Double((*value).into()),
        Value::F64(value) => DefaultValue::Double(*value),
        Value::String(text) => DefaultValue::String(text.as_bytes().into()),
        Value::Bytes(bytes) => DefaultValue::Bytes((**bytes).into()),
        Value::EnumNumber(number) if matches!(kind, Kind::Enum(_)) => DefaultValue::Enum(*number),
        _ => return None,
    })
}

fn options(options: &DynamicMessage) -> Box<[(Box<str>, OptionValue)]> {
    options
        .extensions()
        .filter_map(|(extension, value)| Some((extension.full_name().into(), option_value(value)?)))
        .collect()
}

fn option_value(value: &Value) -> Option<OptionValue> {
    Some(match value {
        Value::Bool(value) => OptionValue::Boolean(*value),
        Value::I32(value) => OptionValue::Integer((*value).into()),
        Value::I64(value) => OptionValue::Integer((*value).into()),
        Value::U32(value) => OptionValue::Integer((*value).into()),
        Value::U64(value) => OptionValue::Integer((*value).into()),
        Value::F32(value) => OptionValue::Double((*value).into()),
        Value::F64(value) => OptionValue::Double(*value),
        Value::String(text) => OptionValue::Text(text.as_str().into()),
        Value::Bytes(bytes) => OptionValue::Bytes((**bytes).into()),
        Value::EnumNumber(number) => OptionValue::Enum(*number),
        Value::Message(_) | Value::List(_) | Value::Map(_) => return None,
    })
}
