//! A run of one robot that plays a fixed script on this machine's sockets.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use throng_engine::*;
use throng_metrics::{Limits, Totals};
use throng_wire::{
    CodecSpec, Endian, Framing, LengthFraming, LengthWidth, OnClose, Protocol, ProtocolSpec, ReplySpec,
};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The number of every KCP conversation.
pub(crate) const CONV: u32 = 0x1234_5678;

/// One thing the robot does; it waits for the outcome of each.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Connect(String),
    Stream(String),
    /// A request of so many bytes.
    Request(usize),
    /// The same, without waiting for its reply.
    Ask(usize),
    /// A message of so many bytes.
    Tell(usize),
    Close,
    /// The shard does nothing else for so long.
    Block(Duration),
    /// The shard does nothing else until somebody else has come here too.
    Meet(Arc<Barrier>),
    ReadExactly(usize),
    Http(HttpRequest),
    /// The same, without waiting for its response.
    AskHttp(HttpRequest),
    Sleep(Duration),
    /// A timer that beats until the end, told each time.
    Beat(Duration),
    /// Never ends.
    Hang,
}

/// Plays one script for each robot and tells what came of it.
pub(crate) struct Player {
    desk: Desk,
    program: Program,
    script: Vec<Act>,
    told: Sender<String>,
    running: Option<Playing>,
}

struct Playing {
    robot: RobotKey,
    activity: ActivityKey,
    next: usize,
}

impl Player {
    fn tell(&self, text: impl Into<String>) {
        // A test that has seen enough listens no more.
        let _ = self.told.send(text.into());
    }

    fn go_on(&mut self) {
        while let Some(Playing { robot, activity, next }) = self.running.as_mut() {
            let (robot, activity) = (*robot, *activity);
            let Some(act) = self.script.get(*next).cloned() else {
                self.running = None;
                return self.desk.finished(activity, Ok(()));
            };
            *next += 1;
            match self.begin_act(robot, &act) {
                Ok(true) => return,
                Ok(false) => {}
                Err(failure) => return self.fail(&failure),
            }
        }
    }

    /// Whether it waits for something.
    fn begin_act(&self, robot: RobotKey, act: &Act) -> Result<bool, Failure> {
        let game = self.desk.connection(robot, "game").unwrap_or_default();
        match act {
            Act::Connect(url) => self.connect(robot, url, None)?,
            Act::Stream(url) => self.connect(robot, url, Some("stream"))?,
            Act::Request(size) => self.ask(game, *size)?,
            Act::Ask(size) => {
                self.ask(game, *size)?;
                return Ok(false);
            }
            Act::Tell(size) => {
                let message = self.desk.message(game, "tell").unwrap_or(throng_wire::MessageId(0));
                self.desk.send(game, message, &vec![b'x'; *size])?;
                return Ok(false);
            }
            Act::Close => {
                self.desk.close(game);
                return Ok(false);
            }
            Act::Block(time) => {
                std::thread::sleep(*time);
                return Ok(false);
            }
            Act::Meet(place) => {
                place.wait();
                return Ok(false);
            }
            Act::Http(request) => self.http(robot, request)?,
            Act::AskHttp(request) => {
                self.http(robot, request)?;
                return Ok(false);
            }
            Act::ReadExactly(count) => {
                self.desk.read(game, ReadUntil::Exactly(*count), *count, Some(PATIENCE))?;
            }
            Act::Sleep(time) => {
                self.desk.sleep(robot, *time);
            }
            Act::Beat(interval) => {
                self.desk.every(robot, None, *interval, false);
                return Ok(false);
            }
            Act::Hang => {}
        }
        Ok(true)
    }

    fn ask(&self, game: ConnectionKey, size: usize) -> Result<(), Failure> {
        let message = self.desk.message(game, "ask").unwrap_or(throng_wire::MessageId(0));
        self.desk.request(game, message, &vec![b'x'; size], &CallOptions::default()).map(drop)
    }

    fn http(&self, robot: RobotKey, request: &HttpRequest) -> Result<(), Failure> {
        match self.desk.http(robot, request) {
            Ok(_) => Ok(()),
            Err(Unasked::Failed(failure)) => Err(failure),
            Err(Unasked::Mistake(mistake)) => panic!("{mistake}"),
        }
    }

    fn connect(&self, robot: RobotKey, url: &str, protocol: Option<&str>) -> Result<(), Failure> {
        let options = ConnectOptions {
            name: "game".into(),
            url: url.into(),
            protocol: protocol.map(Into::into),
            timeout: None,
            retry: None,
            measured: true,
            conv: url.starts_with("kcp").then_some(CONV),
        };
        self.desk.connect(robot, options).map(drop)
    }

    fn fail(&mut self, failure: &Failure) {
        self.tell(format!("failed {}", failure.kind));
        if let Some(playing) = self.running.take() {
            self.desk.finished(playing.activity, Err(Uncaught::Counted(failure.text.to_string())));
        }
    }
}

impl Host for Player {
    fn program(&self) -> &Program {
        &self.program
    }

    fn born(&mut self, _: RobotKey, _: RobotId) -> Result<(), ScriptError> {
        Ok(())
    }

    fn begin(&mut self, robot: RobotKey, activity: ActivityKey, routine: Routine<'_>) {
        match routine {
            Routine::Start { .. } => {
                self.running = Some(Playing { robot, activity, next: 0 });
                self.go_on();
            }
            Routine::Closed { why, .. } => {
                self.tell(format!("closed {}", why.cause));
                self.desk.finished(activity, Ok(()));
            }
            // A stop that never ends.
            _ => self.tell("stop"),
        }
    }

    fn allows(&mut self, _: RobotKey, _: usize) -> bool {
        true
    }

    fn resume(&mut self, _: OperationKey, outcome: Outcome<'_>) {
        match outcome {
            Outcome::Elapsed if matches!(self.script.last(), Some(Act::Hang)) => return self.tell("beat"),
            Outcome::Elapsed | Outcome::Woken => self.tell("elapsed"),
            Outcome::Reply { message, .. } => self.tell(format!("reply of {}", message.body.len())),
            Outcome::Connected(_) => self.tell("connected"),
            Outcome::Bytes(bytes) => self.tell(format!("read {}", bytes.len())),
            Outcome::Responded(response) => {
                self.tell(format!("{} {}", response.status, String::from_utf8_lossy(&response.body)));
            }
            Outcome::Failed(failure) => return self.fail(failure),
        }
        self.go_on();
    }

    fn push(&mut self, _: RobotKey, _: ConnectionKey, _: Incoming<'_>) -> bool {
        false
    }

    fn abandon(&mut self, _: ActivityKey) {
        self.running = None;
    }

    fn forget(&mut self, _: RobotKey) {
        self.running = None;
    }

    fn whereabouts(&self, _: ActivityKey) -> Option<String> {
        None
    }

    fn housekeeping(&mut self, _: Duration) -> Duration {
        Duration::ZERO
    }

    fn memory(&self) -> Memory {
        Memory::default()
    }
}

/// A project that speaks frames of a 4-byte length, whose robot has a `start`, a `closed`, and a `stop` that never ends.
pub(crate) fn settings() -> Settings {
    let mut spec = ProtocolSpec::new("game", CodecSpec::Raw);
    let (width, max) = (LengthWidth::U32(Endian::Big), 16 << 20);
    spec.framing = Some(Framing::Length(LengthFraming { width, offset: 0, inclusive: false, max }));
    spec.reply = Some(ReplySpec::Fifo);
    spec.on_close = OnClose::Call;
    let protocol = Arc::new(Protocol::build(spec).expect("a protocol"));
    Settings {
        protocols: vec![ProtocolRoute { protocol, hosts: Vec::new() }],
        outbox_limit: 16 << 20,
        on_error: OnError::Continue,
        ..Settings::default()
    }
}

/// Makes the host of a shard.
pub(crate) fn player(
    script: Vec<Act>,
    told: Sender<String>,
) -> impl Fn(Desk) -> Result<Player, std::io::Error> + Send + Sync + 'static {
    move |desk| {
        let role =
            ModSpec { name: "role".into(), start: true, closed: true, stop: true, ..ModSpec::default() };
        let program = Program { mods: vec![role], ..Program::default() };
        let (script, told) = (script.clone(), told.clone());
        Ok(Player { desk, program, script, told, running: None })
    }
}

/// A run of one robot.
pub(crate) struct Game {
    run: Run,
    told: Receiver<String>,
    heard: Vec<String>,
}

pub(crate) fn wish(phase: Phase) -> Desired {
    Desired { schedule: Schedule::constant(1, f64::INFINITY, None), begun: Duration::ZERO, phase }
}

impl Game {
    pub(crate) fn play(settings: &Settings, script: Vec<Act>) -> Game {
        let (teller, told) = channel();
        let run = Run::start(settings, 1, player(script, teller)).expect("a run");
        run.want(&wish(Phase::Play)).expect("the shard listens");
        Game { run, told, heard: Vec::new() }
    }

    /// Waits until the robot tells `text`.
    #[track_caller]
    pub(crate) fn hear(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.heard.iter().any(|heard| heard == text) {
            match self.told.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(heard) => self.heard.push(heard),
                Err(_) => panic!("`{text}` was not told, but {:?}", self.heard),
            }
        }
    }

    /// Ends the run at once; what it counted.
    #[track_caller]
    pub(crate) fn end(self) -> Totals {
        self.run.want(&wish(Phase::Abort)).expect("the shard listens");
        let mut totals = Totals::new(Limits::default());
        loop {
            let report = self.run.report(PATIENCE).expect("a shard that reports").expect("a report in time");
            totals.merge(&report.delta);
            if report.over {
                self.run.join().expect("the shard ends well");
                return totals;
            }
        }
    }
}

/// A server of one connection.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Server {
    /// Serves the first connection to `address` on a thread.
    pub(crate) fn at(
        address: &str,
        serve: impl FnOnce(TcpStream) + Send + 'static,
    ) -> std::io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
            stream.set_write_timeout(Some(PATIENCE)).expect("a time-out");
            serve(stream);
        });
        Ok(Server { address, thread })
    }

    pub(crate) fn start(serve: impl FnOnce(TcpStream) + Send + 'static) -> Server {
        Server::at("127.0.0.1:0", serve).expect("a free port")
    }

    pub(crate) fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    #[track_caller]
    pub(crate) fn end(self) {
        self.thread.join().expect("the server saw what it should");
    }
}

/// A port of TCP that is taken, so that nobody else gets it, and where nobody listens.
pub(crate) fn nobody_listens() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    let address = socket.local_addr().expect("an address").as_socket().expect("an IP address");
    (socket, address)
}

/// Reads one frame's payload.
pub(crate) fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("a length");
    let mut payload = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut payload).expect("a payload");
    payload
}

/// A frame of `size` bytes.
pub(crate) fn frame(size: usize) -> Vec<u8> {
    let mut frame = (size as u32).to_be_bytes().to_vec();
    frame.resize(4 + size, b'y');
    frame
}
