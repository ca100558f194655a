//! The closed and the online model: a number of seats, and a robot on each.
//!
//! A shard has one in so many seats of its crowd. Seats fill from the first and empty from the last. In the closed model a
//! seat whose robot has ended stays empty; in the online model a new robot with a new id takes it, and plays what the one
//! before it played, so that scenarios keep their shares whatever their robots' sessions are.

use super::deal::Deal;
use super::{Moment, Newcomer, Wish};
use crate::config::ShardShare;
use crate::id::RobotKey;
use crate::schedule::Crowd;
use std::collections::BTreeSet;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Seats {
    share: ShardShare,
    deal: Deal,
    /// How many seats of the whole crowd have been dealt.
    dealt: u64,
    /// Which member of the crowd sits on each of this shard's seats, also on those that are closed at the moment.
    members: Vec<u16>,
    /// The robots on the seats that are open.
    robots: Vec<Option<RobotKey>>,
    /// How many robots this shard has begun.
    begun: u64,
    churn: Option<Churn>,
}

/// What the online model has beside the closed one.
#[derive(Debug, Default)]
struct Churn {
    /// Open seats whose robot has ended.
    vacant: BTreeSet<u32>,
    /// Robots that may begin now, a part of one among them.
    allowed: f64,
    /// When that was worked out.
    at: Duration,
}

impl Seats {
    pub(crate) fn new(crowd: &Crowd, share: ShardShare, online: bool) -> Seats {
        Seats {
            share,
            deal: Deal::new(crowd.members()),
            dealt: 0,
            members: Vec::new(),
            robots: Vec::new(),
            begun: 0,
            churn: online.then(|| Churn { allowed: 1.0, ..Churn::default() }),
        }
    }

    /// How many seats of this shard should be open.
    fn wanted(&self, crowd: &Crowd, now: Duration) -> usize {
        self.share.of(crowd.curve().whole_at(now)) as usize
    }

    /// The next robot to begin or to end.
    pub(crate) fn wish(&mut self, crowd: &Crowd, rate: f64, moment: &Moment) -> Option<Wish> {
        let wanted = self.wanted(crowd, moment.now);
        if self.robots.len() > wanted {
            return self.close_last();
        }
        let vacant = self.churn.as_ref().and_then(|churn| churn.vacant.first().copied());
        if moment.full || (vacant.is_none() && self.robots.len() == wanted) {
            return None;
        }
        if let Some(churn) = &mut self.churn
            && !churn.allows_one(rate / self.share.count as f64, moment.now)
        {
            return None;
        }
        let seat = match vacant {
            Some(seat) => seat,
            None => {
                self.robots.push(None);
                u32::try_from(self.robots.len() - 1).ok()?
            }
        };
        if let Some(churn) = &mut self.churn {
            churn.vacant.remove(&seat);
        }
        let ordinal = self.share.place(self.begun);
        self.begun += 1;
        Some(Wish::Begin(Newcomer { ordinal, seat, member: self.member(seat), intended: None }))
    }

    /// Closes the last seat; gives the robot that has to go.
    fn close_last(&mut self) -> Option<Wish> {
        let robot = self.robots.pop()?;
        if let Some(churn) = &mut self.churn {
            churn.vacant.remove(&(self.robots.len() as u32));
        }
        Some(robot.map_or(Wish::Nothing, Wish::End))
    }

    /// Who sits on a seat of this shard's.
    fn member(&mut self, seat: u32) -> usize {
        while self.members.len() <= seat as usize {
            let member = self.deal.next();
            if self.share.has(self.dealt) {
                self.members.push(member as u16);
            }
            self.dealt += 1;
        }
        usize::from(self.members[seat as usize])
    }

    pub(crate) fn begun(&mut self, seat: u32, robot: RobotKey) {
        if let Some(place) = self.robots.get_mut(seat as usize) {
            *place = Some(robot);
        }
    }

    pub(crate) fn gone(&mut self, seat: u32, robot: RobotKey) {
        // The seat may have been closed and opened again since.
        let Some(place) = self.robots.get_mut(seat as usize).filter(|place| **place == Some(robot)) else {
            return;
        };
        *place = None;
        if let Some(churn) = &mut self.churn {
            churn.vacant.insert(seat);
        }
    }

    /// Whether the number of robots is not what it should be.
    pub(crate) fn is_behind(&self, crowd: &Crowd, now: Duration) -> bool {
        self.robots.len() != self.wanted(crowd, now)
            || self.churn.as_ref().is_some_and(|churn| !churn.vacant.is_empty())
    }

    /// Whether no further robot will be asked for.
    pub(crate) fn is_through(&self, crowd: &Crowd, now: Duration) -> bool {
        let complete = crowd.curve().ends() <= now && self.robots.len() >= self.wanted(crowd, now);
        complete && (self.churn.is_none() || crowd.curve().last() < 1.0)
    }
}

impl Churn {
    /// Takes the leave to begin one robot, of which there are `rate` a second.
    fn allows_one(&mut self, rate: f64, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = now;
        // What was not used is lost but for a little, or long quiet would be followed by a burst.
        self.allowed = (self.allowed + passed * rate).min(1.0 + rate * SAVED_S);
        let allowed = self.allowed >= 1.0;
        if allowed {
            self.allowed -= 1.0;
        }
        allowed
    }
}

/// How much of the rate may be used later beside one robot, in seconds: more than the time between two looks.
const SAVED_S: f64 = 0.02;
