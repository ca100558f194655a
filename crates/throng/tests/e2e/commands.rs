//! The other commands, on servers that are really there: `demo`, `new`, `check`, `try`.

use std::path::Path;
use std::process::Output;

use throng_demo::{Demo, DemoOptions, ServerKind};

use crate::play::{GAME, Project, Running, once, settings, throng};
use crate::report::Report;
use crate::servers::Server;

/// In place of a project's own bound of a latency, which a busy machine may exceed.
const PATIENT: &str = "< 1m";

fn run_in(dir: &Path, args: &[&str]) -> Output {
    let mut command = throng();
    command.args(args).current_dir(dir);
    Running::start(command).wait()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn demo_plays_lobby_game_and_battle_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["demo", "-u", "8", "-r", "8", "-t", "8s", "--json", "demo.json", "--seed", "1"];
    let mut command = throng();
    command.args(args).current_dir(dir.path()).env("THRONG_THRESHOLDS_REQUEST_ECHOREQUEST_P99", PATIENT);
    let output = Running::start(command).wait();
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let report = Report::read(&std::fs::read_to_string(dir.path().join("demo.json")).unwrap());
    assert_eq!((report.number("/robots/started"), report.number("/robots/ready")), (8, 8));
    let connections: Vec<_> =
        report.rows("connections").iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(connections, ["battle", "game", "lobby"]);
    for request in ["ServerListRequest", "LoginReuest", "BattleRequest", "handshake", "join"] {
        assert_eq!(report.books(request).ok, 8, "{request}");
    }
    assert_eq!(report.errors(), crate::report::counts([]));
}

#[test]
fn what_new_writes_plays_against_the_demo() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Demo::start(DemoOptions::default()).unwrap();
    for (template, server, request, threshold) in [
        ("sproto-ws", ServerKind::Lobby, "EchoRequest", "THRONG_THRESHOLDS_REQUEST_ECHOREQUEST_P99"),
        ("sproto-rpc", ServerKind::Battle, "get", "THRONG_THRESHOLDS_REQUEST_GET_P99"),
    ] {
        let made = run_in(dir.path(), &["new", template, "--template", template]);
        assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
        let url = demo.url(server).unwrap();
        let args = [
            "run", template, "-H", &url, "-u", "5", "-r", "100", "-t", "4s", "--json", "new.json", "--seed",
            "1",
        ];
        let mut command = throng();
        command.args(args).current_dir(dir.path()).env("THRONG_ROBOT_WAIT", "50ms").env(threshold, PATIENT);
        let output = Running::start(command).wait();
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        let report = Report::read(&std::fs::read_to_string(dir.path().join("new.json")).unwrap());
        assert_eq!(report.number("/robots/ready"), 5);
        assert!(report.books(request).ok > 0, "{}", report.value()["requests"]);
    }
}

#[test]
fn check_finds_a_misspelled_field_before_anything_is_run() {
    let right = once("game:request('EchoRequest', { Text = 'x' })");
    let project = Project::new(&settings("ws://127.0.0.1:1", 1, GAME), &right);
    let output = run_in(project.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let project = project.file("mods/player.lua", &right.replace("Text =", "Txet ="));
    let output = run_in(project.path(), &["check"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    let said = text(&output.stdout) + &text(&output.stderr);
    for part in ["mods/player.lua:5", "Txet", "Text"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
}

#[test]
fn try_shows_one_robot_with_each_message_decoded() {
    let server = Server::start(ServerKind::Game, &["game.EchoRequest.pushes=1"]);
    let player = once(
        "throng.log.info('about to ask')
         game:request('EchoRequest', { Text = 'well met' })
         game:request('LoginReuest', {})",
    );
    let project = Project::new(&settings(&server.url(), 50, GAME), &player);
    let output = run_in(project.path(), &["try", "-t", "1m"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stderr));
    let parts = [
        "EchoRequest",
        "well met",
        "EchoResponse",
        "well met from server",
        "LoginRespone",
        "MyValue",
        "UnheardOfPush",
        "about to ask",
        "game",
    ];
    for part in parts {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    assert!(!shown.contains('\x1b'), "no colours in a pipe: {shown}");
    assert_eq!(server.end().connections.accepted, 1, "one robot, whatever the plan says");
}

#[test]
fn try_shows_the_source_line_of_an_error() {
    let server = Server::start(ServerKind::Game, &[]);
    let player = once("local reply = game:request('EchoRequest', {})\nprint(reply.Text.name.first)");
    let project = Project::new(&settings(&server.url(), 1, GAME), &player);
    let output = run_in(project.path(), &["try", "-t", "1s"]);
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert!(shown.contains("mods/player.lua:6"), "{shown}");
    assert!(shown.contains("print(reply.Text.name.first)"), "{shown}");
    assert_eq!(output.status.code(), Some(1), "{shown}");
}

#[test]
fn try_shows_fields_that_are_not_sent_and_the_functions_of_the_run() {
    let server = Server::start(ServerKind::Game, &[]);
    let player = once("local body = { Text = 'x' }\nbody.Txet = 'y'\ngame:request('EchoRequest', body)");
    let functions = "throng.run.on_start(function() print('shop opens') end)
                     throng.run.on_stop(function() print('shop closes') end)";
    let project = Project::new(
        &settings(&server.url(), 1, GAME),
        &player.replace("return player", &format!("{functions} return player")),
    );
    let output = run_in(project.path(), &["try", "-t", "1m"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stderr));
    let stray = "mods/player.lua:7: EchoRequest has no field 'Txet'; did you mean 'Text'? (it is not sent)";
    let places = ["shop opens", "player.start", stray, "EchoResponse", "shop closes"]
        .map(|part| shown.find(part).unwrap_or_else(|| panic!("no {part} in {shown}")));
    assert!(places.is_sorted(), "{shown}");
    let left = project
        .file("mods/left.lua", "throng.run.on_stop(function() error('left over') end)\nreturn throng.mod()");
    let output = run_in(left.path(), &["try", "-t", "1s"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for part in ["left over (throng.run.on_stop)", "mods/left.lua:1 |", "1 error; see above"] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    let output = run_in(left.path(), &["check"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("throng.run.on_start  mods/player.lua:"), "{shown}{}", text(&output.stderr));
}

#[test]
fn try_says_that_nobody_is_there() {
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Refuse)).unwrap();
    let url = demo.url(ServerKind::Refuse).unwrap().replace("tcp://", "ws://");
    let project = Project::new(&settings(&url, 1, GAME), &once(""));
    let output = run_in(project.path(), &["try", "-t", "2s"]);
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("refused") && !shown.contains("NaN"), "{shown}");
}
