//! Sproto types as they are: what stands before a body says which type it is.

use std::sync::Arc;

use throng_sproto::{Schema, TypeId};

use super::messages::Messages;
use super::sides::Sides;
use crate::MessageId;
use crate::spec::Schemas;

/// Sproto bodies whose types are named by a header.
#[derive(Debug, Clone)]
pub struct BareCodec {
    pub(super) messages: Messages,
    pub(super) sides: Sides<Side>,
}

/// One direction.
#[derive(Debug, Clone)]
pub(super) struct Side {
    schema: Arc<Schema>,
    types: Vec<Option<TypeId>>,
}

impl BareCodec {
    pub(super) fn new(schemas: Schemas) -> BareCodec {
        let types = schemas.sent.types().chain(schemas.received.types());
        let messages = Messages::new(types.map(|(_, ty)| &*ty.name));
        let side = |schema: Arc<Schema>| {
            let types = messages.table(|name| schema.type_id(name));
            Side { schema, types }
        };
        let sides = Sides { sent: side(schemas.sent), received: side(schemas.received) };
        BareCodec { messages, sides }
    }
}

impl Side {
    #[inline]
    pub(super) fn body_type(&self, message: MessageId) -> Option<(&Schema, TypeId)> {
        let ty = self.types.get(message.0 as usize).copied().flatten()?;
        Some((&self.schema, ty))
    }
}
