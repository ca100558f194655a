//! A project in a folder of its own, its robots, and a server that answers by a rule.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use throng_engine::*;
use throng_lua::{LuaHost, LuaProject};
use throng_metrics::{FailureKind, Limits, Totals};
use throng_sproto::{Schema, SourceFile, Value, decode_value, encode_value};
use throng_wire::{
    CodecSpec, Endian, Framing, LengthFraming, LengthWidth, OnClose, Protocol, ProtocolSpec, ReplySpec,
    SchemaSpec, SourceText, SprotoShape, SprotoSpec,
};

const SCHEMA: &str = "
.Msg { Name 0 : string Bin 1 : binary }
.EchoRequest { Text 0 : string }
.EchoResponse { Text 0 : string }
.SlowRequest { Text 0 : string }
.SlowResponse { Text 0 : string }
.Item { id 0 : integer name 1 : string }
.AllRequest { n 0 : integer f 1 : integer(2) d 2 : double b 3 : boolean s 4 : string list 5 : *integer
    items 6 : *Item(id) item 7 : Item words 8 : *string }
.AllResponse { n 0 : integer f 1 : integer(2) d 2 : double b 3 : boolean s 4 : string list 5 : *integer
    items 6 : *Item(id) item 7 : Item words 8 : *string }
.Note { n 0 : integer }
.Kick { n 0 : integer }
";

/// One link of the server, while the rule answers on it.
pub(crate) struct Peer<'a> {
    net: &'a MemoryNet,
    pub(crate) link: LinkId,
    schema: &'a Schema,
}

impl Peer<'_> {
    /// Sends a message in the envelope.
    pub(crate) fn send(&self, name: &str, body: &Value) {
        self.net.send(self.link, &frame(&envelope(self.schema, name, body)));
    }

    pub(crate) fn note(&self, n: i64) {
        self.send("Note", &Value::structure([("n", n.into())]));
    }

    pub(crate) fn echo(&self, text: &str) {
        self.send("EchoResponse", &Value::structure([("Text", text.into())]));
    }

    pub(crate) fn bytes(&self, bytes: &[u8]) {
        self.net.send(self.link, bytes);
    }

    pub(crate) fn close(&self) {
        self.net.close(self.link);
    }
}

pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u16).to_be_bytes().to_vec();
    frame.extend(payload);
    frame
}

fn envelope(schema: &Schema, name: &str, body: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let ty = schema.type_id(name).expect("a type of the schema");
    encode_value(schema, ty, body, &mut bytes).expect("a body of the type");
    let message = Value::structure([("Name", name.into()), ("Bin", Value::Binary(bytes))]);
    let mut out = Vec::new();
    encode_value(schema, schema.type_id("Msg").expect("Msg"), &message, &mut out).expect("an envelope");
    out
}

pub(crate) fn text_of(value: &Value, field: &str) -> String {
    match value.field(field) {
        Some(Value::String(bytes) | Value::Binary(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

type Rule = Box<dyn FnMut(&Peer<'_>, &str, &Value)>;

/// A project to be.
pub(crate) struct Plan {
    files: Vec<(String, String)>,
    pub(crate) settings: Settings,
    pub(crate) change: Box<dyn FnOnce(&mut LuaProject)>,
    reply: ReplySpec,
}

/// A plan with the mod `a`, whose file begins with its declaration and ends with its return.
pub(crate) fn plan(body: &str) -> Plan {
    Plan {
        files: vec![("mods/a.lua".to_owned(), format!("local a = throng.mod() {body}\nreturn a\n"))],
        settings: Settings { wait: Wait::Constant(Duration::from_secs(1)), ..Settings::default() },
        change: Box::new(|_| ()),
        reply: ReplySpec::Name(vec![("*Request".to_owned(), "*Response".to_owned())]),
    }
}

impl Plan {
    pub(crate) fn file(mut self, name: &str, text: &str) -> Plan {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// One robot, and a server that echoes.
    pub(crate) fn echo(self) -> World {
        self.serve(|peer, name, body| match name {
            "EchoRequest" => peer.echo(&text_of(body, "Text")),
            "AllRequest" => peer.send("AllResponse", body),
            _ => {}
        })
    }

    /// One robot, and a server with a rule of its own for the messages it gets.
    pub(crate) fn serve(self, rule: impl FnMut(&Peer<'_>, &str, &Value) + 'static) -> World {
        let mut world = self.world(Box::new(rule));
        world.want(1);
        world
    }

    fn world(self, rule: Rule) -> World {
        let folder = TempDir::new().expect("a folder for the test");
        for (name, text) in &self.files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        let mut project = LuaProject::at(folder.path());
        (self.change)(&mut project);
        let net = MemoryNet::new();
        for port in [4000, 4001, 4002] {
            net.listen(SocketAddr::from(([127, 0, 0, 1], port)));
        }
        let mut settings = self.settings;
        settings.protocols = protocols(self.reply);
        let clock = Clock::stopped();
        let config = ShardConfig { settings, share: ShardShare { index: 0, count: 1 }, clock: clock.clone() };
        let shard = Shard::in_memory(config, net.clone(), |desk| LuaHost::new(Arc::new(project), desk));
        let shard = shard.unwrap_or_else(|error| panic!("{error}"));
        let schema = Schema::parse(&[SourceFile { name: "test.sproto", text: SCHEMA }]).expect("a schema");
        World {
            shard,
            net,
            clock,
            totals: Totals::new(Limits::default()),
            lines: Vec::new(),
            rule,
            schema,
            links: Links::default(),
        }
    }
}

/// The game in envelopes on port 4000, raw frames on 4001, bare streams on 4002.
fn protocols(reply: ReplySpec) -> Vec<ProtocolRoute> {
    let framing = Framing::Length(LengthFraming {
        width: LengthWidth::U16(Endian::Big),
        offset: 0,
        inclusive: false,
        max: 1 << 16,
    });
    let schema =
        SchemaSpec::Both(vec![SourceText { name: "test.sproto".to_owned(), text: SCHEMA.to_owned() }]);
    let shape =
        SprotoShape::Envelope { ty: "Msg".to_owned(), name: "Name".to_owned(), body: "Bin".to_owned() };
    let mut game = ProtocolSpec::new("game", CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None }));
    game.framing = Some(framing.clone());
    game.reply = Some(reply);
    game.on_close = OnClose::Call;
    game.request_timeout = Duration::from_secs(2);
    let mut raw = ProtocolSpec::new("raw", CodecSpec::Raw);
    raw.framing = Some(framing);
    raw.reply = Some(ReplySpec::Fifo);
    raw.on_close = OnClose::Ignore;
    let route = |spec, hosts: &str| ProtocolRoute {
        protocol: Arc::new(Protocol::build(spec).expect("a protocol")),
        hosts: vec![hosts.to_owned()],
    };
    vec![route(game, "tcp://*:4000"), route(raw, "tcp://*:4001")]
}

#[derive(Default)]
pub(crate) struct Links {
    /// The links that robots opened, oldest first.
    pub(crate) all: Vec<LinkId>,
    ports: HashMap<LinkId, u16>,
    /// What came on streams and raw links.
    pub(crate) bytes: Vec<String>,
}

/// A shard, its server, and what robots have logged and counted so far.
pub(crate) struct World {
    pub(crate) shard: Shard<LuaHost>,
    net: MemoryNet,
    clock: Clock,
    pub(crate) totals: Totals,
    lines: Vec<String>,
    rule: Rule,
    schema: Schema,
    pub(crate) links: Links,
}

impl World {
    /// Wants so many robots at once.
    pub(crate) fn want(&mut self, robots: u64) {
        self.shard.want(Desired {
            schedule: Schedule::constant(robots, f64::INFINITY, None),
            begun: Duration::ZERO,
            phase: Phase::Play,
        });
    }

    /// Moves to `millis` after the beginning.
    pub(crate) fn advance(&mut self, millis: u64) {
        let World { shard, net, rule, schema, links, .. } = self;
        let servers = || serve(net, rule, schema, links);
        shard.advance(millis * 1_000_000, servers).expect("memory does not fail");
        let report = self.shard.report(false);
        self.totals.merge(&report.delta);
        self.lines.extend(report.log.into_iter().map(|line| line.text));
        assert!(self.clock.now() >= millis * 1_000_000);
    }

    /// All robots stop in good order.
    pub(crate) fn stop(&mut self) {
        self.shard.want(Desired {
            schedule: Schedule::constant(0, f64::INFINITY, None),
            begun: Duration::ZERO,
            phase: Phase::Stop,
        });
    }

    /// The server on the last link.
    pub(crate) fn server(&self) -> Peer<'_> {
        let link = *self.links.all.last().expect("a robot has connected");
        Peer { net: &self.net, link, schema: &self.schema }
    }

    /// What robots printed since the last look.
    pub(crate) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// That robots printed just this since the last look, and that no script failed.
    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: &[&str]) {
        let errors = self.totals.script_errors();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(self.told(), wanted);
    }

    #[track_caller]
    pub(crate) fn expect_error(&self, message: &str, traceback: &str) {
        let errors = self.totals.script_errors();
        let found =
            errors.iter().any(|error| error.message.contains(message) && error.traceback.contains(traceback));
        assert!(found, "{errors:?}\nwanted: {message} ... {traceback}");
    }

    pub(crate) fn failures(&self, kind: FailureKind) -> u64 {
        self.totals.errors().of(kind)
    }
}

fn serve(net: &MemoryNet, rule: &mut Rule, schema: &Schema, links: &mut Links) {
    while let Some(event) = net.next() {
        match event {
            ServerEvent::Accepted { link, address } => {
                links.all.push(link);
                links.ports.insert(link, address.port());
            }
            ServerEvent::Received { link, bytes } => match links.ports[&link] {
                4000 => receive(&Peer { net, link, schema }, rule, &bytes),
                4001 => {
                    links.bytes.push(String::from_utf8_lossy(&bytes[2..]).into_owned());
                    net.send(link, &bytes);
                }
                _ => links.bytes.push(String::from_utf8_lossy(&bytes).into_owned()),
            },
            ServerEvent::Ended { .. } => {}
        }
    }
}

fn receive(peer: &Peer<'_>, rule: &mut Rule, bytes: &[u8]) {
    let mut rest = bytes;
    while let [high, low, after @ ..] = rest {
        let (payload, left) = after.split_at(u16::from_be_bytes([*high, *low]) as usize);
        rest = left;
        let envelope = decode_value(peer.schema, peer.schema.type_id("Msg").expect("Msg"), payload)
            .expect("an envelope");
        let name = text_of(&envelope, "Name");
        let Some(Value::String(body) | Value::Binary(body)) = envelope.field("Bin") else {
            panic!("no body: {name}")
        };
        let ty = peer.schema.type_id(&name).expect("a type of the schema");
        rule(peer, &name, &decode_value(peer.schema, ty, body).expect("a body"));
    }
}
