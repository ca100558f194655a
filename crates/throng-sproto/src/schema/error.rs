//! What can be wrong with a schema's text, told with file, line and column.

use std::fmt;

use crate::schema::SourceFile;

/// Why texts are no schema; shown as `file:line:column: what`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {kind}")]
pub struct SchemaError {
    /// The name of the file.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong there.
    pub kind: SchemaErrorKind,
}

/// A line of a schema's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The name of the file.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What can be wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaErrorKind {
    /// Text that does not follow the language.
    #[error("expected {expected}, found {found}")]
    Syntax {
        /// What could stand there.
        expected: &'static str,
        /// What stands there.
        found: Box<str>,
    },
    /// A tag that is too large.
    #[error("tag {tag} is above 32766")]
    TagTooLarge {
        /// The tag as it is written.
        tag: Box<str>,
    },
    /// A fixed-point number with too many digits.
    #[error("integer({digits}) has more than 9 digits after the point")]
    TooManyDigits {
        /// The digits as they are written.
        digits: Box<str>,
    },
    /// Types nested too deeply in the text.
    #[error("types are nested more than 64 deep")]
    NestedTooDeep,
    /// More types than ids.
    #[error("{count} types, more than the 32767 there can be")]
    TooManyTypes {
        /// How many.
        count: usize,
    },
    /// A field's name twice in a type.
    #[error("field `{name}` is declared twice in type `{ty}`, first at {first}")]
    DuplicateField {
        /// The field.
        name: Box<str>,
        /// The type.
        ty: Box<str>,
        /// Where the first one is.
        first: Location,
    },
    /// A field's tag twice in a type.
    #[error("tag {tag} is used twice in type `{ty}`, first by `{first}`")]
    DuplicateTag {
        /// The tag.
        tag: u16,
        /// The type.
        ty: Box<str>,
        /// The field that has it.
        first: Box<str>,
    },
    /// A type's name twice.
    #[error("type `{name}` is declared twice, first at {first}")]
    DuplicateType {
        /// The full name.
        name: Box<str>,
        /// Where the first one is.
        first: Location,
    },
    /// A protocol's name twice.
    #[error("protocol `{name}` is declared twice, first at {first}")]
    DuplicateProtocol {
        /// The name.
        name: Box<str>,
        /// Where the first one is.
        first: Location,
    },
    /// A protocol's tag twice.
    #[error("tag {tag} is used by two protocols, first by `{first}` at {at}")]
    DuplicateProtocolTag {
        /// The tag.
        tag: u32,
        /// The protocol that has it.
        first: Box<str>,
        /// Where that one is.
        at: Location,
    },
    /// Two requests or two responses in a protocol.
    #[error("protocol `{protocol}` has two declarations of its {part}")]
    DuplicatePart {
        /// `request` or `response`.
        part: &'static str,
        /// The protocol.
        protocol: Box<str>,
    },
    /// A field's type that is nowhere in scope.
    #[error("type `{name}` is not known in `{scope}`{}", suggested(.nearest))]
    UndefinedType {
        /// The name as it is written.
        name: Box<str>,
        /// The type whose field it is.
        scope: Box<str>,
        /// The full name of a type that may be meant.
        nearest: Option<Box<str>>,
    },
    /// A request or response that is no struct type.
    #[error("{part} `{name}` of protocol `{protocol}` is no struct type{}", suggested(.nearest))]
    UndefinedPart {
        /// `request` or `response`.
        part: &'static str,
        /// The name as it is written.
        name: Box<str>,
        /// The protocol.
        protocol: Box<str>,
        /// The full name of a type that may be meant.
        nearest: Option<Box<str>>,
    },
    /// Parentheses behind a type that takes none of that kind.
    #[error("{ty} takes no {what} in parentheses")]
    Misplaced {
        /// The type.
        ty: Box<str>,
        /// `digits` or `key`.
        what: &'static str,
    },
    /// A map's key that is no field.
    #[error("key `{key}` is no field of type `{ty}`")]
    UnknownKey {
        /// The key.
        key: Box<str>,
        /// The type.
        ty: Box<str>,
    },
    /// A map's key that is a struct.
    #[error("key `{key}` of type `{ty}` is a struct, which cannot be a key")]
    StructKey {
        /// The key.
        key: Box<str>,
        /// The type.
        ty: Box<str>,
    },
    /// A pair map of a type that is no pair.
    #[error("`*{ty}()` needs a type of exactly two fields, `{ty}` has {count}")]
    NotAPair {
        /// The type.
        ty: Box<str>,
        /// Its fields.
        count: usize,
    },
    /// Protocols, but not a single type.
    #[error("a schema with protocols needs at least one type")]
    NoTypes,
}

fn suggested(nearest: &Option<Box<str>>) -> String {
    nearest.as_ref().map(|nearest| format!(", did you mean `{nearest}`?")).unwrap_or_default()
}

/// A place in one of the files.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) file: u32,
    /// From 1.
    pub(super) line: u32,
    /// In bytes.
    pub(super) offset: usize,
}

impl At {
    fn column(self, files: &[SourceFile<'_>]) -> u32 {
        let before = &files[self.file as usize].text[..self.offset];
        let line = before.rfind('\n').map_or(before, |newline| &before[newline + 1..]);
        1 + line.chars().count() as u32
    }

    pub(super) fn location(self, files: &[SourceFile<'_>]) -> Location {
        Location { file: files[self.file as usize].name.into(), line: self.line }
    }
}

/// An error before its file is named.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: At,
    pub(super) kind: SchemaErrorKind,
}

impl Fault {
    pub(super) fn located(self, files: &[SourceFile<'_>]) -> SchemaError {
        let Location { file, line } = self.at.location(files);
        SchemaError { file, line, column: self.at.column(files), kind: self.kind }
    }
}
