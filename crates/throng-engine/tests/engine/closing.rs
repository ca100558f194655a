//! How connections end: what is said of it, and what it does to the robot.

use crate::world::*;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::*;
use throng_wire::{
    Channel, ChannelSpec, CodecSpec, Framing, OnClose, Protocol, ProtocolSpec, Received, ReplySpec,
};

const SECOND: Duration = Duration::from_secs(1);

/// A robot on a WebSocket whose request is answered with `answer`; what its failure says.
fn on_websocket(answer: Vec<u8>) -> String {
    let mut spec = ProtocolSpec::new("game", CodecSpec::Raw);
    spec.reply = Some(ReplySpec::Fifo);
    spec.on_close = OnClose::Call;
    let protocol = Arc::new(Protocol::build(spec).expect("a protocol"));
    let options = ConnectOptions { url: "ws://127.0.0.1:4000/play".into(), ..options() };
    let acts = vec![Act::Connect(options), Act::Request("a", within(900))];
    let mut plan = Plan::new([("role.start", acts)]);
    plan.settings.protocols = vec![ProtocolRoute { protocol, hosts: Vec::new() }];
    let spec = ChannelSpec::websocket(Default::default(), Framing::Message).expect("a channel");
    let server = Rc::new(RefCell::new(Channel::server(&Arc::new(spec))));
    let mut world = plan.world(move |net, link, bytes| {
        let mut reply = Vec::new();
        let opened = matches!(server.borrow_mut().cut(bytes), Ok(Received::Opened { .. }));
        server.borrow_mut().drain_control(&mut reply);
        net.send(link, if opened { &reply } else { &answer });
    });
    world.raw = true;
    world.want(1);
    world.advance(100);
    world.totals.failures()[0].message.to_string()
}

fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let mut frame = vec![0x88, reason.len() as u8 + 2];
    frame.extend(code.to_be_bytes());
    frame.extend(reason.as_bytes());
    frame
}

#[test]
fn a_close_frame_says_why() {
    let said = |code, reason| on_websocket(close_frame(code, reason));
    assert_eq!(said(4001, "it's over"), "`game` closed by the server: close code 4001: it's over");
    assert_eq!(said(1001, ""), "`game` closed by the server: close code 1001");
    assert_eq!(
        said(4002, "\u{1b}[2Jgone\r\n\u{202e}!"),
        "`game` closed by the server: close code 4002: \\u{1b}[2Jgone\\r\\n\\u{202e}!"
    );
}

#[test]
fn a_handshake_that_fails_says_what_the_server_said() {
    let options = ConnectOptions { url: "ws://127.0.0.1:4000/play".into(), ..options() };
    let mut world = Plan::new([("role.start", vec![Act::Connect(options)])]).world(|net, link, _| {
        net.send(link, b"HTTP/1.1 403 Go\x1b[2J away\r\nContent-Length: 0\r\n\r\n");
    });
    world.raw = true;
    world.want(1);
    world.advance(100);
    let message = &world.totals.failures()[0].message;
    assert!(message.contains("websocket handshake failed: the server answered 403"), "{message}");
    assert!(!message.contains('\x1b'), "{message}");
}

#[test]
fn a_server_that_ends_its_side_while_replies_are_owed_is_said_to() {
    let asked = vec![connect(), Act::Request("a", within(900))];
    let mut world = Plan::new([("role.start", asked)]).world(|net, link, _| net.close(link));
    world.want(1);
    world.advance(10);
    let message = &world.totals.failures()[0].message;
    assert_eq!(&**message, "`game` ended on the server's side while replies were owed");
}

#[test]
fn a_lost_stream_restarts_no_robot_by_itself() {
    let stream = ConnectOptions { protocol: Some("stream".into()), ..options() };
    let mut plan = Plan::new([("role.start", vec![Act::Connect(stream), Act::Write("\0\u{1}x")])]);
    plan.settings.protocols = vec![protocol(ReplySpec::Fifo, OnClose::Restart)];
    plan.program.mods[0].closed = true;
    let mut world = plan.world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    let link = world.accepted.borrow()[0];
    world.net.close(link);
    world.advance(5_000);
    world.expect(&["0 born 0", "0 role.start", "0 connected", "10 closed server"]);
}

#[test]
fn writing_to_a_stream_that_is_over_fails_though_it_can_still_be_read() {
    let stream = ConnectOptions { protocol: Some("stream".into()), ..options() };
    let write = || Act::Write("\0\u{1}x");
    let moment = || Act::Sleep(SECOND / 10);
    let acts = vec![Act::Connect(stream), Act::Sleep(SECOND), write(), moment(), write(), moment()];
    let mut world = Plan::new([("role.start", acts)]).world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    let link = world.accepted.borrow()[0];
    world.net.send(link, b"one\n");
    world.net.close(link);
    world.advance(1_500);
    assert_eq!(world.told()[3..], ["1000 elapsed", "1100 elapsed", "1100 forgotten"]);
    let group = &world.totals.failures()[0];
    assert_eq!((group.kind.to_string().as_str(), &*group.message), ("closed", "the peer takes nothing more"));
}

#[test]
fn what_a_stream_received_before_a_reset_can_still_be_read() {
    let stream = ConnectOptions { protocol: Some("stream".into()), ..options() };
    let read = || Act::Read(ReadUntil::Line, SECOND);
    let acts = vec![Act::Connect(stream), Act::Sleep(SECOND), read(), Act::Sleep(9 * SECOND)];
    let mut plan = Plan::new([("role.start", acts)]);
    plan.program.mods[0].closed = true;
    let mut world = plan.world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    let link = world.accepted.borrow()[0];
    world.net.send(link, b"one\n");
    world.net.reset(link);
    world.advance(1_500);
    let rest = ["1000 elapsed", "1000 read \"one\"", "1000 closed reset"];
    assert_eq!(world.told()[3..], rest);
}
