//! The last sessions of a connection that wait no more.

use crate::MessageId;

/// How many sessions of a kind are remembered.
const REMEMBERED: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) answered: Recent,
    /// Timed out or cancelled.
    pub(super) given_up: Recent,
}

/// A ring that grows to its size only as it is needed.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: Vec<Entry>,
    next: usize,
}

/// Twelve bytes: a connection that was used keeps up to 64 of them.
#[derive(Debug, Clone, Copy)]
struct Entry {
    session: [u32; 2],
    request: MessageId,
}

impl Recent {
    pub(super) fn remember(&mut self, session: i64, request: MessageId) {
        let entry = Entry { session: halves(session), request };
        if self.entries.len() < REMEMBERED {
            self.entries.push(entry);
        } else {
            self.entries[self.next] = entry;
            self.next = (self.next + 1) % REMEMBERED;
        }
    }

    /// The request of a remembered session.
    pub(super) fn find(&self, session: i64) -> Option<MessageId> {
        let session = halves(session);
        self.entries.iter().find(|entry| entry.session == session).map(|entry| entry.request)
    }
}

fn halves(session: i64) -> [u32; 2] {
    [session as u32, (session >> 32) as u32]
}
