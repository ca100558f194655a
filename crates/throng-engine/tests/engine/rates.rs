//! Task rates in virtual time: that they are held, who plays their slots, and what becomes of slots nobody plays.

use crate::intended::{Stall, begun, request_times, schedule};
use crate::world::*;
use std::time::Duration;
use throng_engine::*;
use throng_metrics::WorkKind;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// Robots that ask once a task.
fn asking() -> Plan {
    let mut plan = Plan::new([
        ("role.start", vec![connect()]),
        ("role.ask", vec![Act::Request("hello", within(5_000))]),
    ]);
    plan.program.tasks.push(task("role.ask"));
    plan
}

#[test]
fn the_asked_rate_is_held_through_a_stall_and_measured_from_the_intended_starts() {
    let mut plan = asking();
    plan.settings.task_rate = Some(1_000.0);
    let stall = Stall::default();
    let mut world = plan.world(stall.rule());
    world.want(50);
    world.advance(4_000);
    stall.begin();
    world.advance(5_000);
    stall.end(&world.net);
    world.advance(10_000);
    // Slots at 1 ms, 2 ms ... 10,000 ms, of which those from 4,001 to 5,000 had to wait.
    assert_eq!(schedule(&world, "task_rate"), [10_000, 10_000, 0]);
    let (latency, intended) = request_times(&world);
    assert_eq!((latency.count(), intended.count()), (10_000, 10_000));
    assert_eq!(intended.max_us(), Some(999_000));
    // A tenth waited, evenly from 999 ms down to 0: the 99th percentile is a tenth below the longest.
    let p99 = intended.quantile_us(0.99).expect("samples");
    assert!((898_000..=902_000).contains(&p99), "{p99}");
    // Fifty robots can wait for fifty replies; from the real start nearly all is fine.
    assert_eq!(latency.quantile_us(0.99), Some(0));
    let begun = begun(&world.told(), "role.ask");
    for second in [0, 1, 2, 3, 5, 6, 7, 8, 9] {
        let from = second * 1_000;
        let wanted = if second == 5 { 1_950 } else { 1_000 };
        let count = begun.iter().filter(|at| (from..from + 1_000).contains(*at)).count();
        assert!(count.abs_diff(wanted) <= 1, "{count} in second {second}");
    }
}

#[test]
fn slots_are_even_and_go_to_the_robot_that_has_been_idle_longest() {
    let mut plan = asking();
    plan.settings.task_rate = Some(8.0);
    let mut world = plan.world(Stall::default().rule());
    world.want(4);
    world.advance(2_000);
    assert_eq!(begun(&world.told(), "role.ask"), (1..=16).map(|slot| slot * 125).collect::<Vec<u64>>());
    let work = world.totals.work(WorkKind::Task).find("", "role.ask").expect("a task");
    assert_eq!((work.intended().count(), work.intended().max_us()), (16, Some(0)));
}

#[test]
fn a_task_of_its_own_rate_leaves_the_other_tasks_as_they_are() {
    let chats = |rate: Option<f64>| {
        let mut plan = Plan::new([("role.start", vec![]), ("role.chat", vec![]), ("role.rare", vec![])]);
        plan.program.tasks = vec![task("role.chat")];
        plan.program.tasks.extend(rate.map(|rate| TaskSpec { rate: Some(rate), ..task("role.rare") }));
        plan.settings.wait = Wait::Constant(90 * MILLISECOND);
        let mut world = plan.world(Stall::default().rule());
        world.want(5);
        world.advance(10_000);
        let told = world.told();
        (begun(&told, "role.chat"), begun(&told, "role.rare"))
    };
    let (alone, none) = chats(None);
    assert!(alone.len() > 500 && none.is_empty());
    let (beside, rare) = chats(Some(20.0));
    assert_eq!(beside, alone);
    assert_eq!(rare, (1..=200).map(|slot| slot * 50).collect::<Vec<u64>>());
}

#[test]
fn a_paced_robot_that_played_for_a_slot_keeps_its_schedule() {
    let mut plan = Plan::new([
        ("role.start", vec![]),
        ("role.chat", vec![]),
        ("role.long", vec![Act::Sleep(250 * MILLISECOND)]),
    ]);
    plan.program.tasks = vec![task("role.chat"), TaskSpec { rate: Some(0.5), ..task("role.long") }];
    plan.settings.wait = Wait::Pacing(100 * MILLISECOND, Late::CatchUp);
    let mut world = plan.world(Stall::default().rule());
    world.want(1);
    world.advance(9_999);
    assert_eq!(begun(&world.told(), "role.long"), [2_000, 4_000, 6_000, 8_000]);
    let [due, begun, missed] = schedule(&world, "pacing");
    assert_eq!(missed, 0);
    assert!((99..=100).contains(&due) && begun == due, "{due} {begun}");
    assert_eq!(schedule(&world, "role.long"), [4, 4, 0]);
}

#[test]
fn a_robot_that_plays_alone_draws_tasks_with_rates_by_weight() {
    let mut plan = Plan::new([("role.start", vec![]), ("role.rare", vec![])]);
    plan.program.tasks.push(TaskSpec { rate: Some(500.0), ..task("role.rare") });
    plan.settings.task_rate = Some(1_000.0);
    plan.settings.no_rates = true;
    let mut world = plan.world(Stall::default().rule());
    world.want(1);
    world.advance(10_500);
    let begun = begun(&world.told(), "role.rare");
    assert!(begun.len() >= 10 && begun.windows(2).all(|pair| pair[1] - pair[0] == 1_000), "{begun:?}");
}

#[test]
fn slots_nobody_could_play_are_missed() {
    let mut plan = Plan::new([("role.start", vec![]), ("role.hang", vec![Act::Hang])]);
    plan.program.tasks.push(task("role.hang"));
    plan.settings.task_rate = Some(200_000.0);
    let mut world = plan.world(Stall::default().rule());
    world.want(3);
    world.advance(1_000);
    // 100,000 wait, three are played, and the others found no place to wait.
    assert_eq!(schedule(&world, "task_rate"), [200_000, 100_003, 99_997]);
    world.stop();
    world.advance(1_010);
    assert_eq!(schedule(&world, "task_rate"), [200_000, 3, 199_997]);
}

#[test]
fn a_slot_that_nobody_s_when_allows_does_not_hold_up_the_others() {
    let mut plan = Plan::new([("role.start", vec![]), ("role.open", vec![])]);
    plan.program.tasks = vec![
        TaskSpec { rate: Some(10.0), conditional: true, ..task("role.shut") },
        TaskSpec { rate: Some(10.0), conditional: true, ..task("role.open") },
    ];
    let mut world = plan.world(Stall::default().rule());
    world.want(3);
    world.advance(1_000);
    assert_eq!(begun(&world.told(), "role.open").len(), 10);
    world.stop();
    world.advance(1_001);
    assert_eq!(schedule(&world, "role.shut"), [10, 0, 10]);
    assert_eq!(schedule(&world, "role.open"), [10, 10, 0]);
}

#[test]
fn tasks_that_never_wait_hold_neither_the_shard_nor_the_rate() {
    let mut plan = Plan::new([("role.start", vec![]), ("role.empty", vec![])]);
    plan.program.tasks.push(task("role.empty"));
    plan.settings.task_rate = Some(10_000.0);
    let mut world = plan.world(Stall::default().rule());
    world.want(1);
    world.advance(1_000);
    assert_eq!(schedule(&world, "task_rate"), [10_000, 10_000, 0]);
    assert_eq!(begun(&world.told(), "role.empty").len(), 10_000);
}

#[test]
fn only_the_first_step_of_a_sequence_is_the_slot_s() {
    let steps = ["browse", "buy"].map(Into::into).to_vec();
    let mut plan =
        Plan::new([("role.start", vec![]), ("browse", vec![Act::Sleep(10 * MILLISECOND)]), ("buy", vec![])]);
    plan.program.tasks.push(TaskSpec { steps, rate: Some(2.0), ..task("role.shop") });
    plan.settings.wait = Wait::Constant(SECOND / 10);
    let mut world = plan.world(Stall::default().rule());
    world.want(2);
    world.advance(2_400);
    let told = world.told();
    assert_eq!(begun(&told, "browse"), [500, 1_000, 1_500, 2_000]);
    assert_eq!(begun(&told, "buy"), [610, 1_110, 1_610, 2_110]);
    let step = |name| world.totals.work(WorkKind::Step).find("", name).expect("a step").intended().count();
    assert_eq!((step("role.shop.browse"), step("role.shop.buy")), (4, 0));
    assert!(world.totals.schedules().find("", "pacing").is_none());
}

#[test]
fn a_robot_that_comes_back_after_a_restart_plays_slots_again() {
    let mut plan = Plan::new([("role.start", vec![]), ("role.again", vec![Act::Restart])]);
    plan.program.tasks.push(task("role.again"));
    plan.settings.task_rate = Some(1.0);
    let mut world = plan.world(Stall::default().rule());
    world.want(2);
    world.advance(10_000);
    let told = world.told();
    assert_eq!(begun(&told, "role.again").len(), 10, "{told:?}");
}

#[test]
fn a_rate_that_no_machine_plays_does_not_hold_up_its_shard() {
    let mut plan = Plan::new([("role.start", vec![]), ("role.hang", vec![Act::Hang])]);
    plan.program.tasks.push(task("role.hang"));
    plan.settings.task_rate = Some(MOST_RATE);
    let mut world = plan.world(Stall::default().rule());
    world.want(1);
    world.advance(0);
    world.stall(3_600_000);
    world.stop();
    world.advance(3_600_010);
    let [due, begun, missed] = schedule(&world, "task_rate");
    assert_eq!((due, begun, missed), (3_600_000_000_000, 0, 3_600_000_000_000));
}
