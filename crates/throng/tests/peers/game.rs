//! An envelope robot on a game server of another hand.

use std::process::Command;

use crate::play::{Project, settings};
use crate::report::{Books, Counts, counts};
use crate::server::Server;

const PROTOCOL: &str = r#"
[protocols.arena]
codec = "sproto"
schema = "protos/arena.sproto"
envelope = { type = "Msg", name = "Name", body = "Bin" }
reply = { "*Request" = "*Response" }
request_timeout = "1m"
on_close = "call"
"#;

const PLAYER: &str = include_str!("game.lua");

fn start() -> Server {
    let missing =
        "set PEERS_PYTHON to a Python with the packages of tests/peers/requirements.txt, as ./test does";
    let python = std::env::var_os("PEERS_PYTHON").unwrap_or_else(|| panic!("{missing}"));
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/game_server.py"));
    Server::start(command, missing)
}

#[test]
fn envelopes_go_to_and_fro_with_python() {
    let mut server = start();
    let url = format!("ws://127.0.0.1:{}", server.line());
    let project = Project::new(&settings(&url, 8, PROTOCOL), PLAYER)
        .file("protos/arena.sproto", include_str!("arena.sproto"));
    let played = project.run(&[]);
    let report = played.passed();

    server.terminate();
    let theirs: Counts = serde_json::from_str::<serde_json::Value>(&server.line())
        .unwrap()
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, count)| (name.clone(), count.as_u64().unwrap()))
        .collect();
    let answered = |count| Books { count, ok: count, ..Books::default() };
    for (request, count) in [("Join", 8), ("Bag", 160), ("Shout", 40), ("Leave", 8)] {
        assert_eq!(report.books(&format!("{request}Request")), answered(count));
        assert_eq!(theirs[&format!("{request}Request")], count);
        assert_eq!(theirs[&format!("{request}Response")], count);
    }
    // The first to join hears of eight joins, the last of one.
    assert_eq!((report.push("CrowdNotice"), theirs["CrowdNotice"]), ((36, 36), 36));
    assert_eq!((report.push("ShoutNotice"), theirs["ShoutNotice"]), ((280, 280), 280));
    for (check, passed) in
        [("bag", 160), ("total", 160), ("heard", 40), ("shouts come in order", 280), ("goodbye", 8)]
    {
        assert_eq!(report.check(check), (passed, 0), "{check}");
    }
    assert_eq!((report.ended("arena"), theirs["connections"]), (counts([("server", 8)]), 8));
    assert_eq!(theirs["closed with 4001"], 8, "the goodbye is answered in kind");
    assert_eq!(report.errors(), counts([]));
}
