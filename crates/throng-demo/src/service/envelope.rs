//! Envelope Sproto: one message is one `Msg { Name, Bin }`, unpacked, and `Bin` a message of the type called `Name`.

use std::sync::LazyLock;

use throng_sproto::{Schema, SourceFile, TypeId, Value, decode_value, encode_value};

use super::{NotUnderstood, value};
use crate::kind::ServerKind;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let files = [
        SourceFile { name: "msg.sproto", text: include_str!("../../protos/game/msg.sproto") },
        SourceFile { name: "game.sproto", text: include_str!("../../protos/game/game.sproto") },
    ];
    Schema::parse(&files).expect("the bundled schema is valid")
});

/// The envelope as one server of `kind` uses it.
#[derive(Clone, Copy)]
pub(super) struct Envelope {
    kind: ServerKind,
}

impl Envelope {
    pub(super) fn new(kind: ServerKind) -> Self {
        Self { kind }
    }

    /// Which request `message` is, and its body.
    pub(super) fn read(self, message: &[u8]) -> Result<(usize, Value), NotUnderstood> {
        let envelope = decode_value(&SCHEMA, type_called("Msg"), message).map_err(|_| NotUnderstood)?;
        let name = value::bytes(&envelope, "Name").and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or(NotUnderstood)?;
        let request = self.kind.words().request(name).ok_or(NotUnderstood)?;
        let bin = value::bytes(&envelope, "Bin").ok_or(NotUnderstood)?;
        let body = decode_value(&SCHEMA, type_called(name), bin).map_err(|_| NotUnderstood)?;
        Ok((request, body))
    }

    /// Appends the body of the reply to `request`.
    pub(super) fn body(self, request: usize, body: &Value, out: &mut Vec<u8>) {
        encode(self.kind.words().requests[request].1, body, out);
    }

    /// Appends the reply to `request` around an encoded body.
    pub(super) fn wrap(self, request: usize, body: &[u8], out: &mut Vec<u8>) {
        wrap(self.kind.words().requests[request].1, body, out);
    }

    /// Appends a whole push.
    pub(super) fn push(self, push: usize, body: &Value, out: &mut Vec<u8>) {
        let name = self.kind.words().pushes[push];
        let mut bin = Vec::new();
        encode(name, body, &mut bin);
        wrap(name, &bin, out);
    }

    /// Appends a push of a name that no schema has.
    pub(super) fn unknown_push(self, out: &mut Vec<u8>) {
        wrap("UnheardOfPush", &[0, 0], out);
    }
}

fn type_called(name: &str) -> TypeId {
    SCHEMA.type_id(name).expect("the bundled schema has each name that is used")
}

fn encode(name: &str, body: &Value, out: &mut Vec<u8>) {
    encode_value(&SCHEMA, type_called(name), body, out).expect("what the demo says fits its own schema");
}

fn wrap(name: &str, body: &[u8], out: &mut Vec<u8>) {
    encode(
        "Msg",
        &Value::structure([("Name", Value::from(name)), ("Bin", Value::Binary(body.to_vec()))]),
        out,
    );
}
