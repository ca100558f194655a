//! Task rates: so many tasks a second over all robots, or over those of a scenario, at times that stand fast.
//!
//! The slots of a rate are evenly spaced over the whole run, and dealt out one by one to the shards that have robots for it. A
//! slot goes to the robot that has been idle longest; while none is idle it waits, with its time, and what is too much to wait
//! is counted as missed.

mod grid;
mod idle;

use super::robot::{Life, Play, Slot};
use super::{Core, Event};
use crate::config::Settings;
use crate::id::RobotKey;
use crate::program::{Program, ScenarioSpec};
use grid::Grid;
use idle::Idle;
use slotmap::SecondaryMap;
use std::collections::{BTreeSet, VecDeque};
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
    /// Of which scenarios robots play no task of their own accord.
    alone: Vec<bool>,
    idle: Idle,
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
    /// The scenarios whose robots play it.
    plays: Vec<bool>,
    /// Some of its slots are this shard's.
    here: bool,
    grid: Grid,
    /// The number of the next slot; none before a robot that plays it is ready.
    next: Option<u64>,
    /// The times of slots that wait for a robot.
    waiting: VecDeque<Nanos>,
    books: ScheduleId,
}

/// A slot to be given to a robot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer {
    pub(crate) robot: RobotKey,
    pub(crate) rate: usize,
    /// The only task it is for.
    pub(crate) task: Option<usize>,
}

impl Rate {
    /// Takes up the slots that are due by `now`.
    fn take_up(&mut self, now: Nanos, recorder: &mut Recorder) {
        while let Some(number) = self.next {
            let due = self.grid.at(number);
            if due > now {
                return;
            }
            if self.waiting.len() >= WAITING {
                // All at once: a rate that no machine can play must not hold up its shard.
                let behind = self.grid.first_behind(now);
                let missed = (behind - number) / self.grid.shards;
                recorder.due(self.books, missed);
                recorder.missed(self.books, missed);
                self.next = Some(behind);
                return;
            }
            recorder.lag(LagSource::Timer, (now - due) / 1000);
            recorder.due(self.books, 1);
            self.waiting.push_back(due);
            self.next = Some(number + self.grid.shards);
        }
    }
}

impl Rates {
    /// The rates that the settings and the program ask for.
    pub(crate) fn new(settings: &Settings, program: &Program, recorder: &mut Recorder) -> Rates {
        if settings.no_rates {
            return Rates::default();
        }
        let mut rates = Vec::new();
        let mut add = |task, per_second, name: &str, plays: Vec<bool>| {
            if plays.contains(&true) {
                let grid = Grid { origin: 0, per_second, shards: 1, place: 0 };
                let (next, waiting, books) = (None, VecDeque::new(), recorder.schedule(name));
                rates.push(Rate { task, plays, here: true, grid, next, waiting, books });
            }
        };
        if let Some(per_second) = settings.task_rate {
            // A scenario with a rate of its own has no part of the run's.
            let plays = program.each_scenario(|scenario| scenario.is_none_or(|own| own.task_rate.is_none()));
            add(None, per_second, ALL_TASKS, plays);
        }
        for (index, task) in program.tasks.iter().enumerate() {
            if let Some(per_second) = task.rate {
                let plays = program.each_scenario(|scenario| match scenario {
                    Some(scenario) => scenario.weight(index) > 0.0 && scenario.rate(index).is_none(),
                    None => task.weight > 0.0,
                });
                add(Some(index), per_second, &task.name, plays);
            }
        }
        for (place, scenario) in program.scenarios.iter().enumerate() {
            let own = || (0..program.scenarios.len()).map(|other| other == place).collect();
            if let Some(per_second) = scenario.task_rate {
                add(None, per_second, &format!("{}: {ALL_TASKS}", scenario.name), own());
            }
            for (index, task) in program.tasks.iter().enumerate() {
                if let Some(per_second) = scenario.rate(index).filter(|_| scenario.weight(index) > 0.0) {
                    add(Some(index), per_second, &format!("{}: {}", scenario.name, task.name), own());
                }
            }
        }
        let played = |place: usize| rates.iter().any(|rate: &Rate| rate.plays.get(place) == Some(&true));
        let alone = |scenario: Option<&ScenarioSpec>, place| {
            let all = settings.task_rate.is_some() || scenario.is_some_and(|own| own.task_rate.is_some());
            all || played(place) && !program.draws(scenario)
        };
        let alone = match program.scenarios.is_empty() {
            true => vec![alone(None, 0)],
            false => (0..).zip(&program.scenarios).map(|(place, own)| alone(Some(own), place)).collect(),
        };
        Rates { rates, alone, ..Rates::default() }
    }

    /// Whether robots of a scenario play only for slots.
    pub(crate) fn alone(&self, scenario: usize) -> bool {
        self.alone.get(scenario).copied().unwrap_or(false)
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.rates.is_empty()
    }

    /// Whether the slots of all have begun to come.
    pub(crate) fn are_open(&self) -> bool {
        self.rates.iter().all(|rate| rate.next.is_some())
    }

    /// When slots are to be handed out next.
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        self.next
    }

    /// Lays out from `origin` on the slots that have not begun to come, among the shards that have robots for them; `there`
    /// are the scenarios of each shard's robots.
    pub(crate) fn lay_out(&mut self, origin: Nanos, shard: u64, there: &[BTreeSet<usize>]) {
        for rate in self.rates.iter_mut().filter(|rate| rate.next.is_none()) {
            let plays = |scenario: &usize| rate.plays.get(*scenario).copied().unwrap_or(false);
            let having = (0..).zip(there).filter(|(_, scenarios)| scenarios.iter().any(plays));
            let having: Vec<u64> = having.map(|(shard, _)| shard).collect();
            let place = having.iter().position(|having| *having == shard);
            rate.here = place.is_some();
            rate.grid.origin = origin;
            rate.grid.shards = having.len().max(1) as u64;
            rate.grid.place = place.unwrap_or(0) as u64;
        }
    }

    /// A robot waits no more.
    pub(crate) fn remove_idle(&mut self, robot: RobotKey) {
        self.idle.remove(robot);
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

    /// The rate with the slot that has waited longest, of those that robots are idle for, and none of those refused.
    fn longest_waiting(&self, refused: &[usize]) -> Option<usize> {
        let waiting = self.rates.iter().enumerate().filter(|(index, _)| !refused.contains(index));
        let open = waiting.filter(|(_, rate)| self.idle.count(&rate.plays) > 0);
        let fronts = open.filter_map(|(index, rate)| Some((*rate.waiting.front()?, index)));
        fronts.min().map(|(_, index)| index)
    }
}

impl Core {
    /// A robot is ready: the slots that it plays come from now on.
    pub(crate) fn open_rates(&mut self, now: Nanos, scenario: usize) {
        let mut opened = false;
        let here = self.rates.rates.iter_mut().filter(|rate| rate.here && rate.next.is_none());
        for rate in here.filter(|rate| rate.plays.get(scenario) == Some(&true)) {
            rate.next = Some(rate.grid.first_behind(now));
            opened = true;
        }
        if opened {
            self.find_next_slot();
        }
    }

    fn find_next_slot(&mut self) {
        let next = self.rates.rates.iter().filter_map(|rate| Some(rate.grid.at(rate.next?)));
        self.rates.next = next.min();
    }

    /// Takes up the slots that are due.
    pub(crate) fn slots_due(&mut self, now: Nanos) {
        if self.rates.next.is_none_or(|next| now < next) {
            return;
        }
        for rate in &mut self.rates.rates {
            rate.take_up(now, &mut self.recorder);
        }
        self.find_next_slot();
        self.hand_out();
    }

    /// Has the shard hand out slots, if there are any and robots to take them.
    pub(crate) fn hand_out(&mut self) {
        let rates = &mut self.rates;
        if !rates.told && rates.longest_waiting(&[]).is_some() {
            rates.told = true;
            self.events.push_back(Event::Slots);
        }
    }

    /// The shard hands out slots from now on.
    pub(crate) fn handing_out(&mut self) {
        self.rates.told = false;
    }

    /// The next slot and, of the robots that may play it, the one that has been idle longest; none of the rates refused.
    pub(crate) fn offer(&mut self, refused: &[usize]) -> Option<Offer> {
        while let Some(rate) = self.rates.longest_waiting(refused) {
            if self.rates.turn.0 != self.turn {
                self.rates.turn = (self.turn, 0);
            }
            if self.rates.turn.1 >= A_TURN {
                // The next turn goes on, and comes at once.
                self.rates.next = Some(0);
                return None;
            }
            let Rate { task, plays, .. } = &self.rates.rates[rate];
            let task = *task;
            if let Some(robot) = self.rates.idle.take(plays)
                && self.may_play(robot)
            {
                return Some(Offer { robot, rate, task });
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

    /// How many robots there are to be asked for an offer's slot.
    pub(crate) fn idle_robots(&self, offer: &Offer) -> usize {
        self.rates.idle.count(&self.rates.rates[offer.rate].plays)
    }

    /// A robot has nothing to play for a slot now; it is asked again behind the others.
    pub(crate) fn decline(&mut self, robot: RobotKey) {
        if self.may_play(robot) {
            self.stand_idle(robot);
        }
    }

    fn stand_idle(&mut self, robot: RobotKey) {
        if let Some(slot) = self.robots.get(robot) {
            self.rates.idle.add(usize::from(slot.origin.scenario), robot);
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
        if !self.rates.is_empty() {
            self.stand_idle(robot);
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
    }
}
