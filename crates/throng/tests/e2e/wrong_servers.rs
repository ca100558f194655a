//! Servers that answer wrongly in every named way: each way is counted under its name, with a sample where there are bytes to
//! show, and the robots beside notice nothing. One run for each layer, on one shard.

use std::collections::BTreeSet;

use serde_json::Value;
use throng_demo::ServerKind;
use throng_testkit::{Behaviour, Counted, Layer, Server as Hostile};

use crate::play::{Project, settings};
use crate::report::{Books, Report, counts};
use crate::servers::Server;

/// Robots that play with a good server.
const GOOD: u64 = 10;

/// How often each of them asks.
const ECHOES: u64 = 100;

/// The protocol that they speak.
const GOOD_PROTOCOL: &str = r#"
[protocols.good]
framing = { length = "u16be" }
codec = "raw"
reply = "fifo"
"#;

/// A mod whose robots each meet one of the cases, ask once, and once more where the connection is to live on. Those behind them
/// echo at twenty a second. The run is over when all of them are done, however long the machine takes for that.
const PLAYER: &str = r#"
local cases, echoes = table.unpack(require "cases")
local player = throng.mod { wait = { pacing = "50ms" } }

player:on("note", function() end)

local function meets(self) return self.robot.id < #cases end

function player:start()
  if not meets(self) then self.robot:connect("good", throng.host, { protocol = "good" }) end
end

player:task("meet", { when = meets }, function(self)
  local case = cases[self.robot.id + 1]
  local options = { protocol = case.protocol, timeout = "10s" }
  local opened, connection = pcall(self.robot.connect, self.robot, case.name, case.url, options)
  if opened then
    pcall(connection.try_request, connection, case.name, case.body, { timeout = "2s" })
    if case.survives then
      self.robot:sleep("2s")
      local asked, reply = pcall(connection.try_request, connection, case.name, case.body, { timeout = "10s" })
      throng.check(case.name .. " lives on", asked and reply ~= nil)
    end
  end
  self.robot:sleep("3s")                               -- what else comes, comes now
  self.robot:stop()
end)

player:task("echo", { when = function(self) return not meets(self) end }, function(self)
  throng.check("own reply", self.robot.good:request("echo", "hello") == "hello")
  self.echoes = (self.echoes or 0) + 1
  if self.echoes == echoes then self.robot:stop() end
end)

return player
"#;

/// The cases as a Lua module.
fn cases(behaviours: &[Behaviour], hostile: &Hostile) -> String {
    let rows = behaviours.iter().zip(hostile.addresses()).map(|(behaviour, address)| {
        let (protocol, survives) = (behaviour.protocol, behaviour.survives());
        format!(
            "  {{ name = {:?}, url = \"{}://{address}\", protocol = {:?}, body = {}, survives = {survives} }},\n",
            behaviour.name,
            protocol.scheme(),
            protocol.name(),
            protocol.body(),
        )
    });
    format!("return {{ {{\n{}}}, {ECHOES} }}\n", rows.collect::<String>())
}

/// A run in which robots meet every behaviour of a layer.
fn meet(layer: Layer) {
    let behaviours = layer.behaviours();
    let hostile = Hostile::start(&behaviours).unwrap();
    let good = Server::start(ServerKind::Echo, &[]);
    let robots = behaviours.len() as u64 + GOOD;
    let toml = settings(&good.url(), robots, GOOD_PROTOCOL).replace("wait = 0", "wait = \"50ms\"")
        + &layer.settings()
        + "\n[thresholds]\n\"errors.rate\" = \"<= 100%\"\n";
    let mut project = Project::new(&toml, PLAYER).file("lib/cases.lua", &cases(&behaviours, &hostile));
    for (path, text) in layer.files() {
        project = project.file(path, &text);
    }
    let played = project.run(&[]);
    let report = played.passed();
    let wrong: Vec<String> = behaviours
        .iter()
        .filter_map(|behaviour| Some(format!("{}: {}", behaviour.name, wrong(report, behaviour)?)))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), behaviours.len(), wrong.join("\n"));
    assert_undisturbed(report);
    assert!(
        played.stdout.contains('|') || layer == Layer::Tls,
        "the end report has samples: {}",
        played.stdout
    );
}

/// The good robots have no failure, and each goes on for the whole run.
fn assert_undisturbed(report: &Report) {
    let echoes = GOOD * ECHOES;
    assert_eq!(report.books("echo"), Books { count: echoes, ok: echoes, ..Books::default() });
    assert_eq!(report.check("own reply"), (echoes, 0));
    assert_eq!(report.ended("good"), counts([("run_end", GOOD)]));
    assert_eq!(report.number("/robots/failed"), 0);
    assert!(report.rows("script_errors").is_empty(), "{:?}", report.rows("script_errors"));
}

/// What the report says of the connection, and of its requests, that met a behaviour.
struct Met<'a> {
    report: &'a Report,
    name: &'static str,
    connection: &'a Value,
    request: &'a Value,
}

impl<'a> Met<'a> {
    fn new(report: &'a Report, name: &'static str) -> Met<'a> {
        let requests = report.rows("requests").iter().find(|row| row["connection"] == name);
        let connection = report.row("connections", name);
        Met { report, name, connection, request: requests.unwrap_or(&Value::Null) }
    }

    fn count(&self, field: &str) -> u64 {
        self.request[field].as_u64().unwrap_or_default()
    }

    fn failed(&self, kind: &str) -> u64 {
        self.request["failures_by_kind"][kind].as_u64().unwrap_or_default()
    }

    fn pushes(&self, push: &str) -> u64 {
        let is = |row: &&Value| row["connection"] == self.name && row["name"] == push;
        let row = self.report.rows("pushes").iter().find(is);
        row.and_then(|row| row["count"].as_u64()).unwrap_or_default()
    }

    /// Whether a failure of that kind and name has a sample of bytes, if of none.
    fn has_sample(&self, kind: &str, named: &str) -> bool {
        let is = |group: &&Value| group["kind"] == kind && group["name"] == named;
        let group = self.report.rows("failures").iter().find(is);
        let is_sample = |text: &str| text == "no bytes" || text.contains('|') && text.lines().count() <= 5;
        group.and_then(|group| group["sample"].as_str()).is_some_and(is_sample)
    }

    /// Whether it is counted as it must be; `asked` is how many requests a robot had answered that was harmed by nothing.
    fn is_counted(&self, counted: Counted, asked: u64) -> bool {
        let answered = self.count("ok") == asked;
        match counted {
            Counted::Connect(kind) => {
                let shown = kind != "handshake" || self.has_sample(kind, self.name);
                self.connection["failures_by_kind"][kind] == 1 && self.connection["opened"] == 0 && shown
            }
            Counted::Connection(kind) => self.has_sample(kind, self.name) && self.count("ok") <= asked,
            Counted::Request(kind) => self.failed(kind) == 1,
            Counted::Reply(kind) => self.failed(kind) == 1 && self.has_sample(kind, self.name),
            Counted::PushFails(push) => self.has_sample("decode", push),
            Counted::Pushes(push, times) => self.pushes(push) == times && answered,
            Counted::PushInstead(push) => self.pushes(push) == 1 && self.failed("timeout") == 1,
            Counted::Orphans(times) => self.connection["orphans"] == times && answered,
            Counted::Duplicate => self.count("duplicate") == 1 && answered,
            Counted::Late => self.count("late") == 1 && self.failed("timeout") == 1,
            Counted::Answered => self.count("failures") == 0 && answered,
        }
    }

    fn groups(&self) -> Vec<&Value> {
        let of_it = |group: &&Value| {
            group["name"] == self.name || group["message"].as_str().unwrap().contains(self.name)
        };
        self.report.rows("failures").iter().filter(of_it).collect()
    }
}

/// What is counted otherwise than it must be.
fn wrong(report: &Report, behaviour: &Behaviour) -> Option<String> {
    let met = Met::new(report, behaviour.name);
    let counted = met.is_counted(behaviour.counted, 1 + u64::from(behaviour.survives()));
    let cause = behaviour.cause();
    let ended = cause.is_empty() || met.connection["ended"][cause] == 1;
    let lives = || report.check(&format!("{} lives on", behaviour.name)) == (1, 0);
    let right = counted && ended && (!behaviour.survives() || lives());
    let Met { connection, request, .. } = met;
    (!right).then(|| {
        let groups = met.groups();
        format!("wanted {:?} and {cause:?}\n  {connection}\n  {request}\n  {groups:?}", behaviour.counted)
    })
}

#[test]
fn wrong_frames_and_replies() {
    meet(Layer::Framing);
}

#[test]
fn wrong_websockets() {
    meet(Layer::WebSocket);
}

#[test]
fn wrong_tls() {
    meet(Layer::Tls);
}

#[test]
fn wrong_sproto() {
    meet(Layer::Sproto);
}

#[test]
fn wrong_protocol_buffers() {
    meet(Layer::Protobuf);
}

#[test]
fn wrong_documents() {
    meet(Layer::Documents);
}

#[test]
fn there_are_more_than_a_hundred_ways_and_each_has_a_name_of_its_own() {
    let all: Vec<&str> =
        Layer::ALL.into_iter().flat_map(Layer::behaviours).map(|behaviour| behaviour.name).collect();
    let names: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(names.len(), all.len());
    assert!(all.len() >= 400, "{}", all.len());
}
