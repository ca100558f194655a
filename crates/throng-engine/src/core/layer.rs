//! Layers that have something to do by themselves: KCP's acknowledgements and resends, on the shard's timers.

use super::Core;
use super::connection::Connection;
use super::ending::End;
use super::timers::Due;
use crate::id::ConnectionKey;
use crate::net::Link;
use throng_metrics::{EndCause, FailureKind};

/// What is said of a peer that acknowledges nothing any more.
const GIVEN_UP: &str = "the server acknowledged nothing for too long";
/// What is said when datagrams come back.
const NOBODY: &str = "nothing listens on the server's UDP port";

impl Core {
    /// After something came or went: sets the timer of what has to follow by itself, goes on with what waits for room, and
    /// counts what was no datagram of this connection.
    pub(crate) fn look_after(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Link::Udp(udp) = &mut connection.link else { return };
        let fault = udp.take_fault();
        let waits = udp.has_room() && connection.outbox.is_some();
        if let Some((deadline, timer)) = udp.sooner() {
            self.wheel.cancel(timer);
            udp.keep_timer(self.wheel.insert(deadline, Due::Layer(key)));
        }
        if waits {
            self.mark_dirty(key);
        }
        if let Some(fault) = fault
            && let Some((robot, name)) =
                self.connections.get(key).map(|connection| (connection.robot, connection.name.clone()))
        {
            let (kind, told) = (FailureKind::Protocol, fault.to_string());
            self.count_failure_on(key, kind, &name, fault.gist(), Some(&told));
            self.trace_failure(robot, kind, &name, &told);
        }
    }

    /// A layer's timer has fired, maybe that of a connection which is over and lingers.
    pub(crate) fn layer_due(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key) else {
            self.net.timer_fired(key);
            return self.drain(key);
        };
        let Link::Udp(udp) = &mut connection.link else { return };
        udp.take_timer();
        let beaten = self.net.beat(&mut connection.link);
        if matches!(&connection.link, Link::Udp(udp) if udp.is_dead()) {
            return self.end_connection(key, End::new(EndCause::Timeout, GIVEN_UP));
        }
        match beaten {
            Ok(()) => self.look_after(key),
            Err(error) => {
                connection.write_error.get_or_insert(error);
                self.read_out.push(key);
            }
        }
    }

    /// A connection that ends needs no timer.
    pub(crate) fn forget_layer(&mut self, connection: &mut Connection) {
        if let Link::Udp(udp) = &mut connection.link {
            self.wheel.cancel(udp.take_timer());
        }
    }

    /// The other machine sent a datagram back.
    pub(crate) fn count_refusal(&mut self, key: ConnectionKey) {
        if let Some(name) = self.connections.get(key).map(|connection| connection.name.clone()) {
            self.count_failure_on(key, FailureKind::Refused, &name, NOBODY, None);
        }
    }
}
