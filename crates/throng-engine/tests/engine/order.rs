//! Who is told what, and when: connects before what follows them, `closed` before `on_close`.

use crate::world::*;
use std::time::Duration;
use throng_engine::*;
use throng_wire::{OnClose, ReplySpec};

const SECOND: Duration = Duration::from_secs(1);

fn named(name: &str) -> ConnectOptions {
    ConnectOptions { name: name.into(), ..options() }
}

#[test]
fn what_a_server_says_first_comes_after_the_script_knows_of_the_connection() {
    let acts = vec![connect(), Act::Connect(named("chat")), Act::Sleep(SECOND)];
    let mut plan = Plan::new([("role.start", acts)]);
    plan.settings.protocols = vec![protocol(ReplySpec::None, OnClose::Call)];
    let mut world = plan.world(|_, _, _| {});
    let mut connections = 0;
    world.welcome = Box::new(move |net, link| {
        connections += 1;
        net.send(link, &frame(&format!("challenge {connections}")));
    });
    world.want(1);
    world.advance(10);
    world.expect(&[
        "0 born 0",
        "0 role.start",
        "0 connected",
        "0 connected",
        "0 push challenge 2",
        "0 push challenge 1",
    ]);
}

/// A ready robot with two connections that restarts when one is lost, and takes a second to say goodbye to each.
fn two_connections() -> Plan {
    let mut plan = Plan::new([
        ("role.start", vec![connect(), Act::Connect(named("chat"))]),
        ("closed server", vec![Act::Sleep(SECOND)]),
        ("closed reset", vec![Act::Sleep(2 * SECOND)]),
    ]);
    plan.settings.protocols = vec![protocol(ReplySpec::Fifo, OnClose::Restart)];
    plan.program.mods[0].closed = true;
    plan
}

#[test]
fn a_restart_waits_for_every_closed_that_runs() {
    let mut world = two_connections().world(|_, _, _| {});
    world.want(1);
    world.advance(10);
    let links = world.accepted.borrow().clone();
    world.net.reset(links[0]);
    world.advance(500);
    world.net.close(links[1]);
    world.advance(2_100);
    world.expect(&[
        "0 born 0",
        "0 role.start",
        "0 connected",
        "0 connected",
        "10 closed reset",
        "500 closed server",
        "1500 elapsed",
        "2010 elapsed",
        "2010 forgotten",
    ]);
}

#[test]
fn no_task_begins_while_a_restart_waits_for_closed() {
    let mut plan = two_connections();
    plan.scripts.insert("role.chat", vec![]);
    plan.program.tasks.push(task("role.chat"));
    plan.settings.wait = Wait::Constant(SECOND / 10);
    let mut world = plan.world(|_, _, _| {});
    world.want(1);
    world.advance(1_000);
    assert!(world.told().iter().any(|line| line.ends_with("role.chat")));
    let link = world.accepted.borrow()[0];
    world.net.close(link);
    world.advance(2_010);
    world.expect(&["1000 closed server", "2000 elapsed", "2000 forgotten"]);
}

#[test]
fn a_replaced_connection_fails_its_waiters_before_the_new_one_is_told() {
    let acts = vec![connect(), Act::Issue("a", within(9_000)), connect(), Act::Request("b", within(900))];
    let mut world = Plan::new([("role.start", acts)]).world(|net, link, body| {
        if body == b"b" {
            net.send(link, &frame("b"));
        }
    });
    world.want(1);
    world.advance(10);
    world.expect(&[
        "0 born 0",
        "0 role.start",
        "0 connected",
        "0 a: failed closed",
        "0 connected",
        "0 reply b",
    ]);
    assert_eq!(world.books(), [2, 1, 1, 0, 0, 0]);
}

#[test]
fn a_robot_that_stops_while_it_connects_leaves_nothing_behind() {
    let refused = ConnectOptions {
        url: "tcp://127.0.0.1:9".into(),
        retry: Some(Retry { first: SECOND, max: SECOND, tries: 100 }),
        ..options()
    };
    let mut world = Plan::new([("role.start", vec![Act::Connect(refused)])]).world(|_, _, _| {});
    world.want(1);
    world.advance(1_500);
    world.shard.want(Desired {
        schedule: Schedule::constant(1, f64::INFINITY, None),
        begun: Duration::ZERO,
        phase: Phase::Stop,
    });
    world.advance(60_000);
    world.expect(&["0 born 0", "0 role.start", "1500 abandoned", "1500 forgotten"]);
    let (_, row) = world.totals.connections().iter().next().expect("a connection");
    assert!(row.counts.attempts <= 4, "{}", row.counts.attempts);
    assert_eq!(world.totals.robots().stopped, 1);
}
