//! `throng.run`: functions that are called once a run, whatever the shards and however it ends.

use nix::sys::signal::Signal;
use throng_demo::ServerKind;

use crate::play::{GAME, Project, Running, once, settings, wait_until};
use crate::servers::Server;

/// A mod with functions of the run, and robots that say hello and stay.
fn player(functions: &str) -> String {
    format!(
        "local player = throng.mod()
         {functions}
         function player:start() throng.check('robot', true) print('robot ' .. self.robot.id) end
         function player:stop() print('bye ' .. self.robot.id) end
         return player\n"
    )
}

const BOTH: &str = "local began
    throng.run.on_start(function() began = throng.now() print('on start', throng.host) end)
    throng.run.on_stop(function() assert(throng.now() > began) throng.log.warn('on stop') end)";

/// How often a text is among the lines, and the first and last line it is in.
fn places(lines: &str, text: &str) -> (usize, usize, usize) {
    let found: Vec<usize> =
        lines.lines().enumerate().filter(|(_, line)| line.contains(text)).map(|(at, _)| at).collect();
    (found.len(), found.first().copied().unwrap_or(0), found.last().copied().unwrap_or(0))
}

#[test]
fn they_run_once_before_the_first_robot_and_after_the_last() {
    let toml = settings("ws://127.0.0.1:1", 6, GAME).replace("shards = 1", "shards = 3");
    let played = Project::new(&toml, &player(BOTH)).run(&["-t", "300ms"]);
    played.passed();
    let (starts, _, started) = places(&played.stderr, "on start ws://127.0.0.1:1");
    let (stops, stopped, _) = places(&played.stderr, "on stop");
    assert_eq!((starts, stops), (1, 1), "{}", played.stderr);
    let (robots, first, _) = places(&played.stderr, "robot ");
    let (byes, _, last) = places(&played.stderr, "bye ");
    assert!((robots, byes) >= (6, 6) && started <= first && last < stopped, "{}", played.stderr);
}

#[test]
fn an_error_before_the_run_ends_it_with_exit_code_2() {
    let functions =
        format!("{BOTH} throng.run.on_start(function() local stock = nil\nreturn stock.items end)");
    let toml = settings("ws://127.0.0.1:1", 2, GAME);
    let played = Project::new(&toml, &player(&functions)).run(&["-t", "300ms"]);
    assert_eq!(played.code, Some(2), "{}", played.stderr);
    for part in ["mods/player.lua:5: attempt to index a nil value", "throng.run.on_start", "on start"] {
        assert!(played.stderr.contains(part), "no {part} in {}", played.stderr);
    }
    for part in ["robot 0", "on stop"] {
        assert!(!played.stderr.contains(part), "{part} in {}", played.stderr);
    }
}

#[test]
fn an_error_after_the_run_is_a_script_error_and_changes_nothing_else() {
    let functions = format!("throng.run.on_stop(function() error('left over') end) {BOTH}");
    let toml = settings("ws://127.0.0.1:1", 2, GAME);
    let played = Project::new(&toml, &player(&functions)).run(&["-t", "300ms"]);
    let report = played.passed();
    let errors = report.rows("script_errors");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["count"], 1);
    assert!(errors[0]["message"].as_str().unwrap().contains("left over (throng.run.on_stop)"), "{errors:?}");
    assert_eq!(report.errors(), crate::report::counts([]));
    assert_eq!(places(&played.stderr, "on stop").0, 1, "{}", played.stderr);
    assert_eq!(places(&played.stderr, "left over").0, 1, "{}", played.stderr);
}

#[test]
fn the_end_is_told_to_scripts_when_the_run_is_interrupted_too() {
    let server = Server::start(ServerKind::Game, &[]);
    let player =
        once("while true do game:request('EchoRequest', { Text = 'x' }) self.robot:sleep('10ms') end");
    let player = player.replace("return player", &format!("{BOTH} return player"));
    let project = Project::new(&settings(&server.url(), 1, GAME), &player);
    let running = Running::start(project.command(&[]));
    wait_until("the robot plays", || server.counts().requests["EchoRequest"] > 2);
    running.signal(Signal::SIGINT);
    let played = project.played(running.wait());
    assert_eq!(played.code, Some(130), "{}", played.stderr);
    assert_eq!(places(&played.stderr, "on stop").0, 1, "{}", played.stderr);
}

#[test]
fn a_function_at_the_end_that_runs_away_is_cut_off() {
    let functions = "throng.run.on_stop(function() while true do end end)";
    let toml =
        settings("ws://127.0.0.1:1", 1, GAME).replace("[robot]\n", "[robot]\nscript_deadline = \"10ms\"\n");
    let played = Project::new(&toml, &player(functions)).run(&["-t", "300ms"]);
    let report = played.passed();
    let errors = report.rows("script_errors");
    assert!(errors[0]["message"].as_str().unwrap().contains("cut off: ran for"), "{errors:?}");
}
