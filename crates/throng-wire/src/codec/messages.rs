//! The messages of a codec: dense ids and names, both ways.

use rustc_hash::FxHashMap;

use super::WriteError;
use crate::MessageId;

/// Names by id and ids by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Messages {
    names: Vec<Box<str>>,
    /// A server can look for names here, but it cannot put any in: its hash needs no defence.
    ids: FxHashMap<Box<str>, MessageId>,
}

impl Messages {
    /// Gives each new name the next id.
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Messages {
        let mut messages = Messages::default();
        for name in names {
            if !messages.ids.contains_key(name) {
                messages.ids.insert(name.into(), MessageId(messages.count()));
                messages.names.push(name.into());
            }
        }
        messages
    }

    pub(super) fn count(&self) -> u32 {
        self.names.len() as u32
    }

    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<MessageId> {
        self.ids.get(name).copied()
    }

    #[inline]
    pub(super) fn name(&self, message: MessageId) -> Option<&str> {
        self.names.get(message.0 as usize).map(|name| &**name)
    }

    /// The error of sending what the peer does not know.
    pub(super) fn not_sent(&self, message: MessageId) -> WriteError {
        let name = self.name(message).map_or_else(|| format!("message {}", message.0), str::to_owned);
        WriteError::NotSent { name }
    }

    /// A table indexed by message.
    pub(super) fn table<T>(&self, entry: impl Fn(&str) -> Option<T>) -> Vec<Option<T>> {
        self.names.iter().map(|name| entry(name)).collect()
    }
}
