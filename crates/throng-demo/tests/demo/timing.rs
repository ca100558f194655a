//! Delays and stalls, with bounds that hold on a busy machine too.

use std::time::{Duration, Instant};

use throng_demo::ServerKind;

use crate::client::{Came, Envelope, Frames, Rpc, demo, empty, wait_for};

const DELAY: Duration = Duration::from_millis(20);

fn echoes(demo: &throng_demo::Demo, n: usize) -> Vec<Duration> {
    let mut echo = Frames::connect(demo, ServerKind::Echo);
    let one = |_| {
        let began = Instant::now();
        echo.send(b"hello");
        assert_eq!(echo.receive().unwrap(), b"hello");
        began.elapsed()
    };
    (0..n).map(one).collect()
}

#[test]
fn a_delay_is_never_shorter_and_the_server_says_what_it_gave() {
    let demo = demo(&["echo.delay=20ms"]);
    let seen = echoes(&demo, 10);
    assert!(seen.iter().all(|latency| *latency >= DELAY), "{seen:?}");
    let report = demo.stop();
    let delays = report.servers["echo"].delays.unwrap();
    assert_eq!(delays.count, 10);
    let ordered = [20_000.0, delays.min_us, delays.p50_us, delays.max_us];
    assert!(ordered.is_sorted(), "{delays:?}");
    assert!((delays.min_us..=delays.max_us).contains(&delays.mean_us), "{delays:?}");
    // What the server says is within what the client saw.
    assert!(delays.max_us <= seen.iter().max().unwrap().as_secs_f64() * 1e6, "{delays:?} {seen:?}");
}

#[test]
fn requests_in_flight_are_delayed_side_by_side() {
    let demo = demo(&["echo.delay=1s"]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    let began = Instant::now();
    for i in 0..20u8 {
        echo.send(&[i]);
    }
    for i in 0..20u8 {
        assert_eq!(echo.receive().unwrap(), [i]);
    }
    // One after the other they would take 20 seconds.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_delay_for_one_message_lets_others_pass() {
    let demo = demo(&["battle.get.delay=2s"]);
    let mut rpc = Rpc::connect(&demo);
    let slow = rpc.ask("get", empty());
    let fast = rpc.ask("handshake", empty());
    let mut next = || match rpc.receive() {
        Some(Came::Reply { session, .. }) => session,
        other => panic!("{other:?}"),
    };
    assert_eq!([next(), next()], [fast, slow]);
}

#[test]
fn jitter_is_between_nothing_and_its_bound() {
    let demo = demo(&["echo.delay=5ms", "echo.jitter=10ms"]);
    echoes(&demo, 20);
    let delays = demo.stop().servers["echo"].delays.unwrap();
    assert!(delays.min_us >= 5_000.0, "{delays:?}");
    assert!(delays.max_us - delays.min_us > 1_000.0, "{delays:?}");
}

#[test]
fn replies_still_waiting_at_the_end_are_unanswered() {
    let demo = demo(&["game.delay=1h"]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    game.send("LoginReuest", empty());
    assert!(game.finish().is_empty());
    let report = demo.stop();
    let game = &report.servers["game"];
    assert_eq!((game.requests["LoginReuest"], game.replies["LoginRespone"], game.unanswered), (1, 0, 1));
}

#[test]
fn a_stall_holds_the_whole_server_once_and_is_logged() {
    let demo = demo(&["echo.stall=after:1s,for:1s"]);
    let mut longest = Duration::ZERO;
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    while demo.report().servers["echo"].stalls.first().is_none_or(|stall| stall.ended_s.is_none()) {
        let asked = Instant::now();
        echo.send(b"x");
        echo.receive().unwrap();
        longest = longest.max(asked.elapsed());
    }
    let report = demo.stop();
    let stalls = &report.servers["echo"].stalls;
    assert_eq!(stalls.len(), 1);
    let length = stalls[0].ended_s.unwrap() - stalls[0].began_s;
    assert!((1.0..5.0).contains(&length), "{stalls:?}");
    assert!(longest >= Duration::from_millis(500), "{longest:?}");
    let wall = stalls[0].ended_unix_us.unwrap() - stalls[0].began_unix_us;
    assert!((990_000..5_000_000).contains(&wall), "{stalls:?}");
}

#[test]
fn a_stall_leaves_the_other_servers_alone() {
    let demo = demo(&["echo.stall=after:0s,for:4s"]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    wait_for(&demo, ServerKind::Echo, |echo| !echo.stalls.is_empty());
    echo.send(b"x");
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    assert_eq!(game.request("LoginReuest", empty()).0, "LoginRespone");
    let report = demo.report();
    assert_eq!(report.servers["echo"].stalls[0].ended_s, None, "the game answered while the echo stalled");
    assert_eq!(report.servers["echo"].requests["echo"], 0);
    assert_eq!(echo.receive().unwrap(), b"x");
}

#[test]
fn a_stall_is_part_of_the_delay_that_is_given() {
    // The request comes before the stall, and its reply is due in the middle of it.
    let demo = demo(&["echo.delay=2s", "echo.stall=after:1s,for:2s"]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    echo.send(b"x");
    echo.receive().unwrap();
    let delays = demo.stop().servers["echo"].delays.unwrap();
    assert!(delays.max_us >= 2_500_000.0, "{delays:?}");
}
