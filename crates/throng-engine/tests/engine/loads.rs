//! Load models in virtual time: who comes when, who stays how long, who is turned away.

use crate::world::*;
use std::time::Duration;
use throng_engine::*;
use throng_metrics::LagSource;

const SECOND: Duration = Duration::from_secs(1);

fn nobody(_: &MemoryNet, _: LinkId, _: &[u8]) {}

fn world(schedule: Schedule) -> World {
    world_on(schedule, ShardShare { index: 0, count: 1 })
}

fn world_on(schedule: Schedule, share: ShardShare) -> World {
    let mut world = Plan::new([]).world_on(share, nobody);
    world.follow(schedule);
    world
}

fn only(crowd: Crowd) -> Schedule {
    Schedule::new(vec![crowd], None)
}

/// When which robots were born, in milliseconds.
fn born(world: &mut World) -> Vec<(u64, u64)> {
    let told = world.told();
    let births = told.iter().filter_map(|line| line.split_once(" born "));
    births.map(|(at, id)| (at.parse().expect("a time"), id.parse().expect("an id"))).collect()
}

fn alive(world: &World) -> u64 {
    world.totals.robots().alive
}

#[test]
fn even_arrivals_come_at_their_times() {
    let mut world = world(only(Crowd::arrivals(5.0, Spacing::Even, 1_000)));
    world.advance(1_000);
    assert_eq!(born(&mut world), [(0, 0), (200, 1), (400, 2), (600, 3), (800, 4), (1_000, 5)]);
    world.advance(99_999);
    let row = world.totals.arrivals().find("", "").expect("arrivals");
    assert_eq!((row.counts.due, row.counts.dropped, alive(&world)), (500, 0, 500));
    // The poller waits in whole milliseconds.
    assert!(row.lateness().max_us() < Some(1_000), "{row:?}");
}

#[test]
fn arrivals_do_not_depend_on_the_number_of_shards() {
    for spacing in [Spacing::Poisson, Spacing::Even] {
        let schedule = || {
            let stages = [(20.0, 5), (20.0, 5), (3.0, 10)];
            let stages = stages.map(|(rate, seconds)| RateStage { rate, over: seconds * SECOND, name: None });
            Schedule::new(
                vec![Crowd::arrival_stages(&stages, spacing, 10_000), Crowd::arrivals(1.5, spacing, 10_000)],
                None,
            )
        };
        let mut alone = world(schedule());
        alone.advance(20_000);
        let mut wanted = born(&mut alone);
        wanted.sort_unstable();
        let mut together = Vec::new();
        for index in 0..3 {
            let mut shard = world_on(schedule(), ShardShare { index, count: 3 });
            shard.advance(20_000);
            let own = born(&mut shard);
            assert!((60..180).contains(&own.len()), "each has its part: {}", own.len());
            together.extend(own);
        }
        together.sort_unstable();
        assert_eq!(together, wanted);
    }
}

#[test]
fn poisson_arrivals_are_as_many_as_the_rate_says_and_as_far_apart_as_chance_has_it() {
    let mut world = world(only(Crowd::arrivals(100.0, Spacing::Poisson, 100_000)));
    world.advance(100_000);
    let births = born(&mut world);
    // Four standard deviations of 10,000 independent arrivals.
    assert!((9_600..=10_400).contains(&births.len()), "{}", births.len());
    let mut seconds = [0u64; 100];
    births.iter().filter(|(at, _)| *at < 100_000).for_each(|(at, _)| seconds[*at as usize / 1_000] += 1);
    let mean = births.len() as f64 / 100.0;
    let variance = seconds.iter().map(|count| (*count as f64 - mean).powi(2)).sum::<f64>() / 99.0;
    // The counts of a Poisson process vary as much as they are large.
    assert!((0.6..1.5).contains(&(variance / mean)), "{variance} of {mean}");
}

#[test]
fn rates_rise_and_fall_along_their_stages() {
    let stages = [(10.0, 10), (10.0, 10), (0.0, 10)];
    let stages = stages.map(|(rate, seconds)| RateStage { rate, over: seconds * SECOND, name: None });
    let schedule = Schedule::new(vec![Crowd::arrival_stages(&stages, Spacing::Even, 1_000)], None);
    assert_eq!(schedule.run_time(), Some(30 * SECOND));
    assert_eq!([5, 15, 25].map(|second| schedule.phase(second * SECOND)), ["ramp_up", "hold", "ramp_down"]);
    let mut world = world(schedule);
    for (at, wanted) in [(9_999, 50), (19_999, 150), (29_000, 200), (90_000, 200)] {
        world.advance(at);
        assert_eq!(world.totals.robots().started, wanted, "{at}");
    }
    assert!(!world.shard.report(false).ended, "they are still there");
}

#[test]
fn arrivals_stay_as_long_as_their_session() {
    let crowd = Crowd::arrivals(10.0, Spacing::Even, 1_000).staying(Some(Stay::Constant(2 * SECOND)));
    let mut world = world(only(crowd));
    for second in [5, 30, 60] {
        world.advance(second * 1_000 + 50);
        assert_eq!(alive(&world), 20, "{second}");
    }
    let robots = world.totals.robots();
    assert_eq!((robots.started, robots.stopped, robots.failed), (601, 581, 0));
}

#[test]
fn sessions_are_the_same_on_every_shard() {
    let crowd = || Crowd::arrivals(10.0, Spacing::Even, 1_000).staying(Some(Stay::Exponential(3 * SECOND)));
    let there = |share| {
        let mut world = world_on(only(crowd()), share);
        [10_000, 20_000, 30_000].map(|at| {
            world.advance(at + 50);
            alive(&world)
        })
    };
    let alone = there(ShardShare { index: 0, count: 1 });
    let [one, other] = [0, 1].map(|index| there(ShardShare { index, count: 2 }));
    assert_eq!([0, 1, 2].map(|at| one[at] + other[at]), alone);
    assert!(alone.iter().all(|alive| (12..50).contains(alive)), "{alone:?}");
}

#[test]
fn beyond_the_most_robots_arrivals_are_turned_away_and_counted() {
    let crowd = Crowd::arrivals(10.0, Spacing::Even, 7).staying(Some(Stay::Constant(19 * SECOND / 20)));
    let mut world = world(only(crowd));
    world.advance(9_950);
    let row = world.totals.arrivals().find("", "").expect("arrivals");
    // Ten come a second, and seven of them find room.
    assert_eq!((row.counts.due, row.counts.dropped), (100, 30));
    assert_eq!((world.totals.robots().started, world.totals.robots().peak), (70, 7));
}

#[test]
fn what_the_generator_was_late_with_is_its_lag() {
    let mut world = world(only(Crowd::arrivals(10.0, Spacing::Even, 100)));
    world.advance(0);
    world.stall(950);
    world.advance(1_000);
    let row = world.totals.arrivals().find("", "").expect("arrivals");
    assert_eq!(row.counts.due, 11);
    assert!((845_000..=855_000).contains(&row.lateness().max_us().unwrap_or(0)), "{row:?}");
    let lag = world.totals.generator().lag_of(LagSource::Spawn);
    assert_eq!((lag.count(), lag.max_us()), (11, row.lateness().max_us()));
}

#[test]
fn whoever_is_late_does_not_stay_longer_for_it() {
    let crowd = Crowd::arrivals(10.0, Spacing::Even, 100).staying(Some(Stay::Constant(SECOND)));
    let mut world = world(only(crowd));
    world.advance(0);
    world.stall(950);
    world.advance(1_040);
    assert_eq!(alive(&world), 10, "the first has left when its second was over");
}

#[test]
fn an_online_count_is_held_by_new_robots() {
    let crowd = Crowd::online(50, 1_000.0).staying(Some(Stay::Exponential(2 * SECOND)));
    let mut world = world(only(crowd));
    world.advance(1_000);
    let mut ids: Vec<u64> = born(&mut world).into_iter().map(|(_, id)| id).collect();
    for at in 2..=60u64 {
        world.advance(at * 1_000);
        assert!((48..=50).contains(&alive(&world)), "{}", alive(&world));
        ids.extend(born(&mut world).into_iter().map(|(_, id)| id));
    }
    // 50 robots that stay 2 s each are 25 new ones a second.
    assert!((1_300..1_700).contains(&ids.len()), "{}", ids.len());
    ids.sort_unstable();
    assert!(ids.iter().copied().eq(0..ids.len() as u64), "no id is used twice");
    assert_eq!(world.totals.robots().peak, 50);
    assert!(!world.shard.report(false).ended);
}

#[test]
fn the_spawn_rate_bounds_how_fast_robots_are_replaced() {
    let mut plan = Plan::new([("role.start", vec![Act::Sleep(SECOND / 10), Act::Stop])]);
    plan.program.mods = vec![module("role")];
    let mut world = plan.world(nobody);
    world.follow(only(Crowd::online(10, 2.0)));
    world.advance(60_000);
    let started = world.totals.robots().started;
    assert!((119..=121).contains(&started), "they leave at once, and come at 2 a second: {started}");
}

#[test]
fn an_online_count_falls_without_replacements() {
    let stages = [(20, 1), (20, 9), (5, 10), (5, 30)].map(|(robots, over)| Stage::new(robots, over * SECOND));
    let crowd = Crowd::online_stages(&stages, 1_000.0).staying(Some(Stay::Exponential(10 * SECOND)));
    let mut world = world(Schedule::new(vec![crowd], None));
    world.advance(10_000);
    assert_eq!(alive(&world), 20);
    world.advance(15_000);
    assert!((12..=13).contains(&alive(&world)), "{}", alive(&world));
    world.advance(40_000);
    assert_eq!(alive(&world), 5);
}

#[test]
fn a_shape_goes_on_from_where_the_robots_are() {
    let nobody = || only(Crowd::constant(0, f64::INFINITY));
    let first = nobody().reshaped(Duration::ZERO, &[10], 10.0);
    let mut world = world(first.clone());
    world.advance(500);
    assert_eq!(alive(&world), 5);
    world.follow(first.reshaped(SECOND / 2, &[2], 2.0));
    world.advance(1_000);
    assert_eq!(alive(&world), 4);
    world.advance(5_000);
    assert_eq!((alive(&world), world.totals.robots().stopped), (2, 3));
}

#[test]
fn robots_of_an_open_model_stop_in_good_order_at_the_end() {
    let mut world = world(only(Crowd::arrivals(1_000.0, Spacing::Poisson, 100_000)));
    world.advance(5_000);
    let started = world.totals.robots().started;
    let schedule = only(Crowd::arrivals(1_000.0, Spacing::Poisson, 100_000));
    world.shard.want(Desired { schedule, begun: Duration::ZERO, phase: Phase::Stop });
    world.advance(6_000);
    assert_eq!((alive(&world), world.totals.robots().stopped), (0, started));
}

#[test]
fn robots_come_as_fast_as_their_rate_whatever_the_time_between_two_looks() {
    for rate in [3.0, 7.0, 49.0, 60.0, 150.0, 390.0, 2_000.0] {
        let mut world = world(only(Crowd::online((rate * 20.0) as u64, rate)));
        world.advance(10_000);
        let (started, wanted) = (world.totals.robots().started as f64, rate * 10.0);
        assert!((started - wanted).abs() <= 1.0 + wanted * 0.005, "{started} of {wanted} at {rate} a second");
    }
}
