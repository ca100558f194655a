//! RPC: the header in front of a message, a struct of the package type whose fields are found by their names; and
//! [`Host`], which speaks whole requests and responses.

mod host;

pub use host::{Call, CallError, DispatchError, Host, Message, Reply};

use crate::decode::{DecodeError, DecodeErrorKind};
use crate::reader::{Done, Failure, Reader};
use crate::records::{RecordWriter, write_integer};
use crate::schema::{FieldType, Repeat, Schema, TypeDef};

/// Why a type cannot be a package type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// The schema has no such type.
    #[error("the schema has no type `{name}` for RPC headers")]
    UnknownType {
        /// The name.
        name: Box<str>,
    },
    /// The type has no `type` field, so no request could be told from another.
    #[error("`{name}` has no field `type` for an RPC header")]
    NoType {
        /// The type's name.
        name: Box<str>,
    },
    /// The `type` or `session` field is no plain integer.
    #[error("`{name}.{field}` must be an integer in an RPC header")]
    NotInteger {
        /// The type's name.
        name: Box<str>,
        /// The field's name.
        field: &'static str,
    },
}

/// An RPC header. A request has a type, and a session if a response is wanted; a response has a session only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Header {
    /// The protocol's tag.
    pub ty: Option<u32>,
    /// What a response carries back.
    pub session: Option<i64>,
    /// User data, if the package type has an integer field for it.
    pub ud: Option<i64>,
}

/// Reads and writes headers of one package type.
#[derive(Debug, Clone)]
pub struct Package {
    name: Box<str>,
    /// In the order of their tags, as they go on the wire.
    slots: Box<[Slot]>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    tag: u16,
    part: Part,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Type,
    Session,
    Ud,
}

impl Package {
    /// Finds the fields `type`, `session` and `ud` in the type called `type_name`. Without a `session` field no session
    /// is sent, without an integer `ud` field no user data.
    ///
    /// # Errors
    /// No such type, no `type` field, or a `type` or `session` that is no integer.
    pub fn new(schema: &Schema, type_name: &str) -> Result<Package, PackageError> {
        let ty = schema
            .type_id(type_name)
            .map(|id| schema.type_def(id))
            .ok_or_else(|| PackageError::UnknownType { name: type_name.into() })?;
        let tag = integer_tag(ty, "type")?.ok_or_else(|| PackageError::NoType { name: ty.name.clone() })?;
        let session = integer_tag(ty, "session")?;
        // User data of another type is the game's own; it is neither sent nor kept.
        let ud = integer_tag(ty, "ud").unwrap_or(None);
        let parts = [(Some(tag), Part::Type), (session, Part::Session), (ud, Part::Ud)];
        let mut slots: Vec<Slot> =
            parts.into_iter().filter_map(|(tag, part)| Some(Slot { tag: tag?, part })).collect();
        slots.sort_by_key(|slot| slot.tag);
        Ok(Package { name: ty.name.clone(), slots: slots.into() })
    }

    /// Appends `header` to `out`; parts the package type has no field for are left out.
    pub fn write(&self, header: Header, out: &mut Vec<u8>) {
        // Three values and a gap before each.
        let mut records = RecordWriter::begin(out, 6);
        for slot in &self.slots {
            let value = match slot.part {
                Part::Type => header.ty.map(i64::from),
                Part::Session => header.session,
                Part::Ud => header.ud,
            };
            if let Some(value) = value {
                let record = write_integer(value, out);
                records.record(out, slot.tag, record);
            }
        }
        records.finish(out);
    }

    /// Reads the header at the front of `bytes`; also returns how many bytes it takes. What follows is the content.
    ///
    /// # Errors
    /// Bytes that are no such header.
    pub fn read(&self, bytes: &[u8]) -> Result<(Header, usize), DecodeError> {
        self.read_parts(bytes).map_err(|failure| failure.placed(bytes, self.name.clone()))
    }

    fn read_parts(&self, bytes: &[u8]) -> Done<(Header, usize)> {
        let mut header = Header::default();
        let mut reader = Reader::open(bytes)?;
        while let Some((tag, content)) = reader.next()? {
            let Some(slot) = self.slots.iter().find(|slot| u32::from(slot.tag) == tag) else { continue };
            let value = content.integer()?;
            match slot.part {
                Part::Type => header.ty = Some(protocol_tag(value, bytes)?),
                Part::Session => header.session = Some(value),
                Part::Ud => header.ud = Some(value),
            }
        }
        Ok((header, bytes.len() - reader.rest().len()))
    }
}

fn protocol_tag(value: i64, header: &[u8]) -> Done<u32> {
    u32::try_from(value).map_err(|_| Failure::new(DecodeErrorKind::PackageType(value), header))
}

fn integer_tag(ty: &TypeDef, name: &'static str) -> Result<Option<u16>, PackageError> {
    match ty.field(name) {
        None => Ok(None),
        Some(field) if field.ty == FieldType::Integer && field.repeat == Repeat::One => Ok(Some(field.tag)),
        Some(_) => Err(PackageError::NotInteger { name: ty.name.clone(), field: name }),
    }
}
