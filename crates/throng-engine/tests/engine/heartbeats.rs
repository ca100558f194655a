//! Heartbeats: sent by the engine while a connection is open, and not longer.

use crate::world::*;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::*;
use throng_wire::{CodecSpec, Framing, HeartbeatSpec, OnClose, Protocol, ProtocolSpec};

const SECOND: Duration = Duration::from_secs(1);

/// A protocol of raw frames of four bytes with a heartbeat.
fn beating() -> ProtocolRoute {
    let mut spec = ProtocolSpec::new("game", CodecSpec::Raw);
    spec.framing = Some(Framing::Fixed(4));
    spec.on_close = OnClose::Call;
    spec.heartbeat = Some(HeartbeatSpec { send: r"\x00hi\xff".into(), every: SECOND / 5 });
    ProtocolRoute { protocol: Arc::new(Protocol::build(spec).expect("a protocol")), hosts: Vec::new() }
}

#[test]
fn raw_heartbeats_are_sent_from_the_opening_to_the_end() {
    let acts =
        vec![Act::Sleep(SECOND / 2), connect(), Act::Sleep(SECOND), Act::Close, Act::Sleep(9 * SECOND)];
    let mut plan = Plan::new([("role.start", acts)]);
    plan.settings.protocols = vec![beating()];
    let heard = Rc::new(RefCell::new(Vec::new()));
    let server = Rc::clone(&heard);
    let mut world = plan.world(move |_, _, bytes| server.borrow_mut().push(bytes.to_vec()));
    world.raw = true;
    world.want(1);
    world.advance(600);
    assert!(heard.borrow().is_empty(), "the first comes after a whole interval");
    world.advance(5_000);
    let heard = heard.borrow();
    assert!((4..=5).contains(&heard.len()), "{heard:?}");
    assert!(heard.iter().all(|bytes| bytes == b"\0hi\xff"), "{heard:?}");
    let row = world.totals.sends().find("game", "heartbeat").expect("heartbeats are sends");
    assert_eq!(row.counts.count, heard.len() as u64);
}

#[test]
fn a_heartbeat_of_a_connection_that_was_lost_is_not_missed() {
    let mut plan = Plan::new([("role.start", vec![connect(), Act::Sleep(9 * SECOND)])]);
    plan.settings.protocols = vec![beating()];
    let mut world = plan.world(|net, link, _| net.reset(link));
    world.raw = true;
    world.want(1);
    world.advance(5_000);
    let row = world.totals.sends().find("game", "heartbeat").expect("a heartbeat was sent");
    assert_eq!(row.counts.count, 1);
    assert!(world.totals.failures().is_empty());
}
