//! Storms in virtual time: who loses what, and how long until everyone is back.

use crate::world::*;
use std::time::Duration;
use throng_engine::*;
use throng_metrics::EndCause;
use throng_metrics::rows::ConnectionRow;
use throng_wire::{OnClose, ReplySpec};

const SECOND: Duration = Duration::from_secs(1);

/// A server that answers, but not to `slow`.
fn echo(net: &MemoryNet, link: LinkId, body: &[u8]) {
    if body != b"slow" {
        net.send(link, &frame(std::str::from_utf8(body).expect("the tests speak text")));
    }
}

fn storm(at: u32, drop: f64, loss: Loss) -> Storm {
    Storm { id: 1, at: at * SECOND, drop, loss }
}

fn stormy(robots: u64, storms: &[Storm]) -> Schedule {
    Schedule::constant(robots, f64::INFINITY, None).with_storms(storms.to_vec())
}

/// Robots that log in within 20 ms, and begin anew when they lose their connection.
fn plan(on_close: OnClose) -> Plan {
    let mut plan = Plan::new([
        ("role.start", vec![connect(), Act::Request("login", within(500)), Act::Sleep(SECOND / 50)]),
        ("closed storm", vec![Act::Sleep(3 * SECOND), connect()]),
    ]);
    plan.settings.protocols = vec![protocol(ReplySpec::Fifo, on_close)];
    plan
}

/// there, hit, connections, back, gone.
fn books(world: &World) -> [u64; 5] {
    let counts = &world.totals.storms().find("", "1").expect("a storm").counts;
    [counts.there, counts.hit, counts.connections, counts.back, counts.gone]
}

fn game(world: &World) -> &ConnectionRow {
    world.totals.connections().find("", "game").expect("a connection")
}

#[test]
fn a_share_of_the_robots_loses_its_connections_and_comes_back() {
    let mut world = plan(OnClose::Restart).world(echo);
    world.follow(stormy(100, &[storm(20, 0.3, Loss::Cable)]));
    world.advance(19_999);
    assert_eq!((world.totals.robots().ready, world.totals.storms().len()), (100, 0));
    world.advance(20_000);
    assert_eq!((world.totals.robots().ready, books(&world)), (70, [100, 30, 30, 0, 0]));
    world.advance(22_000);
    assert_eq!((world.totals.robots().ready, books(&world)), (100, [100, 30, 30, 30, 0]));
    assert_eq!(world.totals.robots().restarts, 30);
    assert_eq!(game(&world).counts.ended.of(EndCause::Storm), 30);
    let row = world.totals.storms().find("", "1").expect("a storm");
    let (min, max) = (row.recovery().min_us().unwrap_or(0), row.recovery().max_us().unwrap_or(0));
    // The pause before a new life is 50 to 100 ms, and the login takes 20 more.
    assert!(min >= 70_000 && max <= 125_000 && max > min + 10_000, "{min} to {max}");
}

#[test]
fn a_pulled_cable_tells_the_server_nothing_and_an_orderly_close_does() {
    for (loss, ends) in [(Loss::Cable, 0), (Loss::Close, 10)] {
        let mut world = plan(OnClose::Ignore).world(echo);
        world.follow(stormy(10, &[storm(5, 1.0, loss)]));
        world.advance(6_000);
        assert_eq!(*world.ended.borrow(), ends, "{loss:?}");
        assert_eq!(books(&world), [10, 10, 10, 0, 0], "nobody connects again: {loss:?}");
    }
}

#[test]
fn the_parts_of_shards_are_the_whole_share() {
    let of_shard = |index, count, robots| {
        let mut world = plan(OnClose::Restart).world_on(ShardShare { index, count }, echo);
        world.follow(stormy(robots, &[storm(5, 0.25, Loss::Cable)]));
        world.advance(5_500);
        books(&world)[1]
    };
    for robots in [3, 10, 50, 101] {
        let hit: u64 = (0..4).map(|index| of_shard(index, 4, robots)).sum();
        let wanted = robots as f64 * 0.25;
        assert!((hit as f64 - wanted).abs() <= 1.0, "{hit} of {wanted}");
    }
    assert_eq!(of_shard(0, 1, 2), 1, "a half is rounded up");
}

#[test]
fn a_storm_comes_once_however_often_the_plan_is_told() {
    let mut world = plan(OnClose::Restart).world(echo);
    world.follow(stormy(10, &[storm(5, 0.5, Loss::Cable)]));
    world.advance(6_000);
    world.follow(stormy(20, &[storm(5, 0.5, Loss::Cable), Storm { id: 2, ..storm(7, 0.5, Loss::Close) }]));
    world.advance(8_000);
    assert_eq!(books(&world), [10, 5, 5, 5, 0]);
    let second = &world.totals.storms().find("", "2").expect("the second storm").counts;
    assert_eq!((second.there, second.hit, second.back), (20, 10, 10));
}

#[test]
fn a_script_that_connects_again_is_back_when_it_is_connected() {
    let mut plan = plan(OnClose::Call);
    plan.program.mods = vec![ModSpec { closed: true, ..module("role") }];
    let mut world = plan.world(echo);
    world.follow(stormy(10, &[storm(5, 0.2, Loss::Cable)]));
    world.advance(7_900);
    assert_eq!((world.totals.robots().ready, books(&world)), (10, [10, 2, 2, 0, 0]));
    world.advance(8_100);
    assert_eq!(books(&world), [10, 2, 2, 2, 0]);
    assert_eq!(world.totals.robots().restarts, 0);
}

#[test]
fn what_a_storm_takes_is_cancelled_and_no_error() {
    let mut plan = plan(OnClose::Restart);
    plan.scripts.insert("role.chat", vec![Act::Request("slow", within(60_000))]);
    plan.program.tasks.push(task("role.chat"));
    let mut world = plan.world(echo);
    world.follow(stormy(10, &[storm(5, 1.0, Loss::Cable)]));
    world.advance(5_500);
    // Ten logins and ten logins more; what was asked before the storm was never answered.
    let [issued, ok, failed, cancelled, ..] = world.books();
    assert_eq!((ok, failed), (20, 0), "{issued}");
    assert_eq!(cancelled, 10);
    assert_eq!(world.totals.errors().total(), 0);
}

#[test]
fn robots_that_end_before_they_are_back_are_gone() {
    let mut world = plan(OnClose::Restart).world(echo);
    world.follow(stormy(10, &[storm(5, 1.0, Loss::Cable)]));
    world.advance(5_010);
    world.want(4);
    world.advance(6_000);
    assert_eq!(books(&world), [10, 10, 10, 4, 6]);
}

/// Robots with two connections, of which the second comes back later.
fn two_connections(pause: Duration) -> Plan {
    let mut plan = plan(OnClose::Call);
    plan.program.mods = vec![ModSpec { closed: true, ..module("role") }];
    plan.scripts.insert("role.start", vec![connect(), Act::Connect(named("chat"))]);
    plan.scripts.insert("closed storm", vec![connect(), Act::Sleep(pause), Act::Connect(named("chat"))]);
    plan
}

#[test]
fn a_robot_is_back_with_as_many_connections_as_it_had() {
    let mut world = two_connections(SECOND).world(echo);
    world.follow(stormy(1, &[storm(5, 1.0, Loss::Cable)]));
    world.advance(5_500);
    assert_eq!(books(&world), [1, 1, 2, 0, 0], "one of its two connections is back");
    world.advance(6_500);
    assert_eq!(books(&world), [1, 1, 2, 1, 0]);
}

#[test]
fn who_is_hit_again_is_back_from_the_second_storm_alone() {
    let mut world = two_connections(3 * SECOND).world(echo);
    world.follow(stormy(1, &[storm(5, 1.0, Loss::Cable), Storm { id: 2, ..storm(6, 1.0, Loss::Cable) }]));
    world.advance(20_000);
    assert_eq!(books(&world), [1, 1, 2, 0, 1]);
    let second = &world.totals.storms().find("", "2").expect("the second storm").counts;
    assert_eq!((second.hit, second.back, second.gone), (1, 1, 0));
}

fn named(name: &str) -> ConnectOptions {
    ConnectOptions { name: name.into(), ..options() }
}

#[test]
fn who_is_not_back_when_the_run_ends_has_not_ended_by_himself() {
    let mut world = plan(OnClose::Call).world(echo);
    world.follow(stormy(10, &[storm(5, 0.4, Loss::Cable)]));
    world.advance(6_000);
    assert_eq!(books(&world), [10, 4, 4, 0, 0], "nobody connects again");
    world.stop();
    world.advance(7_000);
    assert_eq!(books(&world), [10, 4, 4, 0, 0]);
}
