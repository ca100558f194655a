//! What is due: the wheel's timers and the exact deadlines.

use super::Core;
use crate::id::{ActivityKey, ConnectionKey, OperationKey, RobotKey};
use std::cmp::Reverse;
use throng_metrics::LagSource;
use throng_wire::Nanos;

/// Timers handed out in one turn at most, so that sockets are not kept waiting.
const PER_TURN: usize = 512;

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// An operation's time is up, or it repeats.
    Operation(OperationKey),
    /// The next thing in a robot's life.
    Life(RobotKey),
    /// A routine's time-out.
    Activity(ActivityKey),
    /// A connection's heartbeat.
    Heartbeat(ConnectionKey),
    /// The pause before the next attempt to connect is over.
    Redial(OperationKey),
}

impl Core {
    /// When something is due next; `None` while nothing is.
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        let exact = self.exact.peek().map(|Reverse((deadline, _))| *deadline);
        [exact, self.wheel.next_deadline()].into_iter().flatten().min()
    }

    /// Handles what is due at `now`. Returns whether more is due than one turn takes.
    pub(crate) fn expire(&mut self, now: Nanos, due: &mut Vec<(Nanos, Due)>) -> bool {
        due.clear();
        let more = self.wheel.expire(now, PER_TURN, due);
        for (deadline, what) in due.drain(..) {
            self.recorder.lag(LagSource::Timer, now.saturating_sub(deadline) / 1000);
            self.handle_due(what);
        }
        more | self.expire_exact(now)
    }

    fn expire_exact(&mut self, now: Nanos) -> bool {
        for _ in 0..PER_TURN {
            match self.exact.peek() {
                Some(Reverse((deadline, operation))) if *deadline <= now => {
                    let (deadline, operation) = (*deadline, *operation);
                    self.exact.pop();
                    if self.operations.get(operation).is_some() {
                        self.recorder.lag(LagSource::Timer, (now - deadline) / 1000);
                        self.waited(operation);
                    }
                }
                _ => return false,
            }
        }
        true
    }

    fn handle_due(&mut self, due: Due) {
        match due {
            Due::Operation(operation) => self.waited(operation),
            Due::Life(robot) => self.life_due(robot),
            Due::Activity(activity) => self.overdue(activity),
            Due::Heartbeat(connection) => self.heartbeat(connection),
            Due::Redial(operation) => self.redial(operation),
        }
    }
}
