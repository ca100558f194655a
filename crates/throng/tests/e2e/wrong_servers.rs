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

/// The protocol that they speak.
const GOOD_PROTOCOL: &str = r#"
[protocols.good]
framing = { length = "u16be" }
codec = "raw"
reply = "fifo"
"#;

/// A mod whose robots each meet one of the cases, ask once, and once more where the connection is to live on. Those behind them
/// echo at twenty a second.
const PLAYER: &str = r#"
local cases = require "cases"
local player = throng.mod { wait = { pacing = "50ms" } }

player:on("note", function() end)

local function meets(self) return self.robot.id < #cases end

function player:start()
  if not meets(self) then self.robot:connect("good", throng.host, { protocol = "good" }) end
end

player:task("meet", { when = meets }, function(self)
  local case = cases[self.robot.id + 1]
  local options = { protocol = case.protocol, timeout = "1500ms" }
  local opened, connection = pcall(self.robot.connect, self.robot, case.name, case.url, options)
  if opened then
    pcall(connection.try_request, connection, case.name, case.body, { timeout = "600ms" })
    if case.survives then
      self.robot:sleep("500ms")
      local asked, reply = pcall(connection.try_request, connection, case.name, case.body, { timeout = "1s" })
      throng.check(case.name .. " lives on", asked and reply ~= nil)
    end
  end
  self.robot:sleep("1h")
end)

player:task("echo", { when = function(self) return not meets(self) end }, function(self)
  throng.check("own reply", self.robot.good:request("echo", "hello") == "hello")
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
    format!("return {{\n{}}}\n", rows.collect::<String>())
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
    let played = project.run(&["-t", "4s"]);
    let report = played.passed();
    let wrong: Vec<String> = behaviours
        .iter()
        .filter_map(|behaviour| Some(format!("{}: {}", behaviour.name, wrong(report, behaviour)?)))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), behaviours.len(), wrong.join("\n"));
    assert_undisturbed(report);
}

/// The good robots have no failure, and each goes on for the whole run.
fn assert_undisturbed(report: &Report) {
    let Books { count, ok, failures, cancelled, .. } = report.books("echo");
    assert_eq!((ok, failures), (count - cancelled, 0));
    assert_eq!(report.check("own reply"), (ok, 0));
    // Half of the twenty a second that each does on a machine of its own.
    assert!(ok >= GOOD * 40, "{ok} echoes");
    assert_eq!(report.ended("good"), counts([("run_end", GOOD)]));
    assert_eq!(report.number("/robots/failed"), 0);
    assert!(report.rows("script_errors").is_empty(), "{:?}", report.rows("script_errors"));
}

/// What is counted otherwise than it must be.
fn wrong(report: &Report, behaviour: &Behaviour) -> Option<String> {
    let name = behaviour.name;
    let connection = report.row("connections", name);
    let row = report.rows("requests").iter().find(|row| row["connection"] == name);
    let none = Value::Null;
    let row = row.unwrap_or(&none);
    let failed = |kind: &str| row["failures_by_kind"][kind].as_u64().unwrap_or_default();
    let answered = row["ok"].as_u64().unwrap_or_default();
    let count = |field: &str| row[field].as_u64().unwrap_or_default();
    let lives = u64::from(behaviour.survives());
    let orphans = connection["orphans"].as_u64().unwrap_or_default();
    let pushes = |push: &str| {
        let is = |row: &&Value| row["connection"] == name && row["name"] == push;
        report.rows("pushes").iter().find(is).and_then(|row| row["count"].as_u64()).unwrap_or_default()
    };
    let group = |kind: &str, named: &str| {
        let is = |group: &&Value| group["kind"] == kind && group["name"] == named;
        report.rows("failures").iter().find(is)
    };
    let sampled = |kind: &str, named: &str| {
        group(kind, named)
            .and_then(|group| group["sample"].as_str())
            .is_some_and(|sample| sample.contains('|'))
    };
    let counted = match behaviour.counted {
        Counted::Connect(kind) => {
            let shown = kind != "handshake" || sampled(kind, name);
            connection["failures_by_kind"][kind] == 1 && connection["opened"] == 0 && shown
        }
        Counted::Connection(kind) => sampled(kind, name) && answered <= 1 + lives,
        Counted::Request(kind) => failed(kind) == 1,
        Counted::Reply(kind) => failed(kind) == 1 && sampled(kind, name),
        Counted::PushFails(push) => sampled("decode", push),
        Counted::Pushes(push, times) => pushes(push) == times && answered == 1 + lives,
        Counted::PushInstead(push) => pushes(push) == 1 && failed("timeout") == 1,
        Counted::Orphans(times) => orphans == times && answered == 1 + lives,
        Counted::Duplicate => count("duplicate") == 1 && answered == 1 + lives,
        Counted::Late => count("late") == 1 && failed("timeout") == 1,
        Counted::Answered => answered == 1 + lives && count("failures") == 0,
    };
    let ended = match behaviour.cause() {
        "" => true,
        cause => connection["ended"][cause] == 1,
    };
    let alive = lives == 0 || report.check(&format!("{name} lives on")) == (1, 0);
    let groups: Vec<&Value> = report
        .rows("failures")
        .iter()
        .filter(|group| group["name"] == name || group["message"].as_str().unwrap().contains(name))
        .collect();
    (!counted || !ended || !alive).then(|| {
        format!(
            "wanted {:?} and {:?}\n  {connection}\n  {row}\n  {groups:?}",
            behaviour.counted,
            behaviour.cause()
        )
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
