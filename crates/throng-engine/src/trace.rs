//! What a robot does, told as it happens: the timeline of `throng try` and of tests. Off in a run.

use crate::host::{CloseReason, Failure};
use crate::id::{RobotId, RobotKey};
use std::sync::Arc;
use std::time::Duration;
use throng_metrics::FailureKind;
use throng_wire::{MessageId, Nanos, Protocol};

/// Listens to everything robots do.
pub trait Tracer {
    /// Something happened to `robot` at `now`.
    fn trace(&mut self, now: Nanos, robot: RobotId, event: &Trace<'_>);
}

/// What happened.
#[derive(Debug)]
pub enum Trace<'a> {
    /// A connection is being opened.
    Dialling {
        /// Its name.
        connection: &'a str,
        /// Where to, without user and query.
        url: String,
    },
    /// A connection is open.
    Opened {
        /// Its name.
        connection: &'a str,
        /// How long it took.
        took: Duration,
    },
    /// A connection has ended.
    Closed(&'a CloseReason),
    /// A message was handed to a connection; an answer has no `message` of its own, but the `request` it answers.
    Sent(Message<'a>),
    /// A message was cut from what came.
    Received {
        /// The message.
        message: Message<'a>,
        /// What it was taken for.
        taken_as: TakenAs,
    },
    /// Bytes of a stream.
    Streamed {
        /// The connection's name.
        connection: &'a str,
        /// True for what was written, false for what was read.
        outward: bool,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// An HTTP request was handed over.
    HttpAsked {
        /// What it is measured as.
        name: &'a str,
        /// Where to, without user and query.
        url: String,
        /// Bytes of its body.
        size: usize,
    },
    /// An HTTP response came.
    HttpAnswered {
        /// What its request is measured as.
        name: &'a str,
        /// Its status.
        status: u16,
        /// Bytes of its body.
        size: usize,
        /// From the request to the response's last byte.
        took: Duration,
    },
    /// A routine began: `role.start`, `role.shop.buy`.
    Began {
        /// Its name.
        routine: String,
    },
    /// A routine ended.
    Ended {
        /// Its name.
        routine: String,
        /// How long it took.
        took: Duration,
        /// The error nobody caught.
        error: Option<String>,
    },
    /// An operation failed.
    Failed(&'a Failure),
    /// An error in the script that nobody caught.
    Error {
        /// Its text.
        message: String,
        /// Its traceback.
        traceback: String,
    },
    /// A line of the script's log.
    Logged {
        /// The mod, where it is known.
        module: &'a str,
        /// The text.
        text: &'a str,
    },
}

/// A message on its way.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The connection's name.
    pub connection: &'a str,
    /// The connection's protocol, to decode the body with.
    pub protocol: &'a Arc<Protocol>,
    /// The message's name.
    pub name: &'a str,
    /// The message, where the protocol knows it.
    pub message: Option<MessageId>,
    /// For a reply: the request it answers.
    pub request: Option<MessageId>,
    /// The encoded body.
    pub body: &'a [u8],
    /// Bytes of the frame's payload.
    pub size: usize,
}

/// What a message that came was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenAs {
    /// The reply a request waited for, and how long it took.
    Reply(Duration),
    /// A push.
    Push,
    /// A reply after its request's time-out.
    Late,
    /// A second reply.
    Duplicate,
    /// A reply that may belong to one of several.
    Ambiguous,
    /// A reply nobody asked for.
    Orphan,
}

impl crate::core::Core {
    /// Tells the tracer of a failure that the host found.
    pub(crate) fn trace_failure(&mut self, robot: RobotKey, kind: FailureKind, name: &str, text: &str) {
        let mut failure = Failure::silent(kind, name, Duration::ZERO);
        failure.text = text.into();
        self.trace(robot, |_| Trace::Failed(&failure));
    }

    /// Tells the tracer, if there is one; the event is made only then.
    pub(crate) fn trace<'a>(&mut self, robot: RobotKey, event: impl FnOnce(&Self) -> Trace<'a>) {
        if self.tracer.is_none() {
            return;
        }
        let event = event(self);
        let now = self.now();
        if let (Some(slot), Some(tracer)) = (self.robots.get(robot), &mut self.tracer) {
            tracer.trace(now, slot.id, &event);
        }
    }
}
