//! Scheduled work in virtual time: when it begins, and what is measured from when it should have begun.

use crate::world::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use throng_engine::*;
use throng_metrics::{Histogram, WorkKind};

const MILLISECOND: Duration = Duration::from_millis(1);

/// A server that answers at once, except while it stalls.
#[derive(Clone, Default)]
pub(crate) struct Stall {
    on: Rc<Cell<bool>>,
    held: Rc<RefCell<Vec<(LinkId, String)>>>,
}

impl Stall {
    pub(crate) fn rule(&self) -> impl FnMut(&MemoryNet, LinkId, &[u8]) + 'static {
        let stall = self.clone();
        move |net, link, body| {
            let body = String::from_utf8_lossy(body).into_owned();
            match stall.on.get() {
                true => stall.held.borrow_mut().push((link, body)),
                false => net.send(link, &frame(&body)),
            }
        }
    }

    pub(crate) fn begin(&self) {
        self.on.set(true);
    }

    pub(crate) fn end(&self, net: &MemoryNet) {
        self.on.set(false);
        for (link, body) in self.held.borrow_mut().drain(..) {
            net.send(link, &frame(&body));
        }
    }
}

/// One robot that asks once a task, every 100 ms, of a server that stalls from 1 s to 2 s, for 3 s.
fn stalled(wait: Wait) -> (World, Vec<u64>) {
    let mut plan = Plan::new([
        ("role.start", vec![connect()]),
        ("role.chat", vec![Act::Request("hello", within(5_000))]),
    ]);
    plan.program.tasks.push(task("role.chat"));
    plan.settings.wait = wait;
    let stall = Stall::default();
    let mut world = plan.world(stall.rule());
    world.want(1);
    world.advance(999);
    stall.begin();
    world.advance(2_000);
    stall.end(&world.net);
    world.advance(2_999);
    let begun = begun(&world.told(), "role.chat");
    (world, begun)
}

/// When a routine began, in milliseconds.
pub(crate) fn begun(told: &[String], routine: &str) -> Vec<u64> {
    told.iter()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, what)| *what == routine)
        .map(|(at, _)| at.parse().expect("a time"))
        .collect()
}

/// due, begun and missed of a schedule.
pub(crate) fn schedule(world: &World, name: &str) -> [u64; 3] {
    let counts = &world.totals.schedules().find("", name).expect("a schedule").counts;
    [counts.due, counts.begun(), counts.missed]
}

pub(crate) fn request_times(world: &World) -> (&Histogram, &Histogram) {
    let (_, row) = world.totals.requests().iter().next().expect("a request was issued");
    (row.latency(), row.intended())
}

/// All of a histogram's times together, in milliseconds.
pub(crate) fn sum(times: &Histogram) -> u64 {
    times.spread().map_or(0, |spread| (spread.mean * times.count() as f64 / 1_000.0).round() as u64)
}

#[test]
fn a_pace_catches_up_with_what_a_stall_held_up_and_measures_it_from_its_intended_start() {
    let (world, begun) = stalled(Wait::Pacing(100 * MILLISECOND, Late::CatchUp));
    let first = begun[0];
    assert!(first <= 100, "{begun:?}");
    // The one that waits through the stall was the last to begin in time until the stall was over.
    let waiting = (0..).map(|step| first + step * 100).find(|at| *at > 999).expect("a number");
    let slots: Vec<u64> = (0..30).map(|step| first + step * 100).filter(|at| *at <= 2_999).collect();
    let wanted: Vec<u64> =
        slots.iter().map(|slot| if *slot > waiting { (*slot).max(2_000) } else { *slot }).collect();
    assert_eq!(begun, wanted);

    let held_up: Vec<u64> = slots.iter().filter(|at| (waiting..2_000).contains(*at)).copied().collect();
    let (latency, intended) = request_times(&world);
    assert_eq!((latency.count(), intended.count()), (slots.len() as u64, slots.len() as u64));
    let total: u64 = held_up.iter().map(|slot| 2_000 - slot).sum();
    assert_eq!(intended.max_us(), Some((2_000 - waiting) * 1_000));
    assert_eq!(sum(intended), total);
    // From the real start, only one of them was slow.
    assert_eq!(sum(latency), 2_000 - waiting);

    let work = world.totals.work(WorkKind::Task).find("", "role.chat").expect("a task");
    assert_eq!(work.intended().max_us(), intended.max_us());
    assert_eq!(work.intended().count(), slots.len() as u64);
    assert_eq!(schedule(&world, "pacing"), [slots.len() as u64, slots.len() as u64, 0]);
}

#[test]
fn a_pace_that_skips_leaves_out_what_a_stall_left_no_time_for_and_counts_it() {
    let (world, begun) = stalled(Wait::Throughput(10.0, Late::Skip));
    let first = begun[0];
    let waiting = (0..).map(|step| first + step * 100).find(|at| *at > 999).expect("a number");
    let before = (0..).map(|step| first + step * 100).take_while(|at| *at <= waiting);
    let wanted: Vec<u64> = before.chain((0..10).map(|step| 2_000 + step * 100)).collect();
    assert_eq!(begun, wanted);
    // The one that follows at once stands for the first that was held up.
    let missed = (2_000 - (waiting + 100)) / 100;
    assert_eq!(schedule(&world, "pacing"), [begun.len() as u64 + missed, begun.len() as u64, missed]);
    let (_, intended) = request_times(&world);
    assert_eq!(intended.count(), begun.len() as u64);
    assert_eq!(sum(intended), (2_000 - waiting) + (2_000 - waiting - 100));
}

#[test]
fn only_the_first_request_that_follows_at_once_has_an_intended_start() {
    let request = || Act::Request("hello", within(500));
    let mut plan = Plan::new([
        ("role.start", vec![connect(), request()]),
        ("role.twice", vec![request(), request()]),
        ("role.later", vec![Act::Sleep(10 * MILLISECOND), request()]),
        ("role.free", vec![request()]),
    ]);
    let free = Some(Wait::Constant(100 * MILLISECOND));
    plan.program.tasks =
        vec![task("role.twice"), task("role.later"), TaskSpec { wait: free, ..task("role.free") }];
    plan.settings.wait = Wait::Pacing(100 * MILLISECOND, Late::CatchUp);
    let mut world = plan.world(Stall::default().rule());
    world.want(20);
    world.advance(5_000);
    let told = world.told();
    let [twice, later, free] =
        ["role.twice", "role.later", "role.free"].map(|name| begun(&told, name).len() as u64);
    assert!(twice > 0 && later > 0 && free > 0);
    let (latency, intended) = request_times(&world);
    assert_eq!(latency.count(), 20 + 2 * twice + later + free);
    // What follows a task without a pace has no time at which it should begin.
    let scheduled = schedule(&world, "pacing")[1];
    let count = |name| world.totals.work(WorkKind::Task).find("", name).expect("a task").intended().count();
    assert_eq!(count("role.twice") + count("role.later") + count("role.free"), scheduled);
    assert_eq!(intended.count(), count("role.twice") + count("role.free"));
    assert!(scheduled < twice + later + free);
}

#[test]
fn steps_of_a_paced_sequence_have_intended_starts_of_their_own() {
    let steps = ["browse", "buy"].map(Into::into).to_vec();
    let mut plan = Plan::new([
        ("role.start", vec![]),
        ("browse", vec![Act::Sleep(250 * MILLISECOND)]),
        ("buy", vec![Act::Sleep(10 * MILLISECOND)]),
    ]);
    plan.program.tasks.push(TaskSpec { steps, ..task("role.shop") });
    plan.settings.wait = Wait::Pacing(200 * MILLISECOND, Late::CatchUp);
    let mut world = plan.world(Stall::default().rule());
    world.want(1);
    world.advance(10_000);
    let told = world.told();
    let (browse, buy) = (begun(&told, "browse"), begun(&told, "buy"));
    // 260 ms of work in 400 ms: each `buy` is 50 ms late, and each `browse` in time.
    assert!(browse.windows(2).all(|pair| pair[1] - pair[0] == 400), "{browse:?}");
    assert_eq!(buy[0] - browse[0], 250);
    let step = |name| world.totals.work(WorkKind::Step).find("", name).expect("a step").intended();
    assert_eq!(step("role.shop.browse").max_us(), Some(250_000));
    assert_eq!(step("role.shop.buy").min_us(), Some(60_000));
    let whole = world.totals.work(WorkKind::Sequence).find("", "role.shop").expect("a sequence");
    assert_eq!((whole.intended().min_us(), whole.intended().max_us()), (Some(260_000), Some(260_000)));
}

#[test]
fn what_a_robot_that_is_stopped_did_not_catch_up_with_is_missed() {
    let mut plan = Plan::new([("role.start", vec![]), ("role.chat", vec![Act::Hang])]);
    plan.program.tasks.push(task("role.chat"));
    plan.settings.wait = Wait::Pacing(100 * MILLISECOND, Late::CatchUp);
    let mut world = plan.world(Stall::default().rule());
    world.want(1);
    world.advance(1_099);
    world.want(0);
    world.advance(2_000);
    assert_eq!(schedule(&world, "pacing"), [11, 1, 10]);
}

#[test]
fn beats_have_intended_starts_and_those_a_busy_shard_missed_are_counted() {
    let mut plan = Plan::new([(
        "role.start",
        vec![connect(), Act::Beat(100 * MILLISECOND), Act::Sleep(350 * MILLISECOND)],
    )]);
    plan.habits.cost = 250 * MILLISECOND;
    let mut world = plan.world(Stall::default().rule());
    world.want(1);
    world.advance(2_000);
    let [due, begun, missed] = schedule(&world, "every");
    assert_eq!(due, begun + missed);
    assert!(missed >= begun && begun > 0, "{due} {begun} {missed}");
}
