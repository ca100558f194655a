//! Requests, replies, pushes and the ends of connections in virtual time: who is told, and do the books balance.

use crate::world::*;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::*;
use throng_metrics::{EndCause, FailureKind};
use throng_wire::{
    CodecSpec, Covers, DocumentForm, DocumentSpec, Endian, FieldPlace, FieldSpec, Framing, HeaderFraming,
    LengthFraming, LengthWidth, OnClose, Protocol, ProtocolSpec, ReplySpec,
};

const SECOND: Duration = Duration::from_secs(1);

fn connected(acts: Vec<Act>) -> Plan {
    Plan::new([("role.start", std::iter::once(connect()).chain(acts).collect())])
}

fn echo(net: &MemoryNet, link: LinkId, body: &[u8]) {
    net.send(link, &frame(std::str::from_utf8(body).expect("the tests speak text")));
}

#[test]
fn several_requests_in_flight_are_answered_in_order() {
    let mut world = connected(vec![Act::Issue("a", within(900)), Act::Issue("b", within(900))]).world(echo);
    world.want(1);
    world.advance(10);
    world.expect(&["0 born 0", "0 role.start", "0 connected", "0 a: reply a", "0 b: reply b"]);
    assert_eq!(world.books(), [2, 2, 0, 0, 0, 0]);
}

#[test]
fn a_time_out_fails_the_request_and_a_late_reply_goes_to_nobody() {
    let mut plan = connected(vec![Act::Request("slow", within(100))]);
    plan.settings.on_error = OnError::Continue;
    plan.scripts
        .insert("role.start", vec![connect(), Act::Issue("slow", within(100)), Act::Sleep(60 * SECOND)]);
    let mut held = None;
    let mut world = plan.world(move |net, link, body| {
        held.get_or_insert((link, body.to_vec()));
        let _ = net;
    });
    world.want(1);
    world.advance(150);
    assert_eq!(world.told().last().map(String::as_str), Some("100 slow: failed timeout"));
    assert_eq!(world.books(), [1, 0, 1, 0, 0, 0]);
}

#[test]
fn a_late_reply_is_counted_as_late() {
    let acts =
        vec![Act::Issue("slow", within(100)), Act::Sleep(SECOND / 10), Act::Send("now"), Act::Sleep(SECOND)];
    let mut world = connected(acts).world(|net, link, body| {
        if body == b"now" {
            net.send(link, &frame("slow at last"));
        }
    });
    world.want(1);
    world.advance(150);
    world.expect(&["0 born 0", "0 role.start", "0 connected", "100 slow: failed timeout", "100 elapsed"]);
    assert_eq!(world.books(), [1, 0, 1, 0, 1, 0]);
}

#[test]
fn a_second_copy_is_no_reply_to_a_request_that_has_not_been_sent() {
    let acts = vec![Act::Request("a", within(900)), Act::Request("b", within(900))];
    let mut world = connected(acts).world(|net, link, body| {
        let reply = frame(std::str::from_utf8(body).expect("text"));
        let copies = if body == b"a" { 2 } else { 1 };
        net.send(link, &reply.repeat(copies));
    });
    world.want(1);
    world.advance(10);
    world.expect(&["0 born 0", "0 role.start", "0 connected", "0 reply a", "0 reply b"]);
    assert_eq!(world.books(), [2, 2, 0, 0, 0, 0]);
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    assert_eq!(row.counts.orphans, 1);
}

#[test]
fn a_reply_in_single_bytes_is_one_reply() {
    let mut world = connected(vec![Act::Request("hello", within(900))]).world(|net, link, body| {
        for byte in frame(std::str::from_utf8(body).expect("text")) {
            net.send(link, &[byte]);
        }
    });
    world.want(1);
    world.advance(10);
    world.expect(&["0 born 0", "0 role.start", "0 connected", "0 reply hello"]);
}

#[test]
fn a_lost_connection_fails_what_waits_then_runs_closed() {
    let mut plan = connected(vec![Act::Request("bye", within(900))]);
    plan.program.mods[0].closed = true;
    let mut world = plan.world(|net, link, _| net.close(link));
    world.want(1);
    world.advance(10);
    world.expect(&[
        "0 born 0",
        "0 role.start",
        "0 connected",
        "0 failed closed",
        "0 closed half_closed",
        "0 forgotten",
    ]);
    assert_eq!(world.books(), [1, 0, 1, 0, 0, 0]);
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    assert_eq!((row.counts.opened, row.counts.ended.of(EndCause::HalfClosed)), (1, 1));
}

#[test]
fn closed_runs_for_a_ready_robot_and_on_close_restarts_it_afterwards() {
    let mut plan = connected(vec![]);
    plan.settings.protocols = vec![protocol(ReplySpec::Fifo, OnClose::Restart)];
    plan.program.mods[0].closed = true;
    plan.scripts.insert("closed server", vec![Act::Sleep(SECOND)]);
    plan.program.tasks.push(TaskSpec { wait: Some(Wait::Constant(SECOND)), ..task("role.chat") });
    plan.scripts.insert("role.chat", vec![Act::Send("kick me")]);
    let mut world = plan.world(|net, link, _| net.close(link));
    world.want(1);
    world.advance(4_000);
    let told = world.told();
    let position = |text: &str| {
        told.iter().position(|line| line.ends_with(text)).unwrap_or_else(|| panic!("{text}: {told:?}"))
    };
    assert!(position("closed server") < position("elapsed") && position("elapsed") < position("forgotten"));
    assert!(told.iter().filter(|line| line.ends_with("born 0")).count() >= 2, "{told:?}");
}

#[test]
fn a_reset_is_told_from_a_close() {
    let mut world = connected(vec![Act::Request("bye", within(900))]).world(|net, link, _| net.reset(link));
    world.want(1);
    world.advance(10);
    assert!(world.told().contains(&"0 failed reset".to_owned()));
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    assert_eq!(row.counts.ended.of(EndCause::Reset), 1);
}

#[test]
fn a_stream_that_ends_inside_a_message_is_truncated() {
    let mut world = connected(vec![Act::Sleep(SECOND)]).world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    let link = link_of(&world);
    world.net.send(link, &[0, 9, b'x']);
    world.net.close(link);
    world.advance(20);
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    assert_eq!(row.counts.ended.of(EndCause::Truncated), 1);
    let groups = world.totals.failures();
    let told = (groups[0].kind, &*groups[0].message, groups[0].sample.as_deref());
    let wanted = "the stream ended in the middle of a message";
    assert_eq!(told, (FailureKind::Framing, wanted, Some("00 09 78 |..x|")));
    assert_eq!(groups.len(), 1);
}

/// The first link of a network.
fn link_of(world: &World) -> LinkId {
    world.accepted.borrow()[0]
}

#[test]
fn a_refused_connection_is_counted_and_told() {
    let options = ConnectOptions { url: "tcp://127.0.0.1:9".into(), ..options() };
    let mut world = Plan::new([("role.start", vec![Act::Connect(options)])]).world(echo);
    world.want(1);
    world.advance(10);
    world.expect(&["0 born 0", "0 role.start", "0 failed refused", "0 forgotten"]);
    assert_eq!(world.totals.robots().failed, 1);
}

#[test]
fn retries_pause_longer_each_time_and_then_give_up() {
    let retry = Retry { first: SECOND / 10, max: SECOND, tries: 4 };
    let options = ConnectOptions { url: "tcp://127.0.0.1:9".into(), retry: Some(retry), ..options() };
    let mut world = Plan::new([("role.start", vec![Act::Connect(options)])]).world(echo);
    world.want(1);
    world.advance(2_000);
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    assert_eq!((row.counts.attempts, row.counts.failures.total()), (4, 4));
    let told = world.told();
    let at: u64 = told.last().and_then(|line| line.split(' ').next()?.parse().ok()).expect("a time");
    assert!((350..=710).contains(&at), "{told:?}");
}

#[test]
fn a_stranger_is_not_loaded_by_a_typo() {
    let options = ConnectOptions { url: "tcp://192.0.2.1:80".into(), ..options() };
    let mut world = Plan::new([("role.start", vec![Act::Connect(options)])]).world(echo);
    world.want(1);
    world.advance(10);
    assert!(world.told().contains(&"0 failed forbidden".to_owned()));
    assert!(world.totals.failures()[0].message.contains("target.allow"));
}

#[test]
fn a_new_connection_of_the_same_name_replaces_the_old_one() {
    let mut plan = connected(vec![connect(), Act::Request("hello", within(900))]);
    plan.program.mods[0].closed = true;
    let mut world = plan.world(echo);
    world.want(1);
    world.advance(10);
    world.expect(&[
        "0 born 0",
        "0 role.start",
        "0 connected",
        "0 closed replaced",
        "0 connected",
        "0 reply hello",
    ]);
}

#[test]
fn pushes_come_in_wire_order_and_are_counted_as_handled_or_not() {
    let mut plan = connected(vec![Act::Send("go"), Act::Sleep(SECOND)]);
    plan.settings.protocols = vec![protocol(ReplySpec::None, OnClose::Call)];
    let mut world = plan.world(|net, link, _| {
        let mut all = frame("one");
        all.extend(frame("two"));
        all.extend(frame("three"));
        net.send(link, &all);
    });
    world.want(1);
    world.advance(10);
    world.expect(&["0 born 0", "0 role.start", "0 connected", "0 push one", "0 push two", "0 push three"]);
}

#[test]
fn a_stream_reads_lines_counts_and_marks_however_they_arrive() {
    let options = ConnectOptions { protocol: Some("stream".into()), ..options() };
    let acts = vec![
        Act::Connect(options),
        Act::Read(ReadUntil::Line, SECOND),
        Act::Read(ReadUntil::Exactly(3), SECOND),
        Act::Read(ReadUntil::Bytes(b"##".as_slice().into()), SECOND),
        Act::Read(ReadUntil::Line, SECOND / 10),
    ];
    let mut world = Plan::new([("role.start", acts)]).world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    let link = link_of(&world);
    for byte in b"+OK fine\r\nabcdef##" {
        world.net.send(link, &[*byte]);
        world.advance(11);
    }
    world.advance(500);
    world.expect(&[
        "0 born 0",
        "0 role.start",
        "0 connected",
        "11 read \"+OK fine\"",
        "11 read \"abc\"",
        "11 read \"def##\"",
        "111 failed timeout",
        "111 forgotten",
    ]);
}

#[test]
fn what_a_stream_received_before_its_end_can_still_be_read() {
    let options = ConnectOptions { protocol: Some("stream".into()), ..options() };
    let acts = vec![
        Act::Connect(options),
        Act::Sleep(SECOND),
        Act::Read(ReadUntil::Line, SECOND),
        Act::Read(ReadUntil::Line, SECOND),
        Act::Read(ReadUntil::Line, SECOND),
    ];
    let mut world = Plan::new([("role.start", acts)]).world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    let link = link_of(&world);
    world.net.send(link, b"one\ntwo\n");
    world.net.close(link);
    world.advance(1_500);
    world.expect(&[
        "0 born 0",
        "0 role.start",
        "0 connected",
        "1000 elapsed",
        "1000 read \"one\"",
        "1000 read \"two\"",
        "1000 failed closed",
        "1000 forgotten",
    ]);
}

#[test]
fn a_restart_cancels_what_is_in_flight_and_the_books_balance() {
    let acts = vec![Act::Issue("a", within(9_000)), Act::Issue("b", within(9_000)), Act::Stop];
    let mut world = connected(acts).world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    assert_eq!(world.books(), [2, 0, 0, 2, 0, 0]);
    assert_eq!(world.totals.robots().stopped, 1);
}

#[test]
fn a_stream_writes_and_a_closed_connection_takes_nothing_more() {
    let options = ConnectOptions { protocol: Some("stream".into()), ..options() };
    let acts = vec![Act::Connect(options), Act::Write("\0\u{1}x"), Act::Close, Act::Write("y")];
    let mut world = Plan::new([("role.start", acts)]).world(|_, _, body| assert_eq!(body, b"x"));
    world.want(1);
    world.advance(10);
    assert_eq!(world.totals.traffic().bytes_sent, 3);
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    assert_eq!(row.counts.ended.of(EndCause::Own), 1);
    assert_eq!(world.totals.failures()[0].kind.to_string(), "closed");
}

#[test]
fn a_parked_routine_is_told_when_its_time_is_up_and_that_is_no_failure_of_the_run() {
    let mut world = connected(vec![Act::Park(SECOND)]).world(|_, _, _| {});
    world.want(1);
    world.advance(1_500);
    assert!(world.told().contains(&"1000 failed timeout".to_owned()));
    assert!(world.totals.failures().is_empty());
}

#[test]
fn a_dropped_connection_says_nothing_and_is_booked_as_dropped() {
    let mut world =
        connected(vec![Act::Issue("a", within(900)), Act::Drop, Act::Sleep(SECOND)]).world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    assert_eq!(row.counts.ended.of(EndCause::Dropped), 1);
    assert!(world.told().contains(&"0 a: failed closed".to_owned()));
}

#[test]
fn a_full_outbox_is_backpressure_and_nothing_is_lost_silently() {
    let mut plan = connected(vec![Act::Send("12345678"), Act::Send("12345678")]);
    plan.settings.outbox_limit = 12;
    let mut world = plan.world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    assert_eq!(world.totals.failures()[0].kind.to_string(), "backpressure");
}

/// A protocol whose header has `seq` in one byte; a frame's length counts it.
fn numbered_in_a_byte() -> ProtocolRoute {
    let fields: Vec<FieldSpec> =
        ["len:u16be", "seq:u8"].iter().map(|field| field.parse().expect("a field")).collect();
    let header = HeaderFraming { covers: Covers::Rest, ..HeaderFraming::new(fields, 1000) };
    let mut spec = ProtocolSpec::new("game", CodecSpec::Raw);
    spec.framing = Some(Framing::Header(Box::new(header)));
    spec.reply = Some(ReplySpec::Field { place: FieldPlace::Header, name: "seq".into() });
    ProtocolRoute { protocol: Arc::new(Protocol::build(spec).expect("a protocol")), hosts: Vec::new() }
}

fn answer(net: &MemoryNet, link: LinkId, body: &[u8]) {
    net.send(link, &[&(body.len() as u16).to_be_bytes()[..], body].concat());
}

#[test]
fn a_request_that_waits_long_does_not_get_the_reply_of_a_later_one_with_its_number() {
    let mut acts = vec![Act::Issue("slow", within(90_000))];
    acts.extend((0..300).map(|_| Act::Request("x", within(900))));
    let mut plan = connected(acts);
    plan.settings.protocols = vec![numbered_in_a_byte()];
    let mut world = plan.world(|net, link, body| {
        if body.ends_with(b"x") {
            answer(net, link, body);
        }
    });
    world.want(1);
    world.advance(2_000);
    assert!(!world.told().iter().any(|told| told.contains("slow")));
    assert_eq!(world.books()[..3], [301, 300, 0]);
}

#[test]
fn where_every_number_waits_a_further_request_fails_at_once() {
    let mut plan = connected((0..256).map(|_| Act::Issue("x", within(90_000))).collect());
    plan.settings.protocols = vec![numbered_in_a_byte()];
    let mut world = plan.world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    assert_eq!(world.books()[..3], [256, 0, 1]);
    let (_, row) = world.totals.requests().iter().next().expect("requests");
    assert_eq!(row.counts.failures.of(FailureKind::Overflow), 1);
}

/// Keeps the failures it is told.
struct Failures(Rc<RefCell<Vec<String>>>);

impl Tracer for Failures {
    fn trace(&mut self, _: u64, _: RobotId, event: &Trace<'_>) {
        if let Trace::Failed(failure) = event {
            self.0.borrow_mut().push(format!("{} {}: {}", failure.kind, failure.name, failure.text));
        }
    }
}

#[test]
fn whoever_looks_on_sees_a_message_that_cannot_be_read() {
    let document =
        DocumentSpec { form: DocumentForm::Json, name: Some("cmd".into()), session: None, body: None };
    let mut spec = ProtocolSpec::new("game", CodecSpec::Document(document));
    spec.framing = Some(Framing::Length(LengthFraming::new(LengthWidth::U16(Endian::Big))));
    spec.reply = Some(ReplySpec::None);
    let protocol = Arc::new(Protocol::build(spec).expect("a protocol"));
    let mut plan = connected(vec![Act::Sleep(SECOND)]);
    plan.settings.protocols = vec![ProtocolRoute { protocol, hosts: Vec::new() }];
    let mut world = plan.world(|_, _, _| {});
    world.welcome = Box::new(|net, link| net.send(link, &frame("no document")));
    let failures = Rc::new(RefCell::new(Vec::new()));
    world.shard.set_tracer(Box::new(Failures(Rc::clone(&failures))));
    world.want(1);
    world.advance(10);
    let failures = failures.borrow();
    assert!(
        matches!(&failures[..], [one] if one.starts_with("decode game: the message is not json")),
        "{failures:?}"
    );
}
