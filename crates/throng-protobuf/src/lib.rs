//! Protocol Buffers from `.proto` files at run time: schemas, values, wire codec, envelopes and message ids.
//!
//! A [`Schema`] is compiled from texts, without `protoc`. [`encode`] pulls a message from a [`Source`] and [`decode`] builds
//! one through a [`Sink`], so a host can go straight from and to its own trees; [`Value`] is the tree for those that have
//! none, [`json`] its text form, and [`dump`] shows bytes with their offsets.
//!
//! Games put messages on the wire in a few ways: behind an id ([`IdTable`]), behind a name ([`Schema::find_message`]), or in
//! an envelope message with a `oneof` ([`Envelope`], and [`FieldPath`] for what stands beside it).
//!
//! ```
//! use throng_protobuf::{Schema, SourceFile, Value, decode_value, encode_value};
//!
//! let text = "syntax = \"proto3\"; message Move { sint32 x = 1; sint32 y = 2; }";
//! let schema = Schema::compile(&[SourceFile { name: "game.proto", text }])?;
//! let message = schema.find_message("Move")?;
//! let mut bytes = Vec::new();
//! encode_value(&schema, message, &Value::message([("x", 3.into()), ("y", (-1).into())]), &mut bytes)?;
//! assert_eq!(bytes, [0x08, 6, 0x10, 1]);
//! assert_eq!(decode_value(&schema, message, &bytes)?.field("y"), Some(&Value::Integer(-1)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bits;
mod decode;
pub mod dump;
mod encode;
mod envelope;
mod ids;
pub mod json;
mod schema;
mod sink;
mod source;
mod value;
mod wire;

pub use decode::{DecodeError, DecodeErrorKind, Decoded, Defaults, decode};
pub use encode::{EncodeError, encode};
pub use envelope::{Case, Envelope, EnvelopeError, FieldPath, Opened, write_bytes, write_integer};
pub use ids::{IdError, IdTable, NameRule};
pub use schema::{
    DefaultValue, EnumDef, EnumId, EnumValue, EnumValueId, Field, FieldId, Kind, MessageDef, MessageId,
    Method, NameError, Oneof, OptionValue, Repeat, Schema, SchemaError, SourceFile,
};
pub use sink::Sink;
pub use source::{Place, Source};
pub use value::{Value, ValueSink, ValueSource, decode_value, encode_value};
pub use wire::{RawField, RawValue, WireType, raw_fields};

/// How many messages a message may nest, the outermost included.
pub const MAX_DEPTH: u32 = 100;

/// The largest message that is encoded, in bytes.
pub const MAX_MESSAGE: usize = 64 << 20;

/// The README's examples run as tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
