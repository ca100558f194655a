//! Each fault that is counted, by exact counts on both sides.

use std::io::{ErrorKind, Read};

use throng_demo::{Demo, ServerKind, ServerReport};
use throng_sproto::Value;

use crate::client::{Came, Envelope, Frames, Rpc, demo, empty, wait_for};

/// Sends `n` gets at once and takes all that comes until the end.
fn gets(demo: &Demo, n: usize) -> Vec<Came> {
    let mut rpc = Rpc::connect(demo);
    for _ in 0..n {
        rpc.ask("get", empty());
    }
    rpc.finish()
}

fn sessions(came: &[Came]) -> Vec<i64> {
    let session = |came: &Came| match came {
        Came::Reply { session, .. } => Some(*session),
        Came::Push { .. } => None,
    };
    came.iter().filter_map(session).collect()
}

fn battle(demo: Demo) -> ServerReport {
    demo.stop().servers.remove("battle").unwrap()
}

#[test]
fn every_third_reply_is_dropped() {
    let demo = demo(&["battle.drop=3"]);
    assert_eq!(sessions(&gets(&demo, 10)), [1, 2, 4, 5, 7, 8, 10]);
    let report = battle(demo);
    assert_eq!((report.requests["get"], report.replies["get"], report.faults.dropped), (10, 7, 3));
}

#[test]
fn the_count_runs_over_all_connections() {
    let demo = demo(&["battle.drop=5"]);
    let came: usize = (0..5).map(|_| gets(&demo, 3).len()).sum();
    assert_eq!(came, 12);
    assert_eq!(battle(demo).faults.dropped, 3);
}

#[test]
fn a_rule_for_one_message_leaves_the_others_alone() {
    let demo = demo(&["game.EchoRequest.drop=1"]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    game.send("EchoRequest", empty());
    assert_eq!(game.request("LoginReuest", empty()).0, "LoginRespone");
    assert!(game.finish().is_empty());
    let report = demo.stop();
    let game = &report.servers["game"];
    assert_eq!((game.requests["EchoRequest"], game.replies["EchoResponse"]), (1, 0));
    assert_eq!((game.faults.dropped, game.replies["LoginRespone"]), (1, 1));
}

#[test]
fn every_second_reply_comes_twice() {
    let demo = demo(&["battle.double=2"]);
    assert_eq!(sessions(&gets(&demo, 4)), [1, 2, 2, 3, 4, 4]);
    let report = battle(demo);
    assert_eq!((report.replies["get"], report.faults.doubled), (4, 2));
}

#[test]
fn every_third_reply_comes_behind_the_next() {
    let demo = demo(&["battle.reorder=3"]);
    assert_eq!(sessions(&gets(&demo, 7)), [1, 2, 4, 3, 5, 7, 6]);
    let report = battle(demo);
    assert_eq!((report.replies["get"], report.faults.reordered), (7, 2));
}

#[test]
fn a_reply_held_back_for_one_that_never_comes_is_unanswered() {
    let demo = demo(&["battle.reorder=3"]);
    assert_eq!(sessions(&gets(&demo, 3)), [1, 2]);
    let report = battle(demo);
    assert_eq!((report.replies["get"], report.faults.reordered, report.unanswered), (2, 0, 1));
}

#[test]
fn a_reply_in_single_bytes_arrives_whole() {
    let demo = demo(&["battle.single_bytes=2", "game.single_bytes=1"]);
    assert_eq!(sessions(&gets(&demo, 6)), [1, 2, 3, 4, 5, 6]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    assert_eq!(game.request("LoginReuest", empty()).0, "LoginRespone");
    let report = demo.stop();
    assert_eq!(report.servers["battle"].faults.single_bytes, 3);
    assert_eq!(report.servers["game"].faults.single_bytes, 1);
}

#[test]
fn single_bytes_reach_a_reader_one_by_one() {
    let demo = demo(&["echo.single_bytes=1"]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    let payload = [9; 1000];
    echo.send(&payload);
    let (mut reads, mut got) = (0, 0);
    while got < 1002 {
        got += echo.stream.read(&mut [0; 2000]).unwrap();
        reads += 1;
    }
    // How many bytes have gathered when the reader comes is the scheduler's choice; whole, it would be one read.
    assert!(reads > 1, "{reads} reads");
}

#[test]
fn every_third_request_is_answered_by_a_reset() {
    let demo = demo(&["echo.reset=3"]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    for _ in 0..2 {
        echo.send(b"hello");
        assert_eq!(echo.receive().unwrap(), b"hello");
    }
    echo.send(b"hello");
    assert_eq!(echo.stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let report = demo.stop();
    let echo = &report.servers["echo"];
    assert_eq!((echo.requests["echo"], echo.replies["echo"], echo.unanswered), (3, 2, 1));
    assert_eq!((echo.faults.resets, echo.connections.ended["reset"]), (1, 1));
}

#[test]
fn a_websocket_is_reset_without_a_close_frame() {
    let demo = demo(&["game.reset=1"]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    game.send("LoginReuest", empty());
    let mut stream = game.stream();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_half_closed_connection_still_reads() {
    let demo = demo(&["echo.half_close=2"]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    echo.send(b"one");
    assert_eq!(echo.receive().unwrap(), b"one");
    echo.send(b"two");
    assert_eq!(echo.receive(), None);
    echo.send(b"three");
    echo.shut();
    // The server ends the connection once it has read the end; only then is everything counted.
    wait_for(&demo, ServerKind::Echo, |echo| echo.connections.open == 0);
    let report = demo.stop();
    let echo = &report.servers["echo"];
    assert_eq!((echo.requests["echo"], echo.replies["echo"], echo.unanswered), (3, 1, 2));
    assert_eq!((echo.faults.half_closed, echo.connections.ended["client"]), (1, 1));
}

#[test]
fn a_vanished_connection_is_open_and_dead() {
    let demo = demo(&["echo.vanish=2"]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    echo.send(b"one");
    assert_eq!(echo.receive().unwrap(), b"one");
    echo.send(b"two");
    wait_for(&demo, ServerKind::Echo, |echo| echo.faults.vanished == 1);
    echo.send(b"three");
    echo.stream.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
    let error = echo.stream.read(&mut [0; 1]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    let report = demo.stop();
    let echo = &report.servers["echo"];
    assert_eq!((echo.requests["echo"], echo.replies["echo"], echo.unanswered), (2, 1, 1));
    assert_eq!(echo.faults.vanished, 1);
}

#[test]
fn garbage_cannot_be_decoded_at_all() {
    let demo = demo(&["battle.garbage=2"]);
    let mut rpc = Rpc::connect(&demo);
    for _ in 0..4 {
        rpc.ask("get", empty());
    }
    let frames: Vec<_> = (0..4).map(|_| rpc.frames.receive().unwrap()).collect();
    let understood: Vec<bool> = frames.iter().map(|frame| rpc.read(frame).is_some()).collect();
    assert_eq!(understood, [true, false, true, false]);
    let report = battle(demo);
    assert_eq!((report.replies["get"], report.faults.garbage), (4, 2));
}

#[test]
fn a_garbage_body_has_a_right_head() {
    let demo = demo(&["battle.garbage_body=1", "game.garbage_body=1"]);
    let mut rpc = Rpc::connect(&demo);
    let wanted = rpc.ask("get", empty());
    let Some(Came::Reply { session, body }) = rpc.receive() else { panic!("no head") };
    assert_eq!(session, wanted);
    assert_eq!(rpc.body("get", &body), None);

    let mut game = Envelope::connect(&demo, ServerKind::Game);
    game.send("LoginReuest", empty());
    assert_eq!(game.receive(), Some(("LoginRespone".to_owned(), None)));
}

#[test]
fn an_orphan_follows_every_second_reply() {
    let demo = demo(&["battle.orphan=2"]);
    let came = sessions(&gets(&demo, 4));
    assert_eq!(came, [1, 2, 2 + (1 << 40), 3, 4, 4 + (1 << 40)]);
    let report = battle(demo);
    assert_eq!((report.replies["get"], report.faults.orphans), (4, 2));
}

#[test]
fn unknown_pushes_follow_every_second_reply() {
    let demo = demo(&["battle.pushes=2", "game.pushes=1"]);
    let came = gets(&demo, 4);
    let unknown = |came: &&Came| matches!(came, Came::Push { tag: 9999, .. });
    assert_eq!((came.iter().filter(unknown).count(), came.len()), (2, 6));

    let mut game = Envelope::connect(&demo, ServerKind::Game);
    game.request("LoginReuest", empty());
    assert_eq!(game.receive(), Some(("UnheardOfPush".to_owned(), None)));
    let report = demo.stop();
    assert_eq!(report.servers["battle"].faults.unknown_pushes, 2);
    assert_eq!(report.servers["game"].faults.unknown_pushes, 1);
}

#[test]
fn every_second_echo_brings_a_kick() {
    let demo = demo(&["game.EchoRequest.kick=2"]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    for _ in 0..4 {
        game.send("EchoRequest", Value::structure([("Text", "x".into())]));
    }
    let names: Vec<String> = game.finish().into_iter().map(|(name, _)| name).collect();
    let expected =
        ["EchoResponse", "EchoResponse", "KickNotify", "EchoResponse", "EchoResponse", "KickNotify"];
    assert_eq!(names, expected);
    assert_eq!(demo.stop().servers["game"].pushes["KickNotify"], 2);
}
