//! The border to a language: what the engine asks of a host, and what it tells it.
//!
//! A host runs the code of robots. It is called with nothing of the shard borrowed, so that it may call its
//! [`Desk`](crate::Desk) at any time. It never sees a socket, a clock or a timer.

use crate::http::HttpResponse;
use crate::id::{ActivityKey, ConnectionKey, Group, OperationKey, RobotId, RobotKey};
use crate::program::Program;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use throng_metrics::{EndCause, FailureKind};
use throng_wire::{GivenField, HeadKind, MessageId, Protocol};

/// Runs the code of one shard's robots.
pub trait Host {
    /// The mods and tasks that were loaded.
    fn program(&self) -> &Program;

    /// A robot begins its life (or begins anew after a restart): its objects are made, nothing runs yet.
    ///
    /// # Errors
    /// The script's own initialisation failed.
    fn born(&mut self, robot: RobotKey, id: RobotId) -> Result<(), ScriptError>;

    /// Runs a routine up to its first block. When it ends, now or later, the host calls
    /// [`Desk::finished`](crate::Desk::finished) with `activity`, once.
    fn begin(&mut self, robot: RobotKey, activity: ActivityKey, routine: Routine<'_>);

    /// Whether the task's `when` holds; an error in it is the host's to report and means no.
    fn allows(&mut self, robot: RobotKey, task: usize) -> bool;

    /// An operation has its outcome. What the host started it for runs on, to its next block.
    fn resume(&mut self, operation: OperationKey, outcome: Outcome<'_>);

    /// Several operations are likely to have their outcomes next: reads a little of all that `operation` will need, so that the
    /// processor fetches it for all of them at once. Returns something made of what was read.
    fn warm(&self, operation: OperationKey) -> usize {
        let _ = operation;
        0
    }

    /// A message came that no request waited for. Returns whether anything listened; the host decodes only then. Whether the
    /// server waits for an answer says [`Desk::question`](crate::Desk::question), during this call.
    fn push(&mut self, robot: RobotKey, connection: ConnectionKey, message: Incoming<'_>) -> bool;

    /// Cuts the frames at the front of `input` with the protocol's own function, and adds them to `cuts`. Returns how many
    /// bytes the frame behind them has at least, of which fewer are there.
    ///
    /// # Errors
    /// What stands behind the frames is none, or the function failed.
    fn cut(
        &mut self,
        speaker: &Speaker<'_>,
        input: &[u8],
        cuts: &mut Vec<OwnCut>,
    ) -> Result<usize, OwnError> {
        let _ = (input, cuts);
        Err(speaker.has_no_host())
    }

    /// Reads the head of a payload with the protocol's own function.
    ///
    /// # Errors
    /// The payload is none, or the function failed.
    fn head(&mut self, speaker: &Speaker<'_>, payload: &[u8]) -> Result<OwnHead, OwnError> {
        let _ = payload;
        Err(speaker.has_no_host())
    }

    /// Makes what [`Desk::send`](crate::Desk::send) takes of the protocol's heartbeat, with the protocol's own functions.
    ///
    /// # Errors
    /// They failed.
    fn heartbeat(&mut self, speaker: &Speaker<'_>) -> Result<Vec<u8>, OwnError> {
        Err(speaker.has_no_host())
    }

    /// A connection has ended whose protocol has functions of its own.
    fn ended(&mut self, connection: ConnectionKey) {
        let _ = connection;
    }

    /// A routine has run out of time: its code is dropped and never resumed. The engine calls nothing else for it.
    fn abandon(&mut self, activity: ActivityKey);

    /// A robot's life ends (restart, stop, end of the run): all its code and objects are dropped.
    fn forget(&mut self, robot: RobotKey);

    /// Where a routine waits and for what, for people: `mods/role.lua:12: request LoginReuest`.
    fn whereabouts(&self, activity: ActivityKey) -> Option<String>;

    /// Time for the collector between turns. `idle` is how long there will be nothing to do, as far as timers and the last
    /// wait tell. Returns how long it took the shard.
    fn housekeeping(&mut self, idle: Duration) -> Duration;

    /// Bytes the host's objects take, and the limit it works under.
    fn memory(&self) -> Memory;
}

/// Whose connection it is that a protocol's own functions are called for.
#[derive(Debug, Clone, Copy)]
pub struct Speaker<'a> {
    /// The robot.
    pub robot: RobotKey,
    /// The connection.
    pub connection: ConnectionKey,
    /// What it speaks.
    pub protocol: &'a Protocol,
}

impl Speaker<'_> {
    fn has_no_host(&self) -> OwnError {
        OwnError::Malformed("the host has no functions of protocols".into())
    }
}

/// A frame that a protocol's own function cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCut {
    /// Where its payload lies in the input.
    pub payload: Range<usize>,
    /// Where in the input the next frame begins; behind where this one does.
    pub end: usize,
}

/// What a protocol's own function says of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnHead {
    /// What the message is.
    pub kind: HeadKind,
    /// The message, where it says so.
    pub message: Option<MessageId>,
    /// Where its body begins, at most at its end.
    pub body: usize,
    /// The code with which a reply says no.
    pub refused: Option<i64>,
}

/// Why a protocol's own function gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnError {
    /// It refused what came.
    Malformed(Box<str>),
    /// It is wrong itself, or was cut off.
    Broken(ScriptError),
}

/// Why a message was not sent.
#[derive(Debug)]
pub enum Unsent<E> {
    /// The engine refused it, and has counted that.
    Refused(Failure),
    /// Its body could not be encoded; nothing was counted.
    Body(E),
    /// The connection has ended, or is a stream; nothing was counted.
    NoMessages,
}

/// A host's memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes in use.
    pub used: usize,
    /// Bytes allowed; 0 is without limit.
    pub limit: usize,
}

/// Something a host runs for the engine's schedule.
#[derive(Debug, Clone, Copy)]
pub enum Routine<'a> {
    /// `mod:start()`.
    Start {
        /// The mod.
        module: usize,
    },
    /// A task's function.
    Task {
        /// The task.
        task: usize,
    },
    /// One step of a sequence.
    Step {
        /// The task.
        task: usize,
        /// The step.
        step: usize,
    },
    /// `mod:stop()`.
    Stop {
        /// The mod.
        module: usize,
    },
    /// `mod:closed(connection, why)`.
    Closed {
        /// The mod.
        module: usize,
        /// The connection that ended; its key is stale, its name is in `why`.
        connection: ConnectionKey,
        /// Why it ended.
        why: &'a CloseReason,
    },
}

/// Why a connection ended.
#[derive(Debug, Clone)]
pub struct CloseReason {
    /// The connection's name.
    pub connection: Arc<str>,
    /// The cause.
    pub cause: EndCause,
    /// More, for people: an error's text, a WebSocket close code and reason.
    pub text: Box<str>,
    /// The WebSocket close code.
    pub code: Option<u16>,
}

/// A message as it came; the body is still encoded.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The protocol of its connection.
    pub protocol: &'a Arc<Protocol>,
    /// The message, where the protocol knows its name.
    pub message: Option<MessageId>,
    /// For a reply: the request it answers.
    pub request: Option<MessageId>,
    /// The encoded body.
    pub body: &'a [u8],
    /// The whole payload, with headers and trailers where the protocol has them.
    pub payload: &'a [u8],
}

impl Incoming<'_> {
    /// The value of a header's or trailer's field; unsigned 64-bit values above 2^63 are negative.
    pub fn field(&self, name: &str) -> Option<i64> {
        self.protocol.field(self.payload, name)
    }
}

/// A message with which the server asks something, and waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    pub(crate) connection: ConnectionKey,
    pub(crate) message: Option<MessageId>,
    pub(crate) session: i64,
}

impl Question {
    /// The connection it came on.
    pub fn connection(&self) -> ConnectionKey {
        self.connection
    }

    /// The message, where the protocol knows it: [`Protocol::answer_body_type`] has the type of its answer.
    pub fn message(&self) -> Option<MessageId> {
        self.message
    }
}

/// What became of an operation.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// The time is up (`sleep`), or a timer fired (`every`, which goes on).
    Elapsed,
    /// [`Desk::wake`](crate::Desk::wake) was called for it.
    Woken,
    /// The reply, and how long it took.
    Reply {
        /// The reply; decode it now.
        message: Incoming<'a>,
        /// From the request's last byte to the reply's.
        elapsed: Duration,
    },
    /// The connection is open.
    Connected(ConnectionKey),
    /// The bytes a stream's read waited for (a line comes without its end).
    Bytes(&'a [u8]),
    /// The response of an HTTP request.
    Responded(&'a HttpResponse),
    /// It failed; already counted.
    Failed(&'a Failure),
}

/// How an operation failed: data for the script, already counted by the engine.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The kind.
    pub kind: FailureKind,
    /// The message or operation it was about.
    pub name: Box<str>,
    /// The connection's name, if it was about one.
    pub connection: Option<Arc<str>>,
    /// How long it had been waited for.
    pub elapsed: Duration,
    /// More, for people.
    pub text: Box<str>,
    /// A number that says more: the code a WebSocket was closed with, or the one with which the server said no.
    pub code: Option<i64>,
}

/// An error in a script that nobody caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// Why: a plain error, or cut off at its deadline or its memory limit.
    pub kind: FailureKind,
    /// The error's text, with the user's file and line.
    pub message: String,
    /// The traceback, in the user's files.
    pub traceback: String,
}

/// How a routine ended that did not return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uncaught {
    /// A failure that was counted where it happened ends the routine; its text is for the timeline.
    Counted(String),
    /// An error of the script's own; counted by the engine now.
    Script(ScriptError),
}

/// How to reach a server and what to speak there.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The connection's name on its robot.
    pub name: Box<str>,
    /// `tcp://host:port`, `ws://host:port/path`, `udp://host:port`, `kcp://host:port`, or `host:port` in the scheme of `[target]`.
    pub url: Box<str>,
    /// The protocol by name; `None` asks the project's `hosts` patterns. `stream` is no framing at all.
    pub protocol: Option<Box<str>>,
    /// How long one attempt may take, to the end of a WebSocket handshake.
    pub timeout: Option<Duration>,
    /// Further attempts.
    pub retry: Option<Retry>,
    /// Counted and reported; `false` leaves no trace but bytes.
    pub measured: bool,
    /// The conversation's number, only with KCP; `None` leaves it to the protocol.
    pub conv: Option<u32>,
}

/// Attempts after a failed one, with exponential back-off and full jitter in its upper half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub max: Duration,
    /// Attempts in all.
    pub tries: u32,
}

/// What a request may say beside its message.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallOptions<'a> {
    /// How long to wait; `None` is the protocol's.
    pub timeout: Option<Duration>,
    /// The name it is measured under; `None` is the message's.
    pub measured_as: Option<&'a str>,
    /// A session of the script's choosing.
    pub session: Option<i64>,
    /// An expected failure: told to the script, not counted among the failures by kind.
    pub quiet: bool,
    /// The group that it is booked in too.
    pub group: Option<Group>,
    /// What its header and trailer have in fields that the protocol leaves alone.
    pub given: &'a [GivenField],
}

/// What a stream's read waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadUntil {
    /// A line; its `\n` or `\r\n` is cut off.
    Line,
    /// Exactly as many bytes.
    Exactly(usize),
    /// Everything up to and with these bytes.
    Bytes(Box<[u8]>),
}
