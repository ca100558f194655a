//! Schemas: the types and protocols of one or more `.sproto` texts, immutable once parsed.
//!
//! `scan` finds words in a text, `syntax` makes declarations of them, `resolve` checks these against each other and
//! makes the [`Schema`]; `bundle` writes it in the reference's binary form and `load` reads that.

mod bundle;
mod error;
mod load;
mod resolve;
mod scan;
mod syntax;

pub use error::{Location, SchemaError, SchemaErrorKind};

pub use load::{BundleError, BundleErrorKind};

use error::Fault;

/// Ids must fit a record, as the bundle keeps them in one.
const MAX_TYPES: usize = 0x7fff;

/// A schema's text and the name that errors give it.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile<'a> {
    /// A path, or whatever tells the user which text it is.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
}

/// A type of a [`Schema`]: dense from 0, in the order of the types' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

/// A field of a [`Schema`], dense from 0 over all its types, so that a host can keep things by field in a `Vec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u32);

/// The types and protocols of one or more texts.
#[derive(Debug, Clone)]
pub struct Schema {
    files: Box<[Box<str>]>,
    /// By name, bytewise.
    types: Box<[TypeDef]>,
    /// By tag.
    protocols: Box<[Protocol]>,
    /// Indices of `protocols`, by name.
    protocol_names: Box<[u32]>,
    field_count: usize,
}

/// A struct type.
#[derive(Debug, Clone)]
pub struct TypeDef {
    /// The full name, as in `Unit.Pos`.
    pub name: Box<str>,
    /// By tag.
    pub fields: Box<[Field]>,
    /// Where it is declared: an index for [`Schema::file_name`].
    pub file: u32,
    /// Where it is declared: the line, from 1; 0 in a bundle.
    pub line: u32,
    /// Records a message with all fields takes, skips included.
    pub(crate) most_records: u16,
}

/// A field of a struct type.
#[derive(Debug, Clone)]
pub struct Field {
    /// Dense over the schema.
    pub id: FieldId,
    /// The name.
    pub name: Box<str>,
    /// The number that stands for it on the wire, at most 32766.
    pub tag: u16,
    /// The type of the field, or of its elements.
    pub ty: FieldType,
    /// One value, or several.
    pub repeat: Repeat,
    /// Where it is declared: an index for [`Schema::file_name`].
    pub file: u32,
    /// Where it is declared: the line, from 1; 0 in a bundle.
    pub line: u32,
}

/// What a field's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A 64-bit integer.
    Integer,
    /// A decimal number with so many digits after the point, at most 9; an integer on the wire.
    Fixed {
        /// Digits after the point.
        digits: u8,
    },
    /// True or false.
    Boolean,
    /// Text; any bytes.
    String,
    /// Bytes.
    Binary,
    /// A 64-bit float.
    Double,
    /// A struct.
    Struct(TypeId),
}

/// How many values a field holds. Key and value are indices of the struct's [`TypeDef::fields`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// One.
    One,
    /// `*T`: any number, in order.
    Array,
    /// `*T(key)`: structs, kept by one of their fields.
    MapByKey {
        /// The field that is the key.
        key: u16,
    },
    /// `*T()`: pairs, made of a struct's two fields.
    MapPair {
        /// The field that is the key.
        key: u16,
        /// The field that is the value.
        value: u16,
    },
}

/// A protocol: a request and its response.
#[derive(Debug, Clone)]
pub struct Protocol {
    /// The name.
    pub name: Box<str>,
    /// The number that stands for it in a package header, at most 32766.
    pub tag: u32,
    /// The type of the request, if it carries anything.
    pub request: Option<TypeId>,
    /// What is answered.
    pub response: Response,
    /// Where it is declared: an index for [`Schema::file_name`].
    pub file: u32,
    /// Where it is declared: the line, from 1; 0 in a bundle.
    pub line: u32,
}

/// What a protocol answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// Nothing.
    None,
    /// A header without content (`response nil`).
    Confirm,
    /// A message of this type.
    Type(TypeId),
}

impl Schema {
    /// Reads `files` as one schema. An inline request or response type replaces one of the same name that stands before
    /// it, as in the reference.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file, line and column.
    pub fn parse(files: &[SourceFile<'_>]) -> Result<Schema, SchemaError> {
        Self::parse_files(files).map_err(|fault| fault.located(files))
    }

    fn parse_files(files: &[SourceFile<'_>]) -> Result<Schema, Fault> {
        let mut items = Vec::new();
        for (index, file) in files.iter().enumerate() {
            syntax::parse(index as u32, file.text, &mut items)?;
        }
        resolve::resolve(files, items)
    }

    /// A schema of types in the order of their names and protocols in any.
    fn assemble(files: Box<[Box<str>]>, types: Box<[TypeDef]>, mut protocols: Vec<Protocol>) -> Schema {
        protocols.sort_by_key(|protocol| protocol.tag);
        let mut protocol_names: Vec<u32> = (0..protocols.len() as u32).collect();
        protocol_names.sort_by_key(|index| &protocols[*index as usize].name);
        Schema {
            files,
            field_count: types.iter().map(|ty| ty.fields.len()).sum(),
            types,
            protocol_names: protocol_names.into(),
            protocols: protocols.into(),
        }
    }

    /// The type of this full name.
    #[must_use]
    pub fn type_id(&self, name: &str) -> Option<TypeId> {
        let index = self.types.binary_search_by(|ty| (*ty.name).cmp(name)).ok()?;
        Some(TypeId(index as u32))
    }

    /// The type of this id.
    ///
    /// # Panics
    /// When the id is not of this schema.
    #[inline]
    #[must_use]
    pub fn type_def(&self, id: TypeId) -> &TypeDef {
        &self.types[id.0 as usize]
    }

    /// All types, in the order of their names.
    pub fn types(&self) -> impl ExactSizeIterator<Item = (TypeId, &TypeDef)> {
        self.types.iter().enumerate().map(|(index, ty)| (TypeId(index as u32), ty))
    }

    /// The number of fields of all types; every [`FieldId`] is below it.
    #[must_use]
    pub fn field_count(&self) -> usize {
        self.field_count
    }

    /// The protocol of this name.
    #[must_use]
    pub fn protocol(&self, name: &str) -> Option<&Protocol> {
        let by_name = |index: &u32| (*self.protocols[*index as usize].name).cmp(name);
        let found = self.protocol_names.binary_search_by(by_name).ok()?;
        Some(&self.protocols[self.protocol_names[found] as usize])
    }

    /// The protocol of this tag.
    #[must_use]
    pub fn protocol_by_tag(&self, tag: u32) -> Option<&Protocol> {
        let index = self.protocols.binary_search_by_key(&tag, |protocol| protocol.tag).ok()?;
        Some(&self.protocols[index])
    }

    /// All protocols, in the order of their tags.
    pub fn protocols(&self) -> impl ExactSizeIterator<Item = &Protocol> {
        self.protocols.iter()
    }

    /// The name of a source file that `file` of a type, field or protocol stands for.
    ///
    /// # Panics
    /// When it is not of this schema.
    #[must_use]
    pub fn file_name(&self, file: u32) -> &str {
        &self.files[file as usize]
    }
}

impl TypeDef {
    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| *field.name == *name)
    }
}

/// How many records a message with all of `fields` takes.
fn most_records(fields: &[Field]) -> u16 {
    let tags = fields.iter().map(|field| field.tag);
    let first_gap = fields.first().is_some_and(|field| field.tag > 0);
    let gaps = tags.clone().zip(tags.skip(1)).filter(|(before, after)| after - before > 1).count();
    // Each record stands for a tag of its own, of which there are 32,767.
    (fields.len() + gaps + usize::from(first_gap)) as u16
}
