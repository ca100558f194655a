//! Everything of a shard but its host: robots, connections, operations, timers, books. It never calls the host; what the
//! host must do is queued as [`Event`]s, in order.
//!
//! Start reading at [`life`] for what a robot goes through, at [`calls`] for what a request goes through.

pub(crate) mod calls;
pub(crate) mod connection;
pub(crate) mod dial;
pub(crate) mod ending;
pub(crate) mod flow;
pub(crate) mod http;
mod labels;
mod layer;
pub(crate) mod lending;
pub(crate) mod life;
mod log;
pub(crate) mod operation;
pub(crate) mod own;
pub(crate) mod rates;
pub(crate) mod robot;
pub(crate) mod routines;
mod scenarios;
mod schedules;
pub(crate) mod storms;
pub(crate) mod streams;
#[cfg(test)]
mod tests;
pub(crate) mod timers;
pub(crate) mod tracks;
pub(crate) mod waiting;

use crate::clock::Clock;
use crate::config::{Settings, ShardShare};
use crate::host::{CloseReason, Failure, Question};
use crate::http::HttpResponse;
use crate::id::{ActivityKey, ConnectionKey, OperationKey, RobotKey};
use crate::net::Net;
use crate::program::Program;
use crate::trace::Tracer;
use connection::{Connection, FlushList, Pools};
use labels::Labels;
use log::Log;
use operation::{Call, Operations};
use rates::Rates;
use robot::{Origin, Robot};
use routines::Activity;
use schedules::Schedules;
use slotmap::SlotMap;
use std::collections::{BTreeSet, VecDeque};
use throng_metrics::{Recorder, RobotState, ScenarioId};
use throng_wire::{MessageId, Nanos};
use timers::Due;
use tracks::Told;

use crate::wheel::Wheel;

/// A shard's state.
pub(crate) struct Core {
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) share: ShardShare,
    pub(crate) program: Program,
    pub(crate) net: Net,
    pub(crate) robots: SlotMap<RobotKey, Robot>,
    pub(crate) connections: SlotMap<ConnectionKey, Connection>,
    pub(crate) operations: Operations,
    pub(crate) activities: SlotMap<ActivityKey, Activity>,
    pub(crate) wheel: Wheel<Due>,
    /// Deadlines that must not be rounded to the wheel's tick.
    pub(crate) exact: BTreeSet<(Nanos, OperationKey)>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) flush: FlushList,
    /// Connections that could not be written, whose input is to be read to its end.
    pub(crate) read_out: Vec<ConnectionKey>,
    pub(crate) pools: Pools,
    pub(crate) labels: Labels,
    pub(crate) recorder: Recorder,
    /// The body that a host encodes.
    pub(crate) body: Vec<u8>,
    /// Scratch of the codecs.
    pub(crate) scratch: Vec<u8>,
    /// Counts the turns, so that a task that never blocks is told from one that did.
    pub(crate) turn: u64,
    /// When the routine that the host begins should have begun, until it has issued a request; 0 where no schedule says so.
    pub(crate) intended: Nanos,
    pub(crate) schedules: Schedules,
    pub(crate) rates: Rates,
    /// The request whose reply is being told.
    pub(crate) answered_last: Option<Call>,
    /// Why the message that is being told cannot be read.
    pub(crate) malformed: Option<Box<str>>,
    /// What the server asks with the push that is being told.
    pub(crate) question: Option<Question>,
    /// The push that is being told.
    pub(crate) told: Option<Told>,
    /// Connections without measures that have ended, the latest last: what is said of them is not counted either.
    pub(crate) unmeasured: VecDeque<ConnectionKey>,
    /// Attempts to connect so far, which spreads them over addresses.
    pub(crate) dialled: u64,
    /// The host is near its memory limit: no more robots.
    pub(crate) host_is_full: bool,
    /// The books of the scenarios, in their order.
    pub(crate) scenario_books: Vec<ScenarioId>,
    /// Robots that have ended and whom the load plan does not know of yet.
    pub(crate) gone: Vec<(Origin, RobotKey)>,
    pub(crate) log: Log,
    pub(crate) tracer: Option<Box<dyn Tracer>>,
}

/// Something the host must do.
#[derive(Debug)]
pub(crate) enum Event {
    /// Make a robot's objects.
    Born(RobotKey),
    /// Run a routine.
    Begin(ActivityKey, Begun),
    /// Tell an operation's outcome.
    Resume(OperationKey, Ready),
    /// Drop a routine's code.
    Abandon(ActivityKey),
    /// A robot's tasks may run; pick one.
    Pick(RobotKey),
    /// Slots of task rates wait, and robots to take them.
    Slots,
    /// Send a heartbeat that the protocol's own functions make.
    Beat(ConnectionKey, MessageId),
    /// Have the host's cipher encrypt what a connection is to send.
    Seal(ConnectionKey),
    /// Close a connection in good order.
    Close(ConnectionKey),
    /// A connection with functions of its protocol's own has ended.
    Ended(ConnectionKey),
    /// A robot is not ready in time; say what blocks.
    NotReady(RobotKey),
    /// Drop a robot's code.
    Forget(RobotKey, Afterlife),
}

/// A routine that owns what it speaks of.
#[derive(Debug)]
pub(crate) enum Begun {
    Start { module: usize },
    Task { task: usize },
    Step { task: usize, step: usize },
    Stop { module: usize },
    Closed { module: usize, connection: ConnectionKey, why: Box<CloseReason> },
}

/// An outcome that borrows nothing.
#[derive(Debug)]
pub(crate) enum Ready {
    Elapsed,
    /// A timer fired that goes on; when it should have.
    Beat {
        intended: Nanos,
    },
    Woken,
    Connected(ConnectionKey),
    /// A stream's read can be served from the connection's tail: as many bytes, of which the last few are not for the script.
    Bytes {
        count: usize,
        trimmed: usize,
    },
    Responded(Box<HttpResponse>),
    Failed(Box<Failure>),
}

/// What follows when a robot's code has been dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterlife {
    /// It begins anew after a pause.
    Reborn,
    /// It is gone.
    Gone(RobotState),
}

impl Core {
    pub(crate) fn new(clock: Clock, mut settings: Settings, share: ShardShare, net: Net) -> Core {
        settings.tls = settings.tls.with_own_sessions();
        Core {
            clock,
            labels: Labels::new(&settings),
            settings,
            share,
            program: Program::default(),
            net,
            robots: SlotMap::with_key(),
            connections: SlotMap::with_key(),
            operations: Operations::default(),
            activities: SlotMap::with_key(),
            wheel: Wheel::new(),
            exact: BTreeSet::new(),
            events: VecDeque::new(),
            flush: Vec::new(),
            read_out: Vec::new(),
            pools: Pools::default(),
            recorder: Recorder::default(),
            body: Vec::new(),
            scratch: Vec::new(),
            turn: 0,
            intended: 0,
            schedules: Schedules::default(),
            rates: Rates::default(),
            answered_last: None,
            malformed: None,
            question: None,
            told: None,
            unmeasured: VecDeque::new(),
            dialled: 0,
            host_is_full: false,
            scenario_books: Vec::new(),
            gone: Vec::new(),
            log: Log::default(),
            tracer: None,
        }
    }

    pub(crate) fn now(&self) -> Nanos {
        self.clock.now()
    }
}
