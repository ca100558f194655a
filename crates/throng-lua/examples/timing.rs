//! scratch timing
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::*;
use throng_lua::{LuaHost, LuaProject};
use throng_metrics::{Limits, Totals};
use throng_wire::*;

const SCHEMA: &str = "
.Msg { Name 0 : string Bin 1 : binary }
.Package { type 0 : integer session 1 : integer }
.MoveRequest { x 0 : integer y 1 : integer name 2 : string flag 3 : boolean text 4 : string }
.MoveResponse { x 0 : integer y 1 : integer name 2 : string flag 3 : boolean text 4 : string }
";

struct RustHost { desk: Desk, program: Program, runs: std::collections::HashMap<OperationKey, ConnectionKey>, body: Vec<u8> , n: u64}
impl RustHost {
    fn ask(&mut self, c: ConnectionKey) {
        let m = self.desk.message(c, "move").unwrap();
        let op = self.desk.request(c, m, &self.body, &CallOptions::default()).unwrap_or_else(|e| panic!("{e:?}"));
        self.runs.insert(op, c);
        self.n += 1;
    }
}
impl Host for RustHost {
    fn program(&self) -> &Program { &self.program }
    fn born(&mut self, _: RobotKey, _: RobotId) -> Result<(), ScriptError> { Ok(()) }
    fn begin(&mut self, robot: RobotKey, _: ActivityKey, _: Routine<'_>) {
        self.desk.connect(robot, ConnectOptions { name: "g".into(), url: "tcp://127.0.0.1:4001".into(), protocol: None, timeout: None, retry: None, measured: true }).unwrap();
    }
    fn allows(&mut self, _: RobotKey, _: usize) -> bool { false }
    fn resume(&mut self, op: OperationKey, outcome: Outcome<'_>) {
        match outcome {
            Outcome::Connected(c) => self.ask(c),
            Outcome::Reply { .. } => { let c = self.runs.remove(&op).unwrap(); self.ask(c) }
            _ => panic!("{outcome:?}"),
        }
    }
    fn push(&mut self, _: RobotKey, _: ConnectionKey, _: Incoming<'_>) -> bool { false }
    fn abandon(&mut self, _: ActivityKey) {}
    fn forget(&mut self, _: RobotKey) {}
    fn whereabouts(&self, _: ActivityKey) -> Option<String> { None }
    fn housekeeping(&mut self, _: Duration) -> Duration { Duration::ZERO }
    fn memory(&self) -> Memory { Memory::default() }
}

fn protocols() -> Vec<ProtocolRoute> {
    let framing = Framing::Length(LengthFraming { width: LengthWidth::U16(Endian::Big), offset: 0, inclusive: false, max: 1 << 16 });
    let schema = SchemaSpec::Both(vec![SourceText { name: "t".into(), text: SCHEMA.into() }]);
    let shape = SprotoShape::Envelope { ty: "Msg".into(), name: "Name".into(), body: "Bin".into() };
    let mut game = ProtocolSpec::new("game", CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None }));
    game.framing = Some(framing.clone());
    game.reply = Some(ReplySpec::Name(vec![("*Request".into(), "*Response".into())]));
    let mut raw = ProtocolSpec::new("raw", CodecSpec::Raw);
    raw.framing = Some(framing);
    raw.reply = Some(ReplySpec::Fifo);
    let route = |spec, hosts: &str| ProtocolRoute { protocol: Arc::new(Protocol::build(spec).unwrap()), hosts: vec![hosts.to_owned()] };
    vec![route(game, "tcp://*:4000"), route(raw, "tcp://*:4001")]
}

fn cpu() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap()
}

fn run<H: Host, E: std::fmt::Debug>(label: &str, robots: u64, make: impl FnOnce(Desk) -> Result<H, E>) {
    let net = MemoryNet::new();
    for port in [4000, 4001] { net.listen(SocketAddr::from(([127, 0, 0, 1], port))); }
    let settings = Settings { protocols: protocols(), ..Settings::default() };
    let clock = Clock::stopped();
    let config = ShardConfig { settings, share: ShardShare { index: 0, count: 1 }, clock: clock.clone() };
    let mut shard = Shard::in_memory(config, net.clone(), make).unwrap();
    shard.want(Desired { schedule: Schedule::constant(robots, f64::INFINITY, None), begun: Duration::ZERO, phase: Phase::Play });
    let mut n = 0u64;
    let mut server = Duration::ZERO;
    let response = b"MoveResponse";
    let mut turn = |shard: &mut Shard<H>, n: &mut u64, server: &mut Duration| {
        clock.advance(clock.now() + 100_000);
        shard.turn(Some(clock.now())).unwrap();
        let c = cpu();
        while let Some(event) = net.next() {
            if let ServerEvent::Received { link, mut bytes } = event {
                *n += 1;
                // the envelope's name: MoveRequest -> MoveResponse needs one more byte
                if let Some(at) = bytes.windows(11).position(|w| w == b"MoveRequest") {
                    bytes.splice(at..at + 11, response.iter().copied());
                    bytes[at - 4] += 1;
                    bytes[1] += 1;
                }
                net.send(link, &bytes);
            }
        }
        *server += cpu() - c;
    };
    for _ in 0..2000 { turn(&mut shard, &mut n, &mut server); }
    let (n0, c0, s0) = (n, cpu(), server);
    while n - n0 < 1_000_000 { turn(&mut shard, &mut n, &mut server); }
    let spent = cpu() - c0 - (server - s0);
    let mut totals = Totals::new(Limits::default());
    totals.merge(&shard.report(false).delta);
    println!("{label:28} {robots:6} robots: {:7.3} us/request   (errors {:?})", spent.as_secs_f64() * 1e6 / (n - n0) as f64, totals.script_errors());
}

fn rss() -> usize { std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096 }

fn stall(label: &str, robots: u64, project: Arc<LuaProject>, seconds: u64) {
    let net = MemoryNet::new();
    for port in [4000, 4001] { net.listen(SocketAddr::from(([127, 0, 0, 1], port))); }
    let settings = Settings { protocols: protocols(), wait: Wait::Between(Duration::ZERO, Duration::from_secs(2)), ..Settings::default() };
    let clock = Clock::stopped();
    let config = ShardConfig { settings, share: ShardShare { index: 0, count: 1 }, clock: clock.clone() };
    let before = rss();
    let mut shard = Shard::in_memory(config, net.clone(), |desk| LuaHost::new(project, desk)).unwrap();
    shard.want(Desired { schedule: Schedule::constant(robots, 20000.0, None), begun: Duration::ZERO, phase: Phase::Play });
    let mut n = 0u64;
    let mut slow = Vec::new();
    let c0 = cpu();
    for ms in 0..(seconds * 1000) {
        clock.advance(ms * 1_000_000);
        let t = std::time::Instant::now();
        shard.turn(Some(clock.now())).unwrap();
        let took = t.elapsed();
        if ms > seconds * 500 { slow.push(took); }
        while let Some(event) = net.next() {
            if let ServerEvent::Received { link, bytes } = event { n += 1; net.send(link, &bytes); }
        }
    }
    slow.sort();
    let top: Vec<_> = slow.iter().rev().take(6).collect();
    let mut totals = Totals::new(Limits::default());
    totals.merge(&shard.report(false).delta);
    println!("{label:20} {robots:6} robots: requests {n} cpu {:?} longest turns {top:?}, p99 {:?}, memory/robot {} lua {} errors {:?}", cpu() - c0, slow[slow.len() * 99 / 100], (rss() - before) / robots as usize, shard.host().memory().used / robots as usize, totals.script_errors());
}

fn lua(body: &str) -> Arc<LuaProject> {
    let dir = std::env::temp_dir().join(format!("throng-timing-{}", std::process::id()));
    std::fs::create_dir_all(dir.join("mods")).unwrap();
    std::fs::write(dir.join("mods/a.lua"), format!("local a = throng.mod()\n{body}\nreturn a")).unwrap();
    Arc::new(LuaProject::at(dir))
}

fn main() {
    let which = std::env::args().nth(1).unwrap_or_default();
    if which == "stall" {
        let n: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
        let project = lua("local body = ('x'):rep(64)
            function a:start() self.robot:connect('g', 'tcp://127.0.0.1:4001') end
            a:task('t', function(self) self.robot.g:request('move', body) end)");
        stall("tasks", n, project, 8);
        let project = lua("local body = ('x'):rep(64)
            function a:start() self.robot:connect('g', 'tcp://127.0.0.1:4001') self.robot:ready() while true do self.robot:sleep(2 * math.random()) self.robot.g:request('move', body) end end");
        stall("parked", n, project, 8);
        let project = lua("function a:start() self.robot:connect('g', 'tcp://127.0.0.1:4001') end");
        stall("idle", n, project, 8);
        return;
    }
    for robots in [100, 1000] {
        if which.is_empty() || which == "rust" {
        run("rust raw", robots, |desk| Ok::<_, ()>(RustHost { desk, program: Program { mods: vec![ModSpec { name: "a".into(), start: true, ..ModSpec::default() }], ..Program::default() }, runs: Default::default(), body: vec![b'x'; 64], n: 0 }));
        }
        if which.is_empty() || which == "raw" {
        let project = lua("local body = ('x'):rep(64)
            function a:start() local g = self.robot:connect('g', 'tcp://127.0.0.1:4001') while true do g:request('move', body) end end");
        run("lua raw", robots, |desk| LuaHost::new(project, desk));
        }
        if which.is_empty() || which == "sproto" {
        let project = lua("
            function a:start() local g = self.robot:connect('g', 'tcp://127.0.0.1:4000') local i = 0
              while true do i = i + 1 local r = g:request('MoveRequest', { x = i, y = -i, name = 'robot', flag = true, text = 'hello world' }) if r.x ~= i or r.text ~= 'hello world' then error('x') end end end");
        run("lua sproto", robots, |desk| LuaHost::new(project, desk));
        }
        if which.is_empty() || which == "sleep" {
        }
    }
}
