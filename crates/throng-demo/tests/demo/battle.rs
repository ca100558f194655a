//! The battle without faults.

use std::time::Duration;

use throng_demo::{Demo, DemoOptions, ServerKind};
use throng_sproto::Value;

use crate::client::{Came, Frames, Rpc, demo, empty, integer, text};

#[test]
fn a_handshake_is_the_bytes_of_the_specification() {
    let demo = demo(&[]);
    let mut frames = Frames::connect(&demo, ServerKind::Battle);
    // The heartbeat: one field, type 1, packed.
    assert_eq!(frames.receive().unwrap(), [0x05, 0x01, 0x04]);
    // Two fields, type 1 and session 1: 02 00 04 00 04 00, packed.
    frames.send(&[0x15, 0x02, 0x04, 0x04]);
    let reply = frames.receive().unwrap();
    // No type, so tag 0 is skipped; session 1; then the response with one string.
    assert_eq!(reply[..4], [0x55, 0x02, 0x01, 0x04]);
    let plain: Vec<u8> = reply.into_iter().filter(|byte| byte.is_ascii_lowercase()).collect();
    assert!(String::from_utf8(plain).unwrap().contains("demo"));
}

#[test]
fn what_is_set_can_be_got_by_another() {
    let demo = demo(&[]);
    let mut one = Rpc::connect(&demo);
    let session = one.ask("set", Value::structure([("what", "hello".into()), ("value", "world".into())]));
    assert_eq!(one.receive(), Some(Came::Reply { session, body: Vec::new() }), "a header alone");
    let mut other = Rpc::connect(&demo);
    let found = other.request("get", Value::structure([("what", "hello".into())]));
    assert_eq!(text(&found, "result"), "world");
    assert_eq!(other.request("get", Value::structure([("what", "nothing".into())])), empty());
}

#[test]
fn without_a_session_there_is_no_reply() {
    let demo = demo(&[]);
    let mut rpc = Rpc::connect(&demo);
    rpc.tell("set", Value::structure([("what", "a".into()), ("value", "b".into())]));
    rpc.tell("handshake", empty());
    assert!(text(&rpc.request("get", Value::structure([("what", "a".into())])), "result") == "b");
    assert!(rpc.finish().is_empty());
    let report = demo.stop();
    let battle = &report.servers["battle"];
    assert_eq!((battle.requests["handshake"], battle.replies["handshake"]), (1, 0));
    assert_eq!((battle.requests["set"], battle.replies["set"], battle.replies["get"]), (1, 0, 1));
}

#[test]
fn quit_is_answered_by_a_header_and_then_the_end() {
    let demo = demo(&[]);
    let mut rpc = Rpc::connect(&demo);
    let session = rpc.ask("quit", empty());
    assert_eq!(rpc.receive(), Some(Came::Reply { session, body: Vec::new() }));
    assert_eq!(rpc.receive(), None);
    assert_eq!(demo.stop().servers["battle"].connections.ended["quit"], 1);
}

#[test]
fn those_in_a_room_see_each_other_and_nobody_else_does() {
    let demo = demo(&[]);
    let join = |name: &str, room: i64| Value::structure([("room", room.into()), ("name", name.into())]);
    let mut ann = Rpc::connect(&demo);
    let mut bob = Rpc::connect(&demo);
    let mut cat = Rpc::connect(&demo);
    let ann_id = integer(&ann.request("join", join("ann", 1)), "id");
    let bobs = bob.request("join", join("bob", 1));
    cat.request("join", join("cat", 2));
    assert_eq!(bobs.field("members"), Some(&Value::Array(vec![ann_id.into()])));

    let Some(Came::Push { tag: 2, body }) = ann.receive() else { panic!("bob's coming was not told") };
    assert_eq!(text(&ann.push("joined", &body), "name"), "bob");

    bob.tell("move", Value::structure([("x", 3.into()), ("y", (-4).into())]));
    let Some(Came::Push { tag: 3, body }) = ann.receive() else { panic!("bob's move was not told") };
    let moved = ann.push("moved", &body);
    let seen = ["id", "x", "y", "seq"].map(|field| integer(&moved, field));
    assert_eq!(seen, [integer(&bobs, "id"), 3, -4, 1]);

    assert!(bob.finish().is_empty());
    let Some(Came::Push { tag: 4, body }) = ann.receive() else { panic!("bob's leaving was not told") };
    assert_eq!(integer(&ann.push("left", &body), "id"), integer(&bobs, "id"));

    assert!(cat.finish().is_empty());
    assert!(ann.finish().is_empty());
    let report = demo.stop();
    let pushes = &report.servers["battle"].pushes;
    assert_eq!((pushes["joined"], pushes["moved"], pushes["left"], pushes["heartbeat"]), (1, 1, 1, 3));
}

#[test]
fn heartbeats_come_at_their_interval() {
    let demo = Demo::start(DemoOptions::default().heartbeat(Duration::from_millis(20))).unwrap();
    let mut rpc = Rpc::connect(&demo);
    let began = std::time::Instant::now();
    for _ in 0..5 {
        assert_eq!(rpc.receive(), Some(Came::Push { tag: 1, body: Vec::new() }));
    }
    // Five intervals, less what the first one had already run when the clock was read.
    assert!(began.elapsed() >= Duration::from_millis(75), "{:?}", began.elapsed());
}

#[test]
fn garbage_from_a_client_is_counted_and_the_connection_goes_on() {
    let demo = demo(&[]);
    let mut rpc = Rpc::connect(&demo);
    rpc.frames.send(&[]);
    rpc.frames.send(&[0xff]);
    rpc.frames.send(&[0xff; 300]);
    assert_eq!(rpc.request("get", empty()), empty());
    assert_eq!(demo.stop().servers["battle"].undecodable, 3);
}
