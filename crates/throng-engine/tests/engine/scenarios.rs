//! Classes of robots in virtual time: who plays what, in which numbers, and the books of each.

use crate::world::*;
use std::time::Duration;
use throng_engine::*;

const SECOND: Duration = Duration::from_secs(1);

fn nobody(_: &MemoryNet, _: LinkId, _: &[u8]) {}

fn scenario(name: &str, mods: [bool; 2], weights: [f64; 2]) -> ScenarioSpec {
    ScenarioSpec { name: name.into(), mods: mods.to_vec(), weights: weights.to_vec(), wait: None }
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
