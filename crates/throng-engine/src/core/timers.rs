//! What is due: the wheel's timers and the exact deadlines.

use super::Core;
use crate::id::{ActivityKey, ConnectionKey, OperationKey, RobotKey};
use throng_metrics::LagSource;
use throng_wire::Nanos;

/// Timers handed out at a time: the scripts of one batch run before the lateness of the next is told.
const BATCH: usize = 32;
/// Batches of one turn at most, so that sockets are not kept waiting.
pub(crate) const BATCHES: usize = 16;

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// An operation's time is up, or it repeats.
    Operation(OperationKey),
    /// The next thing in a robot's life.
    Life(RobotKey),
    /// The end of a robot's session.
    Leave(RobotKey),
    /// A routine's time-out.
    Activity(ActivityKey),
    /// A connection's heartbeat.
    Heartbeat(ConnectionKey),
    /// A connection's layer has something to send by itself.
    Layer(ConnectionKey),
    /// The peer of a closed connection has had time enough.
    Parted(ConnectionKey),
    /// The pause before the next attempt to connect is over.
    Redial(OperationKey),
}

impl Core {
    /// When something is due next; `None` while nothing is.
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        let exact = self.exact.first().map(|(deadline, _)| *deadline);
        [exact, self.rates.next_due(), self.wheel.next_deadline()].into_iter().flatten().min()
    }

    /// Handles a batch of what is due at `now`. Returns whether more is due.
    pub(crate) fn expire(&mut self, now: Nanos, due: &mut Vec<(Nanos, Due)>) -> bool {
        due.clear();
        self.slots_due(now);
        let more = self.wheel.expire(now, BATCH, due);
        for (deadline, what) in due.drain(..) {
            self.recorder.lag(LagSource::Timer, now.saturating_sub(deadline) / 1000);
            self.handle_due(what);
        }
        more | self.expire_exact(now)
    }

    fn expire_exact(&mut self, now: Nanos) -> bool {
        for _ in 0..BATCH {
            let Some((deadline, operation)) =
                self.exact.first().copied().filter(|(deadline, _)| *deadline <= now)
            else {
                return false;
            };
            self.exact.pop_first();
            self.recorder.lag(LagSource::Timer, (now - deadline) / 1000);
            self.waited(operation);
        }
        true
    }

    fn handle_due(&mut self, due: Due) {
        match due {
            Due::Operation(operation) => self.waited(operation),
            Due::Life(robot) => self.life_due(robot),
            Due::Leave(robot) => self.stop(robot),
            Due::Activity(activity) => self.overdue(activity),
            Due::Heartbeat(connection) => self.heartbeat(connection),
            Due::Layer(connection) => self.layer_due(connection),
            Due::Parted(connection) => self.net.let_go(connection),
            Due::Redial(operation) => self.redial(operation),
        }
    }
}
