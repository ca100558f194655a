//! Reading some sockets before the first of them is looked at.
//!
//! Reading, playing and writing each fill the processor's caches with code of their own. Done in turn for each connection they
//! push each other out; done for some connections together, a request of a busy shard costs a twentieth less.

use super::Shard;
use crate::core::connection::Arrival;
use crate::core::flow::Input;
use crate::host::Host;
use crate::net::tcp::Read;
use crate::poller::Readiness;
use std::io;
use throng_wire::Nanos;

/// Sockets that are read, and written, together.
pub(super) const TOGETHER: usize = 32;
/// Room for what one of them gives, in bytes; what does not fit is read afterwards.
const ROOM: usize = 2048;

/// What the sockets of a batch gave, in its order.
pub(super) struct Ahead {
    buffer: Vec<u8>,
    /// Nothing where the socket was left alone.
    reads: Vec<Option<io::Result<Read>>>,
}

impl Ahead {
    pub(super) fn new() -> Ahead {
        Ahead { buffer: vec![0; TOGETHER * ROOM], reads: Vec::with_capacity(TOGETHER) }
    }
}

impl<H: Host> Shard<H> {
    /// Reads the sockets of a batch, as far as nothing has to be done for them before.
    pub(super) fn read_ahead(&mut self, batch: &[Readiness]) {
        let core = &mut *self.core.borrow_mut();
        let rooms = self.ahead.buffer.chunks_exact_mut(ROOM);
        let reads = batch.iter().zip(rooms).map(|(readiness, room)| {
            let read = readiness.readable.then(|| core.read_ahead(readiness.connection, room));
            read.flatten()
        });
        self.ahead.reads.clear();
        self.ahead.reads.extend(reads);
    }

    /// Deals with what a socket of the batch gave, and with what it has beyond that. Returns when it was looked at, if it gave
    /// something.
    pub(super) fn receive_ahead(&mut self, place: usize, readiness: Readiness) -> Option<Nanos> {
        let Readiness { connection, ended, .. } = readiness;
        let Some(read) = self.ahead.reads.get_mut(place).and_then(Option::take) else {
            self.receive(connection, ended);
            return None;
        };
        let input = self.core.borrow_mut().book_read(connection, read, self.wall);
        let Input::Bytes { count, more, mut arrival } = input else {
            self.run_events();
            return None;
        };
        let buffer = std::mem::take(&mut self.ahead.buffer);
        self.look_at(connection, &buffer[place * ROOM..][..count], &mut arrival);
        self.ahead.buffer = buffer;
        if more || ended {
            self.receive(connection, ended);
        }
        let Arrival { read, .. } = arrival;
        Some(read)
    }
}
