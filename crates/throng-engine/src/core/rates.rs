//! Task rates: so many tasks a second over all robots, at times that stand fast.
//!
//! The slots of a rate are evenly spaced over the whole run, and dealt out to the shards one by one. A slot goes to the robot
//! that has been idle longest; while none is idle it waits, with its time, and what is too much to wait is counted as missed.

use super::robot::{Life, Play, Slot};
use super::{Core, Event};
use crate::config::{Settings, ShardShare};
use crate::id::RobotKey;
use crate::program::Program;
use slotmap::SecondaryMap;
use std::collections::{BTreeMap, VecDeque};
use throng_metrics::{LagSource, Recorder, ScheduleId};
use throng_wire::Nanos;

/// What the rate of all tasks is booked as.
const ALL_TASKS: &str = "task_rate";
/// Slots of one rate that may wait on a shard for a robot to be idle.
const WAITING: usize = 100_000;
/// Slots that are handed out in one turn, so that tasks which never wait do not hold the shard.
const A_TURN: u32 = 256;

/// The task rates of a shard.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    rates: Vec<Rate>,
    /// When the next slot of any comes; never while no robot has been ready, and at once while some are left over.
    next: Option<Nanos>,
    open: bool,
    /// Robots play no task of their own accord.
    alone: bool,
    /// Robots that could take a slot, the longest idle first, and where in this row each stands.
    idle: BTreeMap<u64, RobotKey>,
    places: SecondaryMap<RobotKey, u64>,
    place: u64,
    /// Robots that play for a slot, and what they go on with afterwards.
    playing: SecondaryMap<RobotKey, Next>,
    /// A turn, and how many slots were handed out in it.
    turn: (u64, u32),
    /// The shard has been told to hand out slots.
    told: bool,
}

/// What an idle robot does by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Next {
    slot: Slot,
    /// When its next task begins; never, where robots play only for slots.
    at: Option<Nanos>,
}

#[derive(Debug)]
struct Rate {
    /// The only task it is for.
    task: Option<usize>,
    grid: Grid,
    /// The number of the next slot.
    next: u64,
    /// The times of slots that wait for a robot.
    waiting: VecDeque<Nanos>,
    books: ScheduleId,
}

/// The times of a rate, of which some are this shard's.
#[derive(Debug, Clone, Copy)]
struct Grid {
    origin: Nanos,
    per_second: f64,
    /// How many shards there are slots for.
    shards: u64,
}

impl Grid {
    fn at(&self, number: u64) -> Nanos {
        // In floating point to the nanosecond for a hundred days; the rest saturates.
        self.origin.saturating_add((number as f64 * 1e9 / self.per_second) as Nanos)
    }

    /// The first slot of `shard` behind `now`.
    fn first_behind(&self, now: Nanos, shard: u64) -> u64 {
        let passed = now.saturating_sub(self.origin) as f64 * self.per_second / 1e9;
        let mut number = (passed as u64 / self.shards).saturating_sub(1) * self.shards + shard;
        while self.at(number) <= now {
            number += self.shards;
        }
        number
    }
}

/// A slot to be given to a robot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer {
    pub(crate) robot: RobotKey,
    pub(crate) rate: usize,
    /// The only task it is for.
    pub(crate) task: Option<usize>,
}

impl Rates {
    /// The rates that the settings and the program ask for.
    pub(crate) fn new(settings: &Settings, program: &Program, recorder: &mut Recorder) -> Rates {
        if settings.no_rates {
            return Rates::default();
        }
        let mut rate = |task, per_second, name: &str| Rate {
            task,
            grid: Grid { origin: 0, per_second, shards: 1 },
            next: 0,
            waiting: VecDeque::new(),
            books: recorder.schedule(name),
        };
        let mut rates: Vec<Rate> =
            settings.task_rate.map(|per_second| rate(None, per_second, ALL_TASKS)).into_iter().collect();
        let own = program.tasks.iter().enumerate().filter(|(_, task)| task.weight > 0.0);
        rates.extend(own.filter_map(|(index, task)| Some(rate(Some(index), task.rate?, &task.name))));
        let drawn = program.tasks.iter().any(|task| task.weight > 0.0 && task.rate.is_none());
        let alone = settings.task_rate.is_some() || !rates.is_empty() && !drawn;
        Rates { rates, alone, ..Rates::default() }
    }

    /// Whether robots play only for slots.
    pub(crate) fn alone(&self) -> bool {
        self.alone
    }

    /// When slots are to be handed out next.
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        self.next
    }

    /// Lays the slots out from `origin` on, among the shards that have robots. Before a robot is ready, none is due.
    pub(crate) fn lay_out(&mut self, origin: Nanos, share: ShardShare, most_robots: u64) {
        let shards = share.count.min(most_robots).max(1);
        if self.open {
            return;
        }
        if share.index >= shards {
            self.rates.clear();
        }
        for rate in &mut self.rates {
            rate.grid = Grid { origin, shards, ..rate.grid };
        }
    }

    /// A robot waits for its next task.
    fn add_idle(&mut self, robot: RobotKey) {
        self.remove_idle(robot);
        self.place += 1;
        self.idle.insert(self.place, robot);
        self.places.insert(robot, self.place);
    }

    /// A robot waits no more.
    pub(crate) fn remove_idle(&mut self, robot: RobotKey) {
        if let Some(place) = self.places.remove(robot) {
            self.idle.remove(&place);
        }
    }

    /// Whether a robot plays for a slot.
    pub(crate) fn play(&self, robot: RobotKey) -> bool {
        self.playing.contains_key(robot)
    }

    /// A robot's schedule ends; whether it played for a slot.
    pub(crate) fn leave(&mut self, robot: RobotKey) -> bool {
        self.remove_idle(robot);
        self.playing.remove(robot).is_some()
    }

    /// The rate with the slot that has waited longest, other than those refused.
    fn longest_waiting(&self, refused: &[usize]) -> Option<usize> {
        let waiting = self.rates.iter().enumerate().filter(|(index, _)| !refused.contains(index));
        let fronts = waiting.filter_map(|(index, rate)| Some((*rate.waiting.front()?, index)));
        fronts.min().map(|(_, index)| index)
    }
}

impl Core {
    /// A robot is ready: slots come from now on.
    pub(crate) fn open_rates(&mut self, now: Nanos) {
        if self.rates.open || self.rates.rates.is_empty() {
            return;
        }
        self.rates.open = true;
        for rate in &mut self.rates.rates {
            rate.next = rate.grid.first_behind(now, self.share.index);
        }
        self.find_next_slot();
    }

    fn find_next_slot(&mut self) {
        self.rates.next = self.rates.rates.iter().map(|rate| rate.grid.at(rate.next)).min();
    }

    /// Takes up the slots that are due.
    pub(crate) fn slots_due(&mut self, now: Nanos) {
        if self.rates.next.is_none_or(|next| now < next) {
            return;
        }
        for rate in &mut self.rates.rates {
            loop {
                let due = rate.grid.at(rate.next);
                if due > now {
                    break;
                }
                rate.next += rate.grid.shards;
                self.recorder.lag(LagSource::Timer, (now - due) / 1000);
                self.recorder.due(rate.books, 1);
                match rate.waiting.len() < WAITING {
                    true => rate.waiting.push_back(due),
                    false => self.recorder.missed(rate.books, 1),
                }
            }
        }
        self.find_next_slot();
        self.hand_out();
    }

    /// Has the shard hand out slots, if there are any and robots to take them.
    pub(crate) fn hand_out(&mut self) {
        let rates = &mut self.rates;
        if !rates.told && !rates.idle.is_empty() && rates.longest_waiting(&[]).is_some() {
            rates.told = true;
            self.events.push_back(Event::Slots);
        }
    }

    /// The shard hands out slots from now on.
    pub(crate) fn handing_out(&mut self) {
        self.rates.told = false;
    }

    /// The next slot and the robot that has been idle longest; none of the rates refused.
    pub(crate) fn offer(&mut self, refused: &[usize]) -> Option<Offer> {
        let rate = self.rates.longest_waiting(refused)?;
        if self.rates.turn.0 != self.turn {
            self.rates.turn = (self.turn, 0);
        }
        if self.rates.turn.1 >= A_TURN {
            // The next turn goes on, and comes at once.
            self.rates.next = Some(0);
            return None;
        }
        while let Some((_, robot)) = self.rates.idle.pop_first() {
            self.rates.places.remove(robot);
            if self.may_play(robot) {
                return Some(Offer { robot, rate, task: self.rates.rates[rate].task });
            }
        }
        None
    }

    fn may_play(&self, robot: RobotKey) -> bool {
        self.robots.get(robot).is_some_and(|slot| {
            let idle = matches!(slot.life, Life::Playing { play: Play::Idle(_), .. });
            idle && !slot.leaving && !slot.restarts_after_closed
        })
    }

    /// How many robots there are to be asked.
    pub(crate) fn idle_robots(&self) -> usize {
        self.rates.idle.len()
    }

    /// A robot has nothing to play for a slot now; it is asked again behind the others.
    pub(crate) fn decline(&mut self, robot: RobotKey) {
        if self.may_play(robot) {
            self.rates.add_idle(robot);
        }
    }

    /// A robot plays a task for a slot.
    pub(crate) fn begin_slot(&mut self, offer: Offer, task: usize) {
        let Some(due) = self.rates.rates[offer.rate].waiting.pop_front() else { return };
        self.rates.turn.1 += 1;
        let Some(robot) = self.robots.get_mut(offer.robot) else { return };
        let Life::Playing { play: Play::Idle(slot), .. } = robot.life else { return };
        let at = self.wheel.deadline(robot.timer);
        self.wheel.cancel(robot.timer);
        robot.take_slot(Slot { intended: due, base: due });
        self.rates.playing.insert(offer.robot, Next { slot, at });
        self.begin_task(offer.robot, task);
    }

    /// A task has ended; whether it was for a slot, and its robot has gone back to what it waited for.
    pub(crate) fn slot_ended(&mut self, robot: RobotKey) -> bool {
        let Some(next) = self.rates.playing.remove(robot) else { return false };
        let Some(slot) = self.robots.get_mut(robot).filter(|slot| !slot.leaving) else { return true };
        slot.take_slot(next.slot);
        self.rest(robot, next.at);
        true
    }

    /// A robot waits for a slot, or until `at` for its own next task.
    pub(crate) fn rest(&mut self, robot: RobotKey, at: Option<Nanos>) {
        if let Some(at) = at {
            let timer = self.wheel.insert(at, super::timers::Due::Life(robot));
            self.robots[robot].timer = timer;
        }
        if !self.rates.rates.is_empty() {
            self.rates.add_idle(robot);
            self.hand_out();
        }
    }

    /// No further slot is due; what still waits is missed.
    pub(crate) fn close_rates(&mut self, now: Nanos) {
        self.slots_due(now);
        for rate in std::mem::take(&mut self.rates.rates) {
            self.recorder.missed(rate.books, rate.waiting.len() as u64);
        }
        self.rates.next = None;
        self.rates.idle.clear();
        self.rates.places.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(grid: Grid, from: Nanos, shard: u64, count: u64) -> Vec<u64> {
        let first = grid.first_behind(from, shard);
        (0..count).map(|step| first + step * grid.shards).collect()
    }

    #[test]
    fn the_slots_of_all_shards_are_those_of_one() {
        for per_second in [0.3, 7.0, 1_000.0, 333.333] {
            let from = 1_234_567_890;
            let one = Grid { origin: 5_000, per_second, shards: 1 };
            let all = numbers(one, from, 0, 300);
            let mut dealt: Vec<u64> =
                (0..3).flat_map(|shard| numbers(Grid { shards: 3, ..one }, from, shard, 100)).collect();
            dealt.sort_unstable();
            assert_eq!(dealt, all, "{per_second}");
            assert!(one.at(all[0]) > from && one.at(all[0].saturating_sub(1)) <= from, "{per_second}");
        }
    }

    #[test]
    fn slots_do_not_drift() {
        let grid = Grid { origin: 0, per_second: 1_000.0, shards: 1 };
        assert_eq!(grid.at(86_400_000 * 30), 30 * 86_400 * 1_000_000_000);
        let thirds = Grid { per_second: 3.0, ..grid };
        assert_eq!(
            (thirds.at(1), thirds.at(3), thirds.at(3_000_000)),
            (333_333_333, 1_000_000_000, 1_000_000_000_000_000)
        );
    }
}
