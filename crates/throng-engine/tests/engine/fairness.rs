//! One robot, one server or one late turn does not bend what the others get or what is said of them.

use crate::world::*;
use std::time::Duration;
use throng_engine::*;
use throng_metrics::LagSource;
use throng_wire::{OnClose, ReplySpec};

const SECOND: Duration = Duration::from_secs(1);

/// A robot that does `act` for ever beside one that sleeps a second.
#[track_caller]
fn check_that_others_go_on(act: Act) {
    let mut plan = Plan::new([("role.start", vec![act]), ("bag.start", vec![Act::Sleep(SECOND)])]);
    plan.program.mods.push(module("bag"));
    plan.settings.ready_timeout = 60 * SECOND;
    plan.habits.most_outcomes = Some(1_000_000);
    let mut world = plan.world(|_, _, _| {});
    world.want(1);
    world.advance(1_001);
    assert!(world.told().contains(&"1000 elapsed".to_owned()));
}

#[test]
fn a_script_that_wakes_itself_without_end_does_not_hold_the_shard() {
    check_that_others_go_on(Act::Spin);
}

#[test]
fn a_script_that_connects_where_it_is_refused_at_once_does_not_hold_the_shard() {
    check_that_others_go_on(Act::Insist(ConnectOptions { url: "tcp://127.0.0.1:9".into(), ..options() }));
}

#[test]
fn timers_that_wait_for_other_scripts_are_lag() {
    let mut plan = Plan::new([("role.start", vec![Act::Sleep(SECOND)])]);
    plan.habits.cost = Duration::from_millis(1);
    let mut world = plan.world(|_, _, _| {});
    world.want(100);
    world.advance(3_000);
    let lag = world.totals.generator().lag_of(LagSource::Timer).max_us().expect("timers fired");
    assert!((60_000..110_000).contains(&lag), "{lag}");
}

#[test]
fn a_stall_lasts_from_one_look_at_the_sockets_to_the_next() {
    let acts = vec![connect(), Act::Request("a", within(60_000)), Act::Sleep(SECOND)];
    let mut plan = Plan::new([("role.start", acts)]);
    plan.habits.cost = Duration::from_millis(40);
    let mut world =
        plan.world(|net, link, body| net.send(link, &frame(std::str::from_utf8(body).expect("text"))));
    world.want(50);
    world.advance(10_000);
    let stall = world.totals.generator().longest_stall_us();
    // Fifty replies take two seconds; by then fifty sleeps are over, one after the other, and take two more.
    assert!((3_900_000..4_100_000).contains(&stall), "{stall}");
}

#[test]
fn a_run_has_not_ended_while_robots_are_still_to_begin() {
    let mut world = Plan::new([("role.start", vec![Act::Fail])]).world(|_, _, _| {});
    world.want(1_000);
    world.shard.turn(Some(0)).expect("memory does not fail");
    let report = world.shard.report(false);
    world.totals.merge(&report.delta);
    assert!(world.totals.robots().failed < 1_000);
    assert!(!report.ended);
    world.advance(10);
    assert!(world.shard.report(false).ended);
}

#[test]
fn pushes_without_end_are_all_told_and_others_go_on_beside_them() {
    let mut plan = Plan::new([
        ("role.start", vec![connect(), Act::Sleep(SECOND)]),
        ("bag.start", vec![Act::Sleep(SECOND / 1000), Act::Sleep(SECOND / 1000)]),
    ]);
    plan.program.mods.push(module("bag"));
    plan.settings.protocols = vec![protocol(ReplySpec::None, OnClose::Call)];
    plan.habits.push_cost = Duration::from_micros(10);
    let mut world = plan.world(|_, _, _| {});
    world.want(1);
    world.advance(0);
    let link = world.accepted.borrow()[0];
    world.net.send(link, &frame("x").repeat(400_000));
    world.advance(10_000);
    let told = world.told();
    assert_eq!(told.iter().filter(|line| line.ends_with("push x")).count(), 400_000);
    let second = told.iter().rposition(|line| line.ends_with("elapsed")).expect("the sleeps end");
    let bags: Vec<usize> = (0..second).filter(|index| told[*index].ends_with("elapsed")).collect();
    assert!(bags.iter().all(|index| *index < 100_000), "{bags:?}");
}
