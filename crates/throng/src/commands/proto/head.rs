//! What stands before a body: a package header, or whatever a project's protocol puts around it.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use throng_sproto::rpc::Package;
use throng_wire::{
    Codec, CodecSpec, Direction, DocumentForm, HeadKind, ProtobufShape, Protocol, SprotoShape,
};

use super::capture::Broken;
use super::decode::{Failure, Piece, Reading, unpacked};
use super::schemas::Found;
use super::{counted, did_you_mean, refused, tree};
use crate::config::nearest;

/// What the body's message is when the bytes say so.
pub(super) const ANY: &str = "_";

impl<W: Write> Reading<'_, W> {
    /// A Sproto package header of the type called `package`, and the message behind it.
    pub(super) fn rpc(&mut self, package: &str, piece: &Piece<'_>) -> Result<(), Failure> {
        let Found::Sproto(schema, Some(ty)) = self.schemas.find(package, self.direction)? else {
            return Err(refused(format!("`{package}` is no Sproto type")).into());
        };
        let reader = Package::new(schema, package).map_err(|error| refused(error.to_string()))?;
        self.tree(piece, tree::sproto(schema, ty, piece.message()), false)?;
        let read = reader.read(piece.message());
        let broken = |error: throng_sproto::DecodeError| Broken {
            offset: piece.range.start + error.offset,
            text: format!("{} ({})", error.kind, error.place),
        };
        let (header, used) = read.map_err(broken)?;
        let session = header.session.map(|session| format!(", session {session}")).unwrap_or_default();
        let body = piece.part(piece.range.start + used..piece.range.end);
        let Some(tag) = header.ty else {
            self.screen.say(&format!("a response{session}"))?;
            return self.response(&body);
        };
        let Some(protocol) = schema.protocol_by_tag(tag) else {
            let text = format!("the header's type {tag} is no protocol of the schema");
            return Err(Broken { offset: piece.range.start, text }.into());
        };
        self.screen.say(&format!("{} ({tag}){session}", protocol.name))?;
        let asked = self.message.strip_suffix(".request").unwrap_or(self.message);
        if ![ANY, &*protocol.name].contains(&asked) {
            return Err(refused(format!("the header says `{}`, not `{asked}`", protocol.name)).into());
        }
        self.body(&Found::Sproto(schema, protocol.request), &body)
    }

    /// The body of a response, which does not say whose it is.
    fn response(&mut self, body: &Piece<'_>) -> Result<(), Failure> {
        if self.message == ANY {
            let bytes = tree::escaped(body.message());
            self.screen.say(&format!("{bytes}: name the protocol it answers to see its fields"))?;
            return Ok(());
        }
        let asked = self.message.strip_suffix(".response").unwrap_or(self.message);
        // A response is of the protocol that the other side asked with.
        let other = match self.direction {
            Direction::Sent => Direction::Received,
            Direction::Received => Direction::Sent,
        };
        let schemas = self.schemas;
        let found = schemas.find(&format!("{asked}.response"), other)?;
        self.body(&found, body)
    }

    /// A payload of the project's protocol: its head, then its body.
    pub(super) fn envelope(&mut self, piece: &Piece<'_>) -> Result<(), Failure> {
        let Some((wire, spec)) = self.protocol.as_ref().map(|(wire, spec)| (Arc::clone(wire), *spec)) else {
            return Err(refused("--envelope needs --protocol").into());
        };
        let fields: Vec<String> = wire
            .fields(piece.message(), Direction::Received)
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if !fields.is_empty() {
            self.screen.say(&fields.join(", "))?;
        }
        let mut content = None;
        if let (CodecSpec::Sproto(sproto), false) = (&spec.codec, wire.has_fields()) {
            let (outer, packed) = match &sproto.shape {
                SprotoShape::Envelope { ty, .. } => (Some(ty), false),
                SprotoShape::Rpc { package } => (Some(package), true),
                SprotoShape::Bare => (None, false),
            };
            if sproto.packed.unwrap_or(packed) {
                self.screen.say("unpacked; offsets count unpacked bytes")?;
                content = Some(unpacked(piece.message())?);
            }
            let bytes = content.as_deref();
            let whole = bytes.map_or_else(|| piece.part(piece.range.clone()), Piece::unpacked);
            if let Some(outer) = outer
                && let Found::Sproto(schema, Some(ty)) = self.schemas.find(outer, self.direction)?
            {
                self.tree(&whole, tree::sproto(schema, ty, whole.message()), false)?;
            }
        }
        if let (CodecSpec::Protobuf(protobuf), false) = (&spec.codec, wire.has_fields())
            && let ProtobufShape::Named { ty, .. } | ProtobufShape::Oneof { ty, .. } = &protobuf.shape
            && let Found::Protobuf(schema, id) = self.schemas.find(ty, self.direction)?
        {
            self.tree(piece, tree::protobuf(schema, id, piece.message()), false)?;
        }
        self.opened(&wire, piece, content.as_deref())
    }

    /// The head by the protocol's own reading, and the body.
    fn opened(&mut self, wire: &Protocol, piece: &Piece<'_>, content: Option<&[u8]>) -> Result<(), Failure> {
        let mut scratch = Vec::new();
        let start = piece.range.start;
        let broken = |text: String| Broken { offset: start, text };
        let head = wire.read(piece.message(), &mut scratch).map_err(|error| Broken {
            offset: start + wrong_byte(wire, piece.message()),
            text: error.to_string(),
        })?;
        let name = match (head.message, head.unknown_name) {
            (Some(message), _) => wire.message_name(message).to_owned(),
            (None, Some(name)) => {
                let hint = did_you_mean(nearest(name, wire.messages().map(|(_, name)| name)));
                return Err(broken(format!("the head says {name:?}, which is no message{hint}")).into());
            }
            (None, None) => self.message.to_owned(),
        };
        let kind = match head.kind {
            HeadKind::Reply { session } if head.message.is_some() => {
                format!("{name}, a reply, session {session}")
            }
            HeadKind::Reply { session } => format!("a reply, session {session}"),
            HeadKind::Request { session } => format!("{name}, session {session}"),
            _ => name.clone(),
        };
        self.screen.say(&format!("{kind}: a body of {}", counted(head.body.len())))?;
        let is_reply = matches!(head.kind, HeadKind::Reply { .. });
        if self.message != ANY && !is_reply && self.message != name {
            return Err(refused(format!("the head says `{name}`, not `{}`", self.message)).into());
        }
        let asked = if is_reply { wire.message(self.message) } else { None };
        let unpacked = content.and_then(|all| Some((all, within_end(all, head.body)?)));
        let body = match (within(piece.all, head.body), unpacked) {
            (Some(range), _) => piece.part(range),
            (None, Some((all, range))) => Piece::unpacked(all).part(range),
            (None, None) => Piece::whole(head.body),
        };
        match wire.body_type_seen(Direction::Received, head.message, asked) {
            Some((schema, ty)) => self.body(&Found::Sproto(schema, Some(ty)), &body),
            None if matches!(wire.codec, Codec::Protobuf(_)) && head.message.is_some() => {
                let schemas = self.schemas;
                self.body(&schemas.find(&name, self.direction)?, &body)
            }
            None => {
                let seen = wire.body_seen(Direction::Received, (head.message, asked), head.body);
                match seen {
                    Some(Ok(value)) => self.screen.say(&value.to_string())?,
                    Some(Err(text)) => {
                        let inside = within(piece.all, head.body);
                        let offset = inside.map_or(start, |range| range.start + wrong_byte(wire, head.body));
                        return Err(Broken { offset, text }.into());
                    }
                    None => self.screen.say(&tree::escaped(head.body))?,
                }
                Ok(())
            }
        }
    }
}

/// Where a document that is none goes wrong, as far as its form tells.
fn wrong_byte(wire: &Protocol, document: &[u8]) -> usize {
    let is_json = matches!(&wire.codec, Codec::Document(codec) if codec.form() == DocumentForm::Json);
    let Some(error) = is_json.then(|| serde_json::from_slice::<serde_json::Value>(document).err()).flatten()
    else {
        return 0;
    };
    let lines = document.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    let before: usize = lines.map(<[u8]>::len).sum();
    (before + error.column().saturating_sub(1)).min(document.len())
}

/// Where `part` lies in `all`, if it is a part of it.
fn within(all: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(all.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= all.len()).then_some(start..end)
}

/// Where a copy of the end of `all` would lie.
fn within_end(all: &[u8], part: &[u8]) -> Option<Range<usize>> {
    all.ends_with(part).then_some(all.len() - part.len()..all.len())
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}
