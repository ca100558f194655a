//! The settings and schemas of a project whose robots meet a layer.

use std::fmt::Write;

use crate::behaviour::Layer;
use crate::protocol::Protocol;

const FRAMING: &str = r#"
[protocols.short]
framing = { length = "u16be", max = 1000 }
codec = "raw"
reply = "fifo"
on_close = "ignore"

[protocols.long]
framing = { length = "u32be", max = 1000 }
codec = "raw"
reply = "fifo"
on_close = "ignore"

[protocols.inclusive]
framing = { length = "u16be", inclusive = true }
codec = "raw"
reply = "fifo"
on_close = "ignore"

[protocols.varint]
framing = { length = "varint", max = 1000 }
codec = "raw"
reply = "fifo"
on_close = "ignore"

[protocols.line]
framing = { delimiter = "\n", max = 1000 }
codec = "raw"
reply = "fifo"
on_close = "ignore"

[protocols.fixed]
framing = { fixed = 8 }
codec = "raw"
reply = "fifo"
on_close = "ignore"

[protocols.trailer]
framing = { length = "u16be" }
codec = "raw"
trailer = ["session:u32be"]
reply = { trailer = "session" }
on_close = "ignore"
"#;

const WEB: &str = r#"
[protocols.web]
codec = "raw"
reply = "fifo"
on_close = "ignore"
max_message = "64KB"
"#;

const SECURE: &str = r#"
[protocols.secure]
framing = { length = "u16be", max = 1000 }
codec = "raw"
reply = "fifo"
on_close = "ignore"
"#;

const SPROTO: &str = r#"
[protocols.rpc]
framing = { length = "u16be" }
codec = "sproto"
schema = "protos/calls.sproto"
package = "package"
on_close = "ignore"

[protocols.longrpc]
framing = { length = "u32be", max = "4MB" }
max_unpacked = "1MB"
codec = "sproto"
schema = "protos/calls.sproto"
package = "package"
on_close = "ignore"

[protocols.envelope]
framing = { length = "u16be" }
codec = "sproto"
schema = "protos/types.sproto"
envelope = { type = "Msg", name = "Name", body = "Bin" }
reply = { "*" = "*_done" }
on_close = "ignore"
"#;

const PROTOBUF: &str = r#"
[protocols.oneof]
framing = { length = "u16be" }
codec = "protobuf"
schema = "protos/game.proto"
envelope = { type = "Packet", oneof = "payload", session = "seq" }
error = { field = "code", ok = 0 }
on_close = "ignore"
"#;

const DOCUMENTS: &str = r#"
[protocols.json]
framing = { length = "u32be", max = "1MB" }
codec = "json"
json = { name = "cmd", session = "seq", body = "data" }
error = { field = "code", ok = 0 }
on_close = "ignore"

[protocols.closing]
framing = { length = "u32be", max = "1MB" }
codec = "json"
json = { name = "cmd", session = "seq", body = "data" }
on_malformed = "close"
max_depth = 4
on_close = "ignore"

[protocols.msgpack]
framing = { length = "u32be", max = "1MB" }
codec = "msgpack"
msgpack = { name = "cmd", session = "seq", body = "data" }
on_close = "ignore"
"#;

/// What every message of Sproto and Protocol Buffers may hold.
const FIELDS: &str =
    "text 0 : string  n 1 : integer  deep 2 : Deep  list 3 : *integer  ok 4 : boolean  half 5 : double";

impl Layer {
    /// The sections of `throng.toml` with its protocols.
    pub fn settings(self) -> String {
        match self {
            Layer::Framing => {
                let mut settings = FRAMING.to_owned();
                settings += &self.behind_header(Protocol::Header, "");
                for compressor in [Protocol::Zlib, Protocol::Zstd, Protocol::Lz4] {
                    let name = compressor.name();
                    let compress =
                        format!("compress = {{ {name} = {{ flag = \"id:0x8000\", max = \"64KB\" }} }}\n");
                    settings += &self.behind_header(compressor, &compress);
                }
                settings
            }
            Layer::WebSocket => WEB.to_owned(),
            Layer::Tls => format!("{SECURE}\n[tls]\nca = \"certs/ca.pem\"\n"),
            Layer::Sproto => SPROTO.to_owned(),
            Layer::Protobuf => {
                let codec = "schema = \"protos/game.proto\"\n";
                PROTOBUF.to_owned()
                    + &self.behind_header(Protocol::Numbered, codec).replace("\"raw\"", "\"protobuf\"")
            }
            Layer::Documents => DOCUMENTS.to_owned(),
        }
    }

    /// A protocol whose header has the numbers of its behaviours.
    fn behind_header(self, protocol: Protocol, more: &str) -> String {
        let own = self.behaviours().into_iter().filter(|behaviour| behaviour.protocol == protocol);
        let ids = own.enumerate().map(|(place, behaviour)| format!(", {} = {}", behaviour.name, place + 10));
        let ids: String = ids.collect();
        let answer = if protocol == Protocol::Numbered { "Answer" } else { "answer" };
        format!(
            "\n[protocols.{}]\n\
             framing = {{ header = [\"magic:u16be=0x7e7e\", \"len:u16be\", \"id:u16be\", \"seq:u32be\"], max = 60000 }}\n\
             codec = \"raw\"\n\
             ids = {{ {answer} = 1, note = 2{ids} }}\n\
             reply = {{ header = \"seq\" }}\n\
             on_close = \"ignore\"\n\
             {more}",
            protocol.name()
        )
    }

    /// Files beside the settings: their paths in the project, and their texts.
    pub fn files(self) -> Vec<(&'static str, String)> {
        let names = |protocols: &[Protocol]| {
            let own = self.behaviours().into_iter().filter(|each| protocols.contains(&each.protocol));
            own.map(|behaviour| behaviour.name).collect::<Vec<_>>()
        };
        match self {
            Layer::Framing | Layer::WebSocket | Layer::Documents => Vec::new(),
            Layer::Tls => vec![("certs/ca.pem", crate::authority())],
            Layer::Sproto => {
                let mut calls = format!(
                    ".package {{ type 0 : integer  session 1 : integer }}\n\
                     .Deep {{ deep 0 : Deep  n 1 : integer }}\n\
                     .All {{ {FIELDS} }}\n\
                     note 500 {{ request All }}\n"
                );
                for (place, name) in names(&[Protocol::Rpc, Protocol::LongRpc]).iter().enumerate() {
                    // Writing to a text does not fail.
                    let _ = writeln!(calls, "{name} {} {{ request All response All }}", place + 1);
                }
                let mut types =
                    ".Msg { Name 0 : string  Bin 1 : binary }\n.Deep { deep 0 : Deep  n 1 : integer }\n"
                        .to_owned();
                for name in names(&[Protocol::Envelope]) {
                    let _ = writeln!(types, ".{name} {{ {FIELDS} }}\n.{name}_done {{ {FIELDS} }}");
                }
                vec![("protos/calls.sproto", calls), ("protos/types.sproto", types)]
            }
            Layer::Protobuf => {
                vec![("protos/game.proto", proto(&names(&[Protocol::Oneof, Protocol::Numbered])))]
            }
        }
    }
}

/// A message for each name, all of them in the oneof of one.
fn proto(names: &[&str]) -> String {
    let mut text = "syntax = \"proto3\";\nmessage Deep { Deep deep = 1; int32 n = 2; }\nenum Kind { NONE = 0; ONE = 1; }\n\
        message Answer { string text = 1; int32 n = 2; Deep deep = 3; repeated fixed32 list = 4; map<string, int32> by = 5; Kind kind = 6; }\n\
        message note { string text = 1; Deep deep = 3; }\n"
        .to_owned();
    let mut choices = String::new();
    for (place, name) in names.iter().enumerate() {
        // Writing to a text does not fail.
        let _ = writeln!(text, "message {name} {{ string text = 1; }}");
        let _ = write!(choices, " {name} ask_{name} = {};", place + 10);
    }
    let _ = writeln!(
        text,
        "message Packet {{ uint32 seq = 1; int32 code = 2; oneof payload {{ Answer answer = 3; note note = 4;{choices} }} }}"
    );
    text
}
