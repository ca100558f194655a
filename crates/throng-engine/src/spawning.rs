//! Who begins and who ends on a shard, and when: the schedule's crowds as seats to be filled or as arrivals to be let in.
//!
//! [`Spawner::wish`] is asked until it wishes nothing more; it starts nothing itself. One file per way of coming.

mod arrivals;
pub(crate) mod deal;
mod seats;

use crate::clock::{after, nanos};
use crate::config::ShardShare;
use crate::id::{RobotId, RobotKey};
use crate::schedule::{Crowd, Model, Schedule, Stay};
use arrivals::Arrivals;
use deal::Deal;
use seats::Seats;
use std::collections::BTreeSet;
use std::time::Duration;
use throng_wire::Nanos;

/// How often a number of robots that changes is looked at.
const BEAT: Nanos = 5_000_000;

/// How many robots of each shard are looked at to know which scenarios it has: a rarer one may be on some shards alone.
const ROWS: u64 = 1_000;

/// One crowd's part on this shard.
#[derive(Debug)]
pub(crate) struct Spawner {
    crowd: Crowd,
    /// The crowd's place among those of the run, and how many there are.
    place: (u64, u64),
    way: Way,
}

#[derive(Debug)]
enum Way {
    Seats(Seats),
    Arrivals(Box<Arrivals>),
}

/// What a spawner is to know of this moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The schedule's time.
    pub(crate) now: Duration,
    /// The host takes no further robot.
    pub(crate) full: bool,
}

/// Something to be done now.
#[derive(Debug)]
pub(crate) enum Wish {
    Begin(Newcomer),
    /// An arrival for whom there is no room.
    TurnAway(Newcomer),
    End(RobotKey),
    /// A seat without a robot was closed.
    Nothing,
}

/// A robot that is to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newcomer {
    /// Its number in its crowd.
    ordinal: u64,
    pub(crate) seat: u32,
    /// What it plays, by its place among the crowd's members.
    member: usize,
    /// When it should have begun, in the schedule's time, where the plan says so.
    pub(crate) intended: Option<Duration>,
}

/// The scenarios whose robots each of so many shards will have, sooner or later.
pub(crate) fn scenarios_of_shards(schedule: &Schedule, shards: u64) -> Vec<BTreeSet<usize>> {
    let mut there = vec![BTreeSet::new(); shards as usize];
    for (place, (crowd, robots)) in (0..).zip(schedule.crowds().iter().zip(schedule.most_places())) {
        let mut deal = Deal::new(crowd.members());
        for number in 0..robots.min(shards * ROWS) {
            let member = deal.next();
            // As `Spawner::new` moves the shards on.
            let shard = (ShardShare::owner(number, shards) + shards - place % shards) % shards;
            if let Some(member) = crowd.members().get(member) {
                there[shard as usize].insert(member.scenario);
            }
        }
    }
    there
}

impl Spawner {
    /// A spawner for each of the schedule's crowds.
    pub(crate) fn all(schedule: &Schedule, share: ShardShare, seed: u64) -> Vec<Spawner> {
        let crowds = schedule.crowds();
        let count = crowds.len() as u64;
        let spawner = |(place, crowd): (u64, &Crowd)| Spawner::new(crowd, (place, count), share, seed);
        (0..).zip(crowds).map(spawner).collect()
    }

    fn new(crowd: &Crowd, place: (u64, u64), share: ShardShare, seed: u64) -> Spawner {
        // The first robots of several crowds are not all of one shard.
        let share = ShardShare { index: (share.index + place.0) % share.count, ..share };
        let way = match crowd.model() {
            Model::Closed => Way::Seats(Seats::new(crowd, share, false)),
            Model::Online { .. } => Way::Seats(Seats::new(crowd, share, true)),
            Model::Open { spacing, most } => {
                Way::Arrivals(Box::new(Arrivals::new(crowd, place.0, share, seed, (spacing, most))))
            }
        };
        Spawner { crowd: crowd.clone(), place, way }
    }

    /// Goes on by another plan, if it is one for the same kind of crowd.
    pub(crate) fn adopt(&mut self, crowd: &Crowd) -> bool {
        let same = std::mem::discriminant(&self.crowd.model()) == std::mem::discriminant(&crowd.model());
        if same {
            self.crowd = crowd.clone();
        }
        same
    }

    /// The next thing to be done at `moment`.
    pub(crate) fn wish(&mut self, moment: &Moment) -> Option<Wish> {
        match &mut self.way {
            Way::Arrivals(arrivals) => arrivals.wish(&self.crowd, moment),
            Way::Seats(seats) => {
                let rate = match self.crowd.model() {
                    Model::Online { spawn_rate } => spawn_rate,
                    Model::Closed | Model::Open { .. } => f64::INFINITY,
                };
                seats.wish(&self.crowd, rate, moment)
            }
        }
    }

    /// The id of a robot that begins, which no other robot of the run has.
    pub(crate) fn id(&self, newcomer: &Newcomer) -> RobotId {
        RobotId(newcomer.ordinal.wrapping_mul(self.place.1).wrapping_add(self.place.0))
    }

    /// What it plays, and how long it stays.
    pub(crate) fn member(&self, newcomer: &Newcomer) -> (usize, Option<Stay>) {
        let member = self.crowd.members().get(newcomer.member);
        member.map_or((0, None), |member| (member.scenario, member.session))
    }

    /// A robot it had wished for has begun.
    pub(crate) fn begun(&mut self, seat: u32, robot: RobotKey) {
        match &mut self.way {
            Way::Seats(seats) => seats.begun(seat, robot),
            Way::Arrivals(arrivals) => arrivals.begun(),
        }
    }

    /// One of its robots has ended.
    pub(crate) fn gone(&mut self, seat: u32, robot: RobotKey) {
        match &mut self.way {
            Way::Seats(seats) => seats.gone(seat, robot),
            Way::Arrivals(arrivals) => arrivals.gone(),
        }
    }

    /// When to ask again, if nobody ends before; `begun` is when the schedule's time began.
    pub(crate) fn next_look(&self, moment: &Moment, now: Nanos, begun: Duration) -> Nanos {
        match &self.way {
            Way::Arrivals(arrivals) => {
                arrivals.when(&self.crowd).map_or(Nanos::MAX, |at| after(nanos(begun), at).max(now))
            }
            Way::Seats(seats) => {
                let moves =
                    self.crowd.curve().ends() > moment.now || seats.is_behind(&self.crowd, moment.now);
                if moves { now + BEAT } else { Nanos::MAX }
            }
        }
    }

    /// Whether it will never wish for another robot.
    pub(crate) fn is_through(&self, now: Duration) -> bool {
        match &self.way {
            Way::Seats(seats) => seats.is_through(&self.crowd, now),
            Way::Arrivals(arrivals) => arrivals.when(&self.crowd).is_none(),
        }
    }
}
