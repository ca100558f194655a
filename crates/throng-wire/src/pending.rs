//! The books of one connection: which requests wait for a reply, and what an arriving message is to them.
//!
//! Every request issued leaves the books exactly once: answered ([`Match::Reply`]), timed out ([`Pending::expire`]), cancelled
//! ([`Pending::cancel`]) or lost with its connection ([`Pending::drain`]). What arrives and is no reply to a waiting request is told
//! apart as late, duplicate, ambiguous, orphan or a push, and changes no book.
//!
//! With sessions a reply names its request, and the last keys that were answered or given up are remembered. Replies matched by
//! name or by order name nothing, so a request that was given up keeps a *dead place* in the row for one more time-out: a
//! reply that meets it first is never booked to the request behind it.

mod memory;
mod places;

use std::time::Duration;

use crate::{MessageId, Nanos};
use memory::Memory;
use places::{Place, Places, State};

/// What ties a reply to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKey {
    /// The session both carry.
    Session(i64),
    /// The reply's message.
    Name(MessageId),
    /// The order alone.
    Fifo,
}

/// What an arriving message is to the waiting requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The reply a request waited for; it waits no more.
    Reply {
        /// The operation that waited.
        operation: u64,
        /// The request's message.
        request: MessageId,
    },
    /// The reply to a request that had timed out or was cancelled.
    Late {
        /// The request's message.
        request: MessageId,
    },
    /// A second reply to an answered request.
    Duplicate {
        /// The request's message.
        request: MessageId,
    },
    /// Either the late reply to a request that was given up or the reply to one that waits: booked to neither.
    Ambiguous {
        /// The message of the request that was given up.
        request: MessageId,
    },
    /// A reply to nothing that is known.
    Orphan,
    /// Not a reply at all.
    Push,
}

/// The requests of one connection that wait for their replies.
///
/// The first waiting request is kept in place; the heap is used from the second on, and to remember sessions. A search
/// goes through the requests that wait, oldest first: meant for a few on each connection.
#[derive(Debug, Default)]
pub struct Pending {
    last_session: i64,
    places: Places,
    memory: Option<Box<Memory>>,
}

impl Pending {
    /// Books without an entry.
    pub fn new() -> Pending {
        Pending::default()
    }

    /// A session whose key, which `key` tells, no waiting request has: 1, 2, 3 and so on. `None` when a narrow field leaves no
    /// key free.
    pub fn next_session(&mut self, key: impl Fn(i64) -> Option<ReplyKey>) -> Option<i64> {
        // Keys that come again do so in a circle: among one more than wait there is a free one, or none is.
        for _ in 0..=self.places.len() {
            self.last_session = self.last_session.checked_add(1).unwrap_or(1);
            let wanted = key(self.last_session);
            if !self.places.iter().any(|place| Some(place.key) == wanted) {
                return Some(self.last_session);
            }
        }
        None
    }

    /// Books a request. When `timeout` is over the caller calls [`Pending::expire`]; here it says how long a dead place stays.
    #[inline]
    pub fn issue(&mut self, key: ReplyKey, operation: u64, request: MessageId, timeout: Duration) {
        let timeout = Nanos::try_from(timeout.as_nanos()).unwrap_or(Nanos::MAX);
        self.places.push(Place { operation, request, key, state: State::Live { timeout } });
    }

    /// Books an arriving message with the key it has; `None` for one that is no reply by its own word.
    #[inline]
    pub fn resolve(&mut self, key: Option<ReplyKey>, now: Nanos) -> Match {
        match key {
            None => Match::Push,
            Some(key @ ReplyKey::Session(session)) => self.resolve_session(key, session),
            Some(key) => self.resolve_place(key, now),
        }
    }

    #[inline]
    fn resolve_session(&mut self, key: ReplyKey, session: i64) -> Match {
        if let Some(index) = self.places.position(|place| place.key == key) {
            let place = self.places.remove(index);
            self.memory.get_or_insert_default().answered.remember(session, place.request);
            return Match::Reply { operation: place.operation, request: place.request };
        }
        let Some(memory) = &mut self.memory else { return Match::Orphan };
        if let Some(request) = memory.answered.find(session) {
            return Match::Duplicate { request };
        }
        match memory.given_up.find(session) {
            Some(request) => {
                // It is answered now: the same reply again is a duplicate.
                memory.answered.remember(session, request);
                Match::Late { request }
            }
            None => Match::Orphan,
        }
    }

    #[inline]
    fn resolve_place(&mut self, key: ReplyKey, now: Nanos) -> Match {
        self.places.resynchronise(now);
        let Some(index) = self.places.position(|place| place.key == key) else {
            // A name is also what a push has; a row without names has only replies.
            return if key == ReplyKey::Fifo { Match::Orphan } else { Match::Push };
        };
        let Place { operation, request, state, .. } = self.places.remove(index);
        if !matches!(state, State::Dead { .. }) {
            return Match::Reply { operation, request };
        }
        let mut behind =
            self.places.iter_mut().filter(|place| place.key == key && place.is_waiting()).peekable();
        if behind.peek().is_none() {
            return Match::Late { request };
        }
        for place in behind {
            place.overtake();
        }
        Match::Ambiguous { request }
    }

    /// The request that has waited longest.
    #[inline]
    pub fn first(&self) -> Option<u64> {
        self.places.iter().next().map(|place| place.operation)
    }

    /// The request in whose place a message with `key` would be booked.
    #[inline]
    pub fn next_in_line(&self, key: ReplyKey) -> Option<u64> {
        self.places.iter().find(|place| place.key == key).map(|place| place.operation)
    }

    /// Gives up the request of `operation` because its time is over; false when it did not wait.
    pub fn expire(&mut self, operation: u64, now: Nanos) -> bool {
        self.give_up(operation, now, |state| match *state {
            State::Live { timeout } => Some(State::Dead { until: now.saturating_add(timeout) }),
            // The ambiguous reply that came while it waited was most likely its own: a dead place would make the next
            // request's reply ambiguous too, and so on for ever after a single lost reply.
            State::Overtaken { .. } | State::Dead { .. } => None,
        })
    }

    /// Gives up the request of `operation` because nobody wants its reply any more; false when it did not wait.
    pub fn cancel(&mut self, operation: u64, now: Nanos) -> bool {
        self.give_up(operation, now, |state| match *state {
            State::Live { timeout } | State::Overtaken { timeout } => {
                Some(State::Dead { until: now.saturating_add(timeout) })
            }
            State::Dead { .. } => None,
        })
    }

    fn give_up(&mut self, operation: u64, now: Nanos, leaves: impl FnOnce(&State) -> Option<State>) -> bool {
        self.places.resynchronise(now);
        let of_operation = |place: &Place| place.operation == operation && place.is_waiting();
        let Some(index) = self.places.position(of_operation) else { return false };
        let place = self.places.get(index);
        if let ReplyKey::Session(session) = place.key {
            let request = self.places.remove(index).request;
            self.memory.get_or_insert_default().given_up.remember(session, request);
            return true;
        }
        match leaves(&place.state) {
            Some(dead) => self.places.bury(index, dead),
            None => {
                self.places.remove(index);
            }
        }
        true
    }

    /// Empties the books because the connection is lost; the operations that waited, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = u64> + use<> {
        self.memory = None;
        std::mem::take(&mut self.places).into_iter().filter(Place::is_waiting).map(|place| place.operation)
    }

    /// How many requests wait.
    pub fn len(&self) -> usize {
        self.places.waiting()
    }

    /// Whether no request waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
