//! What scripts wait for: operations in one slab, chained per robot so that a robot's end finds them all.

use super::Ready;
use super::dial::Dial;
use super::http::HttpCall;
use crate::host::ReadUntil;
use crate::id::{ConnectionKey, OperationKey, RobotKey};
use crate::wheel::TimerId;
use slotmap::SlotMap;
use throng_metrics::RequestId;
use throng_wire::{MessageId, Nanos};

/// Something a script waits for.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) robot: RobotKey,
    /// The connection it ends with; null for none.
    pub(crate) connection: ConnectionKey,
    pub(crate) timer: TimerId,
    pub(crate) begun: Nanos,
    pub(crate) kind: OperationKind,
    previous: Option<OperationKey>,
    next: Option<OperationKey>,
}

/// What is waited for.
#[derive(Debug)]
pub(crate) enum OperationKind {
    Sleep,
    Every {
        interval: Nanos,
        due: Nanos,
        exact: bool,
    },
    Park,
    Connect(Box<Dial>),
    Request(Call),
    Http(Box<HttpCall>),
    Read {
        until: ReadUntil,
        maximum: usize,
        /// Bytes that were searched already.
        searched: usize,
    },
    /// Its outcome waits for the next tick, because its robot had too many at once.
    Deferred(Option<Ready>),
    /// Its outcome is on its way to the host: nothing else becomes of it, and its books are closed.
    Settled,
}

/// A request that waits for its reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) message: MessageId,
    /// Where it is booked; `None` on an unmeasured connection.
    pub(crate) books: Option<RequestId>,
    /// Just before the write that took its last byte; 0 while it waits to be written.
    pub(crate) sent: Nanos,
    /// When it should have been issued; 0 where no schedule says so.
    pub(crate) intended: Nanos,
    pub(crate) quiet: bool,
}

/// The operations of a shard.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    slab: SlotMap<OperationKey, Operation>,
}

impl Operations {
    /// Adds an operation at the head of its robot's chain.
    pub(crate) fn insert(
        &mut self,
        head: &mut Option<OperationKey>,
        timer: impl FnOnce(OperationKey) -> TimerId,
        (robot, connection): (RobotKey, ConnectionKey),
        begun: Nanos,
        kind: OperationKind,
    ) -> OperationKey {
        let key = self.slab.insert_with_key(|key| Operation {
            robot,
            connection,
            timer: timer(key),
            begun,
            kind,
            previous: None,
            next: *head,
        });
        if let Some(next) = *head {
            self.slab[next].previous = Some(key);
        }
        *head = Some(key);
        key
    }

    pub(crate) fn get(&self, key: OperationKey) -> Option<&Operation> {
        self.slab.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: OperationKey) -> Option<&mut Operation> {
        self.slab.get_mut(key)
    }

    /// A request's last byte goes out `now`.
    #[inline]
    pub(crate) fn stamp_sent(&mut self, key: OperationKey, now: Nanos) {
        if let Some(Operation { kind: OperationKind::Request(call), .. }) = self.slab.get_mut(key) {
            call.sent = now;
        }
    }

    /// The robot an operation belongs to.
    pub(crate) fn robot(&self, key: OperationKey) -> Option<RobotKey> {
        self.slab.get(key).map(|operation| operation.robot)
    }

    /// Takes an operation out of the slab and out of its robot's chain.
    pub(crate) fn remove(&mut self, head: &mut Option<OperationKey>, key: OperationKey) -> Option<Operation> {
        let operation = self.slab.remove(key)?;
        match operation.previous {
            Some(previous) => self.slab[previous].next = operation.next,
            None => *head = operation.next,
        }
        if let Some(next) = operation.next {
            self.slab[next].previous = operation.previous;
        }
        Some(operation)
    }

    /// The chain that begins at `head`, oldest first.
    pub(crate) fn chain(&self, head: Option<OperationKey>) -> Vec<OperationKey> {
        let mut keys: Vec<OperationKey> =
            std::iter::successors(head, |key| self.slab.get(*key).and_then(|operation| operation.next))
                .collect();
        keys.reverse();
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_survives_removals_in_any_order() {
        let mut operations = Operations::default();
        let mut head = None;
        let add = |operations: &mut Operations, head: &mut Option<OperationKey>| {
            operations.insert(head, |_| TimerId::NONE, Default::default(), 0, OperationKind::Sleep)
        };
        let keys: Vec<_> = (0..4).map(|_| add(&mut operations, &mut head)).collect();
        assert_eq!(operations.chain(head), keys);
        for (gone, left) in [(1, vec![0, 2, 3]), (3, vec![0, 2]), (0, vec![2]), (2, vec![])] {
            assert!(operations.remove(&mut head, keys[gone]).is_some());
            assert!(operations.remove(&mut head, keys[gone]).is_none());
            let left: Vec<_> = left.into_iter().map(|index: usize| keys[index]).collect();
            assert_eq!(operations.chain(head), left);
        }
        assert_eq!(head, None);
    }
}
