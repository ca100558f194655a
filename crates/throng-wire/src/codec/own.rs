//! Messages of a protocol whose functions run in the host: the host reads heads and makes payloads, this knows the names.

use std::sync::Arc;

use super::RawCodec;
use crate::MessageId;
use crate::names::open::OpenNames;

/// A codec of the host's own. Its messages are known as they are used.
#[derive(Debug, Clone)]
pub struct OwnCodec {
    names: Arc<OpenNames>,
    unnamed: Option<MessageId>,
}

/// Which parts of a protocol are functions of the host's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnParts {
    /// It cuts streams.
    pub framing: bool,
    /// It puts a frame around each payload that is sent.
    pub frame: bool,
    /// It reads heads.
    pub head: bool,
    /// It makes the payloads that are sent.
    pub encode: bool,
    /// It decodes bodies.
    pub decode: bool,
}

impl OwnParts {
    /// Whether there is any.
    pub fn is_any(self) -> bool {
        self != OwnParts::default()
    }

    /// Whether what payloads are is the host's to know, and not a codec's.
    pub fn has_codec(self) -> bool {
        self.head || self.encode || self.decode
    }

    /// Whether only the host can make what is sent.
    #[inline]
    pub fn writes(self) -> bool {
        self.framing || self.encode
    }
}

impl OwnCodec {
    pub(super) fn new() -> OwnCodec {
        let names = Arc::new(OpenNames::new());
        OwnCodec { unnamed: names.intern(RawCodec::RECEIVED), names }
    }

    pub(crate) fn open_names(&self) -> &Arc<OpenNames> {
        &self.names
    }

    /// What a message is called that has no name of its own.
    #[inline]
    pub fn unnamed(&self) -> Option<MessageId> {
        self.unnamed
    }

    /// The message of a name that came; `None` when there is no room for more names of servers.
    #[inline]
    pub fn received(&self, name: &str) -> Option<MessageId> {
        self.names.intern_received(name)
    }

    pub(super) fn message(&self, name: &str) -> Option<MessageId> {
        self.names.intern(name)
    }

    pub(super) fn message_name(&self, message: MessageId) -> Option<&str> {
        self.names.name(message)
    }

    pub(super) fn message_count() -> u32 {
        OpenNames::most()
    }
}
