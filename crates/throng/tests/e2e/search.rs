//! `throng search`: tries, their judgement, and what is found.

use serde_json::Value;

use nix::sys::signal::Signal;

use crate::play::{GAME, Played, Project, Running, settings, throng, wait_until};
use crate::report::leave;

/// A busy machine makes the generator late, which is not what these tests are about.
const NEVER_LIMITED: &str =
    "[generator]\nlag_p99 = \"1m\"\nworst_lag_p99 = \"1m\"\nlongest_stall = \"1m\"\ncpu = 1\n";

/// Robots without a server, of whom those from the 13th on fail their check.
fn project() -> Project {
    let toml = settings("ws://127.0.0.1:1", 1, GAME).replace("wait = 0", "wait = \"50ms\"") + NEVER_LIMITED;
    let player = "local player = throng.mod()
        player:task('play', function(self) throng.check('small', self.robot.id < 12) end)
        return player\n";
    Project::new(&toml, player)
}

fn search(project: &Project, args: &[&str]) -> (Played, Option<Value>) {
    let path = project.path().join("curve.json");
    let mut command = throng();
    command.arg("search").arg(project.path()).arg("--json").arg(&path).args(args);
    let played = project.played(Running::start(command).wait());
    let written = std::fs::read_to_string(path).ok().map(|text| {
        leave("search", &text);
        serde_json::from_str(&text).unwrap()
    });
    (played, written)
}

const QUICK: [&str; 8] = ["--hold", "2s", "--warm-up", "200ms", "-r", "1000", "--precision", "40"];

#[test]
fn the_knee_is_found_and_confirmed_and_its_tries_are_kept() {
    let project = project();
    let args = [&QUICK[..], &["--while", "check.small.rate > 99%", "--from", "6"]].concat();
    let (played, curve) = search(&project, &args);
    assert_eq!(played.code, Some(0), "{}{}", played.stdout, played.stderr);
    assert!(
        played.said().contains("The knee is at 12 robots: that held twice, and 15 failed twice."),
        "{}",
        played.stdout
    );
    let curve = curve.unwrap();
    assert_eq!(curve["knee"]["load"], 12.0);
    let tries = curve["tries"].as_array().unwrap();
    let loads: Vec<f64> = tries.iter().map(|tried| tried["load"].as_f64().unwrap()).collect();
    assert_eq!(loads, [6.0, 12.0, 24.0, 18.0, 15.0, 12.0, 15.0]);
    let results: Vec<&str> = tries.iter().map(|tried| tried["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["held", "held", "failed", "failed", "failed", "held", "failed"]);
    assert!(tries[2]["why"].as_str().unwrap().contains("check.small.rate"), "{}", tries[2]);
    assert_eq!(tries[5]["again"], true);
    // Each is a run of its own.
    assert_eq!(
        tries.iter().map(|tried| tried["run"].as_u64().unwrap()).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7]
    );
    let mut list = throng();
    list.args(["runs", "--tag", "search", "-p"]).arg(project.path());
    let listed = project.played(Running::start(list).wait());
    assert!(
        listed.stdout.contains("24 robots") && listed.stdout.contains("12 robots, once more"),
        "{}",
        listed.stdout
    );
}

#[test]
fn a_knee_that_is_not_in_the_range_is_not_named() {
    let project = project();
    let args = [&QUICK[..], &["--while", "check.small.rate > 99%", "--from", "3", "--to", "6", "--no-store"]]
        .concat();
    let (played, curve) = search(&project, &args);
    assert_eq!(played.code, Some(1), "{}", played.stderr);
    assert!(played.said().contains("Not found: 6 robots still held"), "{}", played.stdout);
    assert_eq!(curve.unwrap()["knee"]["result"], "above_range");
    let args = [&QUICK[..], &["--while", "check.small.rate > 99%", "--from", "50", "--no-store", "--quiet"]]
        .concat();
    let (played, _) = search(&project, &args);
    assert_eq!(played.code, Some(1), "{}", played.stderr);
    assert!(played.stdout.starts_with("Not found: not even the first load held"), "{}", played.stdout);
}

#[test]
fn arrivals_are_raised_by_steps() {
    let project = project();
    let args = [
        "--raise",
        "arrivals",
        "--from",
        "4",
        "--step",
        "4",
        "--to",
        "12",
        "--no-store",
        "--hold",
        "2s",
        "--warm-up",
        "500ms",
        "--seed",
        "1",
        "--while",
        "check.small.count > 0",
        "--while",
        "errors.rate <= 100%",
        "--while",
        "robots.started < 1000",
    ];
    let (played, curve) = search(&project, &args);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    assert!(played.said().contains("12 arrivals/s still held"), "{}", played.stdout);
    assert_eq!(curve.unwrap()["tries"].as_array().unwrap().len(), 3);
}

#[test]
fn what_cannot_be_searched_is_told() {
    let project = project();
    for (args, wanted) in [
        (&["--while", "check.small.rte > 99%"][..], "--while check.small.rte > 99%"),
        (&["--while", "check.small.rate@hold > 99%"], "while the load is held"),
        (&["--while", "check.small.rate"], "--while check.small.rate"),
        (&["--while", "check.small.rate > 1%", "--from", "9", "--to", "3"], "the smaller one first"),
        (&["--while", "check.small.rate > 1%", "--hold", "1 moon"], "--hold 1 moon"),
        (&["--while", "check.small.rate > 1%", "--to", "1e12"], "at most 100000000 robots"),
        (
            &["--while", "check.small.rate > 1%", "--to", "1e12", "--raise", "task-rate"],
            "at most 1000000000 tasks/s",
        ),
        (&["--while", "check.small.rate > 1%", "-r", "0.0001"], "take longer than a day"),
        (&["--while", "check.small.rate > 1%", "--html", "nowhere/curve.html"], "there is no folder nowhere"),
        (&["--while", "check.small.rate > 1%", "--raise", "task-rate", "--arrivals", "5"], "give it with -u"),
    ] {
        let (played, _) = search(&project, args);
        assert_eq!(played.code, Some(2), "{args:?}: {}", played.stderr);
        assert!(played.stderr.contains(wanted), "{wanted}: {}", played.stderr);
    }
}

/// Robots whose tasks take a fifth of a second each: eight of them play at most forty a second.
fn slow() -> Project {
    let toml = settings("ws://127.0.0.1:1", 8, GAME) + NEVER_LIMITED;
    let player = "local player = throng.mod()
        player:task('play', function(self) self.robot:sleep(0.2) throng.check('played', true) end)
        return player\n";
    Project::new(&toml, player)
}

#[test]
fn a_rate_of_tasks_that_the_robots_cannot_play_is_not_borne() {
    let project = slow();
    let args = [
        &[
            "--raise",
            "task-rate",
            "--from",
            "5",
            "--to",
            "400",
            "--no-store",
            "--hold",
            "2s",
            "--warm-up",
            "500ms",
        ][..],
        &["-r", "1000", "--precision", "100", "--while", "check.played.rate > 99%"],
    ]
    .concat();
    let (played, curve) = search(&project, &args);
    assert_eq!(played.code, Some(0), "{}{}", played.stdout, played.stderr);
    let curve = curve.unwrap();
    assert_eq!(curve["of"], "tasks/s");
    let (load, fails_at) = (&curve["knee"]["load"], &curve["knee"]["fails_at"]);
    assert!(load.as_f64() >= Some(10.0) && load.as_f64() <= Some(40.0), "{curve}");
    assert!(fails_at.as_f64() <= Some(80.0), "{curve}");
    let failed = curve["tries"].as_array().unwrap().iter().find(|tried| tried["load"] == *fails_at).unwrap();
    let why = failed["why"].as_str().unwrap();
    assert!(why.contains("tasks were begun: the robots were busy"), "{why}");
}

#[test]
fn the_generator_s_limit_ends_a_search_when_it_is_met_twice() {
    let toml = settings("ws://127.0.0.1:1", 1, GAME) + "[generator]\ncpu = 0.000001\n";
    let player = "local player = throng.mod()
        player:task('play', function(self) throng.check('small', true) end)
        return player\n";
    let project = Project::new(&toml, player);
    let args = [&QUICK[..], &["--while", "check.small.rate > 99%", "--no-store"]].concat();
    let (played, curve) = search(&project, &args);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    assert!(played.said().contains("already at 10 robots throng itself was the limit"), "{}", played.stdout);
    let curve = curve.unwrap();
    assert_eq!(curve["knee"], serde_json::json!({ "result": "limited", "at": 10.0 }));
    let tries = curve["tries"].as_array().unwrap();
    assert_eq!(tries.iter().map(|tried| &tried["result"]).collect::<Vec<_>>(), ["limited", "limited"]);
    assert!(tries[0]["why"].as_str().unwrap().contains("core"), "{}", tries[0]);
}

#[test]
fn a_shape_does_not_move_what_a_search_raises() {
    let toml = settings("ws://127.0.0.1:1", 1, GAME)
        .replace("robots = 1\nspawn_rate = 1000", "shape = \"shape.lua\"")
        .replace("wait = 0", "wait = \"50ms\"")
        + NEVER_LIMITED;
    let player = "local player = throng.mod()
        player:task('play', function(self) throng.check('small', true) end)
        return player\n";
    let project = Project::new(&toml, player).file("shape.lua", "return function() return 1, 100 end\n");
    let args =
        ["--while", "check.small.rate > 99%", "--from", "4", "--to", "8", "--no-store", "--hold", "1s"];
    let (played, curve) = search(&project, &args);
    assert!(played.said().contains("8 robots still held"), "{}{}", played.stdout, played.stderr);
    assert_eq!(curve.unwrap()["tries"].as_array().unwrap().len(), 2);
}

#[test]
fn a_search_that_is_ended_leaves_what_it_had_found() {
    let project = project();
    let page = project.path().join("curve.html");
    let mut command = throng();
    command.arg("search").arg(project.path()).args(["--while", "check.small.rate > 99%", "--hold", "1h"]);
    command.args(["--from", "4", "-r", "1000", "--html"]).arg(&page);
    command.arg("--json").arg(project.path().join("curve.json"));
    let running = Running::start(command);
    wait_until("the first try is kept", || project.path().join(".throng/runs.db").exists());
    running.signal(Signal::SIGINT);
    let played = project.played(running.wait());
    assert_eq!(played.code, Some(130), "{}{}", played.stdout, played.stderr);
    let curve: Value =
        serde_json::from_str(&std::fs::read_to_string(project.path().join("curve.json")).unwrap()).unwrap();
    assert_eq!(curve["knee"]["result"], "broken_off");
    assert!(std::fs::read_to_string(page).unwrap().contains("broken_off"));
}
