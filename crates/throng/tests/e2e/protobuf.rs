//! Protocol Buffers over real sockets, against a small server of the test's own that counts what it hears and says.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use throng_protobuf::{
    Envelope, FieldPath, IdTable, MessageId, NameRule, Schema, SourceFile, Value, decode_value, encode_value,
};

use crate::play::{ANY_ERRORS, Played, Project, Running, settings, throng};
use crate::report::counts;

const SHOP: &str = r#"
syntax = "proto3";
package game.v1;
enum MsgId { MSG_ID_NONE = 0; MSG_ID_LOGIN_REQ = 1; MSG_ID_LOGIN_RESP = 2; MSG_ID_BUY_REQ = 3; MSG_ID_BUY_RESP = 4; MSG_ID_NOTICE = 9; }
enum Kind { FOOD = 0; SWORD = 1; }
message LoginReq { string name = 1; }
message LoginResp { int32 code = 1; uint64 gold = 2; }
message BuyReq { Kind kind = 1; sint64 count = 2; }
message BuyResp { int32 code = 1; Kind kind = 2; repeated sint64 items = 3; }
message Notice { string text = 1; }
message Packet { Head head = 1; oneof payload { LoginReq login = 2; LoginResp logged = 3; BuyReq buy = 4; BuyResp bought = 5; Notice notice = 6; } }
message Head { uint32 seq = 1; }
"#;

const PLAYER: &str = r#"
local player = throng.mod { wait = 0 }
local schema = throng.protobuf.of("shop")
function player:start()
  assert(schema:decode("BuyReq", schema:encode("BuyReq", { kind = "SWORD" })).kind == "SWORD")
  local shop = self.robot:connect("shop", throng.host)
  assert(shop:request("LoginReq", { name = "ann" }).gold == -1)
end
player:on("Notice", function(_, msg)
  assert(msg.text == "welcome ann")
  throng.count("notices")
end)
player:task("buy", function(self)
  local shop = self.robot.shop
  for count = 1, 10 do
    local bought, err = shop:try_request("BuyReq", { kind = "SWORD", count = count })
    if bought then
      assert(bought.kind == "SWORD" and #bought.items == count and bought.items[count] == -count and bought.code == 0)
    else
      assert(count == 7 and (err.code == 3 or err.kind == "decode"), tostring(err))
    end
  end
  self.robot:stop()
end)
return player
"#;

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Length, number and session before each.
    Header,
    /// Length before a message with a `oneof`.
    Oneof,
}

impl Shape {
    fn protocol(self) -> &'static str {
        match self {
            Shape::Header => {
                "[protocols.shop]\nframing = { header = [\"len:u16be\", \"id:u16be\", \"seq:u32be\"], len_covers = \"body\" }\n\
                 codec = \"protobuf\"\nschema = \"protos/shop\"\nids = \"game.v1.MsgId\"\nreply = { header = \"seq\" }\n\
                 error = { field = \"code\" }\n"
            }
            Shape::Oneof => {
                "[protocols.shop]\nframing = { length = \"u16be\" }\ncodec = \"protobuf\"\nschema = \"protos/shop\"\n\
                 envelope = { type = \"Packet\", oneof = \"payload\", session = \"head.seq\" }\nerror = { field = \"code\" }\n"
            }
        }
    }
}

/// What a server does with the seventh purchase of a robot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seventh {
    Refused,
    /// The body is no message.
    Garbled,
}

type Heard = Arc<Mutex<BTreeMap<String, u64>>>;

/// One connection, seen from the server.
struct Served {
    stream: TcpStream,
    schema: Schema,
    ids: IdTable,
    packet: Envelope,
    seq: FieldPath,
    shape: Shape,
}

fn serve(shape: Shape, seventh: Seventh) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let heard = Heard::default();
    let all = Arc::clone(&heard);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = Arc::clone(&all);
            thread::spawn(move || Served::new(stream, shape).run(seventh, &heard));
        }
    });
    (url, heard)
}

impl Served {
    fn new(stream: TcpStream, shape: Shape) -> Served {
        let schema = Schema::compile(&[SourceFile { name: "shop.proto", text: SHOP }]).unwrap();
        let ids = IdTable::from_enum(&schema, "MsgId", &NameRule::default()).unwrap();
        let packet = Envelope::new(&schema, "Packet", Some("payload")).unwrap();
        let seq = FieldPath::new(&schema, schema.find_message("Packet").unwrap(), "head.seq").unwrap();
        Served { stream, schema, ids, packet, seq, shape }
    }

    fn run(mut self, seventh: Seventh, heard: &Heard) {
        while let Some((message, session, fields)) = self.read() {
            let name = self.schema.message(message).short_name().to_owned();
            *heard.lock().unwrap().entry(name.clone()).or_default() += 1;
            let written = if name == "LoginReq" {
                assert_eq!(fields.field("name"), Some(&"ann".into()));
                self.say("Notice", 0, &Value::message([("text", "welcome ann".into())]));
                self.say("LoginResp", session, &Value::message([("gold", Value::Unsigned(u64::MAX))]))
            } else {
                let Some(Value::Integer(count)) = fields.field("count") else { panic!("{fields}") };
                match (count, seventh) {
                    (7, Seventh::Refused) => {
                        self.say("BuyResp", session, &Value::message([("code", 3.into())]))
                    }
                    (7, Seventh::Garbled) => self.write("BuyResp", session, &[0x1a, 0xff]),
                    _ => {
                        let items = (1..=*count).map(|item| Value::Integer(-item)).collect();
                        let kind = fields.field("kind").cloned().unwrap();
                        let fields = [("kind", kind), ("items", Value::Array(items))];
                        self.say("BuyResp", session, &Value::message(fields))
                    }
                }
            };
            if written.is_none() {
                return;
            }
        }
    }

    /// The next message with its session and fields.
    fn read(&mut self) -> Option<(MessageId, i64, Value)> {
        let mut take = |length: usize| {
            let mut bytes = vec![0; length];
            self.stream.read_exact(&mut bytes).ok()?;
            Some(bytes)
        };
        let whole = |bytes: &[u8]| bytes.iter().fold(0, |whole, byte| whole << 8 | i64::from(*byte));
        let length = whole(&take(2)?) as usize;
        match self.shape {
            Shape::Header => {
                let header = take(6)?;
                let body = take(length)?;
                let message = self.ids.message(whole(&header[..2])).unwrap();
                let fields = decode_value(&self.schema, message, &body).unwrap();
                Some((message, whole(&header[2..]), fields))
            }
            Shape::Oneof => {
                let payload = take(length)?;
                let opened = self.packet.read(&payload).unwrap().unwrap();
                let session = self.seq.integer(&payload).unwrap().unwrap();
                let fields = decode_value(&self.schema, opened.case.message, opened.body).unwrap();
                Some((opened.case.message, session, fields))
            }
        }
    }

    fn say(&mut self, name: &str, session: i64, fields: &Value) -> Option<()> {
        let mut body = Vec::new();
        let message = self.schema.find_message(name).unwrap();
        encode_value(&self.schema, message, fields, &mut body).unwrap();
        self.write(name, session, &body)
    }

    fn write(&mut self, name: &str, session: i64, body: &[u8]) -> Option<()> {
        let message = self.schema.find_message(name).unwrap();
        let mut frame = Vec::new();
        match self.shape {
            Shape::Header => {
                frame.extend((body.len() as u16).to_be_bytes());
                frame.extend((self.ids.id(message).unwrap() as u16).to_be_bytes());
                frame.extend((session as u32).to_be_bytes());
                frame.extend(body);
            }
            Shape::Oneof => {
                let mut payload = Vec::new();
                let case = self.packet.cases().iter().find(|case| case.message == message).unwrap();
                self.packet.write(case, body, &mut payload);
                if session != 0 {
                    self.seq.write_integer(session, &mut payload);
                }
                frame.extend((payload.len() as u16).to_be_bytes());
                frame.extend(payload);
            }
        }
        self.stream.write_all(&frame).ok()
    }
}

fn play(shape: Shape, seventh: Seventh) -> (Played, BTreeMap<String, u64>) {
    let (url, heard) = serve(shape, seventh);
    let toml = format!("{}{ANY_ERRORS}", settings(&url, 12, shape.protocol()));
    let played = Project::new(&toml, PLAYER).file("protos/shop/v1/shop.proto", SHOP).run(&[]);
    let heard = heard.lock().unwrap().clone();
    (played, heard)
}

#[track_caller]
fn check(shape: Shape, seventh: Seventh, kind: &str) {
    let (played, heard) = play(shape, seventh);
    let report = played.passed();
    assert_eq!(heard, counts([("LoginReq", 12), ("BuyReq", 120)]), "{shape:?}");
    let (logins, purchases) = (report.books("LoginReq"), report.books("BuyReq"));
    assert_eq!((logins.count, logins.ok), (12, 12), "{shape:?}");
    assert_eq!((purchases.count, purchases.ok, purchases.failures), (120, 108, 12), "{shape:?}");
    assert_eq!(report.failures("BuyReq"), counts([(kind, 12)]), "{shape:?}");
    assert_eq!(report.errors(), counts([(kind, 12)]), "{shape:?}");
    assert_eq!(report.counter("notices"), 12, "{shape:?}");
    assert_eq!(report.number("/robots/stopped"), 12, "{shape:?}");
}

#[test]
fn requests_pushes_and_refusals_are_counted_as_the_server_counts_them() {
    check(Shape::Header, Seventh::Refused, "rejected");
    check(Shape::Oneof, Seventh::Refused, "rejected");
}

#[test]
fn fields_that_the_robots_schema_does_not_know_are_counted_and_are_no_failure() {
    let (url, _) = serve(Shape::Header, Seventh::Refused);
    let older =
        SHOP.replace("repeated sint64 items = 3;", "").replace("Notice { string text = 1; }", "Notice {}");
    let player = PLAYER
        .replace(" and #bought.items == count and bought.items[count] == -count", "")
        .replace("assert(msg.text == \"welcome ann\")", "assert(msg.text == nil)");
    let toml = format!("{}{ANY_ERRORS}", settings(&url, 4, Shape::Header.protocol()));
    let played = Project::new(&toml, &player).file("protos/shop/v1/shop.proto", &older).run(&[]);
    let report = played.passed();
    assert_eq!(report.errors(), counts([("rejected", 4)]));
    assert_eq!(report.counter("unknown_fields BuyResp"), 4 * 9);
    assert_eq!(report.counter("unknown_fields Notice"), 4);
    assert_eq!(report.counter("notices"), 4);
}

#[test]
fn bodies_that_are_no_messages_are_counted_and_robots_live() {
    check(Shape::Header, Seventh::Garbled, "decode");
    check(Shape::Oneof, Seventh::Garbled, "decode");
}

/// What a command says about the project, and how it ends.
fn say(project: &Project, args: &[&str]) -> (Option<i32>, String) {
    let mut command = throng();
    command.args(args).current_dir(project.path());
    let output = Running::start(command).wait();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn check_knows_messages_and_fields() {
    let project = |player: &str| {
        let toml = settings("tcp://127.0.0.1:1", 1, Shape::Header.protocol());
        Project::new(&toml, player).file("protos/shop/shop.proto", SHOP)
    };
    let (code, said) = say(&project(PLAYER), &["check"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("5 messages: nothing wrong"), "{said}");
    assert!(said.contains("shop.ids  no message is called like MSG_ID_NONE"), "{said}");
    let (code, said) = say(&project(&PLAYER.replace("count = count", "cuont = count")), &["check"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cuont") && said.contains("did you mean `count`"), "{said}");
    let (code, said) =
        say(&project(&PLAYER.replace("kind = \"SWORD\", count", "kind = \"SWROD\", count")), &["check"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("game.v1.Kind") && said.contains("did you mean `SWORD`"), "{said}");
    let header = PLAYER.replace("count = count }", "count = count }, { header = { sek = 1 } }");
    let (code, said) = say(&project(&header), &["check"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no field `sek` around a message"), "{said}");
    let (code, said) = say(&project(&PLAYER.replace("\"BuyReq\"", "\"BuyRek\"")), &["check"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("BuyRek") && said.contains("did you mean `BuyReq`"), "{said}");
}

#[test]
fn check_knows_the_names_of_documents_and_that_others_may_come_first() {
    let check = |protocol: &str, player: &str| {
        let toml = settings("tcp://127.0.0.1:1", 1, protocol);
        say(&Project::new(&toml, player).file("protos/shop/shop.proto", SHOP), &["check"])
    };
    let player = |name: &str| {
        format!(
            "local a = throng.mod() function a:start() local c = self.robot:connect('c', throng.host) \
             c:request('{name}') end return a"
        )
    };
    let json = "[protocols.town]\nframing = { delimiter = \"\\n\" }\ncodec = \"json\"\njson = { name = \"cmd\", session = \"seq\" }\n";
    let (code, said) = check(json, &player("anything"));
    assert_eq!(code, Some(0), "{said}");
    let ids = format!("{json}ids = {{ send = {{ login = 1 }}, receive = {{ welcome = 1 }} }}\n");
    assert_eq!(check(&ids, &player("login")).0, Some(0));
    let (code, said) = check(&ids, &player("lgoin"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("did you mean `login`"), "{said}");
    let first = "first = { codec = \"raw\", reply = \"fifo\" }\n";
    let protocol = format!("{}{first}", Shape::Header.protocol());
    let (code, said) = check(&protocol, &player("handshake"));
    assert_eq!(code, Some(0), "{said}");
    let (_, said) = check(&protocol, &player("LoginRek"));
    assert!(said.contains("did you mean `LoginReq`"), "{said}");
}

#[test]
fn try_shows_each_message_decoded() {
    let (url, _) = serve(Shape::Oneof, Seventh::Refused);
    let toml = settings(&url, 1, Shape::Oneof.protocol());
    let project = Project::new(&toml, PLAYER).file("protos/shop/shop.proto", SHOP);
    let (_, said) = say(&project, &["try", "-t", "5s"]);
    for part in [
        "name = \"ann\"",
        "gold = -1",
        "welcome ann",
        "kind = \"SWORD\", count = 3",
        "items = [-1, -2]",
        "code = 3",
    ] {
        assert!(said.contains(part), "no {part} in {said}");
    }
}

#[test]
fn mistakes_in_settings_and_schemas_are_shown_where_they_are() {
    let check = |protocol: &str, schema: &str, parts: &[&str]| {
        let toml = settings("tcp://127.0.0.1:1", 1, protocol);
        let project = Project::new(&toml, PLAYER).file("protos/shop/v1/shop.proto", schema);
        let (code, said) = say(&project, &["check"]);
        assert_eq!(code, Some(2), "{said}");
        for part in parts {
            assert!(said.contains(part), "no {part} in {said}");
        }
    };
    let header = Shape::Header.protocol();
    check(header, &SHOP.replace("sint64 count", "sint46 count"), &["protos/shop/v1/shop.proto:8", "sint46"]);
    check(&header.replace("v1.MsgId", "v1.MsgIds"), SHOP, &["throng.toml:", "did you mean `game.v1.MsgId`"]);
    check(&header.replace("\"code\"", "\"coda\""), SHOP, &["`protocols.shop.error`", "coda"]);
    check(&header.replace("ids = ", "package = "), SHOP, &["means nothing to codec \"protobuf\""]);
    let oneof = Shape::Oneof.protocol();
    check(
        &oneof.replace("\"head.seq\"", "\"head.sek\""),
        SHOP,
        &["`protocols.shop.envelope`", "did you mean `seq`"],
    );
    let ids = |table: &str| header.replace("\"game.v1.MsgId\"", table);
    check(&ids("{ send = { BuyReq = 1 } }"), SHOP, &["`protocols.shop.ids.receive` is missing"]);
    check(&ids("{ send = \"MsgIds\", receive = \"MsgId\" }"), SHOP, &["did you mean `game.v1.MsgId`"]);
    check(&ids("{ BuyReq = 1, BuyResp = 1 }"), SHOP, &["id 1 stands for"]);
    check(&oneof.replace("oneof = \"payload\"", "name = \"n\""), SHOP, &["does not say where a message is"]);
    check(&format!("{oneof}[protocols.shop.ids]\nBuyReq = 1\n"), SHOP, &["both an envelope and ids"]);
    check(
        &format!("defaults = \"none\"\n{oneof}").replacen(
            "defaults = \"none\"\n[protocols.shop]\n",
            "[protocols.shop]\ndefaults = \"none\"\n",
            1,
        ),
        SHOP,
        &["`protocols.shop.defaults` has no such choice"],
    );
}
