//! What is promised to authors of tests, one test each. Most are tests in Lua themselves, so that they show the surface.

mod failing;
mod http;
mod promises;
mod questions;
mod robots;
mod servers;
mod streams;
mod wires;
mod worlds;

use super::{SourcePlace, TestFailure, TestLimits, TestOutcome, TestPlan, TestResult, run_tests};
use crate::project::{LuaProject, OptionValue};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use throng_engine::{ProtocolRoute, Settings, Wait};
use throng_wire::{
    CodecSpec, DelimiterFraming, DocumentForm, DocumentSpec, Endian, FieldPlace, FieldSpec, Fields,
    FirstSpec, Framing, HeaderFraming, LengthFraming, LengthWidth, OnClose, Protocol, ProtocolSpec,
    RefusalSpec, ReplySpec, SchemaSpec, SourceText, SprotoShape, SprotoSpec,
};

const GAME: &str = "
.Msg { Name 0 : string Bin 1 : binary }
.LoginRequest { Name 0 : string Password 1 : string }
.LoginResponse { MyValue 0 : integer }
.EchoRequest { Text 0 : string }
.EchoResponse { Text 0 : string }
.KickNotify { Reason 0 : string }
.Note { n 0 : integer }
";

const BATTLE_SEND: &str = "
.package { type 0 : integer session 1 : integer }
handshake 1 { response { msg 0 : string } }
get 2 { request { what 0 : string } response { result 0 : string } }
set 3 { request { what 0 : string value 1 : string } }
save 4 { response nil }
";

const BATTLE_RECEIVE: &str = "
.package { type 0 : integer session 1 : integer }
heartbeat 1 {}
moved 2 { request { id 0 : integer } }
alive 3 { request { n 0 : integer } response { n 0 : integer } }
ping 4 { response nil }
";

/// A project to be: a mod `a`, and tests.
pub(super) struct Project {
    files: Vec<(String, String)>,
    pub(super) settings: Settings,
    pub(super) limits: TestLimits,
    pub(super) only: Option<String>,
    pub(super) deadline: Duration,
}

/// A project with the mod `a`, whose file begins with its declaration and ends with its return.
pub(super) fn project(body: &str) -> Project {
    Project {
        files: vec![("mods/a.lua".to_owned(), format!("local a = throng.mod() {body}\nreturn a\n"))],
        settings: Settings { wait: Wait::Constant(Duration::from_secs(1)), seed: 7, ..Settings::default() },
        limits: TestLimits::default(),
        only: None,
        deadline: Duration::from_millis(200),
    }
}

impl Project {
    pub(super) fn file(mut self, name: &str, text: &str) -> Project {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// The test `t` of the file `tests/a_test.lua`, whose function begins on line 1.
    pub(super) fn test(self, body: &str) -> Project {
        self.file("tests/a_test.lua", &format!("throng.test('t', function(world) {body}\nend)\n"))
    }

    pub(super) fn run(self) -> Result<Vec<TestResult>, super::TestError> {
        let folder = TempDir::new().expect("a folder for the test");
        for (name, text) in &self.files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        let mut project = LuaProject::at(folder.path());
        project.limits.deadline = self.deadline;
        project.host = "ws://127.0.0.1:8765".to_owned();
        project.options = vec![
            ("level".to_owned(), OptionValue::Integer(1)),
            ("rate".to_owned(), OptionValue::Number(0.5)),
            ("mode".to_owned(), OptionValue::Text("easy".to_owned())),
            ("fast".to_owned(), OptionValue::Boolean(false)),
        ];
        let protocols = protocols();
        let mut settings = self.settings;
        settings.protocols = protocols.iter().map(|(spec, hosts)| route(spec, hosts)).collect();
        let plan = TestPlan {
            project: Arc::new(project),
            settings,
            protocols: protocols.into_iter().map(|(spec, _)| spec).collect(),
            folder: PathBuf::from("tests"),
            only: self.only,
            limits: self.limits,
        };
        run_tests(&plan, |_| ())
    }

    /// All tests pass, and there is at least one.
    #[track_caller]
    pub(super) fn passes(self) -> Vec<TestResult> {
        let results = self.run().unwrap_or_else(|error| panic!("{error}"));
        assert!(!results.is_empty());
        for result in &results {
            assert!(result.passed(), "{result:#?}");
        }
        results
    }

    /// Its only test fails like this.
    #[track_caller]
    pub(super) fn fails(self) -> TestFailure {
        let results = self.run().unwrap_or_else(|error| panic!("{error}"));
        let [TestResult { outcome: TestOutcome::Failed(failure), .. }] = &results[..] else {
            panic!("one failed test is wanted: {results:#?}");
        };
        (**failure).clone()
    }

    /// Its only test fails with this message at this line of `tests/a_test.lua`.
    #[track_caller]
    pub(super) fn fails_at(self, line: u32, message: &str) -> TestFailure {
        let failure = self.fails();
        let place = failure.place.as_ref().map(|SourcePlace { file, line, .. }| (file.as_str(), *line));
        assert!(failure.message.contains(message), "{failure:#?}\nwanted: {message}");
        assert_eq!(place, Some(("tests/a_test.lua", line)), "{failure:#?}");
        failure
    }
}

fn route(spec: &ProtocolSpec, hosts: &str) -> ProtocolRoute {
    ProtocolRoute {
        protocol: Arc::new(Protocol::build(spec.clone()).expect("a protocol")),
        hosts: vec![hosts.to_owned()],
    }
}

/// skynet's gate: a handshake, then a session behind each body.
fn gate() -> ProtocolSpec {
    let fields = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a field")).collect();
    ProtocolSpec {
        framing: Some(Framing::Length(LengthFraming::new(LengthWidth::U16(Endian::Big)))),
        trailer: Fields { send: fields(&["session:u32be"]), receive: fields(&["ok:u8", "session:u32be"]) },
        reply: Some(ReplySpec::Field { place: FieldPlace::Trailer, name: "session".to_owned() }),
        refusal: Some(RefusalSpec { field: "ok".to_owned(), refused: "== 0".parse().expect("a comparison") }),
        first: Some(Box::new(FirstSpec { codec: CodecSpec::Raw, reply: Some(ReplySpec::Fifo), count: 1 })),
        ..ProtocolSpec::new("gate", CodecSpec::Raw)
    }
}

/// Bytes behind a header whose fields the protocol leaves alone in part.
fn shop() -> ProtocolSpec {
    let fields = ["len:u16be", "version:u8", "id:u16be", "player:u32le", "seq:u32be"];
    let fields: Vec<FieldSpec> = fields.iter().map(|text| text.parse().expect("a field")).collect();
    let number = |(name, number): (&str, i64)| (name.to_owned(), number);
    ProtocolSpec {
        framing: Some(Framing::Header(Box::new(HeaderFraming::new(fields, 4096)))),
        ids: Some([("Login", 1), ("Chat", 2), ("Notice", 3)].map(number).to_vec()),
        reply: Some(ReplySpec::Field { place: FieldPlace::Header, name: "seq".to_owned() }),
        ..ProtocolSpec::new("shop", CodecSpec::Raw)
    }
}

/// Envelopes over WebSocket, RPC on port 8767, lines on 7000, a gate with a trailer on 7001, a shop with a
/// header on 7002, raw bytes without replies over
/// WebSocket on 8799, JSON on 8800.
fn protocols() -> Vec<(ProtocolSpec, &'static str)> {
    let text = |text: &str| vec![SourceText { name: "test.sproto".to_owned(), text: text.to_owned() }];
    let sproto = |schema, shape| CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None });
    let envelope =
        SprotoShape::Envelope { ty: "Msg".to_owned(), name: "Name".to_owned(), body: "Bin".to_owned() };
    let mut game = ProtocolSpec::new("game", sproto(SchemaSpec::Both(text(GAME)), envelope));
    game.reply = Some(ReplySpec::Name(vec![("*Request".to_owned(), "*Response".to_owned())]));
    game.on_close = OnClose::Call;
    game.request_timeout = Duration::from_secs(2);
    let schemas = SchemaSpec::Separate { send: text(BATTLE_SEND), receive: text(BATTLE_RECEIVE) };
    let mut battle =
        ProtocolSpec::new("battle", sproto(schemas, SprotoShape::Rpc { package: "package".to_owned() }));
    battle.framing = Some(Framing::Length(LengthFraming {
        width: LengthWidth::U16(Endian::Big),
        offset: 0,
        inclusive: false,
        max: 1 << 16,
    }));
    battle.on_close = OnClose::Call;
    let mut lines = ProtocolSpec::new("lines", CodecSpec::Raw);
    lines.framing = Some(Framing::Delimiter(DelimiterFraming::new(b"\n", 4096)));
    lines.reply = Some(ReplySpec::Fifo);
    lines.on_close = OnClose::Call;
    let mut bytes = ProtocolSpec::new("bytes", CodecSpec::Raw);
    bytes.on_close = OnClose::Ignore;
    let document = DocumentSpec {
        form: DocumentForm::Json,
        name: Some("cmd".to_owned()),
        session: Some("seq".to_owned()),
        body: None,
    };
    let json = ProtocolSpec::new("json", CodecSpec::Document(document));
    vec![
        (game, "ws://*"),
        (battle, "tcp://*:8767"),
        (lines, "tcp://*:7000"),
        (gate(), "tcp://*:7001"),
        (shop(), "tcp://*:7002"),
        (bytes, "ws://*:8799"),
        (json, "ws://*:8800"),
    ]
}
