//! Schemas: the messages and enums of one or more `.proto` texts, immutable once compiled.
//!
//! `compile` hands the texts to the parser and linker and tells what is wrong with them, `build` makes dense tables of the
//! descriptors, `names` finds messages by what users call them.

mod build;
mod compile;
mod error;
pub(crate) mod names;
mod numbers;

pub(crate) use error::suggested;
pub use error::{NameError, SchemaError};

use crate::wire::WireType;
use numbers::Numbers;

/// A schema's text and its name: the path by which other files import it.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile<'a> {
    /// A path relative to the schema's folder, with `/` between its parts.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
}

/// A message of a [`Schema`]: dense from 0, in the order of the full names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u32);

/// An enum of a [`Schema`]: dense from 0, in the order of the full names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnumId(pub u32);

/// A field of a [`Schema`], dense from 0 over all its messages, so that a host can keep things by field in a `Vec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u32);

/// A name of an enum of a [`Schema`], dense from 0 over all its enums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnumValueId(pub u32);

/// The messages and enums of one or more texts, and of the well-known types that these import.
#[derive(Debug)]
pub struct Schema {
    files: Box<[Box<str>]>,
    /// By full name, bytewise.
    messages: Box<[MessageDef]>,
    /// By full name, bytewise.
    enums: Box<[EnumDef]>,
    methods: Box<[Method]>,
    field_count: usize,
    enum_value_count: usize,
}

/// A message type.
#[derive(Debug)]
pub struct MessageDef {
    /// Its place in the schema.
    pub id: MessageId,
    /// The full name, as in `game.Unit.Position`.
    pub name: Box<str>,
    /// By number; extensions of the message are among them, named `[package.extension]`.
    pub fields: Box<[Field]>,
    /// As declared; a proto3 `optional` makes none.
    pub oneofs: Box<[Oneof]>,
    /// The options that are set, by the extension's full name.
    pub options: Box<[(Box<str>, OptionValue)]>,
    /// Where it is declared: an index for [`Schema::file_name`]; none for a well-known type.
    pub file: Option<u32>,
    /// Where it is declared: the line, from 1.
    pub line: u32,
    pub(crate) required: u32,
    numbers: Numbers,
}

/// A field of a message type.
#[derive(Debug)]
pub struct Field {
    /// Dense over the schema.
    pub id: FieldId,
    /// The name as declared.
    pub name: Box<str>,
    /// The name in JSON.
    pub json_name: Box<str>,
    /// The number that stands for it on the wire.
    pub number: u32,
    /// The type of the field, or of its elements, or of its values in a map.
    pub kind: Kind,
    /// One value, or several.
    pub repeat: Repeat,
    /// The oneof it belongs to: an index of [`MessageDef::oneofs`].
    pub oneof: Option<u16>,
    /// Whether it is told from an absent field when it holds its type's zero.
    pub presence: bool,
    /// Whether proto2 requires it.
    pub required: bool,
    /// What an absent field reads as; none for messages, arrays and maps.
    pub default: Option<DefaultValue>,
    /// Whether the schema writes the default.
    pub has_written_default: bool,
    /// Where it is declared: the line of the message's file, from 1.
    pub line: u32,
    /// As encoded.
    pub(crate) key: u32,
}

/// What a field's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A 64-bit float.
    Double,
    /// A 32-bit float.
    Float,
    /// A 32-bit integer; ten bytes if negative.
    Int32,
    /// A 64-bit integer; ten bytes if negative.
    Int64,
    /// A 32-bit unsigned integer.
    Uint32,
    /// A 64-bit unsigned integer.
    Uint64,
    /// A 32-bit integer, short if near zero.
    Sint32,
    /// A 64-bit integer, short if near zero.
    Sint64,
    /// A 32-bit unsigned integer of four bytes.
    Fixed32,
    /// A 64-bit unsigned integer of eight bytes.
    Fixed64,
    /// A 32-bit integer of four bytes.
    Sfixed32,
    /// A 64-bit integer of eight bytes.
    Sfixed64,
    /// True or false.
    Bool,
    /// Text.
    String {
        /// Whether it must be UTF-8, as in proto3.
        utf8: bool,
    },
    /// Bytes.
    Bytes,
    /// A name of an enum.
    Enum(EnumId),
    /// A message.
    Message(MessageId),
    /// A message, written as a group.
    Group(MessageId),
}

/// How many values a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// One at most.
    One,
    /// Any number, in order.
    Array {
        /// Whether all of them are encoded behind one key; both forms are decoded.
        packed: bool,
    },
    /// Entries, each with a key.
    Map {
        /// An integer, a boolean or a string.
        key: Kind,
    },
}

/// What an absent field reads as.
#[derive(Debug, Clone, PartialEq)]
pub enum DefaultValue {
    /// Of a signed integer.
    Integer(i64),
    /// Of an unsigned integer.
    Unsigned(u64),
    /// Of a float or double.
    Double(f64),
    /// Of a boolean.
    Boolean(bool),
    /// Of a string.
    String(Box<[u8]>),
    /// Of bytes.
    Bytes(Box<[u8]>),
    /// Of an enum.
    Enum(i32),
}

/// Fields of which one at most is set.
#[derive(Debug)]
pub struct Oneof {
    /// The name.
    pub name: Box<str>,
    /// Indices of [`MessageDef::fields`].
    pub fields: Box<[u16]>,
}

/// An enum type.
#[derive(Debug)]
pub struct EnumDef {
    /// Its place in the schema.
    pub id: EnumId,
    /// The full name.
    pub name: Box<str>,
    /// As declared; with `allow_alias` several names have one number.
    pub values: Box<[EnumValue]>,
    /// Indices of `values` by name.
    names: Box<[u16]>,
    numbers: Numbers,
}

/// A name of an enum and what it stands for.
#[derive(Debug)]
pub struct EnumValue {
    /// Dense over the schema.
    pub id: EnumValueId,
    /// The name.
    pub name: Box<str>,
    /// What stands for it on the wire.
    pub number: i32,
    /// The options that are set, by the extension's full name.
    pub options: Box<[(Box<str>, OptionValue)]>,
}

/// A method of a service.
#[derive(Debug)]
pub struct Method {
    /// The service's full name.
    pub service: Box<str>,
    /// The method's name.
    pub name: Box<str>,
    /// The type of the request.
    pub request: MessageId,
    /// The type of the response.
    pub response: MessageId,
}

/// What a custom option is set to. Options that are messages or lists are left out.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// An integer of any type.
    Integer(i128),
    /// A float or double.
    Double(f64),
    /// A boolean.
    Boolean(bool),
    /// A string.
    Text(Box<str>),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// An enum's number.
    Enum(i32),
}

impl Schema {
    /// Reads `files` as one schema. An import names another file by its path from the folder or, where that is unique, by the
    /// end of its path; `google/protobuf/*.proto` are there without being given.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file, line and column.
    pub fn compile(files: &[SourceFile<'_>]) -> Result<Schema, SchemaError> {
        compile::compile(files)
    }

    /// The message of this full name; see [`find_message`](Schema::find_message) for what a user wrote.
    #[must_use]
    pub fn message_id(&self, name: &str) -> Option<MessageId> {
        let index = self.messages.binary_search_by(|message| (*message.name).cmp(name)).ok()?;
        Some(MessageId(index as u32))
    }

    /// The enum of this full name.
    #[must_use]
    pub fn enum_id(&self, name: &str) -> Option<EnumId> {
        let index = self.enums.binary_search_by(|each| (*each.name).cmp(name)).ok()?;
        Some(EnumId(index as u32))
    }

    /// The message with this id.
    ///
    /// # Panics
    /// If the id is of another schema.
    #[inline]
    #[must_use]
    pub fn message(&self, id: MessageId) -> &MessageDef {
        &self.messages[id.0 as usize]
    }

    /// The enum with this id.
    ///
    /// # Panics
    /// If the id is of another schema.
    #[inline]
    #[must_use]
    pub fn enumeration(&self, id: EnumId) -> &EnumDef {
        &self.enums[id.0 as usize]
    }

    /// All messages, by full name; the entries of maps are none.
    #[must_use]
    pub fn messages(&self) -> &[MessageDef] {
        &self.messages
    }

    /// All enums, by full name.
    #[must_use]
    pub fn enums(&self) -> &[EnumDef] {
        &self.enums
    }

    /// The methods of all services.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// One more than the largest [`FieldId`].
    #[must_use]
    pub fn field_count(&self) -> usize {
        self.field_count
    }

    /// One more than the largest [`EnumValueId`].
    #[must_use]
    pub fn enum_value_count(&self) -> usize {
        self.enum_value_count
    }

    /// The name of a file that was given.
    #[must_use]
    pub fn file_name(&self, file: u32) -> &str {
        self.files.get(file as usize).map_or("", |name| name)
    }
}

impl MessageDef {
    /// The name without the package and the messages around it.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| *field.name == *name)
    }

    /// The field of this number.
    #[must_use]
    pub fn field_by_number(&self, number: u32) -> Option<&Field> {
        self.index_of(number).and_then(|index| self.fields.get(index))
    }

    /// The oneof of this name.
    #[must_use]
    pub fn oneof(&self, name: &str) -> Option<&Oneof> {
        self.oneofs.iter().find(|oneof| *oneof.name == *name)
    }

    /// What the option of this name is set to: the extension's full name or the end of it.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&OptionValue> {
        option(&self.options, name)
    }

    /// The field name that is most like `name`, for an error text.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        names::nearest(name, self.fields.iter().map(|field| &*field.name))
    }

    #[inline(always)]
    pub(crate) fn index_of(&self, number: u32) -> Option<usize> {
        let index = self.numbers.direct(number);
        match index {
            Some(index) => Some(index),
            None if self.numbers.is_complete() => None,
            None => self.fields.binary_search_by_key(&number, |field| field.number).ok(),
        }
    }
}

impl EnumDef {
    /// The number of this name.
    #[must_use]
    pub fn number_of(&self, name: &[u8]) -> Option<i32> {
        let value = |index: &u16| &self.values[usize::from(*index)];
        let found = self.names.binary_search_by(|index| value(index).name.as_bytes().cmp(name)).ok()?;
        Some(value(&self.names[found]).number)
    }

    /// What this number stands for: the first name that has it.
    #[must_use]
    pub fn value_of(&self, number: i32) -> Option<&EnumValue> {
        let direct = u32::try_from(number).ok().and_then(|number| self.numbers.direct(number));
        match direct {
            Some(index) => self.values.get(index),
            None if self.numbers.is_complete() => None,
            None => self.values.iter().find(|value| value.number == number),
        }
    }

    /// The name that is most like `name`, for an error text.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        names::nearest(name, self.values.iter().map(|value| &*value.name))
    }
}

impl EnumValue {
    /// What the option of this name is set to: the extension's full name or the end of it.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&OptionValue> {
        option(&self.options, name)
    }
}

fn option<'o>(options: &'o [(Box<str>, OptionValue)], name: &str) -> Option<&'o OptionValue> {
    let name = name.trim_start_matches('(').trim_end_matches(')');
    options.iter().find(|(option, _)| names::is_called(option, name)).map(|(_, value)| value)
}

impl Kind {
    /// How one value stands on the wire.
    #[must_use]
    pub fn wire_type(self) -> WireType {
        match self {
            Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => WireType::Fixed64,
            Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => WireType::Fixed32,
            Kind::String { .. } | Kind::Bytes | Kind::Message(_) => WireType::Bytes,
            Kind::Group(_) => WireType::GroupStart,
            Kind::Int32
            | Kind::Int64
            | Kind::Uint32
            | Kind::Uint64
            | Kind::Sint32
            | Kind::Sint64
            | Kind::Bool
            | Kind::Enum(_) => WireType::Varint,
        }
    }

    /// Whether an array of it can be packed.
    #[must_use]
    pub fn is_packable(self) -> bool {
        !matches!(self.wire_type(), WireType::Bytes | WireType::GroupStart)
    }

    /// The word for it in a `.proto` file; of enums and messages their name in `schema`.
    #[must_use]
    pub fn name(self, schema: &Schema) -> &str {
        match self {
            Kind::Double => "double",
            Kind::Float => "float",
            Kind::Int32 => "int32",
            Kind::Int64 => "int64",
            Kind::Uint32 => "uint32",
            Kind::Uint64 => "uint64",
            Kind::Sint32 => "sint32",
            Kind::Sint64 => "sint64",
            Kind::Fixed32 => "fixed32",
            Kind::Fixed64 => "fixed64",
            Kind::Sfixed32 => "sfixed32",
            Kind::Sfixed64 => "sfixed64",
            Kind::Bool => "bool",
            Kind::String { .. } => "string",
            Kind::Bytes => "bytes",
            Kind::Enum(id) => &schema.enumeration(id).name,
            Kind::Message(id) | Kind::Group(id) => &schema.message(id).name,
        }
    }

    /// The message it is, if it is one.
    #[must_use]
    pub fn message(self) -> Option<MessageId> {
        match self {
            Kind::Message(id) | Kind::Group(id) => Some(id),
            _ => None,
        }
    }
}

impl OptionValue {
    /// The integer or enum number it is.
    #[must_use]
    pub fn integer(&self) -> Option<i128> {
        match self {
            OptionValue::Integer(value) => Some(*value),
            OptionValue::Enum(number) => Some(i128::from(*number)),
            _ => None,
        }
    }

    /// The text it is.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            OptionValue::Text(text) => Some(text),
            _ => None,
        }
    }
}
