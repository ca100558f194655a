//! Channels whose ciphers run functions of the host's: they are lent to the shard, which calls the host with nothing
//! borrowed, and come back.

use super::Core;
use super::connection::Outbox;
use super::flow::without_payload;
use crate::id::ConnectionKey;
use throng_wire::{Channel, ChannelError, CipherError, Received};

/// A channel on loan, with what its connection is to send.
pub(crate) struct Lent {
    channel: Channel,
    outbox: Option<Box<Outbox>>,
}

impl Lent {
    /// Encrypts what is to be sent.
    pub(crate) fn seal(&mut self) -> Result<(), CipherError> {
        let outbox = self.outbox.as_deref_mut().map_or(&mut [][..], |outbox| &mut outbox.bytes);
        self.channel.seal(outbox)
    }

    /// Cuts what stands at the start of `input`; a payload is put into `spill`.
    pub(crate) fn cut(
        &mut self,
        input: &[u8],
        spill: &mut Vec<u8>,
    ) -> Result<Received<'static>, ChannelError> {
        let received = self.channel.cut(input)?;
        if let Received::Message { payload, .. } = &received {
            spill.clear();
            spill.extend_from_slice(payload);
        }
        Ok(without_payload(received))
    }
}

impl Core {
    /// Lends out a channel; meanwhile its connection has no messages.
    pub(crate) fn lend(&mut self, key: ConnectionKey) -> Option<Lent> {
        let connection = self.connections.get_mut(key)?;
        let channel = connection.channel.take()?;
        Some(Lent { channel, outbox: connection.outbox.take() })
    }

    /// Takes a channel back; whether its connection is still there.
    pub(crate) fn give_back(&mut self, key: ConnectionKey, lent: Lent) -> bool {
        let Some(connection) = self.connections.get_mut(key) else { return false };
        connection.channel = Some(lent.channel);
        connection.outbox = lent.outbox.or(connection.outbox.take());
        true
    }

    /// What is to be sent was encrypted, or could not be.
    pub(crate) fn sealed(&mut self, key: ConnectionKey, sealed: Result<(), CipherError>) {
        match sealed {
            Ok(()) => self.mark_dirty(key),
            Err(error) => self.broken(key, &error.into(), &[]),
        }
    }
}
