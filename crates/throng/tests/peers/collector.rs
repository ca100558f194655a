//! A run that pushes to a collector on the official messages of the protocol: what it has at the end is what the report says.

use std::process::Command;

use serde_json::Value;
use throng_demo::{Demo, DemoOptions, ServerKind};

use crate::play::{ECHO, Project, once, settings};
use crate::server::Server;

const ASK: &str = "for i = 1, 20 do game:request('echo', 'number ' .. i) end
     self.robot:sleep(2)
     for i = 1, 30 do game:request('echo', 'number ' .. i) end
     throng.count('gold', 7)";

const ROBOTS: u64 = 4;
const REQUESTS: u64 = ROBOTS * 50;

/// What the collector has of a run, and what the run's report says.
fn pushed(more: &str) -> (Value, Value) {
    let missing =
        "set PEERS_PYTHON to a Python with the packages of tests/peers/requirements.txt, as ./test does";
    let python = std::env::var_os("PEERS_PYTHON").unwrap_or_else(|| panic!("{missing}"));
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/collector.py"));
    let mut collector = Server::start(command, missing);
    let endpoint = format!("http://127.0.0.1:{}", collector.line());
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Echo)).unwrap();
    let export = format!(
        "[export.otlp]\nevery = 0.5\n{more}headers = {{ authorization = \"Bearer secret\" }}\n\
         resource = {{ \"deployment.environment.name\" = \"nightly\" }}\n{ECHO}"
    );
    let url = demo.url(ServerKind::Echo).unwrap();
    let played = Project::new(&settings(&url, ROBOTS, &export), &once(ASK)).run(&["--otlp", &endpoint]);
    assert!(!played.stderr.contains("collector"), "{}", played.stderr);
    let report = played.passed().value().clone();
    collector.terminate();
    (serde_json::from_str(&collector.line()).unwrap(), report)
}

#[track_caller]
fn sums_are_exact(theirs: &Value, report: &Value) {
    assert_eq!(theirs["wrong"].as_array().map(Vec::len), Some(0), "{}", theirs["wrong"]);
    assert!(theirs["pushes"].as_u64() >= Some(3), "{}", theirs["pushes"]);
    let series = &theirs["series"];
    assert_eq!(series["throng.requests{name=echo,connection=game,outcome=ok}"], REQUESTS, "{series}");
    assert_eq!(series["throng.counts{name=gold}"], ROBOTS * 7);
    for direction in ["sent", "received"] {
        assert_eq!(series[format!("throng.network.io{{direction={direction}}}")], report["bytes"][direction]);
        assert_eq!(
            series[format!("throng.messages{{direction={direction}}}")],
            report["messages"][direction]
        );
    }
    let echo = &series["throng.request.duration{name=echo,connection=game}"];
    assert_eq!((&echo["count"], &echo["buckets"]), (&REQUESTS.into(), &REQUESTS.into()));
    assert_eq!(series["throng.robots{state=stopped}"], ROBOTS as f64);
    assert_eq!(theirs["units"]["throng.request.duration"], "s");
    assert_eq!(theirs["units"]["throng.network.io"], "By");
    assert_eq!(theirs["resource"]["service.name"], "throng");
    assert_eq!(theirs["resource"]["deployment.environment.name"], "nightly");
    assert_eq!(theirs["headers"]["authorization"], "Bearer secret");
}

#[test]
fn a_collector_has_the_runs_sums() {
    let (theirs, report) = pushed("");
    sums_are_exact(&theirs, &report);
}

#[test]
fn a_collector_that_is_pushed_json_and_fixed_buckets_has_the_same_sums() {
    let (theirs, report) = pushed("protocol = \"http/json\"\nhistograms = \"explicit\"\n");
    sums_are_exact(&theirs, &report);
}
