//! What a connection will write, each message at its own time.
//!
//! Replies of one name keep their order, so that a client that matches by name or by order is not misled by a delay;
//! replies of different names overtake each other as they would on a server that works on requests side by side.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

use crate::{service::Payload, wire::Writing};

/// A message on its way out.
pub(crate) struct Outgoing {
    pub(crate) kind: Kind,
    pub(crate) payload: Payload,
    pub(crate) writing: Writing,
    /// Where its delay is counted from, if a rule gave it one.
    pub(crate) delayed_since: Option<Instant>,
}

/// What a message counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Reply(usize),
    Reordered(usize),
    Copy,
    Push(usize),
    Orphan,
    UnknownPush,
    /// Not a message: the connection closes here.
    Close,
}

/// Messages that wait for their time.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: BinaryHeap<Waiting>,
    /// The reply that waits for the next one.
    held: Option<Outgoing>,
    added: u64,
    /// Per reply name, the time of the last one.
    last: Vec<Option<Instant>>,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When the next message is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.waiting.peek().map(|waiting| waiting.due)
    }

    /// When a reply called `name` may leave whose request was read at `arrived`.
    pub(crate) fn due(&mut self, name: usize, arrived: Instant, delay: Option<Duration>) -> Instant {
        if self.last.len() <= name {
            self.last.resize(name + 1, None);
        }
        let due = arrived + delay.unwrap_or_default();
        let due = self.last[name].map_or(due, |last| due.max(last));
        self.last[name] = Some(due);
        due
    }

    pub(crate) fn add(&mut self, due: Instant, message: Outgoing) {
        self.added += 1;
        self.waiting.push(Waiting { due, order: self.added, message });
    }

    /// Keeps a reply for the next one.
    ///
    /// # Errors
    /// One is kept already; the reply comes back.
    pub(crate) fn hold(&mut self, reply: Outgoing) -> Result<(), Outgoing> {
        if self.held.is_some() {
            return Err(reply);
        }
        self.held = Some(reply);
        Ok(())
    }

    /// Lets the held reply go at `due`, behind the reply added last.
    pub(crate) fn release(&mut self, due: Instant) {
        let Some(mut reply) = self.held.take() else { return };
        if let Kind::Reply(name) = reply.kind {
            reply.kind = Kind::Reordered(name);
        }
        self.add(due, reply);
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Outgoing> {
        if self.next_due()? > now {
            return None;
        }
        self.waiting.pop().map(|waiting| waiting.message)
    }

    /// Throws everything away; returns how many replies were among it.
    pub(crate) fn clear(&mut self) -> usize {
        let waiting = std::mem::take(&mut self.waiting);
        let all = waiting.into_iter().map(|waiting| waiting.message).chain(self.held.take());
        all.filter(|message| matches!(message.kind, Kind::Reply(_) | Kind::Reordered(_))).count()
    }
}

struct Waiting {
    due: Instant,
    /// Messages due at the same time leave in the order they were added.
    order: u64,
    message: Outgoing,
}

/// The earliest is the greatest, because the heap gives the greatest first.
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Waiting {}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(name: usize, byte: u8) -> Outgoing {
        Outgoing {
            kind: Kind::Reply(name),
            payload: vec![byte].into(),
            writing: Writing::Whole,
            delayed_since: None,
        }
    }

    fn drain(outbox: &mut Outbox, now: Instant) -> Vec<u8> {
        std::iter::from_fn(|| outbox.pop_due(now)).map(|message| message.payload[0]).collect()
    }

    #[test]
    fn messages_wait_for_their_time_and_keep_their_order_within_it() {
        let start = Instant::now();
        let mut outbox = Outbox::default();
        let later = start + Duration::from_millis(5);
        outbox.add(later, reply(0, 1));
        outbox.add(start, reply(0, 2));
        outbox.add(start, reply(0, 3));
        assert_eq!(drain(&mut outbox, start), [2, 3]);
        assert_eq!(outbox.next_due(), Some(later));
        assert_eq!(drain(&mut outbox, later), [1]);
    }

    #[test]
    fn a_reply_overtakes_one_of_another_name_but_not_one_of_its_own() {
        let start = Instant::now();
        let mut outbox = Outbox::default();
        let late = outbox.due(0, start, Some(Duration::from_millis(5)));
        assert_eq!(outbox.due(1, start, None), start);
        assert_eq!(outbox.due(0, start, None), late);
    }

    #[test]
    fn a_held_reply_leaves_right_behind_the_next() {
        let start = Instant::now();
        let mut outbox = Outbox::default();
        assert!(outbox.hold(reply(0, 1)).is_ok());
        assert!(outbox.hold(reply(0, 2)).is_err());
        outbox.add(start, reply(0, 2));
        outbox.release(start);
        assert_eq!(drain(&mut outbox, start), [2, 1]);
    }

    #[test]
    fn clearing_counts_the_replies_that_were_due() {
        let start = Instant::now();
        let mut outbox = Outbox::default();
        outbox.add(start, reply(0, 1));
        outbox.add(start, Outgoing { kind: Kind::Push(0), ..reply(0, 2) });
        assert!(outbox.hold(reply(0, 3)).is_ok());
        assert_eq!(outbox.clear(), 2);
        assert!(outbox.is_empty());
    }
}
