//! `throng.protobuf`: messages of Protocol Buffers made and read by scripts.

use super::classes::{function, method, opt, p, takes};
use super::{Class, ClassId, Kind, Parameter};

const NAME: Parameter = p("name", Kind::Text);
const SCHEMA: &[&str] = &["throng.ProtobufSchema schema"];

/// `throng.protobuf`.
pub(super) const PROTOBUF: Class = Class {
    id: ClassId::Protobuf,
    name: "throng.Protobuf",
    doc: "Protocol Buffers for code that encodes and decodes by itself.",
    members: &[
        function(
            "of",
            takes(&[p("protocol", Kind::Text)]).returning(SCHEMA).giving(ClassId::ProtobufSchema),
            "The schema of a protocol of the project.",
        ),
        function(
            "parse",
            takes(&[p("text", Kind::Text)]).returning(SCHEMA).giving(ClassId::ProtobufSchema),
            "The schema that a text describes.",
        ),
    ],
};

/// What `of` and `parse` give.
pub(super) const PROTOBUF_SCHEMA: Class = Class {
    id: ClassId::ProtobufSchema,
    name: "throng.ProtobufSchema",
    doc: "A schema: messages.",
    members: &[
        method(
            "encode",
            takes(&[NAME, opt("fields", Kind::Table)]).returning(&["string bytes"]),
            "A message.",
        ),
        method(
            "decode",
            takes(&[NAME, p("bytes", Kind::Text)]).returning(&["table fields", "integer unknown"]),
            "The fields of a message, and how many it has that the schema does not know.",
        ),
    ],
};
