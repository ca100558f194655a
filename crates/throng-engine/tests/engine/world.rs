//! A shard in virtual time with a host that plays fixed scripts, and servers that answer by a rule.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::*;
use throng_metrics::{Limits, Totals};
use throng_wire::{
    CodecSpec, Endian, Framing, LengthFraming, LengthWidth, OnClose, Protocol, ProtocolSpec, ReplySpec,
};

pub(crate) const SERVER: &str = "tcp://127.0.0.1:4000";

/// One thing a scripted robot does. Blocking ones wait for their outcome.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Connect(ConnectOptions),
    Request(&'static str, CallSpec),
    /// Issues without waiting; the outcome is logged when it comes.
    Issue(&'static str, CallSpec),
    Send(&'static str),
    Sleep(Duration),
    Read(ReadUntil, Duration),
    Write(&'static str),
    Park(Duration),
    /// Parks and wakes itself, again and again, without end.
    Spin,
    /// Connects again and again until it is connected.
    Insist(ConnectOptions),
    /// Ends as an error of the script's own.
    Raise,
    /// A timer of the connection's.
    Beat(Duration),
    Close,
    Drop,
    Ready,
    Restart,
    Stop,
    Fail,
    Hang,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CallSpec {
    pub(crate) timeout: Option<Duration>,
}

pub(crate) fn within(millis: u64) -> CallSpec {
    CallSpec { timeout: Some(Duration::from_millis(millis)) }
}

pub(crate) fn connect() -> Act {
    Act::Connect(options())
}

pub(crate) fn options() -> ConnectOptions {
    ConnectOptions {
        name: "game".into(),
        url: SERVER.into(),
        protocol: None,
        timeout: None,
        retry: None,
        measured: true,
        conv: None,
    }
}

/// What a script is: the routine's name, and its acts.
pub(crate) type Scripts = HashMap<&'static str, Vec<Act>>;

/// Plays scripts; everything that happens is in `log`, with the time in ms.
pub(crate) struct ScriptedHost {
    desk: Desk,
    program: Program,
    scripts: Scripts,
    runs: Vec<Running>,
    loose: HashMap<OperationKey, &'static str>,
    pub(crate) log: Rc<RefCell<Vec<String>>>,
    habits: Habits,
    clock: Clock,
    outcomes: u64,
    games: RefCell<HashMap<RobotKey, ConnectionKey>>,
    /// What servers asked and was not answered yet.
    questions: Vec<Question>,
}

/// What a scripted host does beside its scripts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Habits {
    /// What hearing a push makes its robot do.
    pub(crate) on_push: Option<Act>,
    /// When the first of these requests fails, the second is cancelled.
    pub(crate) cancels: Option<(&'static str, &'static str)>,
    /// What servers ask is answered, as soon as there are so many questions.
    pub(crate) answers: Option<usize>,
    /// How long the shard is busy with each outcome.
    pub(crate) cost: Duration,
    /// How long the shard is busy with each push.
    pub(crate) push_cost: Duration,
    /// More outcomes than these are an endless loop.
    pub(crate) most_outcomes: Option<u64>,
}

struct Running {
    robot: RobotKey,
    activity: ActivityKey,
    acts: Vec<Act>,
    waits: Option<OperationKey>,
    /// What is done again when it fails.
    insists: Option<Act>,
}

impl ScriptedHost {
    fn say(&self, text: impl AsRef<str>) {
        let at = self.desk.now() / 1_000_000;
        self.log.borrow_mut().push(format!("{at} {}", text.as_ref()));
    }

    /// The robot's connection, also when it has ended.
    fn game(&self, robot: RobotKey) -> ConnectionKey {
        let mut games = self.games.borrow_mut();
        if let Some(open) = self.desk.connection(robot, "game") {
            games.insert(robot, open);
        }
        games.get(&robot).copied().unwrap_or_default()
    }

    fn play(&mut self, index: usize) {
        loop {
            let robot = self.runs[index].robot;
            if self.runs[index].acts.is_empty() {
                let done = self.runs.remove(index);
                return self.desk.finished(done.activity, Ok(()));
            }
            let act = self.runs[index].acts.remove(0);
            if matches!(act, Act::Spin) {
                self.runs[index].acts.insert(0, act.clone());
            }
            self.runs[index].insists = match &act {
                Act::Insist(_) => Some(act.clone()),
                _ => None,
            };
            match self.act(robot, &act) {
                Next::Go => {}
                Next::Wait(operation) => return self.runs[index].waits = Some(operation),
                Next::Fail(text) => {
                    let done = self.runs.remove(index);
                    return self.desk.finished(done.activity, Err(Uncaught::Counted(text)));
                }
                Next::Raise => {
                    let done = self.runs.remove(index);
                    let (kind, message) = (throng_metrics::FailureKind::Script, "a mistake".to_owned());
                    let error = ScriptError { kind, message, traceback: String::new() };
                    return self.desk.finished(done.activity, Err(Uncaught::Script(error)));
                }
                Next::Never => return,
            }
        }
    }

    fn act(&mut self, robot: RobotKey, act: &Act) -> Next {
        let game = self.game(robot);
        let wait = |outcome: Result<OperationKey, Failure>| match outcome {
            Ok(operation) => Next::Wait(operation),
            Err(failure) => Next::Fail(format!("{}: {}", failure.kind, failure.text)),
        };
        match act {
            Act::Connect(options) => wait(self.desk.connect(robot, options.clone())),
            Act::Request(body, spec) => wait(self.issue(game, body, *spec)),
            Act::Issue(body, spec) => match self.issue(game, body, *spec) {
                Ok(operation) => {
                    self.loose.insert(operation, body);
                    Next::Go
                }
                Err(failure) => Next::Fail(failure.text.to_string()),
            },
            Act::Send(body) => {
                let message = self.desk.message(game, "note").expect("raw takes any name");
                self.desk
                    .send(game, message, body.as_bytes())
                    .map_or_else(|f| Next::Fail(f.text.to_string()), |()| Next::Go)
            }
            Act::Sleep(time) => Next::Wait(self.desk.sleep(robot, *time)),
            Act::Read(until, timeout) => wait(self.desk.read(game, until.clone(), 64, Some(*timeout))),
            Act::Write(bytes) => self
                .desk
                .write(game, bytes.as_bytes())
                .map_or_else(|f| Next::Fail(f.text.to_string()), |()| Next::Go),
            Act::Park(timeout) => Next::Wait(self.desk.park(robot, Some(game), Some(*timeout))),
            Act::Spin => {
                let operation = self.desk.park(robot, None, None);
                self.desk.wake(operation);
                Next::Wait(operation)
            }
            Act::Insist(options) => wait(self.desk.connect(robot, options.clone())),
            Act::Beat(interval) => {
                self.loose.insert(self.desk.every(robot, Some(game), *interval, false), "beat");
                Next::Go
            }
            Act::Close => {
                self.desk.close(game);
                Next::Go
            }
            Act::Drop => {
                self.desk.drop_cable(game);
                Next::Go
            }
            Act::Ready => {
                self.desk.mark_ready(robot);
                Next::Go
            }
            Act::Restart => {
                self.desk.restart(robot);
                Next::Never
            }
            Act::Stop => {
                self.desk.stop(robot);
                Next::Never
            }
            Act::Fail => Next::Fail("asked to".into()),
            Act::Raise => Next::Raise,
            Act::Hang => Next::Never,
        }
    }

    fn cancel_loose(&mut self, body: &'static str) {
        let found = self.loose.iter().find(|(_, other)| **other == body).map(|(operation, _)| *operation);
        if let Some(operation) = found {
            self.loose.remove(&operation);
            self.desk.cancel(operation);
        }
    }

    fn issue(
        &self,
        game: ConnectionKey,
        body: &'static str,
        spec: CallSpec,
    ) -> Result<OperationKey, Failure> {
        let Some(message) = self.desk.message(game, "ask") else {
            return Err(Failure {
                kind: throng_metrics::FailureKind::NotConnected,
                name: "ask".into(),
                connection: None,
                elapsed: Duration::ZERO,
                text: "no connection".into(),
                code: None,
            });
        };
        let options = CallOptions { timeout: spec.timeout, ..CallOptions::default() };
        self.desk.request(game, message, body.as_bytes(), &options)
    }
}

enum Next {
    Go,
    Wait(OperationKey),
    Fail(String),
    Raise,
    Never,
}

impl Host for ScriptedHost {
    fn program(&self) -> &Program {
        &self.program
    }

    fn born(&mut self, _: RobotKey, id: RobotId) -> Result<(), ScriptError> {
        self.say(format!("born {}", id.0));
        Ok(())
    }

    fn begin(&mut self, robot: RobotKey, activity: ActivityKey, routine: Routine<'_>) {
        let name = match routine {
            Routine::Start { module } => format!("{}.start", self.program.mods[module].name),
            Routine::Stop { module } => format!("{}.stop", self.program.mods[module].name),
            Routine::Task { task } => self.program.tasks[task].name.to_string(),
            Routine::Step { task, step } => self.program.tasks[task].steps[step].to_string(),
            Routine::Closed { why, .. } => format!("closed {}", why.cause),
        };
        self.say(&name);
        let acts = self.scripts.get(name.as_str()).cloned().unwrap_or_default();
        self.runs.push(Running { robot, activity, acts, waits: None, insists: None });
        self.play(self.runs.len() - 1);
    }

    fn allows(&mut self, _: RobotKey, task: usize) -> bool {
        self.scripts.contains_key(&*self.program.tasks[task].name)
    }

    fn resume(&mut self, operation: OperationKey, outcome: Outcome<'_>) {
        let (text, failed) = match outcome {
            Outcome::Elapsed => ("elapsed".to_owned(), None),
            Outcome::Woken => ("woken".to_owned(), None),
            Outcome::Connected(_) => ("connected".to_owned(), None),
            Outcome::Bytes(bytes) => (format!("read {:?}", String::from_utf8_lossy(bytes)), None),
            Outcome::Reply { message, .. } => {
                (format!("reply {}", String::from_utf8_lossy(message.body)), None)
            }
            Outcome::Responded(response) => (format!("status {}", response.status), None),
            Outcome::Failed(failure) => (format!("failed {}", failure.kind), Some(failure.kind.to_string())),
        };
        self.outcomes += 1;
        assert!(self.habits.most_outcomes.is_none_or(|most| self.outcomes <= most), "an endless loop");
        self.clock.advance(self.clock.now() + self.habits.cost.as_nanos() as u64);
        if let Some(body) = self.loose.get(&operation).copied() {
            if text != "elapsed" {
                self.loose.remove(&operation);
            }
            if let Some((first, second)) = self.habits.cancels
                && (first == body && failed.is_some())
            {
                self.cancel_loose(second);
            }
            return self.say(format!("{body}: {text}"));
        }
        self.say(&text);
        let Some(index) = self.runs.iter().position(|run| run.waits == Some(operation)) else { return };
        self.runs[index].waits = None;
        match failed {
            None => self.play(index),
            Some(_) if self.runs[index].insists.is_some() => {
                let again = self.runs[index].insists.take();
                self.runs[index].acts.splice(0..0, again);
                self.play(index);
            }
            Some(kind) => {
                let done = self.runs.remove(index);
                self.desk.finished(done.activity, Err(Uncaught::Counted(kind)));
            }
        }
    }

    fn push(&mut self, robot: RobotKey, _: ConnectionKey, message: Incoming<'_>) -> bool {
        self.say(format!("push {}", String::from_utf8_lossy(message.body)));
        self.clock.advance(self.clock.now() + self.habits.push_cost.as_nanos() as u64);
        if let Some(act) = self.habits.on_push.clone() {
            self.act(robot, &act);
        }
        if let Some(question) = self.desk.question() {
            self.say("question");
            self.questions.push(question);
        }
        if self.habits.answers.is_some_and(|answered_at| self.questions.len() >= answered_at) {
            for question in std::mem::take(&mut self.questions) {
                if let Err(failure) = self.desk.answer(&question, &[]) {
                    self.say(format!("not answered: {}", failure.kind));
                }
            }
        }
        true
    }

    fn abandon(&mut self, activity: ActivityKey) {
        let waits = self.runs.iter().filter(|run| run.activity == activity).filter_map(|run| run.waits);
        waits.for_each(|operation| self.desk.cancel(operation));
        self.runs.retain(|run| run.activity != activity);
        self.say("abandoned");
    }

    fn forget(&mut self, robot: RobotKey) {
        self.runs.retain(|run| run.robot != robot);
        self.say("forgotten");
    }

    fn whereabouts(&self, _: ActivityKey) -> Option<String> {
        Some("script".into())
    }

    fn housekeeping(&mut self, _: Duration) -> Duration {
        Duration::ZERO
    }

    fn memory(&self) -> Memory {
        Memory::default()
    }
}

type Rule = Box<dyn FnMut(&MemoryNet, LinkId, &[u8])>;
type Welcome = Box<dyn FnMut(&MemoryNet, LinkId)>;

/// A shard, its servers, and what it has counted so far.
pub(crate) struct World {
    pub(crate) shard: Shard<ScriptedHost>,
    pub(crate) net: MemoryNet,
    pub(crate) log: Rc<RefCell<Vec<String>>>,
    pub(crate) totals: Totals,
    /// The links robots opened, oldest first.
    pub(crate) accepted: Rc<RefCell<Vec<LinkId>>>,
    clock: Clock,
    /// What the server does with each frame.
    rule: Rule,
    /// The server's rule is for bytes as they come, not for frames.
    pub(crate) raw: bool,
    /// What the server does when it has accepted a connection.
    pub(crate) welcome: Welcome,
    /// How many connections have ended for the server.
    pub(crate) ended: Rc<RefCell<u64>>,
}

pub(crate) fn module(name: &str) -> ModSpec {
    ModSpec { name: name.into(), start: true, ..ModSpec::default() }
}

pub(crate) fn task(name: &str) -> TaskSpec {
    TaskSpec {
        module: 0,
        name: name.into(),
        weight: 1.0,
        rate: None,
        conditional: false,
        timeout: None,
        wait: None,
        steps: Vec::new(),
    }
}

/// A project with one mod.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) program: Program,
    pub(crate) scripts: Scripts,
    pub(crate) habits: Habits,
}

impl Plan {
    pub(crate) fn new(scripts: impl IntoIterator<Item = (&'static str, Vec<Act>)>) -> Plan {
        let settings = Settings {
            protocols: vec![protocol(ReplySpec::Fifo, OnClose::Call)],
            wait: Wait::Constant(Duration::from_secs(1)),
            ..Settings::default()
        };
        let program = Program { mods: vec![module("role")], ..Program::default() };
        Plan { settings, program, scripts: scripts.into_iter().collect(), habits: Habits::default() }
    }

    pub(crate) fn world(self, rule: impl FnMut(&MemoryNet, LinkId, &[u8]) + 'static) -> World {
        self.world_on(ShardShare { index: 0, count: 1 }, rule)
    }

    /// One of several shards.
    pub(crate) fn world_on(
        self,
        share: ShardShare,
        rule: impl FnMut(&MemoryNet, LinkId, &[u8]) + 'static,
    ) -> World {
        let net = MemoryNet::new();
        net.listen("127.0.0.1:4000".parse::<SocketAddr>().expect("an address"));
        let clock = Clock::stopped();
        let log = Rc::new(RefCell::new(Vec::new()));
        let config = ShardConfig { settings: self.settings, share, clock: clock.clone() };
        let (host_log, host_clock) = (Rc::clone(&log), clock.clone());
        let shard = Shard::in_memory(config, net.clone(), |desk| {
            Ok::<_, std::io::Error>(ScriptedHost {
                desk,
                program: self.program,
                scripts: self.scripts,
                runs: Vec::new(),
                loose: HashMap::new(),
                log: host_log,
                habits: self.habits,
                clock: host_clock,
                outcomes: 0,
                games: RefCell::default(),
                questions: Vec::new(),
            })
        })
        .expect("a shard in memory");
        World {
            shard,
            net,
            log,
            totals: Totals::new(Limits::default()),
            accepted: Rc::default(),
            clock,
            rule: Box::new(rule),
            raw: false,
            welcome: Box::new(|_, _| {}),
            ended: Rc::default(),
        }
    }
}

pub(crate) fn protocol(reply: ReplySpec, on_close: OnClose) -> ProtocolRoute {
    let mut spec = ProtocolSpec::new("game", CodecSpec::Raw);
    spec.framing = Some(Framing::Length(LengthFraming {
        width: LengthWidth::U16(Endian::Big),
        offset: 0,
        inclusive: false,
        max: 1 << 16,
    }));
    spec.reply = Some(reply);
    spec.on_close = on_close;
    ProtocolRoute { protocol: Arc::new(Protocol::build(spec).expect("a protocol")), hosts: Vec::new() }
}

pub(crate) fn frame(body: &str) -> Vec<u8> {
    let mut frame = (body.len() as u16).to_be_bytes().to_vec();
    frame.extend(body.as_bytes());
    frame
}

impl World {
    /// Wants so many robots at once.
    pub(crate) fn want(&mut self, robots: u64) {
        self.follow(Schedule::constant(robots, f64::INFINITY, None));
    }

    /// Wants this schedule, from the beginning.
    pub(crate) fn follow(&mut self, schedule: Schedule) {
        self.shard.want(Desired { schedule, begun: Duration::ZERO, phase: Phase::Play });
    }

    /// The shard stands still until `millis` after the beginning.
    pub(crate) fn stall(&mut self, millis: u64) {
        self.clock.advance(millis * 1_000_000);
    }

    /// All robots stop in good order, and nothing new begins.
    pub(crate) fn stop(&mut self) {
        self.shard.want(Desired { phase: Phase::Stop, ..Desired::idle() });
    }

    /// Moves to `millis` after the beginning.
    pub(crate) fn advance(&mut self, millis: u64) {
        let World { shard, net, rule, accepted, raw, welcome, ended, .. } = self;
        let servers = || {
            while let Some(event) = net.next() {
                match event {
                    ServerEvent::Accepted { link, .. } => {
                        accepted.borrow_mut().push(link);
                        welcome(net, link);
                    }
                    ServerEvent::Received { link, bytes } if *raw => rule(net, link, &bytes),
                    ServerEvent::Received { link, bytes } => {
                        let mut rest = bytes.as_slice();
                        while let [high, low, after @ ..] = rest {
                            let (body, left) = after.split_at(u16::from_be_bytes([*high, *low]) as usize);
                            rule(net, link, body);
                            rest = left;
                        }
                    }
                    ServerEvent::Ended { .. } => *ended.borrow_mut() += 1,
                }
            }
        };
        shard.advance(millis * 1_000_000, servers).expect("memory does not fail");
        self.totals.merge(&self.shard.report(false).delta);
        assert!(self.clock.now() >= millis * 1_000_000);
    }

    /// What was logged since the last look.
    pub(crate) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut *self.log.borrow_mut())
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: &[&str]) {
        assert_eq!(self.told(), wanted);
    }

    /// issued, ok, failed, cancelled, late, ambiguous of the only request there is.
    pub(crate) fn books(&self) -> [u64; 6] {
        let (_, row) = self.totals.requests().iter().next().expect("a request was issued");
        let counts = &row.counts;
        [counts.issued, counts.ok, counts.failures.total(), counts.cancelled, counts.late, counts.ambiguous]
    }
}
