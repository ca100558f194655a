//! Connections without measures: whatever happens to them, only their bytes count.

use crate::world::*;
use std::time::Duration;
use throng_engine::*;
use throng_wire::{OnClose, ReplySpec};

const SECOND: Duration = Duration::from_secs(1);

fn unmeasured() -> ConnectOptions {
    ConnectOptions { measured: false, ..options() }
}

/// Plays the acts on a connection without measures. What they count is nothing but the error they end with, so that a
/// count that is missing is told from one that is never made.
#[track_caller]
fn check(options: ConnectOptions, acts: Vec<Act>, server: fn(&MemoryNet, LinkId, &[u8])) -> World {
    let acts = std::iter::once(Act::Connect(options)).chain(acts).collect();
    let mut plan = Plan::new([("role.start", acts), ("bag.start", vec![Act::Sleep(SECOND), Act::Raise])]);
    plan.program.mods.push(module("bag"));
    plan.settings.outbox_limit = 100;
    plan.settings.protocols = vec![protocol(ReplySpec::Fifo, OnClose::Call)];
    let mut world = plan.world(server);
    world.want(1);
    world.advance(5_000);
    let failures: Vec<String> = world.totals.failures().iter().map(|group| group.kind.to_string()).collect();
    assert!(failures.is_empty() || failures == ["script"], "{failures:?}");
    assert_eq!(world.totals.requests().iter().count(), 0);
    assert_eq!(world.totals.connections().iter().count(), 0);
    world
}

fn failed_as(world: &mut World, kind: &str) {
    let told = world.told();
    assert!(told.iter().any(|line| line.ends_with(&format!("failed {kind}"))), "{told:?}");
}

#[test]
fn errors_of_the_script_are_counted_all_the_same() {
    let world = check(unmeasured(), vec![Act::Sleep(9 * SECOND)], |_, _, _| {});
    assert_eq!(world.totals.failures().len(), 1);
}

#[test]
fn a_connection_that_cannot_be_had_is_not_counted() {
    let refused = ConnectOptions { url: "tcp://127.0.0.1:9".into(), ..unmeasured() };
    failed_as(&mut check(refused, vec![], |_, _, _| {}), "refused");
    for url in ["http://127.0.0.1:9", "tcp://192.0.2.1:80"] {
        check(ConnectOptions { url: url.into(), ..unmeasured() }, vec![], |_, _, _| {});
    }
    check(ConnectOptions { protocol: Some("none".into()), ..unmeasured() }, vec![], |_, _, _| {});
}

#[test]
fn requests_that_fail_are_not_counted() {
    failed_as(&mut check(unmeasured(), vec![Act::Request("a", within(100))], |_, _, _| {}), "timeout");
    let reset = |net: &MemoryNet, link, _: &[u8]| net.reset(link);
    failed_as(&mut check(unmeasured(), vec![Act::Request("a", within(100))], reset), "reset");
}

#[test]
fn sends_that_fail_are_not_counted() {
    const LONG: &str = "0123456789012345678901234567890123456789012345678901234567890123456789";
    let mut world = check(unmeasured(), vec![Act::Send(LONG), Act::Send(LONG)], |_, _, _| {});
    assert!(world.told().iter().any(|line| line.ends_with("forgotten")), "the start failed");
}

#[test]
fn bytes_that_are_no_frame_are_not_counted() {
    let mut plan =
        Plan::new([("role.start", vec![Act::Connect(unmeasured()), Act::Send("go"), Act::Sleep(SECOND)])]);
    let mut spec = throng_wire::ProtocolSpec::new("game", throng_wire::CodecSpec::Raw);
    let width = throng_wire::LengthWidth::U16(throng_wire::Endian::Big);
    spec.framing = Some(throng_wire::Framing::Length(throng_wire::LengthFraming {
        max: 10,
        ..throng_wire::LengthFraming::new(width)
    }));
    spec.on_close = OnClose::Call;
    let protocol = std::sync::Arc::new(throng_wire::Protocol::build(spec).expect("a protocol"));
    plan.settings.protocols = vec![ProtocolRoute { protocol, hosts: Vec::new() }];
    plan.program.mods[0].closed = true;
    let mut world = plan.world(|net, link, _| net.send(link, &[255, 255, 0]));
    world.want(1);
    world.advance(500);
    assert!(world.told().contains(&"0 closed protocol".to_owned()));
    assert!(world.totals.failures().is_empty(), "{:?}", world.totals.failures()[0].message);
}

#[test]
fn what_a_stream_does_not_give_is_not_counted() {
    let stream = || ConnectOptions { protocol: Some("stream".into()), ..unmeasured() };
    let read = || Act::Read(ReadUntil::Line, SECOND / 10);
    failed_as(&mut check(stream(), vec![read()], |_, _, _| {}), "timeout");
    failed_as(
        &mut check(stream(), vec![Act::Write("\0\u{1}x"), read()], |net, link, _| net.close(link)),
        "closed",
    );
    check(stream(), vec![Act::Close, Act::Write("x")], |_, _, _| {});
}
