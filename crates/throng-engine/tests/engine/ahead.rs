//! What was read of many sockets before the first of them was looked at.

use crate::world::*;
use std::time::Duration;
use throng_engine::*;
use throng_wire::{OnClose, ReplySpec};

const SECOND: Duration = Duration::from_secs(1);

/// Robots with two connections each, on which servers push.
fn pushed(habits: Habits) -> World {
    let chat = ConnectOptions { name: "chat".into(), ..options() };
    let acts = vec![Act::Connect(chat), connect(), Act::Sleep(9 * SECOND)];
    let mut plan = Plan::new([("role.start", acts)]);
    plan.settings.protocols = vec![protocol(ReplySpec::None, OnClose::Call)];
    plan.habits = habits;
    plan.world(|_, _, _| {})
}

fn received(world: &World) -> u64 {
    world.totals.traffic().bytes_received
}

#[test]
fn what_a_connection_gave_is_not_told_once_a_script_has_closed_it() {
    let mut world = pushed(Habits { on_push: Some(Act::Close), ..Habits::default() });
    world.want(1);
    world.advance(10);
    world.told();
    let links = world.accepted.borrow().clone();
    // The handler of the first closes the second, whose message has been read by then.
    links.iter().zip(["one", "other"]).for_each(|(link, body)| world.net.send(*link, &frame(body)));
    world.advance(20);
    world.expect(&["10 push one"]);
    assert_eq!(received(&world), (frame("one").len() + frame("other").len()) as u64);
}

#[test]
fn more_robots_than_are_read_together_and_more_bytes_than_are_read_at_once_lose_nothing() {
    let mut world = pushed(Habits::default());
    world.want(100);
    world.advance(10);
    world.told();
    let links = world.accepted.borrow().clone();
    let long = "x".repeat(5_000);
    for link in &links {
        let both = [frame(&long), frame("short")].concat();
        world.net.send(*link, &both);
    }
    world.advance(20);
    let told = world.told();
    assert_eq!((told.len(), links.len()), (400, 200));
    for pair in told.chunks(2) {
        assert_eq!(pair, [format!("10 push {long}"), "10 push short".to_owned()]);
    }
}
