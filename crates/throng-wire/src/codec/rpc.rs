//! Sproto RPC: a package header with type and session before the body, packed, as skynet's clients and agents speak it.
//!
//! Each direction has its schema, and a tag means different things in each. The same name in both is one message here.

use std::io::Write as _;
use std::sync::Arc;

use throng_sproto::rpc::{Header, Package, PackageError};
use throng_sproto::{Protocol, Response, Schema, TypeId};

use super::messages::Messages;
use super::sides::{Packing, Sides, type_names};
use super::{Head, HeadError, HeadKind, WriteError};
use crate::MessageId;
use crate::spec::{ProtocolError, Schemas};

/// The RPC shape of Sproto.
#[derive(Debug, Clone)]
pub struct RpcCodec {
    pub(super) messages: Messages,
    pub(super) sides: Sides<Side>,
    pub(super) packing: Packing,
}

/// One direction.
#[derive(Debug, Clone)]
pub(super) struct Side {
    schema: Arc<Schema>,
    package: Package,
    has_session: bool,
    protocols: Vec<Option<Entry>>,
    /// Messages by protocol tag, sorted by it.
    tags: Vec<(u32, MessageId)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    tag: u32,
    request: Option<TypeId>,
    response: Response,
}

impl Side {
    fn new(schema: Arc<Schema>, package: &str, messages: &Messages) -> Result<Side, ProtocolError> {
        let header = Package::new(&schema, package).map_err(|source| package_error(source, &schema))?;
        let header_type = schema.type_id(package).map(|ty| schema.type_def(ty));
        let has_session =
            header_type.is_some_and(|ty| ty.fields.iter().any(|field| &*field.name == "session"));
        let protocols = messages.table(|name| schema.protocol(name).map(Entry::new));
        let tagged =
            schema.protocols().filter_map(|protocol| Some((protocol.tag, messages.find(&protocol.name)?)));
        let mut tags: Vec<_> = tagged.collect();
        tags.sort_by_key(|(tag, _)| *tag);
        Ok(Side { package: header, has_session, protocols, tags, schema })
    }

    #[inline]
    pub(super) fn protocol(&self, message: MessageId) -> Option<&Entry> {
        self.protocols.get(message.0 as usize)?.as_ref()
    }

    #[inline]
    pub(super) fn request_type(&self, message: MessageId) -> Option<(&Schema, TypeId)> {
        Some((&self.schema, self.protocol(message)?.request?))
    }

    #[inline]
    pub(super) fn response_type(&self, message: MessageId) -> Option<(&Schema, TypeId)> {
        match self.protocol(message)?.response {
            Response::Type(ty) => Some((&self.schema, ty)),
            Response::None | Response::Confirm => None,
        }
    }

    #[inline]
    fn by_tag(&self, tag: u32) -> Option<MessageId> {
        let index = self.tags.binary_search_by_key(&tag, |(tag, _)| *tag).ok()?;
        Some(self.tags[index].1)
    }
}

impl Entry {
    fn new(protocol: &Protocol) -> Entry {
        Entry { tag: protocol.tag, request: protocol.request, response: protocol.response }
    }
}

impl RpcCodec {
    pub(super) fn new(schemas: Schemas, package: &str, packed: bool) -> Result<RpcCodec, ProtocolError> {
        let protocols = schemas.sent.protocols().chain(schemas.received.protocols());
        let messages = Messages::new(protocols.map(|protocol| &*protocol.name));
        let sent = Side::new(Arc::clone(&schemas.sent), package, &messages)?;
        let received = Side::new(Arc::clone(&schemas.received), package, &messages)?;
        Ok(RpcCodec { messages, sides: Sides { sent, received }, packing: Packing::new(packed) })
    }

    /// Whether both directions' headers have a session.
    pub(crate) fn has_session(&self) -> bool {
        self.sides.sent.has_session && self.sides.received.has_session
    }

    /// Whether the schema promises a response, be it empty.
    pub(crate) fn expects_response(&self, message: MessageId) -> bool {
        self.sides.sent.protocol(message).is_some_and(|protocol| protocol.response != Response::None)
    }

    #[inline]
    pub(super) fn write(
        &self,
        message: MessageId,
        session: Option<i64>,
        body: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let sent = &self.sides.sent;
        let Some(protocol) = sent.protocol(message) else { return Err(self.messages.not_sent(message)) };
        let header = Header { ty: Some(protocol.tag), session, ud: None };
        self.packing.write(scratch, out, |payload| {
            sent.package.write(header, payload);
            payload.extend_from_slice(body);
        });
        Ok(())
    }

    /// Appends the answer to what the peer asked with this session. Its header is of the peer's own package type, as in
    /// Sproto's `host:dispatch`.
    pub(super) fn write_answer(&self, session: i64, body: &[u8], scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        let header = Header { ty: None, session: Some(session), ud: None };
        self.packing.write(scratch, out, |payload| {
            self.sides.received.package.write(header, payload);
            payload.extend_from_slice(body);
        });
    }

    #[inline]
    pub(super) fn read<'a>(
        &self,
        payload: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<Head<'a>, HeadError> {
        self.packing.unpack(payload, scratch)?;
        let received = &self.sides.received;
        let (header, used) = received.package.read(self.packing.content(payload, scratch))?;
        let (kind, message, unknown) = match header {
            Header { ty: Some(tag), session, .. } => {
                let message = received.by_tag(tag);
                let kind = session.map_or(HeadKind::Push, |session| HeadKind::Request { session });
                (kind, message, message.is_none().then_some(tag))
            }
            Header { session: Some(session), .. } => (HeadKind::Reply { session }, None, None),
            Header { .. } => return Err(HeadError::EmptyPackage),
        };
        let unpacked = scratch.len();
        if let Some(tag) = unknown {
            // Behind what was unpacked; writing to a vector does not fail.
            let _ = write!(scratch, "{tag}");
        }
        let (bytes, name) = scratch.split_at(unpacked);
        let body = &self.packing.content(payload, bytes)[used..];
        let unknown_name = unknown.and_then(|_| std::str::from_utf8(name).ok());
        Ok(Head { kind, message, unknown_name, body, refused: None })
    }
}

fn package_error(source: PackageError, schema: &Schema) -> ProtocolError {
    match source {
        PackageError::UnknownType { name } => {
            ProtocolError::UnknownPackage { name: name.into(), candidates: type_names(schema) }
        }
        source => ProtocolError::Package(source),
    }
}
