//! Classes of robots in virtual time: who plays what, in which numbers, and the books of each.

use crate::world::*;
use std::time::Duration;
use throng_engine::*;

const SECOND: Duration = Duration::from_secs(1);

fn nobody(_: &MemoryNet, _: LinkId, _: &[u8]) {}

fn scenario(name: &str, mods: [bool; 2], weights: [f64; 2]) -> ScenarioSpec {
    let (mods, weights) = (mods.to_vec(), weights.to_vec());
    ScenarioSpec { name: name.into(), mods, weights, wait: None, task_rate: None, rates: vec![None, None] }
}

fn member(scenario: usize, share: f64) -> Member {
    Member { scenario, share, session: None }
}

/// Casual robots chat, whales buy too and have a mod for it.
fn plan() -> Plan {
    let mut plan = Plan::new([("role.chat", vec![]), ("shop.buy", vec![])]);
    plan.program.mods = vec![module("role"), ModSpec { stop: true, ..module("shop") }];
    plan.program.tasks = vec![task("role.chat"), TaskSpec { module: 1, ..task("shop.buy") }];
    plan.program.scenarios =
        vec![scenario("casual", [true, false], [1.0, 0.0]), scenario("whale", [true, true], [1.0, 3.0])];
    plan
}

fn shared(robots: u64) -> Crowd {
    Crowd::constant(robots, f64::INFINITY).of(vec![member(0, 0.8), member(1, 0.2)])
}

fn count(told: &[String], what: &str) -> usize {
    told.iter().filter(|line| line.ends_with(what)).count()
}

/// started, were ready, ready now, stopped of a scenario.
fn robots(world: &World, name: &str) -> (u64, u64, i64, u64) {
    let counts = &world.totals.scenarios().find("", name).expect("a scenario").counts;
    (counts.started, counts.were_ready, counts.ready, counts.stopped)
}

fn tasks(world: &World, scenario: &str, task: &str) -> u64 {
    world.totals.scenario_tasks().find(scenario, task).map_or(0, |row| row.counts.count)
}

#[test]
fn robots_have_the_mods_and_tasks_of_their_scenario() {
    let mut world = plan().world(nobody);
    world.follow(Schedule::new(vec![shared(10)], None));
    world.advance(40_000);
    let told = world.told();
    assert_eq!((count(&told, "role.start"), count(&told, "shop.start")), (10, 2));
    assert_eq!((robots(&world, "casual"), robots(&world, "whale")), ((8, 8, 8, 0), (2, 2, 2, 0)));
    assert_eq!(tasks(&world, "casual", "shop.buy"), 0);
    let (chats, buys) = (tasks(&world, "whale", "role.chat"), tasks(&world, "whale", "shop.buy"));
    assert!((76..=82).contains(&(chats + buys)), "{chats} and {buys}");
    assert!((45..75).contains(&buys), "three of four: {buys}");
    let all = world.totals.work(throng_metrics::WorkKind::Task);
    let chatted = all.find("", "role.chat").expect("a task").counts.count;
    assert_eq!(chatted, chats + tasks(&world, "casual", "role.chat"));
    world.follow(Schedule::new(vec![shared(0)], None));
    world.advance(41_000);
    assert_eq!(count(&world.told(), "shop.stop"), 2);
    assert_eq!((robots(&world, "casual"), robots(&world, "whale")), ((8, 8, 0, 8), (2, 2, 0, 2)));
}

#[test]
fn a_scenario_with_robots_of_its_own_comes_beside_the_others() {
    let mut world = plan().world(nobody);
    let own =
        Crowd::stages(&[Stage::new(3, 2 * SECOND), Stage::new(3, 60 * SECOND)]).of(vec![member(1, 1.0)]);
    let casual = Crowd::constant(7, f64::INFINITY).of(vec![member(0, 1.0)]);
    world.follow(Schedule::new(vec![casual, own], None));
    world.advance(1_000);
    assert_eq!((robots(&world, "casual").0, robots(&world, "whale").0), (7, 1));
    world.advance(3_000);
    assert_eq!((robots(&world, "casual").0, robots(&world, "whale").0), (7, 3));
    let told = world.told();
    let mut ids: Vec<&str> =
        told.iter().filter_map(|line| line.split_once(" born ")).map(|(_, id)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 10, "no two robots have one id");
}

#[test]
fn shares_hold_over_shards_and_while_robots_are_replaced() {
    let mut parts = [0, 0];
    for index in 0..3 {
        let members = vec![
            Member { session: Some(Stay::Exponential(2 * SECOND)), ..member(0, 0.75) },
            Member { session: Some(Stay::Exponential(20 * SECOND)), ..member(1, 0.25) },
        ];
        let mut world = plan().world_on(ShardShare { index, count: 3 }, nobody);
        world.follow(Schedule::new(vec![Crowd::online(60, 10_000.0).of(members)], None));
        world.advance(30_000);
        for (part, name) in parts.iter_mut().zip(["casual", "whale"]) {
            *part += robots(&world, name).2;
        }
    }
    // Whales stay ten times as long, and are a quarter all the same. Who has just left may not be replaced yet.
    assert!((43..=45).contains(&parts[0]) && (14..=15).contains(&parts[1]), "{parts:?}");
}

#[test]
fn a_scenario_s_wait_is_stronger_than_the_runs_and_weaker_than_a_tasks() {
    let mut plan = plan();
    plan.settings.wait = Wait::Constant(100 * SECOND);
    plan.program.tasks[1].wait = Some(Wait::Constant(SECOND / 10));
    plan.program.scenarios[0].wait = Some(Wait::Constant(SECOND));
    plan.program.scenarios[1] = scenario("whale", [true, true], [0.0, 1.0]);
    let mut world = plan.world(nobody);
    world.follow(Schedule::new(
        vec![Crowd::constant(2, f64::INFINITY).of(vec![member(0, 1.0), member(1, 1.0)])],
        None,
    ));
    world.advance(20_000);
    let (chats, buys) = (tasks(&world, "casual", "role.chat"), tasks(&world, "whale", "shop.buy"));
    assert!((19..=20).contains(&chats) && (198..=200).contains(&buys), "{chats} and {buys}");
}

#[test]
fn arrivals_and_the_turned_away_are_counted_by_scenario() {
    let crowd = Crowd::arrivals(10.0, Spacing::Even, 10).of(vec![member(0, 0.8), member(1, 0.2)]);
    let mut world = plan().world(nobody);
    world.follow(Schedule::new(vec![crowd], None));
    world.advance(1_950);
    let of = |name: &str| {
        let counts = &world.totals.arrivals().find("", name).expect("arrivals").counts;
        (counts.due, counts.dropped)
    };
    assert_eq!((of("casual"), of("whale")), ((16, 8), (4, 2)));
}

#[test]
fn a_task_s_rate_is_kept_by_those_who_play_it() {
    let mut plan = plan();
    plan.program.tasks[1] = TaskSpec { rate: Some(5.0), ..plan.program.tasks[1].clone() };
    let mut world = plan.world(nobody);
    world.follow(Schedule::new(vec![shared(10)], None));
    world.advance(20_000);
    assert!(
        (98..=100).contains(&tasks(&world, "whale", "shop.buy")),
        "{}",
        tasks(&world, "whale", "shop.buy")
    );
    assert_eq!(tasks(&world, "casual", "shop.buy"), 0);
}

/// How many tasks were played on all shards together in so many seconds.
fn played_on(shards: u64, plan: impl Fn() -> Plan, crowds: &[Crowd], seconds: u64, task: &str) -> Vec<usize> {
    let on_shard = |index| {
        let mut world = plan().world_on(ShardShare { index, count: shards }, nobody);
        world.follow(Schedule::new(crowds.to_vec(), None));
        world.advance(seconds * 1_000);
        count(&world.told(), task)
    };
    (0..shards).map(on_shard).collect()
}

#[test]
fn a_task_that_few_robots_play_keeps_its_rate_on_any_number_of_shards() {
    let plan = || {
        let mut plan = plan();
        plan.program.tasks[1].rate = Some(20.0);
        plan
    };
    // One whale among a hundred robots, and one beside nine: some shards have none.
    let rare = Crowd::constant(100, f64::INFINITY).of(vec![member(0, 0.99), member(1, 0.01)]);
    let own = vec![
        Crowd::constant(9, f64::INFINITY).of(vec![member(0, 1.0)]),
        Crowd::constant(1, f64::INFINITY).of(vec![member(1, 1.0)]),
    ];
    for crowds in [vec![rare], own] {
        for shards in [1, 2, 4] {
            let played = played_on(shards, plan, &crowds, 30, "shop.buy");
            assert_eq!(played.iter().sum::<usize>(), 600, "{shards} shards: {played:?}");
        }
    }
}

#[test]
fn scenarios_that_take_turns_are_on_every_shard() {
    let halves = Crowd::constant(400, f64::INFINITY).of(vec![member(0, 0.5), member(1, 0.5)]);
    for index in 0..2 {
        let mut world = plan().world_on(ShardShare { index, count: 2 }, nobody);
        world.follow(Schedule::new(vec![halves.clone()], None));
        world.advance(1_000);
        let (casual, whale) = (robots(&world, "casual").2, robots(&world, "whale").2);
        assert_eq!(casual + whale, 200);
        assert!((70..=130).contains(&casual), "shard {index}: {casual} and {whale}");
    }
}

#[test]
fn a_scenario_has_rates_of_its_own() {
    let mut plan = plan();
    plan.settings.wait = Wait::Constant(10 * SECOND);
    plan.settings.task_rate = Some(30.0);
    plan.program.scenarios[1].task_rate = Some(5.0);
    plan.program.scenarios[1].rates[1] = Some(2.0);
    let mut world = plan.world(nobody);
    world.follow(Schedule::new(vec![shared(10)], None));
    world.advance(20_000);
    let played = |scenario, task| tasks(&world, scenario, task);
    assert_eq!((played("casual", "role.chat"), played("casual", "shop.buy")), (600, 0));
    assert_eq!((played("whale", "role.chat"), played("whale", "shop.buy")), (100, 40));
    for (name, due) in [("task_rate", 600), ("whale: task_rate", 100), ("whale: shop.buy", 40)] {
        let counts = &world.totals.schedules().find("", name).expect("a schedule").counts;
        assert_eq!((counts.due, counts.missed), (due, 0), "{name}");
    }
}

#[test]
fn a_scenario_s_rate_leaves_the_others_to_their_waits() {
    let mut plan = plan();
    plan.settings.wait = Wait::Constant(SECOND);
    plan.program.scenarios[1].rates[1] = Some(4.0);
    let mut world = plan.world(nobody);
    world.follow(Schedule::new(vec![shared(10)], None));
    world.advance(20_000);
    assert_eq!(tasks(&world, "whale", "shop.buy"), 80);
    let chats = |name, robots: u64| {
        let each = tasks(&world, name, "role.chat") / robots;
        assert!((19..=20).contains(&each), "{name}: {each}");
    };
    chats("casual", 8);
    chats("whale", 2);
}

#[test]
fn slots_come_from_when_a_robot_is_ready_that_plays_them() {
    let mut plan = plan();
    plan.program.tasks[1].rate = Some(10.0);
    let mut world = plan.world(nobody);
    let late = Crowd::stages(&[Stage::new(0, 30 * SECOND), Stage::new(1, Duration::ZERO)]);
    let crowds =
        vec![Crowd::constant(9, f64::INFINITY).of(vec![member(0, 1.0)]), late.of(vec![member(1, 1.0)])];
    world.follow(Schedule::new(crowds, None));
    world.advance(31_000);
    let counts = &world.totals.schedules().find("", "shop.buy").expect("a schedule").counts;
    assert!((9..=10).contains(&counts.due), "none of the half minute before: {}", counts.due);
}

#[test]
fn the_slots_of_a_shape_are_those_of_all_shards_it_may_fill() {
    let plan = || {
        let mut plan = plan();
        plan.program.scenarios.clear();
        plan.settings.task_rate = Some(20.0);
        plan
    };
    let mut counts = Vec::new();
    for index in 0..2 {
        let mut world = plan().world_on(ShardShare { index, count: 2 }, nobody);
        let first =
            Schedule::new(vec![Crowd::constant(0, f64::INFINITY)], None).reshaped(Duration::ZERO, &[1], 10.0);
        world.follow(first.clone());
        world.advance(1_000);
        world.follow(first.reshaped(SECOND, &[10], 1_000.0));
        world.advance(11_000);
        let told = world.told();
        let played = |name| told.iter().filter(|line| line.ends_with(name)).count();
        counts.push(played("role.chat") + played("shop.buy"));
    }
    assert!(counts.iter().all(|count| (95..=111).contains(count)), "{counts:?}");
}
