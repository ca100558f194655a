//! The load plan's wishes, done: robots begin, are turned away, and end.

use super::Shard;
use crate::clock::{after, nanos};
use crate::control::Phase;
use crate::core::robot::Origin;
use crate::host::Host;
use crate::id::RobotKey;
use crate::random::Random;
use crate::schedule::Schedule;
use crate::spawning::{Moment, Newcomer, Spawner, Wish};
use std::time::Duration;
use throng_metrics::LagSource;
use throng_wire::Nanos;

/// Robots begun in one turn at most, for each crowd.
const SPAWNS_PER_TURN: usize = 256;
/// Robots ended in one turn at most, for each crowd.
const STOPS_PER_TURN: usize = 2_000;
/// The random stream of sessions, beside those of robots: what a robot does is the same however long it stays.
const SESSIONS: u64 = 0x5E55_1015;

impl<H: Host> Shard<H> {
    /// Goes on by this schedule: crowds of the same kind keep their robots, those of others stop.
    pub(super) fn adopt(&mut self, schedule: &Schedule) {
        let crowds = schedule.crowds();
        let same = self.spawners.len() == crowds.len()
            && self.spawners.iter_mut().zip(crowds).all(|(spawner, crowd)| spawner.adopt(crowd));
        if same {
            return;
        }
        let seed = self.core.borrow().settings.seed;
        if !self.spawners.is_empty() {
            let robots: Vec<RobotKey> = self.core.borrow().robots.keys().collect();
            robots.into_iter().for_each(|robot| self.core.borrow_mut().stop(robot));
        }
        self.spawners = Spawner::all(schedule, self.share, seed);
    }

    pub(super) fn spawn_and_stop(&mut self, now: Nanos) {
        let gone = std::mem::take(&mut self.core.borrow_mut().gone);
        for (origin, robot) in &gone {
            if let Some(spawner) = self.spawners.get_mut(usize::from(origin.crowd)) {
                spawner.gone(origin.seat, *robot);
            }
        }
        if now < self.next_spawn && gone.is_empty() {
            return;
        }
        self.next_spawn = match self.desired.phase {
            Phase::Play => self.follow_plan(now),
            Phase::Stop | Phase::Abort => self.stop_some(now),
        };
    }

    /// Does what the crowds wish. Returns when to ask them again.
    fn follow_plan(&mut self, now: Nanos) -> Nanos {
        let mut spawners = std::mem::take(&mut self.spawners);
        let moment = Moment { now: self.schedule_time(now), full: self.core.borrow().host_is_full };
        let mut next = Nanos::MAX;
        for (crowd, spawner) in spawners.iter_mut().enumerate() {
            let more = self.fulfil(crowd, spawner, &moment);
            let look = || spawner.next_look(&moment, now, self.desired.begun);
            next = next.min(if more { now } else { look() });
        }
        self.spawners = spawners;
        next.min(self.storm(&moment))
    }

    /// Lets the storms come that are due. Returns when the next one is.
    fn storm(&mut self, moment: &Moment) -> Nanos {
        let mut next = Nanos::MAX;
        for storm in self.desired.schedule.storms() {
            if self.stormed.contains(&storm.id) {
                continue;
            }
            if storm.at > moment.now {
                next = next.min(after(nanos(self.desired.begun), storm.at));
            } else {
                self.stormed.push(storm.id);
                self.core.borrow_mut().storm(storm);
            }
        }
        next
    }

    /// Returns whether there is more to do at once than one turn may.
    fn fulfil(&mut self, crowd: usize, spawner: &mut Spawner, moment: &Moment) -> bool {
        let (mut spawns, mut stops) = (0, 0);
        while spawns < SPAWNS_PER_TURN && stops < STOPS_PER_TURN {
            match spawner.wish(moment) {
                None => return false,
                Some(Wish::Nothing) => stops += 1,
                Some(Wish::End(robot)) => {
                    stops += 1;
                    self.core.borrow_mut().stop(robot);
                }
                Some(Wish::TurnAway(newcomer)) => {
                    spawns += 1;
                    let (scenario, _) = spawner.member(&newcomer);
                    self.core.borrow_mut().turn_away(scenario);
                }
                Some(Wish::Begin(newcomer)) => {
                    spawns += 1;
                    self.begin(crowd, spawner, newcomer, moment);
                }
            }
        }
        true
    }

    fn begin(&mut self, crowd: usize, spawner: &mut Spawner, newcomer: Newcomer, moment: &Moment) {
        let (id, (scenario, stay)) = (spawner.id(&newcomer), spawner.member(&newcomer));
        let origin = Origin { crowd: crowd as u16, scenario: scenario as u16, seat: newcomer.seat };
        let mut core = self.core.borrow_mut();
        let robot = core.spawn(id, origin);
        spawner.begun(newcomer.seat, robot);
        if let Some(intended) = newcomer.intended {
            let late = moment.now.saturating_sub(intended).as_micros() as u64;
            core.recorder.lag(LagSource::Spawn, late);
            core.robot_arrived(scenario, late);
            core.robots[robot].arrival = after(nanos(self.desired.begun), intended);
        }
        if let Some(stay) = stay {
            let length = stay.length(Random::new(core.settings.seed ^ SESSIONS, id.0).unit());
            // Whoever is late does not stay longer for it.
            let begins = newcomer.intended.unwrap_or(moment.now);
            core.stay(robot, after(nanos(self.desired.begun), begins.saturating_add(length)));
        }
    }

    /// Tells some robots to stop. Returns when to go on with the others.
    fn stop_some(&mut self, now: Nanos) -> Nanos {
        let mut core = self.core.borrow_mut();
        let left = self.to_stop.get_or_insert_with(|| core.robots.keys().collect());
        for _ in 0..STOPS_PER_TURN {
            let Some(robot) = left.pop() else { return Nanos::MAX };
            core.stop(robot);
        }
        now
    }

    /// How far the schedule is.
    pub(super) fn schedule_time(&self, now: Nanos) -> Duration {
        Duration::from_nanos(now).saturating_sub(self.desired.begun)
    }

    /// Whether the plan will never ask for another robot.
    pub(super) fn is_through(&self, now: Nanos) -> bool {
        let at = self.schedule_time(now);
        self.spawners.iter().all(|spawner| spawner.is_through(at))
    }
}
