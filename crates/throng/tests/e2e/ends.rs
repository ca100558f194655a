//! How a run ends: its exit code, its verdict, and the report that is written at every kind of end.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use throng_demo::ServerKind;

use crate::play::{GAME, Played, Project, Running, once, settings, wait_until};
use crate::servers::Server;

const ECHO: &str = "game:request('EchoRequest', { Text = 'x' })";

/// A mod that echoes every 10 ms until it is told to stop, which it takes as `stop` says.
fn endless(stop: &str) -> String {
    format!(
        "local player = throng.mod {{ wait = '10ms' }}
         function player:start() self.robot:connect('game', throng.host) end
         player:task('echo', function(self) self.robot.game:request('EchoRequest', {{ Text = 'x' }}) end)
         function player:stop() {stop} end
         return player"
    )
}

fn run(toml: &str, player: &str, args: &[&str]) -> Played {
    let server = Server::start(ServerKind::Game, &[]);
    Project::new(&settings(&server.url(), 2, &format!("{GAME}{toml}")), player).run(args)
}

#[test]
fn a_run_ends_when_its_time_is_up_and_robots_stop_in_good_order() {
    let played = run("", &endless("throng.count('goodbyes')"), &["-t", "1s"]);
    let report = played.passed();
    assert_eq!(report.counter("goodbyes"), 2);
    let duration = report.value()["duration_s"].as_f64().unwrap();
    assert!((1.0..30.0).contains(&duration), "{duration}");
    assert!(report.books("EchoRequest").ok > 5);
    assert_eq!(report.number("/robots/stopped"), 2);
}

#[test]
fn a_threshold_that_does_not_hold_fails_the_run() {
    let played = run("[thresholds]\n\"request.EchoRequest.p99\" = \"< 1us\"\n", &once(ECHO), &[]);
    assert_eq!(played.code, Some(1), "{}", played.stderr);
    let report = played.report();
    assert_eq!(report.verdict(), "fail");
    assert!(report.reason().contains("request.EchoRequest.p99 was"), "{}", report.reason());
    assert!(played.said().contains(report.reason()), "{}", played.stdout);
    assert_eq!(report.rows("thresholds").len(), 2, "the default one stays");
}

#[test]
fn a_threshold_without_samples_fails_the_run_and_names_what_looks_like_it() {
    let played = run("[thresholds]\n\"request.EchoReques.p99\" = \"< 1s\"\n", &once(ECHO), &[]);
    assert_eq!(played.code, Some(1), "{}", played.stderr);
    let report = played.report();
    let threshold =
        report.rows("thresholds").iter().find(|row| row["key"] == "request.EchoReques.p99").unwrap();
    assert_eq!((&threshold["passed"], &threshold["actual"]), (&false.into(), &"no samples".into()));
    assert!(threshold["nearest"].as_str().unwrap().contains("EchoRequest"), "{threshold}");
    assert!(played.stdout.contains("no samples"), "{}", played.stdout);
}

#[test]
fn a_threshold_that_does_not_hold_for_too_long_ends_the_run_and_is_said_first() {
    let toml = "request_timeout = \"300ms\"\n[thresholds]\n\
                \"errors.rate\" = { must = \"< 5%\", abort_after = \"1s\" }\n\"request.EchoRequest.count\" = \"> 0\"\n";
    let server = Server::start(ServerKind::Game, &["game.EchoRequest.drop=2"]);
    let project = Project::new(
        &settings(&server.url(), 2, &format!("{GAME}{toml}")),
        &endless("throng.count('goodbyes')"),
    );
    let played = project.run(&["-t", "4m"]);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    let report = played.report();
    assert!(report.reason().starts_with("The run was ended after "), "{}", report.reason());
    assert!(report.reason().contains("errors.rate did not hold for 1s, it was "), "{}", report.reason());
    assert!(report.value()["duration_s"].as_f64().unwrap() < 60.0, "{}", report.value()["duration_s"]);
    assert_eq!((report.verdict(), report.counter("goodbyes")), ("fail", 2));
    let thresholds = report.rows("thresholds");
    assert_eq!((&thresholds[0]["ended_run"], &thresholds[1]["passed"]), (&true.into(), &true.into()));
    assert!(played.stdout.contains("which ended the run"), "{}", played.stdout);
    assert!(played.stderr.contains("stopping: errors.rate was "), "{}", played.stderr);
}

#[test]
fn a_threshold_of_a_phase_judges_its_seconds() {
    let toml = "[thresholds]\n\"request.EchoRequest.count@hold\" = \"> 0\"\n\"request.EchoRequest.p99@ramp_down\" = \"< 1s\"\n";
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&settings(&server.url(), 2, &format!("{GAME}{toml}")), &endless(""));
    let played = project.run(&["-t", "3s"]);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    let said =
        "One of 3 thresholds does not hold: request.EchoRequest.p99@ramp_down has no samples, wanted < 1s.";
    assert_eq!(played.report().reason(), said);
    assert_eq!(played.report().rows("thresholds")[1]["phase"], "hold");
}

#[test]
fn a_run_in_which_nothing_succeeds_fails_whatever_the_thresholds_say() {
    let server = Server::start(ServerKind::Game, &["game.drop=1"]);
    let toml = format!("{GAME}request_timeout = \"200ms\"\n[thresholds]\n\"errors.rate\" = \"<= 100%\"\n");
    let player = once("game:try_request('EchoRequest', { Text = 'x' })");
    let played = Project::new(&settings(&server.url(), 3, &toml), &player).run(&[]);
    assert_eq!(played.code, Some(1), "{}", played.stdout);
    let said = "Nothing succeeded: no reply in time at `game/EchoRequest` (3 times), and nothing came back.";
    assert_eq!(played.report().reason(), said);
}

#[test]
fn an_error_in_a_script_is_counted_with_the_place_it_comes_from() {
    let player = "local player = throng.mod()\n\
                  local function deep(value) return value.missing.field end\n\
                  function player:start()\n  deep({})\nend\n\
                  return player\n";
    let played = run("", player, &[]);
    assert_eq!(played.code, Some(1), "{}", played.stdout);
    let error = &played.report().rows("script_errors")[0];
    assert_eq!(error["count"], 2);
    assert!(error["message"].as_str().unwrap().starts_with("mods/player.lua:2: "), "{error}");
    let traceback = error["traceback"].as_str().unwrap();
    assert!(
        traceback.contains("mods/player.lua:2") && traceback.contains("mods/player.lua:4"),
        "{traceback}"
    );
    assert_eq!(played.report().number("/robots/failed"), 2);
}

#[track_caller]
fn refused(toml: &str, player: &str, args: &[&str], place: &str, words: &[&str]) {
    let played = Project::new(toml, player).run(args);
    assert_eq!(played.code, Some(2), "{}{}", played.stdout, played.stderr);
    for word in [&[place], words].concat() {
        assert!(played.stderr.contains(word), "no {word:?} in:\n{}", played.stderr);
    }
    assert!(!played.has_report(), "nothing was run");
}

#[test]
fn wrong_input_says_file_line_and_what_was_meant() {
    let toml = settings("ws://127.0.0.1:1", 2, GAME);
    let fine = once(ECHO);
    let unknown = toml.replace("spawn_rate", "spawn_rat");
    refused(&unknown, &fine, &[], "throng.toml:5", &["spawn_rat", "spawn_rate"]);
    let wrong_type = toml.replace("robots = 2", "robots = \"two\"");
    refused(&wrong_type, &fine, &[], "throng.toml:4", &["whole number"]);
    refused(&toml.replace("wait = 0", "wait = \"soon\""), &fine, &[], "throng.toml:9", &["soon"]);
    let no_schema = toml.replace("protos/game", "protos/gaem");
    refused(&no_schema, &fine, &[], "throng.toml:14", &["gaem"]);
    refused(&toml, &fine, &["-t", "soon"], "--run-time", &["soon"]);
    refused(&toml, &fine.replace("local game =", "local game = ="), &[], "mods/player.lua:4", &[]);
    let on_start = fine.replace("player:start", "player:on_start");
    refused(&toml, &on_start, &[], "mods/player.lua:2", &["player:start"]);
    refused(&toml, "return 1", &[], "mods/player.lua:1", &["throng.mod"]);
}

#[test]
fn a_report_that_has_no_folder_is_refused_before_anything_is_run() {
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&settings(&server.url(), 1, GAME), &once(ECHO));
    let mut command = crate::play::throng();
    command.arg("run").arg(project.path()).args(["--json", "/nowhere/at/all.json"]);
    let played = project.played(Running::start(command).wait());
    assert_eq!(played.code, Some(2), "{}", played.stdout);
    assert_eq!(played.stderr, "error: --json /nowhere/at/all.json: there is no folder /nowhere/at\n");
    assert_eq!(server.counts().connections.accepted, 0);
}

#[test]
fn a_run_that_is_out_of_descriptors_is_broken_and_says_so_beforehand() {
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&settings(&server.url(), 200, GAME), &endless(""));
    let mut command = std::process::Command::new("sh");
    let limited = "ulimit -n 64; exec \"$0\" run \"$1\" --json \"$2\" -t 3s";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_throng")]).arg(project.path()).arg(project.json());
    let played = project.played(Running::start(command).wait());
    assert_eq!(played.code, Some(3), "{}{}", played.stdout, played.stderr);
    assert_eq!(played.report().verdict(), "broken");
    assert!(played.stderr.contains("descriptors"), "{}", played.stderr);
    let lacking = played.report().errors()["local_resources"];
    assert!(played.report().reason().contains(&format!("{lacking} connections found no descriptor")));
    assert!(played.report().books("EchoRequest").ok > 0, "the others play");
}

/// Starts an endless run, and interrupts it when it plays.
fn interrupt(stop: &str, signals: &[Signal]) -> (Played, Duration) {
    let server = Server::start(ServerKind::Game, &[]);
    let toml = settings(&server.url(), 2, GAME).replace("shards = 1", "shards = 1\nstop_timeout = \"2m\"");
    let project = Project::new(&toml, &endless(stop));
    let running = Running::start(project.command(&[]));
    wait_until("robots play", || server.counts().requests["EchoRequest"] > 10);
    let begun = Instant::now();
    for (index, signal) in signals.iter().enumerate() {
        if index > 0 {
            // The first is taken: a `stop` has told the server.
            wait_until("robots stop", || server.counts().requests["LoginReuest"] > 0);
        }
        running.signal(*signal);
    }
    let played = project.played(running.wait());
    (played, begun.elapsed())
}

#[test]
fn one_interrupt_stops_robots_in_good_order_and_writes_the_report() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (played, _) = interrupt("throng.count('goodbyes')", &[signal]);
        assert_eq!(played.code, Some(130), "{}", played.stderr);
        let report = played.report();
        assert_eq!(report.verdict(), "interrupted");
        assert_eq!(report.counter("goodbyes"), 2);
        assert_eq!((report.number("/robots/stopped"), report.number("/exit_code")), (2, 130));
    }
}

#[test]
fn a_second_interrupt_ends_it_at_once_and_writes_the_report() {
    let stop = "self.robot.game:request('LoginReuest', {}) self.robot:sleep(100)";
    let (played, took) = interrupt(stop, &[Signal::SIGINT, Signal::SIGINT]);
    assert_eq!(played.code, Some(130), "{}", played.stderr);
    assert_eq!(played.report().verdict(), "interrupted");
    assert!(took < Duration::from_secs(50), "{took:?}");
}

#[test]
fn a_stop_that_takes_too_long_is_dropped() {
    let toml = settings("URL", 2, GAME).replace("shards = 1", "shards = 1\nstop_timeout = \"500ms\"");
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&toml.replace("URL", &server.url()), &endless("self.robot:sleep(100)"));
    let played = project.run(&["-t", "1s"]);
    let report = played.passed();
    let duration = report.value()["duration_s"].as_f64().unwrap();
    // Five seconds is what a `stop` may take where nothing is said.
    assert!((1.4..5.9).contains(&duration), "{duration}");
}
