//! Every request that was issued is booked once, whatever ends it: the books balance after every kind of accident.

use crate::world::*;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::*;
use throng_metrics::EndCause;
use throng_wire::{
    Channel, ChannelSpec, CodecSpec, Framing, OnClose, Protocol, ProtocolSpec, Received, ReplySpec,
};

const SECOND: Duration = Duration::from_secs(1);

fn start(acts: Vec<Act>) -> Plan {
    Plan::new([("role.start", std::iter::once(connect()).chain(acts).collect())])
}

#[track_caller]
fn ended(world: &World, cause: EndCause) -> u64 {
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    row.counts.ended.of(cause)
}

#[test]
fn a_failed_request_that_is_cancelled_before_it_is_told_is_booked_once() {
    let acts = vec![Act::Issue("a", within(900)), Act::Issue("b", within(900)), Act::Sleep(SECOND)];
    let mut plan = start(acts);
    plan.habits.cancels = Some(("a", "b"));
    let mut world = plan.world(|net, link, body| {
        if body == b"b" {
            net.close(link);
        }
    });
    world.want(1);
    world.advance(10);
    assert_eq!(world.told().last().map(String::as_str), Some("0 a: failed closed"));
    assert_eq!(world.books(), [2, 0, 2, 0, 0, 0]);
}

#[test]
fn a_request_that_times_out_together_with_its_task_is_booked_once() {
    let mut plan =
        Plan::new([("role.start", vec![connect()]), ("role.chat", vec![Act::Request("hello", within(100))])]);
    plan.program.tasks.push(TaskSpec { timeout: Some(SECOND / 10), ..task("role.chat") });
    let mut world = plan.world(|_, _, _| {});
    world.want(1);
    world.advance(1_500);
    let [issued, ok, failed, cancelled, ..] = world.books();
    assert!(issued >= 1);
    assert_eq!(issued, ok + failed + cancelled);
}

#[test]
fn a_restart_between_two_lost_connections_books_each_request_once() {
    let other = ConnectOptions { name: "chat".into(), ..options() };
    let acts = vec![Act::Connect(other), Act::Issue("a", within(9_000)), Act::Sleep(9 * SECOND)];
    let mut plan = start(acts);
    plan.settings.protocols = vec![protocol(ReplySpec::Fifo, OnClose::Restart)];
    plan.program.tasks.clear();
    plan.scripts.insert("role.start", vec![connect(), Act::Issue("a", within(9_000)), Act::Ready]);
    let mut world = plan.world(|_, _, _| {});
    world.want(2);
    world.advance(10);
    let links = world.accepted.borrow().clone();
    links.into_iter().for_each(|link| world.net.reset(link));
    world.advance(20);
    let [issued, ok, failed, cancelled, ..] = world.books();
    assert_eq!((issued, ok + failed + cancelled), (2, 2));
}

#[test]
fn a_handler_that_closes_its_connection_has_handled_the_push() {
    let mut plan = start(vec![Act::Send("go"), Act::Sleep(SECOND)]);
    plan.settings.protocols = vec![protocol(ReplySpec::None, OnClose::Call)];
    plan.habits.on_push = Some(Act::Close);
    let mut world = plan.world(|net, link, _| net.send(link, &frame("kick")));
    world.want(1);
    world.advance(10);
    let (_, row) = world.totals.pushes().iter().next().expect("a push");
    assert_eq!((row.counts.count, row.counts.handled), (1, 1));
    assert_eq!(ended(&world, EndCause::Own), 1);
}

#[test]
fn a_stream_that_was_read_to_its_end_has_ended() {
    let options = ConnectOptions { protocol: Some("stream".into()), ..options() };
    let acts = vec![
        Act::Connect(options),
        Act::Sleep(SECOND),
        Act::Read(ReadUntil::Line, SECOND),
        Act::Sleep(9 * SECOND),
    ];
    let mut plan = Plan::new([("role.start", acts)]);
    plan.program.mods[0].closed = true;
    let mut world = plan.world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    let link = world.accepted.borrow()[0];
    world.net.send(link, b"one\n");
    world.net.close(link);
    world.advance(1_500);
    world.expect(&[
        "0 born 0",
        "0 role.start",
        "0 connected",
        "1000 elapsed",
        "1000 read \"one\"",
        "1000 closed server",
    ]);
    assert_eq!(ended(&world, EndCause::Server), 1);
}

#[test]
fn a_timer_of_a_connection_that_has_ended_fails_at_once() {
    let acts = vec![Act::Close, Act::Beat(SECOND / 10), Act::Sleep(SECOND)];
    let mut world = start(acts).world(|_, _, _| {});
    world.want(1);
    world.advance(900);
    world.expect(&["0 born 0", "0 role.start", "0 connected", "0 beat: failed closed"]);
}

#[test]
fn a_wait_on_a_connection_that_has_ended_fails_at_once() {
    let mut world = start(vec![Act::Close, Act::Park(SECOND)]).world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    assert!(world.told().contains(&"0 failed closed".to_owned()));
}

#[test]
fn a_close_frame_is_a_close_even_when_the_server_hangs_up_at_once() {
    let mut spec = ProtocolSpec::new("game", CodecSpec::Raw);
    spec.reply = Some(ReplySpec::None);
    spec.on_close = OnClose::Call;
    let route =
        ProtocolRoute { protocol: Arc::new(Protocol::build(spec).expect("a protocol")), hosts: Vec::new() };
    let options = ConnectOptions { url: "ws://127.0.0.1:4000/play".into(), ..options() };
    let mut plan = Plan::new([("role.start", vec![Act::Connect(options), Act::Sleep(SECOND)])]);
    plan.settings.protocols = vec![route];
    plan.program.mods[0].closed = true;
    let server = Rc::new(RefCell::new(server_channel()));
    let heard = Rc::clone(&server);
    let mut world = plan.world(move |net, link, bytes| {
        let mut answer = Vec::new();
        let opened = matches!(heard.borrow_mut().cut(bytes), Ok(Received::Opened { .. }));
        heard.borrow_mut().drain_control(&mut answer);
        net.send(link, &answer);
        if opened {
            answer.clear();
            heard.borrow_mut().close(1001, &mut answer);
            net.send(link, &answer);
            net.close(link);
        }
    });
    world.raw = true;
    world.want(1);
    world.advance(10);
    world.expect(&["0 born 0", "0 role.start", "0 connected", "0 closed server"]);
    assert_eq!((ended(&world, EndCause::Server), ended(&world, EndCause::Reset)), (1, 0));
}

fn server_channel() -> Channel {
    let spec = ChannelSpec::websocket(Default::default(), Framing::Message).expect("a channel");
    Channel::server(&Arc::new(spec))
}
