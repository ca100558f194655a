//! Runs are kept in the run store: what a report says later is what was said at the end, also of a run that crashed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use serde_json::Value;
use throng_metrics::RunRecord;
use throng_store::{NewRun, Writer};

use crate::play::{GAME, Played, Project, Running, settings, throng, wait_until};

/// Robots that say hello and do nothing else.
const PLAYER: &str = "local player = throng.mod()
     function player:start() throng.check('robot', true) throng.count('hello', 2) end
     player:task('idle', function(self) self.robot:sleep(0.05) end)
     return player\n";

fn project() -> Project {
    Project::new(&settings("ws://127.0.0.1:1", 3, GAME), PLAYER)
}

/// Runs another command on the project.
fn ask(project: &Project, args: &[&str]) -> Played {
    let mut command = throng();
    command.args(args).args(["-p".as_ref(), project.path()]);
    project.played(Running::start(command).wait())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_report_says_later_what_the_run_said_at_its_end() {
    let project = project();
    let played = project.run(&["-t", "2s", "--tag-run", "base", "--note", "a first try"]);
    played.passed();
    assert!(played.said().contains("kept run 1 in"), "{}", played.stdout);
    let then = std::fs::read_to_string(project.json()).unwrap();
    let again = project.path().join("again.json");
    let reported = ask(&project, &["report", "tag:base", "--json", again.to_str().unwrap()]);
    assert_eq!(reported.code, Some(0), "{}", reported.stderr);
    assert_eq!(json(&std::fs::read_to_string(again).unwrap()), json(&then));
    let body = |text: &str| {
        let from = text.find('✓').unwrap_or_default();
        text[from..].split("\nreport ").next().unwrap_or_default().to_owned()
    };
    assert_eq!(body(&reported.stdout), body(&played.stdout));
    let listed = ask(&project, &["runs"]).said();
    assert!(listed.contains("#base a first try") && listed.contains(" pass"), "{listed}");
}

#[test]
fn what_a_killed_run_had_recorded_can_be_reported() {
    let project = project();
    let running = Running::start(project.command(&["-t", "4m"]));
    let seconds =
        || json(&ask(&project, &["runs", "--json"]).stdout)[0]["duration_s"].as_f64().unwrap_or(0.0);
    wait_until("the store has two seconds", || {
        project.path().join(".throng/runs.db").is_file() && seconds() >= 2.0
    });
    running.signal(Signal::SIGKILL);
    running.wait();
    let output = ask(&project, &["report", "--json", project.json().to_str().unwrap()]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.said().contains("throng itself came to no end"), "{}", output.stdout);
    let report = output.report();
    assert_eq!(report.verdict(), "broken");
    assert!(report.value()["duration_s"].as_f64() >= Some(2.0), "{}", output.stdout);
    assert_eq!(report.check("robot"), (3, 0));
}

#[test]
fn a_run_that_may_still_go_on_is_reported_as_such_and_its_names_are_only_text() {
    let project = project();
    let run = NewRun {
        // Later than any moment of this test.
        started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(36_000),
        record: serde_json::to_string(&RunRecord::default()).unwrap(),
        tags: vec!["red\x1b[31m".to_owned()],
        ..NewRun::default()
    };
    drop(Writer::begin(&project.path().join(".throng/runs.db"), &run).unwrap());
    let said = ask(&project, &["report"]).said();
    assert!(said.contains("may still go on"), "{said}");
    let marked = ask(&project, &["runs", "tag", "1", "blue"]);
    assert!(marked.said().contains("blue") && !marked.stdout.contains('\x1b'), "{}", marked.stdout);
}

#[test]
fn runs_are_marked_and_deleted_by_what_they_are_called() {
    let project = project();
    for _ in 0..2 {
        project.run(&["-t", "200ms"]).passed();
    }
    assert!(ask(&project, &["runs", "tag", "last~1", "old", "slow"]).said().contains("run 1: old, slow"));
    assert!(ask(&project, &["runs", "untag", "1", "slow"]).said().contains("run 1: old"));
    let missing = ask(&project, &["runs", "untag", "1", "slow"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("run 1 has no tag 'slow'; it has old"), "{}", missing.stderr);
    assert_eq!(ask(&project, &["runs", "note", "1", "with the new pool"]).code, Some(0));
    let found = json(&ask(&project, &["runs", "--tag", "old", "--json"]).stdout);
    assert_eq!((&found[0]["run"], &found[0]["note"]), (&1.into(), &"with the new pool".into()));
    assert!(ask(&project, &["runs", "delete", "1", "last"]).said().contains("deleted: 1, 2"));
    assert!(ask(&project, &["runs"]).said().contains("no such runs"));
    let gone = ask(&project, &["report", "1"]);
    assert_eq!(gone.code, Some(2));
    assert!(gone.stderr.contains("there is no run 1: there are none"), "{}", gone.stderr);
}

#[test]
fn a_run_is_not_kept_where_that_is_not_wanted_or_not_possible() {
    let project = project();
    let file = project.path().join(".throng/runs.db");
    let played = project.run(&["-t", "200ms", "--no-store"]);
    played.passed();
    assert!(!file.exists() && !played.said().contains("kept run"), "{}", played.stdout);
    let nothing = ask(&project, &["runs"]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.stderr.contains("nothing was run here yet"), "{}", nothing.stderr);
    std::fs::write(project.path().join(".throng"), "in the way").unwrap();
    let played = project.run(&["-t", "200ms"]);
    played.passed();
    assert!(
        played.stderr.contains("warning: this run is not kept: cannot make the folder"),
        "{}",
        played.stderr
    );
}
