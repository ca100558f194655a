//! Sproto: schema, values, wire codec, packing and RPC.
//!
//! A [`Schema`] is parsed from text or read from a bundle. [`encode`] pulls a message from a [`Source`] and [`decode`] builds
//! one through a [`Sink`], so a host can go straight from and to its own trees; [`Value`] is the tree for those that have
//! none. [`generate`] writes structs for a schema that is known beforehand, which [`typed`] encodes and decodes much
//! faster. [`pack`] and [`unpack`] are the zero packing, [`rpc`] the header in front of a message and the host around it.
//!
//! The bytes are those of the reference implementation (cloudwu/sproto). Decoding accepts what it accepts, except where
//! it reads out of bounds or lets one message leak into another; encoding refuses wrong values instead of guessing.
//!
//! ```
//! use throng_sproto::{Schema, SourceFile, Value, decode_value, encode_value};
//!
//! let schema = Schema::parse(&[SourceFile { name: "game.sproto", text: ".Move { x 0 : integer y 1 : integer }" }])?;
//! let ty = schema.type_id("Move").expect("the schema has a Move");
//! let mut bytes = Vec::new();
//! encode_value(&schema, ty, &Value::structure([("x", 3.into()), ("y", (-1).into())]), &mut bytes)?;
//! assert_eq!(decode_value(&schema, ty, &bytes)?.field("y"), Some(&Value::Integer(-1)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decode;
mod encode;
mod generate;
mod pack;
mod reader;
mod records;
pub mod rpc;
mod schema;
mod sink;
mod source;
pub mod typed;
mod value;

pub use decode::{DecodeError, DecodeErrorKind, decode};
pub use encode::{EncodeError, encode};
pub use generate::{Strings, generate, generate_with};
pub use pack::{UnpackError, pack, unpack};
pub use schema::{
    BundleError, BundleErrorKind, Field, FieldId, FieldType, Location, Protocol, Repeat, Response, Schema,
    SchemaError, SchemaErrorKind, SourceFile, TypeDef, TypeId,
};
pub use sink::Sink;
pub use source::{Place, Source};
pub use value::{Value, ValueSink, ValueSource, decode_value, encode_value};

/// How many structs a message may nest, the outermost included.
pub const MAX_DEPTH: u32 = 64;

/// The largest message that is encoded, in bytes.
pub const MAX_MESSAGE: usize = 0x100_0000;

/// The README's other examples run as tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
