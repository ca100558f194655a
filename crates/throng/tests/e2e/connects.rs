//! Servers that cannot be connected to: each way is an outcome of its own.

use throng_demo::{Demo, DemoOptions, ServerKind};

use crate::play::{ECHO, GAME, Project, once, settings};
use crate::report::counts;

/// A mod that connects once, with a short time-out, and says nothing.
fn connecting() -> String {
    once("").replace("connect('game', throng.host)", "connect('game', throng.host, { timeout = '2s' })")
}

/// Ten robots that want to connect to `url` in vain: how they fail, and the sentence at the end.
#[track_caller]
fn check(url: &str, protocol: &str, kind: &str, sentence: &str) {
    let played = Project::new(&settings(url, 10, protocol), &connecting()).run(&[]);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    let report = played.report();
    assert_eq!((report.verdict(), report.reason()), ("fail", sentence));
    assert!(played.said().contains(sentence), "{}", played.stdout);
    let row = report.row("connections", "game");
    assert_eq!((row["opened"].as_u64(), row["failed"].as_u64()), (Some(0), Some(10)));
    assert_eq!(row["failures_by_kind"][kind], 10, "{row}");
    assert_eq!(report.errors(), counts([(kind, 10)]));
    assert_eq!((report.number("/robots/failed"), report.number("/robots/ready")), (10, 0));
}

#[test]
fn a_server_that_refuses_everybody_is_said_in_one_sentence() {
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Refuse)).unwrap();
    check(
        &demo.url(ServerKind::Refuse).unwrap(),
        ECHO,
        "refused",
        "Nothing succeeded: all 10 connects to `game` failed, because the connection was refused.",
    );
}

#[test]
fn a_server_that_does_not_answer_is_a_time_out() {
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Unanswered)).unwrap();
    check(
        &demo.url(ServerKind::Unanswered).unwrap(),
        ECHO,
        "connect_timeout",
        "Nothing succeeded: all 10 connects to `game` failed, because the connection was not up in time.",
    );
}

#[test]
fn a_server_that_never_ends_the_websocket_handshake_is_a_time_out() {
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Mute)).unwrap();
    let url = demo.url(ServerKind::Mute).unwrap().replace("tcp://", "ws://");
    check(
        &url,
        GAME,
        "connect_timeout",
        "Nothing succeeded: all 10 connects to `game` failed, because the connection was not up in time.",
    );
}

#[test]
fn a_target_that_is_not_listed_is_not_even_tried() {
    // An address for documentation, which nobody has.
    check(
        "tcp://203.0.113.1:9000",
        ECHO,
        "forbidden",
        "Nothing succeeded: all 10 connects to `game` failed, because the target is not on the allow list.",
    );
}

#[test]
fn a_connect_is_tried_again_with_a_growing_pause() {
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Refuse)).unwrap();
    let url = demo.url(ServerKind::Refuse).unwrap();
    let retry = "connect('game', throng.host, { retry = { first = '50ms', max = '100ms', tries = 4 } })";
    let player = once("").replace("connect('game', throng.host)", retry);
    let played = Project::new(&settings(&url, 5, ECHO), &player).run(&[]);
    assert_eq!(played.code, Some(1));
    let row = played.report().row("connections", "game");
    assert_eq!((row["attempts"].as_u64(), row["failed"].as_u64()), (Some(20), Some(20)));
}
