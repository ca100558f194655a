//! `throng.sproto`, which `require "sproto"` gives too: Sproto under the names of the reference's own library.

use super::classes::{function, method, opt, p, takes};
use super::{Class, ClassId, Kind, Parameter};

const TYPE: Parameter = p("type", Kind::Text);
const PROTOCOL: Parameter = p("protocol", Kind::Text);
const FIELDS: Parameter = opt("fields", Kind::Table);
const BYTES: Parameter = p("bytes", Kind::Text);
const RESULT: &[&str] = &["string bytes"];
const SCHEMA: &[&str] = &["throng.SprotoSchema schema"];

/// `throng.sproto`.
pub(super) const SPROTO: Class = Class {
    id: ClassId::Sproto,
    name: "throng.Sproto",
    doc: "Sproto for code that encodes and decodes by itself; also what `require \"sproto\"` gives.",
    members: &[
        function(
            "parse",
            takes(&[p("text", Kind::Text)]).returning(SCHEMA).giving(ClassId::SprotoSchema),
            "The schema that a text describes.",
        ),
        function(
            "new",
            takes(&[p("bundle", Kind::Text)]).returning(SCHEMA).giving(ClassId::SprotoSchema),
            "The schema of a bundle, as `require(\"sprotoparser\").parse` makes them.",
        ),
        function("pack", takes(&[BYTES]).returning(RESULT), "Packs zeros away."),
        function("unpack", takes(&[BYTES]).returning(RESULT), "The way back; zeros may follow."),
    ],
};

/// What `parse` and `new` give.
pub(super) const SPROTO_SCHEMA: Class = Class {
    id: ClassId::SprotoSchema,
    name: "throng.SprotoSchema",
    doc: "A schema: types and protocols.",
    members: &[
        method("encode", takes(&[TYPE, FIELDS]).returning(RESULT), "A message of a type."),
        method(
            "decode",
            takes(&[TYPE, BYTES]).returning(&["table fields", "integer used"]),
            "The fields of a message, and how many bytes it took.",
        ),
        method("pencode", takes(&[TYPE, FIELDS]).returning(RESULT), "A message, packed."),
        method(
            "pdecode",
            takes(&[TYPE, BYTES]).returning(&["table fields", "integer used"]),
            "The fields of a packed message.",
        ),
        method(
            "request_encode",
            takes(&[PROTOCOL, FIELDS]).returning(&["string bytes", "integer tag"]),
            "A request's content, and the protocol's tag.",
        ),
        method(
            "request_decode",
            takes(&[p("protocol", Kind::Any), BYTES]).returning(&["table? fields", "string name"]),
            "The fields of a request, by the protocol's name or tag, and its name.",
        ),
        method("response_encode", takes(&[PROTOCOL, FIELDS]).returning(RESULT), "A response's content."),
        method(
            "response_decode",
            takes(&[p("protocol", Kind::Any), BYTES]).returning(&["table? fields"]),
            "The fields of a response.",
        ),
        method("exist_type", takes(&[TYPE]).returning(&["boolean exists"]), "Whether there is such a type."),
        method(
            "exist_proto",
            takes(&[p("protocol", Kind::Any)]).returning(&["boolean exists"]),
            "Whether there is such a protocol, by name or tag.",
        ),
        method(
            "queryproto",
            takes(&[p("protocol", Kind::Any)]).returning(&["table protocol"]),
            "A protocol's `name`, `tag`, `request` and `response`.",
        ),
        method(
            "default",
            takes(&[p("name", Kind::Text), opt("which", Kind::Text)]).returning(&["table? fields"]),
            "A value for each field of a type, or of a protocol's `REQUEST` or `RESPONSE`.",
        ),
        method(
            "host",
            takes(&[opt("package", Kind::Text)])
                .returning(&["throng.SprotoHost host"])
                .giving(ClassId::SprotoHost),
            "One end of a connection, which receives the schema's requests.",
        ),
    ],
};

/// What `host` gives.
pub(super) const SPROTO_HOST: Class = Class {
    id: ClassId::SprotoHost,
    name: "throng.SprotoHost",
    doc: "One end of a connection: it knows which requests wait for their responses.",
    members: &[
        method(
            "attach",
            takes(&[p("schema", Kind::Any)])
                .returning(&["fun(name: string, args: table?, session: any, ud: any): string request"]),
            "The function that makes requests of another schema.",
        ),
        method(
            "dispatch",
            takes(&[BYTES]).returning(&["\"REQUEST\"|\"RESPONSE\" kind", "any ..."]),
            "What came: `\"REQUEST\"`, name, fields, the function that answers; or `\"RESPONSE\"`, session, fields.",
        ),
    ],
};
