//! A robot's life in virtual time: starts, readiness, tasks, sequences, restarts and stops.

use crate::world::*;
use std::time::Duration;
use throng_engine::*;
use throng_wire::{OnClose, ReplySpec};

fn echo(net: &MemoryNet, link: LinkId, body: &[u8]) {
    net.send(link, &frame(std::str::from_utf8(body).expect("the tests speak text")));
}

fn nobody(_: &MemoryNet, _: LinkId, _: &[u8]) {}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_robot_logs_in_and_plays_its_tasks() {
    let mut plan = Plan::new([
        ("role.start", vec![connect(), Act::Request("login", within(500))]),
        ("role.chat", vec![Act::Request("hello", within(500))]),
    ]);
    plan.program.tasks.push(task("role.chat"));
    plan.settings.wait = Wait::Pacing(SECOND, Late::CatchUp);
    let mut world = plan.world(echo);
    world.want(1);
    world.advance(0);
    world.expect(&["0 born 0", "0 role.start", "0 connected", "0 reply login"]);
    world.advance(4_000);
    let told = world.told();
    let chats = told.iter().filter(|line| line.ends_with("role.chat")).count();
    assert_eq!(chats, 4, "{told:?}");
    assert_eq!(world.books()[..3], [5, 5, 0]);
    assert_eq!(world.totals.robots().ready, 1);
}

#[test]
fn the_first_task_begins_after_a_part_of_a_task_s_own_wait() {
    let mut plan = Plan::new([("role.start", vec![]), ("role.chat", vec![])]);
    plan.program.tasks.push(TaskSpec { wait: Some(Wait::Constant(SECOND / 10)), ..task("role.chat") });
    plan.settings.wait = Wait::Constant(3_600 * SECOND);
    let mut world = plan.world(nobody);
    world.want(20);
    world.advance(100);
    let told = world.told();
    let first: Vec<&str> =
        told.iter().filter(|line| line.ends_with("role.chat")).map(String::as_str).collect();
    assert_eq!(first.len(), 20, "{told:?}");
    assert!(
        first.iter().any(|line| *line != first[0]),
        "robots that begin together do not act together: {first:?}"
    );
}

#[test]
fn starts_run_side_by_side_except_where_one_needs_another() {
    let mut plan = Plan::new([
        ("role.start", vec![Act::Sleep(SECOND)]),
        ("bag.start", vec![Act::Sleep(SECOND / 2)]),
        ("hero.start", vec![]),
    ]);
    plan.program.mods = vec![ModSpec { needs: vec![2], ..module("hero") }, module("bag"), module("role")];
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(2_000);
    world.expect(&[
        "0 born 0",
        "0 bag.start",
        "0 role.start",
        "500 elapsed",
        "1000 elapsed",
        "1000 hero.start",
    ]);
    assert_eq!(world.totals.robots().ready, 1);
}

#[test]
fn an_early_ready_opens_the_gate_and_a_second_one_is_nothing() {
    let mut plan = Plan::new([
        ("role.start", vec![Act::Ready, Act::Sleep(5 * SECOND), Act::Ready]),
        ("role.chat", vec![]),
    ]);
    plan.program.tasks.push(task("role.chat"));
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(3_000);
    let told = world.told();
    assert!(told.iter().any(|line| line.ends_with("role.chat")), "{told:?}");
    world.advance(6_000);
    assert!(world.told().iter().any(|line| line == "5000 elapsed"));
}

#[test]
fn manual_readiness_waits_for_ready() {
    let mut plan = Plan::new([("role.start", vec![])]);
    plan.program.manual_ready = true;
    plan.settings.ready_timeout = 2 * SECOND;
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(1_900);
    assert_eq!(world.totals.robots().ready, 0);
    world.advance(2_100);
    assert_eq!(world.totals.robots().failed, 1);
    assert!(world.totals.failures().iter().any(|group| group.message.contains("not ready within 2s")));
}

#[test]
fn a_push_may_end_a_login() {
    let mut plan = Plan::new([("role.start", vec![connect()]), ("role.chat", vec![])]);
    plan.program.manual_ready = true;
    plan.program.tasks.push(task("role.chat"));
    plan.settings.protocols = vec![protocol(ReplySpec::None, OnClose::Call)];
    plan.habits.on_push = Some(Act::Ready);
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(5_000);
    assert_eq!(world.totals.robots().ready, 0);
    world.expect(&["0 born 0", "0 role.start", "0 connected"]);
    let link = world.accepted.borrow()[0];
    world.net.send(link, &frame("welcome"));
    world.advance(8_000);
    assert_eq!(world.totals.robots().ready, 1);
    let told = world.told();
    assert_eq!(told[0], "5000 push welcome");
    assert!(told[1..].iter().any(|line| line.ends_with("role.chat")), "{told:?}");
}

/// When a task began, in milliseconds.
fn beginnings(told: &[String], task: &str) -> Vec<u64> {
    let begun = told.iter().filter_map(|line| line.split_once(' ')).filter(|(_, what)| *what == task);
    begun.map(|(at, _)| at.parse().expect("a time")).collect()
}

#[test]
fn a_tasks_own_wait_is_stronger_than_the_runs() {
    let mut plan = Plan::new([("role.hasty", vec![]), ("role.usual", vec![])]);
    plan.program.tasks.push(TaskSpec { wait: Some(Wait::Constant(SECOND / 10)), ..task("role.hasty") });
    plan.settings.wait = Wait::Constant(3 * SECOND);
    let usual = Plan {
        settings: plan.settings.clone(),
        program: Program { tasks: vec![task("role.usual")], ..plan.program.clone() },
        scripts: plan.scripts.clone(),
        habits: Habits::default(),
    };
    for (plan, name, apart) in [(plan, "role.hasty", 100), (usual, "role.usual", 3_000)] {
        let mut world = plan.world(nobody);
        world.want(1);
        world.advance(20_000);
        let at = beginnings(&world.told(), name);
        assert!(at.len() >= 5, "{at:?}");
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] == apart), "{at:?}");
    }
}

#[test]
fn a_sequence_waits_between_its_steps_as_after_it() {
    let mut plan = Plan::new([("browse", vec![]), ("buy", vec![])]);
    let (steps, wait) = (["browse", "buy"].map(Into::into).to_vec(), Some(Wait::Constant(2 * SECOND)));
    plan.program.tasks.push(TaskSpec { steps, wait, ..task("role.shop") });
    plan.settings.wait = Wait::Constant(SECOND / 10);
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(10_000);
    let told = world.told();
    let mut at = [beginnings(&told, "browse"), beginnings(&told, "buy")].concat();
    at.sort_unstable();
    assert!(at.len() >= 4 && at.windows(2).all(|pair| pair[1] - pair[0] == 2_000), "{at:?}");
}

#[test]
fn first_tasks_of_robots_that_start_together_are_spread_over_the_wait() {
    let mut plan = Plan::new([("role.chat", vec![])]);
    plan.program.tasks.push(task("role.chat"));
    plan.settings.wait = Wait::Constant(10 * SECOND);
    let mut world = plan.world(nobody);
    world.want(100);
    world.advance(9_990);
    let at = beginnings(&world.told(), "role.chat");
    assert!(at.len() >= 98, "each begins within the first wait: {}", at.len());
    for tenth in 0..10 {
        let within = at.iter().filter(|at| (tenth * 1_000..(tenth + 1) * 1_000).contains(*at)).count();
        assert!((2..25).contains(&within), "{within} in second {tenth}");
    }
}

#[test]
fn a_failing_sequence_ends_at_the_failed_step() {
    let mut plan = Plan::new([("browse", vec![]), ("buy", vec![Act::Fail]), ("leave", vec![])]);
    let steps = ["browse", "buy", "leave"].map(Into::into).to_vec();
    plan.program.tasks.push(TaskSpec { steps, ..task("role.shop") });
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(3_900);
    let told = world.told();
    let named: Vec<&str> = told.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    assert!(named.contains(&"buy") && !named.contains(&"leave"), "{told:?}");
    let step = world.totals.work(throng_metrics::WorkKind::Step).find("", "role.shop.buy").expect("a step");
    assert!(step.counts.failed >= 1 && step.counts.failed == step.counts.count);
}

#[test]
fn a_task_that_takes_too_long_is_abandoned_and_the_robot_goes_on() {
    let mut plan = Plan::new([("role.chat", vec![Act::Sleep(100 * SECOND)])]);
    plan.program.tasks.push(TaskSpec { timeout: Some(SECOND / 10), ..task("role.chat") });
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(5_000);
    let told = world.told();
    assert!(told.iter().filter(|line| line.ends_with("abandoned")).count() >= 3, "{told:?}");
    assert!(world.totals.failures().iter().any(|group| group.kind.to_string() == "task_timeout"));
}

#[test]
fn a_task_whose_when_says_no_is_never_run() {
    let mut plan = Plan::new([("role.chat", vec![])]);
    plan.program.tasks = vec![
        TaskSpec { conditional: true, weight: 1000.0, ..task("role.hidden") },
        TaskSpec { conditional: true, ..task("role.chat") },
    ];
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(5_000);
    let told = world.told();
    assert!(told.iter().filter(|line| line.ends_with("role.chat")).count() >= 4, "{told:?}");
    assert!(!told.iter().any(|line| line.ends_with("role.hidden")));
}

#[test]
fn weights_decide_how_often_a_task_is_picked() {
    let mut plan = Plan::new([("role.often", vec![]), ("role.seldom", vec![]), ("role.never", vec![])]);
    plan.program.tasks = vec![
        TaskSpec { weight: 3.0, ..task("role.often") },
        task("role.seldom"),
        TaskSpec { weight: 0.0, ..task("role.never") },
    ];
    plan.settings.wait = Wait::Constant(Duration::from_millis(10));
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(20_000);
    let count = |name| {
        world.totals.work(throng_metrics::WorkKind::Task).find("", name).map_or(0, |row| row.counts.count)
    };
    let (often, seldom) = (count("role.often"), count("role.seldom"));
    assert_eq!(count("role.never"), 0);
    let share = often as f64 / (often + seldom) as f64;
    assert!((0.70..0.80).contains(&share), "{often} of {}", often + seldom);
}

#[test]
fn restart_begins_anew_with_the_same_id_and_growing_pauses() {
    let mut world = Plan::new([("role.start", vec![connect(), Act::Restart])]).world(nobody);
    world.want(1);
    world.advance(2_000);
    let told = world.told();
    let born: Vec<u64> = told
        .iter()
        .filter(|line| line.ends_with("born 0"))
        .map(|line| line.split(' ').next().and_then(|at| at.parse().ok()).expect("a time"))
        .collect();
    assert!(born.len() >= 3 && born.len() < 12, "{born:?}");
    assert!(born.windows(2).all(|pair| pair[1] - pair[0] >= 50), "{born:?}");
    assert_eq!(world.totals.robots().started, 1);
}

#[test]
fn a_failed_first_start_ends_the_robot_as_failed() {
    let mut world = Plan::new([("role.start", vec![Act::Fail])]).world(nobody);
    world.want(3);
    world.advance(1_000);
    assert_eq!(world.totals.robots().failed, 3);
    assert!(world.shard.report(false).ended);
}

#[test]
fn with_on_error_restart_a_failed_start_tries_again() {
    let mut plan = Plan::new([("role.start", vec![Act::Fail])]);
    plan.settings.on_error = OnError::Restart;
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(2_000);
    assert!(world.told().iter().filter(|line| line.ends_with("born 0")).count() >= 3);
    assert_eq!(world.totals.robots().failed, 0);
}

#[test]
fn stops_run_on_the_way_out_and_have_a_limit() {
    let mut plan = Plan::new([("role.stop", vec![Act::Sleep(SECOND)]), ("bag.stop", vec![Act::Hang])]);
    let stopper = |name| ModSpec { start: false, stop: true, ..module(name) };
    plan.program.mods = vec![stopper("role"), stopper("bag")];
    plan.settings.stop_timeout = 3 * SECOND;
    let mut world = plan.world(nobody);
    world.want(1);
    world.advance(100);
    world.shard.want(Desired {
        schedule: Schedule::constant(1, f64::INFINITY, None),
        begun: Duration::ZERO,
        phase: Phase::Stop,
    });
    world.advance(2_000);
    world.expect(&["0 born 0", "100 role.stop", "100 bag.stop", "1100 elapsed"]);
    assert_eq!(world.totals.robots().ready, 1);
    world.advance(3_200);
    assert_eq!(world.totals.robots().stopped, 1);
}

#[test]
fn a_ramp_down_stops_the_youngest_robots() {
    let mut world = Plan::new([]).world(nobody);
    let stages = [Stage::new(10, SECOND), Stage::new(4, SECOND)];
    world.shard.want(Desired {
        schedule: Schedule::stages(&stages, None),
        begun: Duration::ZERO,
        phase: Phase::Play,
    });
    world.advance(1_000);
    assert_eq!(world.totals.robots().ready, 10);
    world.advance(2_100);
    assert_eq!((world.totals.robots().ready, world.totals.robots().stopped), (4, 6));
}

#[test]
fn robots_spread_inside_the_second() {
    let mut world = Plan::new([]).world(nobody);
    world.shard.want(Desired {
        schedule: Schedule::constant(100, 100.0, None),
        begun: Duration::ZERO,
        phase: Phase::Play,
    });
    world.advance(500);
    let started = world.totals.robots().started;
    assert!((49..=51).contains(&started), "{started}");
}
