//! `throng compare` on runs whose samples are written here, so that what differs is known.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use throng_metrics::{Answer, Ledger, Recorder};
use throng_store::{Ending, NewRun, Stretch, Writer};

use crate::play::{GAME, Played, Project, Running, settings, throng};

/// A run of so many seconds, the first five of a ramp in which all is slow.
fn keep(file: &Path, robots: u64, seconds: u64, us: u64) {
    let run = NewRun { project: "game".into(), target: "ws://10.0.0.7".into(), robots, ..NewRun::default() };
    let mut writer = Writer::begin(file, &run).unwrap();
    let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
    let id = recorder.request("Move", "game");
    for second in 0..seconds {
        let ramp = second < 5;
        for step in 0..40 {
            let latency_us = if ramp { 900_000 } else { us + (second * 41 + step * 17) % 400 };
            let answer = Answer { latency_us, intended_us: None, observed_us: latency_us, generator_us: 0 };
            recorder.issued(id);
            recorder.answered(id, answer);
        }
        ledger.merge(&recorder.take());
        ledger.close_second(Duration::from_secs(1), "hold");
        writer.write(Stretch {
            at: Duration::from_secs(second),
            took: Duration::from_secs(1),
            phase: if ramp { "ramp_up" } else { "hold" },
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
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(document["phases"], "hold");
    let rows = document["comparison"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row["finding"] == "no_difference_seen"), "{rows:?}");
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
