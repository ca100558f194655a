//! `throng compare` on runs whose samples are written here, so that what differs is known.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use throng_metrics::{Answer, Ledger, Recorder, Stretch};
use throng_store::{Ending, NewRun, Writer};

use crate::play::{GAME, Played, Project, Running, once, settings, throng};
use crate::report::leave;
use crate::servers::Server;
use throng_demo::ServerKind;

/// A run of so many seconds, the first five of a ramp in which all is slow.
fn keep(file: &Path, robots: u64, seconds: u64, us: u64) {
    keep_as("Move", file, robots, seconds, us);
}

/// The same of another message.
fn keep_as(message: &str, file: &Path, robots: u64, seconds: u64, us: u64) {
    let phase = |second| if second < 5 { ("ramp_up", 900_000) } else { ("hold", us) };
    keep_phases((message, file), robots, seconds, phase, |_| None);
}

/// A run whose seconds are of phases, each with a latency, and in which so many robots are wanted.
fn keep_phases(
    (message, file): (&str, &Path),
    robots: u64,
    seconds: u64,
    phase: impl Fn(u64) -> (&'static str, u64),
    wanted: impl Fn(u64) -> Option<u64>,
) {
    let run = NewRun { project: "game".into(), target: "ws://10.0.0.7".into(), robots, ..NewRun::default() };
    let mut writer = Writer::begin(file, &run).unwrap();
    let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
    let id = recorder.request(message, "game");
    for second in 0..seconds {
        let (phase, us) = phase(second);
        for step in 0..40 {
            let latency_us = us + (second * 41 + step * 17) % 400;
            let answer = Answer { latency_us, intended_us: None, observed_us: latency_us, generator_us: 0 };
            recorder.issued(id);
            recorder.answered(id, answer);
        }
        ledger.merge(&recorder.take());
        ledger.want_robots(wanted(second));
        ledger.close_second(Duration::from_secs(1), phase);
        writer.write(Stretch {
            at: Duration::from_secs(second),
            took: Duration::from_secs(1),
            phase,
            totals: ledger.last_second(),
            run: ledger.totals(),
        });
        writer.flush();
    }
    let end = writer.end(Ending { verdict: "pass".into(), record: "{}".into(), ..Ending::default() });
    assert!(end.error.is_none() && end.not_kept == 0);
}

fn project(runs: &[(u64, u64, u64)]) -> Project {
    let project = Project::new(&settings("ws://127.0.0.1:1", 1, GAME), "return throng.mod()");
    let file = project.path().join(".throng/runs.db");
    runs.iter().for_each(|&(robots, seconds, us)| keep(&file, robots, seconds, us));
    project
}

fn compare(project: &Project, args: &[&str]) -> Played {
    let mut command = throng();
    command.arg("compare").args(args).args(["-p".as_ref(), project.path()]);
    project.played(Running::start(command).wait())
}

#[test]
fn a_slowdown_of_5_percent_is_found_and_can_fail_a_script() {
    let project = project(&[(10, 45, 20_000), (10, 45, 21_000)]);
    let compared = compare(&project, &["1", "2"]);
    assert_eq!(compared.code, Some(0), "{}", compared.stderr);
    let said = compared.said();
    assert!(said.contains("Run 2 is worse than run 1 in 3 of 5 figures."), "{}", compared.stdout);
    assert!(said.contains("40s and 40s, in which the plan held"), "{}", compared.stdout);
    assert!(said.contains("not shown: 2 no difference seen"), "{}", compared.stdout);
    assert_eq!(compare(&project, &["1", "2", "--fail-on-worse"]).code, Some(1));
    assert_eq!(compare(&project, &["2", "1", "--fail-on-worse"]).code, Some(0));
    assert_eq!(compare(&project, &["1", "2", "--fail-on-worse", "--at-least", "6%"]).code, Some(0));
}

#[test]
fn runs_alike_show_no_difference_and_the_document_has_all_rows() {
    let project = project(&[(10, 45, 20_000), (10, 45, 20_000)]);
    let file = project.path().join("compared.json");
    let compared = compare(&project, &["last~1", "last", "--all", "--json", file.to_str().unwrap()]);
    let said = compared.said();
    assert!(said.contains("No difference seen between run 1 and run 2"), "{}", compared.stdout);
    assert!(said.contains("game/Move"), "{}", compared.stdout);
    let text = std::fs::read_to_string(file).unwrap();
    leave("compare", &text);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["phases"], serde_json::json!(["hold"]));
    let rows = document["comparison"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row["finding"] == "no_difference_seen"), "{rows:?}");
}

/// A plan of named stages: `up` for ten seconds, in which robots come and all is slow, then `evening`, then `night`.
fn keep_stages(file: &Path, evening: u64, night: u64, us: u64) {
    let phase = move |second| match second {
        0..10 => ("up", 400_000 + us),
        10.. if second < 10 + evening => ("evening", us),
        _ => ("night", us / 2),
    };
    keep_phases(("Move", file), 10, 10 + evening + night, phase, |second| Some((second + 1).min(10)));
}

#[test]
fn stages_with_names_are_compared_while_their_robots_stay() {
    let project = project(&[]);
    let file = project.path().join(".throng/runs.db");
    keep_stages(&file, 40, 30, 20_000);
    keep_stages(&file, 40, 30, 21_000);
    let compared = compare(&project, &["1", "2"]);
    assert!(compared.said().contains("in which the plan held (evening, night)"), "{}", compared.stdout);
    assert!(!compared.said().contains("ramps are compared"), "{}", compared.stdout);
    assert!(compared.said().contains("Run 2 is worse than run 1 in 6 of 10 figures"), "{}", compared.stdout);
    assert!(compared.said().contains("game/Move@evening") && compared.said().contains("game/Move@night"));
    let night = compare(&project, &["1", "2", "--phase", "night"]);
    assert!(night.said().contains("Compared: 30s and 30s, of the phase night"), "{}", night.stdout);
    let none = compare(&project, &["1", "2", "--phase", "nihgt"]);
    assert_eq!(none.code, Some(2));
    let said = "error: run 1 has no phase 'nihgt': it has up, evening, night";
    assert!(none.stderr.contains(said), "{}", none.stderr);
    keep_stages(&file, 60, 0, 20_000);
    let apart = compare(&project, &["1", "3"]);
    assert!(
        apart.said().contains("the phase night is not compared: it held for 30s and 0s"),
        "{}",
        apart.stdout
    );
    assert!(apart.said().contains("in which the plan held (evening)"), "{}", apart.stdout);
}

#[test]
fn what_makes_figures_doubtful_is_said() {
    let project = project(&[(10, 12, 20_000), (20, 45, 20_000)]);
    let compared = compare(&project, &["1", "2"]);
    let said = compared.said();
    assert!(said.contains("the numbers of robots differ: 10 and 20"), "{}", compared.stdout);
    assert!(said.contains("fewer than 20 seconds of a run"), "{}", compared.stdout);
    assert!(said.contains("all but the stop"), "{}", compared.stdout);
    let same = compare(&project, &["2", "last"]);
    assert_eq!(same.code, Some(2));
    assert!(same.stderr.contains("'2' and 'last' are both run 2"), "{}", same.stderr);
}

/// A project that plays echoes against a server, and whose store has a run of 45 seconds with echoes of that latency.
fn playing(server: &Server, us: u64) -> Project {
    let toml = settings(&server.url(), 10, GAME).replace("wait = 0", "wait = \"100ms\"");
    let echo = "game:request('EchoRequest', { Text = 'x' })";
    let project = Project::new(&toml, &once(echo).replace("self.robot:stop()", ""));
    keep_as("EchoRequest", &project.path().join(".throng/runs.db"), 10, 45, us);
    project
}

#[test]
fn a_run_that_became_worse_than_its_baseline_fails() {
    let server = Server::start(ServerKind::Game, &["game.EchoRequest.delay=30ms"]);
    let project = playing(&server, 20_000);
    let played = project.run(&["-t", "16s", "--baseline", "last", "--baseline-tolerance", "5%"]);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    let report = played.report();
    let baseline = &report.value()["baseline"];
    assert_eq!((&baseline["run"], &baseline["tolerance"]), (&1.into(), &0.05.into()));
    let worse = baseline["worse"].as_array().unwrap();
    let p50 = worse.iter().find(|figure| figure["metric"] == "p50").unwrap();
    assert_eq!(p50["message"], "game/EchoRequest");
    assert!(p50["is"].as_f64() > p50["was"].as_f64(), "{p50}");
    assert!(report.reason().contains("baseline.game/EchoRequest."), "{}", report.reason());
    assert!(played.stdout.contains("! against run 1: "), "{}", played.stdout);
    let again = project.path().join("again.json");
    let mut command = throng();
    command.args(["report", "last", "--json"]).arg(&again).arg("-p").arg(project.path());
    assert_eq!(project.played(Running::start(command).wait()).code, Some(0));
    let again: Value = serde_json::from_str(&std::fs::read_to_string(again).unwrap()).unwrap();
    assert_eq!((&again["baseline"], &again["thresholds"]), (baseline, &report.value()["thresholds"]));
}

#[test]
fn a_run_too_short_to_be_compared_does_not_hold() {
    let server = Server::start(ServerKind::Game, &[]);
    let played = playing(&server, 100_000).run(&["-t", "1s", "--baseline", "1"]);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    let said = "baseline has no samples, wanted nothing worse than in run 1.";
    assert!(played.report().reason().ends_with(said), "{}", played.report().reason());
}

#[test]
fn a_baseline_that_is_not_there_is_refused_before_anything_is_run() {
    let server = Server::start(ServerKind::Game, &[]);
    let project = playing(&server, 1_000);
    for (args, said) in [
        (&["--baseline", "7"][..], "error: the baseline '7': there is no run 7: there is only run 1"),
        (&["--baseline", "tag:best"], "error: the baseline 'tag:best': there is no run with the tag 'best'"),
        (
            &["--baseline", "last", "--no-store"],
            "error: the baseline 'last': a run is compared as it is kept",
        ),
        (&["--baseline", "last", "--baseline-tolerance", "some"], "--baseline-tolerance"),
    ] {
        let played = project.run(args);
        assert_eq!(played.code, Some(2), "{}{}", played.stdout, played.stderr);
        assert!(played.stderr.contains(said), "{}", played.stderr);
    }
    assert_eq!(server.counts().connections.accepted, 0);
}
