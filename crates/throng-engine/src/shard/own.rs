//! Protocols with functions of their own: the host cuts what came, and makes what is sent by itself.

use super::Shard;
use crate::core::connection::Arrival;
use crate::core::flow::Step;
use crate::host::{Host, OwnCut, OwnError, Speaker};
use crate::id::{ConnectionKey, RobotKey};
use std::sync::Arc;
use throng_metrics::FailureKind;
use throng_wire::{MessageId, Protocol};

impl<H: Host> Shard<H> {
    /// Has the host cut what came: a stream as it is, or each message of the layer.
    pub(super) fn cut_by_host(&mut self, key: ConnectionKey, input: &[u8], arrival: &mut Arrival) {
        if self.core.borrow().has_bare_frames(key) {
            return self.take_apart(key, input, arrival);
        }
        self.cut_all(key, input, arrival, Self::take_apart);
    }

    /// Has the host cut `input` into frames, and delivers them. All are cut before the first is told of, so that the host is
    /// entered once for what came together.
    fn take_apart(&mut self, key: ConnectionKey, input: &[u8], arrival: &mut Arrival) {
        let Some((robot, protocol)) = self.spoken_on(key) else { return };
        let mut cuts = std::mem::take(&mut self.cuts);
        cuts.clear();
        let end = self.host.cut(&Speaker { robot, connection: key, protocol: &protocol }, input, &mut cuts);
        let mut at = 0;
        for OwnCut { payload, end } in &cuts {
            let alive = self.core.borrow_mut().frame_cut(key, input, at..*end);
            if !alive {
                break;
            }
            self.deliver(key, &input[payload.clone()], arrival);
            at = *end;
        }
        let all = cuts.last().is_none_or(|last| last.end == at);
        self.cuts = cuts;
        if all {
            let mut core = self.core.borrow_mut();
            match end {
                Ok(at_least) => core.frame_begun(key, &input[at..], at_least),
                Err(OwnError::Malformed(reason)) => core.not_a_frame(key, reason, &input[at..]),
                Err(OwnError::Broken(error)) => core.own_function_failed(key, robot, &error),
            }
        }
        self.run_events();
    }

    /// Cuts with a channel that calls the host.
    pub(super) fn cut_lent(&mut self, key: ConnectionKey, input: &[u8], arrival: &mut Arrival) {
        let mut at = 0;
        loop {
            let lent = self.core.borrow_mut().lend(key);
            let Some(mut lent) = lent else { return };
            let mut spill = std::mem::take(&mut self.spill);
            let cut = lent.cut(&input[at..], &mut spill);
            if !self.core.borrow_mut().give_back(key, lent) {
                return self.run_events();
            }
            let step = self.core.borrow_mut().cut_otherwise(key, &input[at..], cut);
            match step {
                Step::Spilled { used } | Step::Inside { used, .. } => {
                    self.deliver(key, &spill, arrival);
                    at += used;
                }
                Step::Other { used } => {
                    at += used;
                    self.run_events();
                }
                Step::Incomplete | Step::Gone => return self.spill = spill,
            }
            self.spill = spill;
        }
    }

    /// Has the host's cipher encrypt what a connection is to send.
    pub(super) fn seal(&mut self, key: ConnectionKey) {
        let lent = self.core.borrow_mut().lend(key);
        let Some(mut lent) = lent else { return };
        let sealed = lent.seal();
        let mut core = self.core.borrow_mut();
        if core.give_back(key, lent) {
            core.sealed(key, sealed);
        }
    }

    /// Sends the heartbeat of a connection.
    pub(super) fn beat(&mut self, key: ConnectionKey, message: MessageId) {
        let Some((robot, protocol)) = self.spoken_on(key) else { return };
        let made = self.host.heartbeat(&Speaker { robot, connection: key, protocol: &protocol });
        let mut core = self.core.borrow_mut();
        match made {
            // One that cannot be sent was counted; the next may fare better.
            Ok(bytes) => drop(core.send(key, message, &bytes, &[])),
            Err(OwnError::Malformed(text)) => {
                let name = protocol.message_name(message);
                core.count_fault(key, FailureKind::Encode, name, &text, None);
            }
            Err(OwnError::Broken(error)) => core.own_function_failed(key, robot, &error),
        }
    }

    /// Whose connection it is, and what is spoken on it.
    fn spoken_on(&mut self, key: ConnectionKey) -> Option<(RobotKey, Arc<Protocol>)> {
        let (robot, label, _) = self.core.borrow().speaker(key)?;
        self.learn_protocols(label);
        Some((robot, Arc::clone(self.protocols[label].as_ref()?)))
    }
}
