//! What a host can do: everything of a robot's that reaches beyond its own code.

use crate::core::Core;
use crate::host::{CallOptions, ConnectOptions, Failure, Question, ReadUntil, ScriptError, Uncaught, Unsent};
use crate::http::{HttpRequest, Unasked};
use crate::id::{ActivityKey, ConnectionKey, Group, OperationKey, RobotId, RobotKey};
use crate::sample::sample_with;
use crate::trace::Trace;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_metrics::{FailureKind, WorkKind};
use throng_wire::{Cipher, Coverage, CoverageError, Direction, GivenField, MessageId, Nanos, Protocol};

/// A handle to the shard. Every call returns at once and may be made at any time the host is called.
///
/// Failures that calls return, and those that come as outcomes, are counted already.
#[derive(Clone)]
pub struct Desk(pub(crate) Rc<RefCell<Core>>);

/// What is known of a connection.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Its name on its robot.
    pub name: Arc<str>,
    /// Its robot.
    pub robot: RobotKey,
    /// What it speaks with the next message that is sent; `None` is a stream.
    pub protocol: Option<Arc<Protocol>>,
}

/// How much a line of a script's log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the script's author.
    Debug,
    /// What happened.
    Info,
    /// What should not go on.
    Warn,
    /// What is wrong.
    Error,
}

impl Level {
    /// The level's name.
    pub fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// A line of a script's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When, since the run's start.
    pub at: Duration,
    /// The robot, if one wrote it.
    pub robot: Option<RobotId>,
    /// How much it matters.
    pub level: Level,
    /// The mod, where it is known.
    pub module: String,
    /// The text.
    pub text: String,
}

/// Time and identity.
impl Desk {
    /// Monotonic nanoseconds since the run's start.
    pub fn now(&self) -> Nanos {
        self.0.borrow().now()
    }

    /// Time since the Unix epoch.
    pub fn wall(&self) -> Duration {
        self.0.borrow().clock.wall()
    }

    /// The seed of a robot's random stream.
    pub fn seed(&self, robot: RobotKey) -> u64 {
        let core = self.0.borrow();
        let id = core.robots.get(robot).map_or(0, |slot| slot.id.0);
        // The engine draws waits from the robot's own stream; the script's is another one of the same seed.
        crate::random::Random::new(!core.settings.seed, id).next()
    }

    /// The name of the scenario a robot plays; none in a run without scenarios.
    pub fn scenario(&self, robot: RobotKey) -> Option<Arc<str>> {
        self.0.borrow().scenario(robot)
    }

    /// Whether a robot has a mod: one of those of its scenario.
    pub fn has_mod(&self, robot: RobotKey, module: usize) -> bool {
        self.0.borrow().has_mod(robot, module)
    }

    /// A robot's number over the whole run.
    pub fn robot_id(&self, robot: RobotKey) -> Option<RobotId> {
        self.0.borrow().robots.get(robot).map(|slot| slot.id)
    }
}

/// A robot's life.
impl Desk {
    /// A routine has ended; said once for each that was begun and not abandoned.
    pub fn finished(&self, activity: ActivityKey, end: Result<(), Uncaught>) {
        self.0.borrow_mut().finished(activity, end);
    }

    /// An error outside routines that nobody caught: in a handler, a timer, a spawned function.
    pub fn script_error(&self, robot: RobotKey, error: &ScriptError) {
        self.0.borrow_mut().script_error(robot, error);
    }

    /// The robot's code cannot go on, whichever function it is in: counts the error and, as soon as the host returns, begins
    /// the robot's life anew, or ends it as failed where a failed start would.
    pub fn break_off(&self, robot: RobotKey, error: &ScriptError) {
        self.0.borrow_mut().robot_broken(robot, error);
    }

    /// Opens the gate for the robot's tasks.
    pub fn mark_ready(&self, robot: RobotKey) {
        self.0.borrow_mut().mark_ready(robot);
    }

    /// Whether the robot's tasks may run.
    pub fn is_ready(&self, robot: RobotKey) -> bool {
        self.0.borrow().robots.get(robot).is_some_and(|slot| slot.is_ready())
    }

    /// Ends the robot's life to begin it anew, as soon as the host returns.
    pub fn restart(&self, robot: RobotKey) {
        self.0.borrow_mut().restart(robot);
    }

    /// Ends the robot's life in good order, as soon as the host returns.
    pub fn stop(&self, robot: RobotKey) {
        self.0.borrow_mut().stop(robot);
    }
}

/// Waiting.
impl Desk {
    /// [`Outcome::Elapsed`](crate::Outcome::Elapsed) after `time`.
    pub fn sleep(&self, robot: RobotKey, time: Duration) -> OperationKey {
        self.0.borrow_mut().sleep(robot, time)
    }

    /// [`Outcome::Elapsed`](crate::Outcome::Elapsed) every `interval`, until it is cancelled or its connection ends
    /// (then `Failed`, once). `exact` beats are not rounded to milliseconds. Missed beats are skipped.
    pub fn every(
        &self,
        robot: RobotKey,
        connection: Option<ConnectionKey>,
        interval: Duration,
        exact: bool,
    ) -> OperationKey {
        self.0.borrow_mut().every(robot, connection, interval, exact)
    }

    /// The host did nothing for a beat of [`Desk::every`], because what the one before began still runs.
    pub fn beat_missed(&self) {
        let core = &mut *self.0.borrow_mut();
        core.schedules.beat_missed(&mut core.recorder);
    }

    /// Waits for [`Desk::wake`]; fails as `timeout` (which is not counted: the host knows whether it matters) or, with
    /// its connection, as `closed`.
    pub fn park(
        &self,
        robot: RobotKey,
        connection: Option<ConnectionKey>,
        timeout: Option<Duration>,
    ) -> OperationKey {
        self.0.borrow_mut().park(robot, connection, timeout)
    }

    /// Wakes a parked operation, later in this turn and in order.
    pub fn wake(&self, operation: OperationKey) {
        self.0.borrow_mut().wake(operation);
    }

    /// Nobody waits for it any more: no outcome will come.
    pub fn cancel(&self, operation: OperationKey) {
        self.0.borrow_mut().cancel(operation);
    }
}

/// Connections and messages.
impl Desk {
    /// Opens a connection. A connection of the same name is replaced once the new one is open.
    ///
    /// # Errors
    /// The address is none, or no protocol fits it.
    pub fn connect(&self, robot: RobotKey, options: ConnectOptions) -> Result<OperationKey, Failure> {
        self.0.borrow_mut().connect(robot, options)
    }

    /// A robot's open connection of that name.
    pub fn connection(&self, robot: RobotKey, name: &str) -> Option<ConnectionKey> {
        let core = self.0.borrow();
        let slot = core.robots.get(robot)?;
        slot.connections
            .iter()
            .copied()
            .find(|key| core.connections.get(*key).is_some_and(|open| &*open.name == name))
    }

    /// The names of a robot's open connections, oldest first.
    pub fn connections(&self, robot: RobotKey) -> Vec<Arc<str>> {
        let core = self.0.borrow();
        let Some(slot) = core.robots.get(robot) else { return Vec::new() };
        slot.connections
            .iter()
            .filter_map(|key| core.connections.get(*key).map(|open| open.name.clone()))
            .collect()
    }

    /// A robot's connections, oldest first.
    pub fn connection_keys(&self, robot: RobotKey) -> Vec<ConnectionKey> {
        self.0.borrow().robots.get(robot).map(|slot| slot.connections.to_vec()).unwrap_or_default()
    }

    /// What is known of a connection; `None` once it has ended.
    pub fn facts(&self, connection: ConnectionKey) -> Option<Facts> {
        let core = self.0.borrow();
        let open = core.connections.get(connection)?;
        let protocol = core.labels.get(open.label).protocol.as_ref();
        let protocol = protocol.map(|protocol| protocol.after(open.sent()).clone());
        Some(Facts { name: open.name.clone(), robot: open.robot, protocol })
    }

    /// Encrypts a direction of a connection from the next frame on; `None` ends that. Nothing happens on a stream, or on one that
    /// has ended.
    ///
    /// # Errors
    /// A coverage that the connection's framing does not bear.
    pub fn set_cipher(
        &self,
        connection: ConnectionKey,
        direction: Direction,
        cipher: Option<Box<dyn Cipher>>,
        coverage: Coverage,
    ) -> Result<(), CoverageError> {
        let mut core = self.0.borrow_mut();
        let channel = core.connections.get_mut(connection).and_then(|connection| connection.channel.as_mut());
        channel.map_or(Ok(()), |channel| channel.set_cipher(direction, cipher, coverage))
    }

    /// Whether a connection is open.
    pub fn is_open(&self, connection: ConnectionKey) -> bool {
        self.0.borrow().connections.contains_key(connection)
    }

    /// Closes a connection in good order: what was sent before is written, for a second at most, and what still comes until
    /// the server ends too is read and forgotten.
    pub fn close(&self, connection: ConnectionKey) {
        self.0.borrow_mut().close(connection);
    }

    /// Drops a connection like a pulled cable: nothing more is sent, not even its end.
    pub fn drop_cable(&self, connection: ConnectionKey) {
        self.0.borrow_mut().drop_cable(connection);
    }

    /// The message of that name in the connection's protocol.
    pub fn message(&self, connection: ConnectionKey, name: &str) -> Option<MessageId> {
        self.0.borrow_mut().message(connection, name)
    }

    /// The name of a message on a connection.
    pub fn message_name(&self, connection: ConnectionKey, message: MessageId) -> String {
        let core = self.0.borrow();
        let label = core.connections.get(connection).map(|open| open.label);
        label.map_or_else(String::new, |label| core.message_name(label, message))
    }

    /// Sends a request whose body the host has encoded, and waits for its reply.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn request(
        &self,
        connection: ConnectionKey,
        message: MessageId,
        body: &[u8],
        options: &CallOptions<'_>,
    ) -> Result<OperationKey, Failure> {
        self.0.borrow_mut().request(connection, message, body, options)
    }

    /// Sends a message whose body the host has encoded.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn send(&self, connection: ConnectionKey, message: MessageId, body: &[u8]) -> Result<(), Failure> {
        self.send_with(connection, message, body, &[])
    }

    /// The same, with values for fields of the header and trailer.
    ///
    /// # Errors
    /// As of [`Desk::send`].
    pub fn send_with(
        &self,
        connection: ConnectionKey,
        message: MessageId,
        body: &[u8],
        given: &[GivenField],
    ) -> Result<(), Failure> {
        self.0.borrow_mut().send(connection, message, body, given)
    }

    /// What the server asks with the push that the host is being told of; `None` when it waits for no answer. To be asked
    /// during [`Host::push`](crate::Host::push), and kept for [`Desk::answer`], now or later.
    pub fn question(&self) -> Option<Question> {
        self.0.borrow().question
    }

    /// A session that no waiting request of a connection has, for a request of this message whose host must know it before it is
    /// made; `None` when there is none.
    pub fn next_session(&self, connection: ConnectionKey, message: MessageId) -> Option<i64> {
        let mut core = self.0.borrow_mut();
        let Core { connections, labels, .. } = &mut *core;
        let open = connections.get_mut(connection)?;
        let protocol = labels.get(open.label).protocol.as_ref()?;
        open.pending.next_session(|session| protocol.awaits(message, session))
    }

    /// Answers what the server asked, with a body that the host has encoded as
    /// [`Protocol::answer_body_type`](throng_wire::Protocol::answer_body_type) says; an empty one where that is `None`.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn answer(&self, question: &Question, body: &[u8]) -> Result<(), Failure> {
        self.0.borrow_mut().answer(question, body)
    }

    /// Sends a request whose body `encode` appends, and waits for its reply. `encode` may not call the desk.
    ///
    /// # Errors
    /// It cannot be sent, or `encode` failed, in which case nothing was done or counted.
    #[inline]
    pub fn request_by<E>(
        &self,
        connection: ConnectionKey,
        message: MessageId,
        options: &CallOptions<'_>,
        encode: impl FnOnce(&Protocol, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<OperationKey, Unsent<E>> {
        let request = |core: &mut Core, body: &[u8]| core.request(connection, message, body, options);
        self.0.borrow_mut().encoded(connection, encode, request)
    }

    /// Sends a message whose body `encode` appends. `encode` may not call the desk.
    ///
    /// # Errors
    /// It cannot be sent, or `encode` failed, in which case nothing was done or counted.
    #[inline]
    pub fn send_by<E>(
        &self,
        connection: ConnectionKey,
        message: MessageId,
        encode: impl FnOnce(&Protocol, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), Unsent<E>> {
        let send = |core: &mut Core, body: &[u8]| core.send(connection, message, body, &[]);
        self.0.borrow_mut().encoded(connection, encode, send)
    }

    /// Makes an HTTP request; its response comes as [`Outcome::Responded`](crate::Outcome::Responded), also one that says no.
    ///
    /// # Errors
    /// The script's mistake, of which nothing is counted; or it failed at once.
    pub fn http(&self, robot: RobotKey, request: &HttpRequest) -> Result<OperationKey, Unasked> {
        self.0.borrow_mut().http(robot, request)
    }

    /// Writes bytes to a stream.
    ///
    /// # Errors
    /// It is no open stream, or its outbox is full.
    pub fn write(&self, connection: ConnectionKey, bytes: &[u8]) -> Result<(), Failure> {
        self.0.borrow_mut().write(connection, bytes)
    }

    /// Waits for bytes of a stream, at most `maximum`.
    ///
    /// # Errors
    /// It is no open stream, or another read waits already.
    pub fn read(
        &self,
        connection: ConnectionKey,
        until: ReadUntil,
        maximum: usize,
        timeout: Option<Duration>,
    ) -> Result<OperationKey, Failure> {
        self.0.borrow_mut().read_stream(connection, until, maximum, timeout)
    }
}

/// Measuring and telling.
impl Desk {
    /// Counts a check, in a group or in none.
    pub fn check(&self, group: Option<Group>, name: &str, passed: bool) {
        let Core { recorder, labels, .. } = &mut *self.0.borrow_mut();
        let check = match group {
            None => recorder.check(name),
            Some(group) => recorder.check_in(labels.group_name(group), name),
        };
        match passed {
            true => recorder.check_passed(check),
            false => recorder.check_failed(check, throng_metrics::no_sample),
        }
    }

    /// Counts a failure the host or its script found.
    pub fn fail(&self, robot: RobotKey, kind: FailureKind, name: &str, message: &str, sample: Option<&str>) {
        let mut core = self.0.borrow_mut();
        core.count_failure(kind, name, message, sample);
        core.trace_failure(robot, kind, name, message);
    }

    /// As [`Desk::fail`], for something that went wrong on a connection: it is not counted when that has no measures, also
    /// when it has ended.
    pub fn fail_on(
        &self,
        connection: ConnectionKey,
        robot: RobotKey,
        failure: throng_metrics::Failure<'_>,
        sample: Option<&str>,
    ) {
        let mut core = self.0.borrow_mut();
        let throng_metrics::Failure { kind, name, message } = failure;
        core.count_failure_on(connection, kind, name, message, sample);
        core.trace_failure(robot, kind, name, message);
    }

    /// As [`Desk::fail_on`], for the push which is being told and cannot be decoded. The connection ends where its protocol wants
    /// that. `said` is its body, and how a function of the host's came to its mistake, if one did.
    pub fn push_undecodable(
        &self,
        connection: ConnectionKey,
        robot: RobotKey,
        (name, text): (&str, &str),
        said: (&[u8], &str),
    ) {
        let unfit = throng_metrics::Failure { kind: FailureKind::Decode, name, message: text };
        self.fail_on(connection, robot, unfit, Some(&sample_with(said)));
        self.0.borrow_mut().malformed = Some(text.into());
    }

    /// Counts that the reply which is being told cannot be decoded, so that its request has failed. The connection ends where its
    /// protocol wants that. `said` is as of [`Desk::push_undecodable`].
    pub fn reply_undecodable(&self, robot: RobotKey, (name, text): (&str, &str), said: (&[u8], &str)) {
        let mut core = self.0.borrow_mut();
        core.reply_undecodable(text, Some(&sample_with(said)));
        core.trace_failure(robot, FailureKind::Decode, name, text);
    }

    /// Records a time under a name of the script's own.
    pub fn record(&self, name: &str, time: Duration) {
        let recorder = &mut self.0.borrow_mut().recorder;
        let measure = recorder.measure(name);
        recorder.measured(measure, u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Adds to a counter of the script's own.
    pub fn count(&self, name: &str, by: u64) {
        let recorder = &mut self.0.borrow_mut().recorder;
        let counter = recorder.counter(name);
        recorder.counted(counter, by);
    }

    /// The group of that name, for [`CallOptions::group`].
    pub fn group(&self, name: &str) -> Group {
        self.0.borrow_mut().labels.group(name)
    }

    /// The name of a group.
    pub fn group_name(&self, group: Group) -> String {
        self.0.borrow().labels.group_name(group).to_owned()
    }

    /// A group ran for so long. What made it fail is counted apart.
    pub fn group_ran(&self, name: &str, took: Duration, failed: bool) {
        let recorder = &mut self.0.borrow_mut().recorder;
        let (work, us) =
            (recorder.work(WorkKind::Group, name), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        match failed {
            true => recorder.work_failed(work, us),
            false => recorder.worked(work, us),
        }
    }

    /// A number came of a stream that a server counts up for the robot; `key` tells its streams apart. Whether it is the next.
    pub fn in_order(&self, robot: RobotKey, name: &str, key: u64, number: i64) -> bool {
        self.0.borrow_mut().in_order(robot, name, key, number)
    }

    /// Something came that comes to the robot again and again; `key` tells such things apart. During
    /// [`Host::push`](crate::Host::push) it came when the push was received.
    pub fn gap(&self, robot: RobotKey, name: &str, key: u64) {
        self.0.borrow_mut().gap(robot, name, key);
    }

    /// A message came which the server sent at `sent_us`, in microseconds by its own clock; `clock` tells clocks apart. During
    /// [`Host::push`](crate::Host::push) it came when the push was received, and belongs to its connection.
    pub fn delay(&self, robot: RobotKey, name: &str, clock: u64, sent_us: i64) {
        self.0.borrow_mut().delay(robot, name, clock, sent_us);
    }

    /// Writes a line to the run's log.
    pub fn log(&self, robot: Option<RobotKey>, level: Level, module: &str, text: &str) {
        let mut core = self.0.borrow_mut();
        if let Some(robot) = robot {
            core.trace(robot, |_| Trace::Logged { module, text });
        }
        core.log(robot, level, module, text);
    }
}
