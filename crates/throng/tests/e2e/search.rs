//! `throng search`: tries, their judgement, and what is found.

use serde_json::Value;

use crate::play::{GAME, Played, Project, Running, settings, throng};

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
    let written = std::fs::read_to_string(path).ok().map(|text| serde_json::from_str(&text).unwrap());
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
        played.said().contains("The knee is at 12 robots: that held twice, and 15 did not."),
        "{}",
        played.stdout
    );
    let curve = curve.unwrap();
    assert_eq!(curve["knee"]["load"], 12.0);
    let tries = curve["tries"].as_array().unwrap();
    let loads: Vec<f64> = tries.iter().map(|tried| tried["load"].as_f64().unwrap()).collect();
    assert_eq!(loads, [6.0, 12.0, 24.0, 18.0, 15.0, 12.0]);
    let results: Vec<&str> = tries.iter().map(|tried| tried["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["held", "held", "failed", "failed", "failed", "held"]);
    assert!(tries[2]["why"].as_str().unwrap().contains("check.small.rate"), "{}", tries[2]);
    assert_eq!(tries[5]["again"], true);
    // Each is a run of its own.
    assert_eq!(
        tries.iter().map(|tried| tried["run"].as_u64().unwrap()).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
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
    ] {
        let (played, _) = search(&project, args);
        assert_eq!(played.code, Some(2), "{args:?}: {}", played.stderr);
        assert!(played.stderr.contains(wanted), "{wanted}: {}", played.stderr);
    }
}
