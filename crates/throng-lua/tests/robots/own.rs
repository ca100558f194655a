//! Protocols in Lua: frames cut wherever they fall, replies by session, name and order, and everything that can be wrong with
//! a function.

mod faults;

use proptest::prelude::*;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use throng_engine::*;
use throng_lua::{LuaHost, LuaProject, OwnSource, own_functions};
use throng_metrics::{EndCause, FailureKind, Limits, Totals};
use throng_wire::{
    CodecSpec, DocumentForm, DocumentSpec, Fields, Framing, HeartbeatSpec, LengthFraming, LengthWidth,
    OnClose, OnMalformed, Protocol, ProtocolSpec, ReplySpec,
};

/// A length of two bytes, a letter for the kind, a session, a name, a bar, a body.
const PROTOCOL: &str = r#"local p = {}
function p.framing(bytes, from)
  if #bytes - from < 1 then return nil, 2 end
  local length = string.unpack(">I2", bytes, from)
  if #bytes - from + 1 < 2 + length then return nil, 2 + length end
  return from + 2, from + 1 + length
end
function p.frame(payload) return string.pack(">s2", payload) end
function p.head(payload)
  local kind, session, name, body = payload:match("^(%a)(%d+) (%w+)|()")
  if not kind then error("no head") end
  return { name = name, session = math.tointeger(session), push = kind == "p", body = body }
end
function p.encode(name, body, session) return "r" .. (session or 0) .. " " .. name .. "|" .. tostring(body) end
function p.decode(name, bytes) return name .. "=" .. bytes end
"#;

/// Robots of a mod `a` on a server that only says what a test says.
struct World {
    shard: Shard<LuaHost>,
    net: MemoryNet,
    totals: Totals,
    lines: Vec<String>,
    links: Vec<LinkId>,
    heard: Vec<u8>,
    _folder: TempDir,
}

/// A world to be.
struct Plan {
    protocol: String,
    body: String,
    spec: ProtocolSpec,
    deadline: Duration,
    max: usize,
    memory: usize,
}

/// The protocol with more lines before its end, and robots that print what is pushed.
fn plan(more: &str) -> Plan {
    let mut spec = ProtocolSpec::new("p", CodecSpec::Own);
    spec.reply = Some(ReplySpec::Session);
    spec.on_close = OnClose::Ignore;
    Plan {
        protocol: format!("{PROTOCOL}{more}\nreturn p\n"),
        body: "function a:start() self.robot:connect('c', 'tcp://127.0.0.1:4000') end
               a:on('*', function(self, message) print(message) end)"
            .to_owned(),
        spec,
        deadline: Duration::from_millis(200),
        max: 1 << 20,
        memory: 1 << 30,
    }
}

impl Plan {
    fn play(self, robots: u64) -> World {
        let folder = TempDir::new().expect("a folder for the test");
        let body = format!("local a = throng.mod()\n{}\nreturn a\n", self.body);
        for (name, text) in [("mods/a.lua", &body), ("protocols/p.lua", &self.protocol)] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        let mut project = LuaProject::at(folder.path());
        project.limits.deadline = self.deadline;
        project.limits.memory = self.memory;
        project.own = vec![OwnSource { protocol: "p".to_owned(), path: "protocols/p.lua".into() }];
        let functions = own_functions(project.clone()).expect("a protocol");
        let mut spec = self.spec;
        spec.own = functions.robots;
        if functions.robots.framing {
            spec.framing = Some(Framing::Own(self.max));
        }
        let protocol = Arc::new(Protocol::build(spec).expect("a protocol"));
        let route = ProtocolRoute { protocol: protocol.clone(), hosts: Vec::new() };
        let wait = Wait::Constant(Duration::from_secs(1));
        let settings = Settings { protocols: vec![route], wait, ..Settings::default() };
        project.protocols = vec![protocol];
        let net = MemoryNet::new();
        net.listen(SocketAddr::from(([127, 0, 0, 1], 4000)));
        let config =
            ShardConfig { settings, share: ShardShare { index: 0, count: 1 }, clock: Clock::stopped() };
        let shard = Shard::in_memory(config, net.clone(), |desk| LuaHost::new(Arc::new(project), desk));
        let mut shard = shard.unwrap_or_else(|error| panic!("{error}"));
        let schedule = Schedule::constant(robots, f64::INFINITY, None);
        shard.want(Desired { schedule, begun: Duration::ZERO, phase: Phase::Play });
        let mut world = World {
            shard,
            net,
            totals: Totals::new(Limits::default()),
            lines: Vec::new(),
            links: Vec::new(),
            heard: Vec::new(),
            _folder: folder,
        };
        world.advance(1);
        world
    }
}

impl World {
    /// Lets so many milliseconds pass.
    fn advance(&mut self, millis: u64) {
        let World { shard, net, links, heard, .. } = self;
        let servers = || {
            while let Some(event) = net.next() {
                match event {
                    ServerEvent::Accepted { link, .. } => links.push(link),
                    ServerEvent::Received { bytes, .. } => heard.extend(bytes),
                    ServerEvent::Ended { .. } => {}
                }
            }
        };
        let until = shard.now() + millis * 1_000_000;
        shard.advance(until, servers).expect("memory does not fail");
        let report = self.shard.report(false);
        self.totals.merge(&report.delta);
        self.lines.extend(report.log.into_iter().map(|line| line.text));
    }

    fn say(&mut self, bytes: &[u8]) {
        self.net.send(*self.links.last().expect("a robot has connected"), bytes);
        self.advance(1);
    }

    /// What robots printed since the last look.
    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    fn heard(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.heard)).into_owned()
    }

    fn count(&self, kind: FailureKind) -> u64 {
        self.totals.errors().of(kind)
    }

    fn failure(&self, kind: FailureKind) -> String {
        let groups = self.totals.failures();
        let group = groups.iter().find(|group| group.kind == kind);
        group.unwrap_or_else(|| panic!("no {kind}: {groups:?}")).message.to_string()
    }

    fn script_error(&self) -> (String, String) {
        let errors = self.totals.script_errors();
        let error = errors.first().expect("a script error");
        (error.message.to_string(), error.traceback.to_string())
    }

    fn is_connected(&mut self) -> bool {
        self.say(&frame("p0 Still|here"));
        self.told().contains(&"Still=here".to_owned())
    }
}

fn frame(payload: &str) -> Vec<u8> {
    let mut frame = (payload.len() as u16).to_be_bytes().to_vec();
    frame.extend(payload.as_bytes());
    frame
}

fn cut_anywhere(texts: &[String], cuts: &[usize]) {
    let bytes: Vec<u8> = texts.iter().flat_map(|text| frame(&format!("p0 Note|{text}"))).collect();
    let mut world = plan("").play(1);
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([bytes.len()]).collect();
    ends.sort_unstable();
    let mut at = 0;
    for end in ends {
        world.say(&bytes[at..end]);
        at = end;
    }
    let wanted: Vec<String> = texts.iter().map(|text| format!("Note={text}")).collect();
    assert_eq!(world.told(), wanted);
    assert_eq!(world.totals.errors().total(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn messages_are_whole_wherever_they_are_cut(
        texts in prop::collection::vec("[a-z]{0,40}", 1..8),
        cuts in prop::collection::vec(any::<usize>(), 0..30),
    ) {
        cut_anywhere(&texts, &cuts);
    }
}

#[test]
fn messages_are_whole_when_each_byte_comes_alone() {
    let texts = ["one".to_owned(), String::new(), "x".repeat(300)];
    cut_anywhere(&texts, &(0..400).collect::<Vec<_>>());
}

#[test]
fn framing_is_not_asked_again_before_what_it_wants_is_there() {
    let mut world = plan(
        "local framing, asked = p.framing, 0
         function p.state() return { asked = 0 } end
         function p.framing(bytes, from, state) state.asked = state.asked + 1 return framing(bytes, from) end
         function p.decode(_, bytes, state) return state.asked end",
    )
    .play(1);
    let bytes = frame(&format!("p0 Note|{}", "x".repeat(500)));
    for byte in bytes.chunks(1) {
        world.say(byte);
    }
    // The first byte, the length, the whole.
    assert_eq!(world.told(), ["3"]);
}

#[test]
fn replies_find_their_requests_by_session_in_any_order() {
    let mut plan = plan("");
    plan.body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            print(self.robot:all(
                function() return c:request('Get', 'x') end,
                function() return c:request('Get', 'y') end))
            c:send('Bye', 'z')
        end"
    .to_owned();
    let mut world = plan.play(1);
    assert_eq!(world.heard(), "\0\x08r1 Get|x\0\x08r2 Get|y");
    world.say(&[frame("r2 Got|second"), frame("r1 Got|first")].concat());
    assert_eq!(world.told(), ["Got=first\tGot=second"]);
    assert_eq!(world.heard(), "\0\x08r0 Bye|z");
}

#[test]
fn replies_find_their_requests_by_name_and_by_order() {
    let body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            print(self.robot:all(
                function() return c:request('GetOne', 'x') end,
                function() return c:request('GetTwo', 'y') end))
        end
        a:on('News', function(self, message) print(message) end)";
    let mut by_name = plan("");
    by_name.body = body.to_owned();
    by_name.spec.reply = Some(ReplySpec::Name(vec![("Get*".to_owned(), "Got*".to_owned())]));
    let mut world = by_name.play(1);
    world.say(&[frame("r0 GotTwo|2"), frame("r0 News|!"), frame("r0 GotOne|1")].concat());
    assert_eq!(world.told(), ["News=!", "GotOne=1\tGotTwo=2"]);
    let mut by_order = plan("");
    by_order.body = body.to_owned();
    by_order.spec.reply = Some(ReplySpec::Fifo);
    let mut world = by_order.play(1);
    world.say(&[frame("r0 A|1"), frame("p0 News|!"), frame("r0 B|2")].concat());
    assert_eq!(world.told(), ["News=!", "A=1\tB=2"]);
}

#[test]
fn a_reply_that_says_no_fails_its_request() {
    let mut plan = plan("function p.head(payload) return { session = 1, error = 7 } end");
    plan.body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            local ok, failure = pcall(c.request, c, 'Get', 'x')
            print(ok, failure.kind, failure.code)
        end"
    .to_owned();
    let mut world = plan.play(1);
    world.say(&frame("no"));
    assert_eq!(world.told(), ["false\trejected\t7"]);
    assert_eq!(world.count(FailureKind::Rejected), 1);
}

#[test]
fn each_connection_has_a_state_of_its_own_and_loses_it_with_its_end() {
    let mut plan = plan(
        "function p.state() return { sent = 0 } end
         function p.encode(name, body, session, state) state.sent = state.sent + 1 return name .. state.sent end",
    );
    plan.body = "function a:start()
            local one = self.robot:connect('one', 'tcp://127.0.0.1:4000')
            local two = self.robot:connect('two', 'tcp://127.0.0.1:4000')
            one:send('A') one:send('B') two:send('C')
            one = self.robot:connect('one', 'tcp://127.0.0.1:4000')
            one:send('D')
        end"
    .to_owned();
    let mut world = plan.play(1);
    let heard = world.heard();
    assert!(["A1", "B2", "C1", "D1"].iter().all(|sent| heard.contains(sent)), "{heard}");
}

#[test]
fn a_heartbeat_is_made_by_the_protocol() {
    let mut plan = plan("function p.encode(name) return 'beat ' .. name end");
    plan.spec.heartbeat = Some(HeartbeatSpec { send: "Ping".to_owned(), every: Duration::from_secs(5) });
    let mut world = plan.play(1);
    world.advance(11_000);
    assert_eq!(world.heard(), "\0\tbeat Ping\0\tbeat Ping");
}

#[test]
fn a_framing_of_ones_own_goes_with_a_codec() {
    let mut plan = plan("p.head, p.encode, p.decode = nil, nil, nil");
    let (name, session, body) = (Some("t".to_owned()), Some("s".to_owned()), None);
    plan.spec.codec = CodecSpec::Document(DocumentSpec { form: DocumentForm::Json, name, session, body });
    plan.body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            print(c:request('get', { x = 1 }).y)
        end"
    .to_owned();
    let mut world = plan.play(1);
    assert_eq!(world.heard(), "\0\x17{\"t\":\"get\",\"s\":1,\"x\":1}");
    world.say(&frame(r#"{"t":"got","s":1,"y":2}"#));
    assert_eq!(world.told(), ["2"]);
}

#[test]
fn fields_around_a_frame_of_ones_own_are_the_script_s_to_give() {
    let mut plan = plan("p.head, p.encode, p.decode = nil, nil, nil");
    plan.spec.codec = CodecSpec::Raw;
    plan.spec.trailer = Fields { send: vec!["zone:u8".parse().expect("a field")], receive: Vec::new() };
    plan.spec.reply = Some(ReplySpec::Fifo);
    plan.body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            c:send('Note', 'x', { header = { zone = 55 } })
            print(c:request('Get', 'y', { header = { zone = 56 } }))
        end"
    .to_owned();
    let mut world = plan.play(1);
    assert_eq!(world.heard(), "\0\x02x7\0\x02y8");
    world.say(&frame("z"));
    assert_eq!(world.told(), ["z"]);
}

#[test]
fn where_a_function_reads_heads_there_are_no_fields_to_give() {
    let mut plan = plan("");
    plan.body = "function a:start()
            local c = self.robot:connect('c', 'tcp://127.0.0.1:4000')
            local options = { header = { zone = 5 } }
            print(select(2, pcall(c.request, c, 'Get', 'x', options)))
            print(select(2, pcall(c.send, c, 'Get', 'x', options)))
        end"
    .to_owned();
    let mut world = plan.play(1);
    let told = world.told();
    let why = "messages of protocol 'p' have no fields around them to be given values";
    assert!(told.len() == 2 && told.iter().all(|line| line.ends_with(why)), "{told:?}");
    assert_eq!(world.heard(), "");
}

#[test]
fn bodies_of_ones_own_go_with_a_framing() {
    let mut plan = plan("p.framing, p.frame, p.head = nil, nil, nil");
    plan.spec.framing = Some(Framing::Length(LengthFraming {
        width: LengthWidth::U8,
        offset: 0,
        inclusive: false,
        max: 100,
    }));
    plan.spec.reply = Some(ReplySpec::Fifo);
    plan.body = "function a:start()
            print(self.robot:connect('c', 'tcp://127.0.0.1:4000'):request('Get', 'x'))
        end"
    .to_owned();
    let mut world = plan.play(1);
    assert_eq!(world.heard(), "\x08r0 Get|x");
    world.say(b"\x02hi");
    assert_eq!(world.told(), ["Get=hi"]);
}

#[test]
fn a_stream_that_ends_in_a_frame_is_cut_short() {
    let mut world = plan("").play(1);
    world.say(&frame("p0 Note|x"));
    world.say(&frame("p0 Note|y")[..4]);
    world.net.close(*world.links.last().expect("a link"));
    world.advance(1);
    assert_eq!(world.told(), ["Note=x"]);
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    assert_eq!(row.counts.ended.of(EndCause::Truncated), 1, "{row:?}");
}

#[track_caller]
fn refused(protocol: &str, message: &str) {
    let folder = TempDir::new().expect("a folder for the test");
    fs::write(folder.path().join("p.lua"), protocol).expect("a file can be written");
    let mut project = LuaProject::at(folder.path());
    project.own = vec![OwnSource { protocol: "p".to_owned(), path: "p.lua".into() }];
    let error = own_functions(project).expect_err("a mistake").to_string();
    assert!(error.contains(message), "{error}\nwanted: {message}");
}

#[test]
fn a_file_that_is_no_protocol_is_refused() {
    refused("return 5", "p.lua:1: a protocol's file returns a table of its functions, not a number");
    refused("", "p.lua:1: a protocol's file returns a table of its functions");
    refused(
        "local p = {}\nfunction p.framming() end\nreturn p",
        "p.lua:2: unknown function of a protocol 'framming'; did you mean 'framing'?",
    );
    refused("return { head = 5 }", "p.lua:1: 'head' must be a function, not a number");
    refused("return { server = { hed = print } }", "of 'server'");
    refused("local p = {\nreturn p", "p.lua:2: ");
    refused("local m = throng.mod() return {}", "throng.mod() belongs at the top of a file in mods/");
    refused("local x = nil\nlocal y = x.z\nreturn {}", "p.lua:2: attempt to index a nil value");
}
