//! The open model: robots come at a rate, whatever becomes of those who are there.
//!
//! Every shard works out all arrivals of the crowd and takes those whose number is its own. So an arrival's time, number and
//! scenario are the same however many shards there are.

use super::deal::Deal;
use super::{Moment, Newcomer, Wish};
use crate::config::ShardShare;
use crate::random::Random;
use crate::schedule::{Crowd, Spacing};
use std::time::Duration;

/// A crowd's random stream, beside those of the robots.
const STREAM: u64 = 0xA11_1BA1;

#[derive(Debug)]
pub(crate) struct Arrivals {
    spacing: Spacing,
    /// The most robots at once on this shard.
    most: u64,
    alive: u64,
    share: ShardShare,
    deal: Deal,
    random: Random,
    /// The number of the next arrival of the whole crowd.
    ordinal: u64,
    /// How many are expected before it, which is the area below the rate until it comes.
    expected: f64,
    /// This shard's next.
    next: Option<Next>,
}

#[derive(Debug, Clone, Copy)]
struct Next {
    ordinal: u64,
    expected: f64,
    member: usize,
}

impl Arrivals {
    pub(crate) fn new(
        crowd: &Crowd,
        place: u64,
        share: ShardShare,
        seed: u64,
        bounds: (Spacing, u64),
    ) -> Arrivals {
        let (spacing, most) = bounds;
        let mut arrivals = Arrivals {
            spacing,
            most: share.of(most),
            alive: 0,
            share,
            deal: Deal::new(crowd.members()),
            random: Random::new(!seed ^ STREAM, place),
            ordinal: 0,
            expected: 0.0,
            next: None,
        };
        if spacing == Spacing::Poisson {
            arrivals.expected = arrivals.gap();
        }
        arrivals.find_next();
        arrivals
    }

    /// How many are expected between two arrivals: one, always or on average.
    fn gap(&mut self) -> f64 {
        match self.spacing {
            Spacing::Even => 1.0,
            Spacing::Poisson => -(1.0 - self.random.unit()).max(f64::MIN_POSITIVE).ln(),
        }
    }

    fn find_next(&mut self) {
        loop {
            let (ordinal, expected) = (self.ordinal, self.expected);
            let member = self.deal.next();
            self.ordinal += 1;
            self.expected += self.gap();
            if self.share.has(ordinal) {
                return self.next = Some(Next { ordinal, expected, member });
            }
        }
    }

    /// The next robot that is to come by now.
    pub(crate) fn wish(&mut self, crowd: &Crowd, moment: &Moment) -> Option<Wish> {
        let next = self.next?;
        let intended = self.when(crowd).filter(|at| *at <= moment.now)?;
        self.find_next();
        let newcomer =
            Newcomer { ordinal: next.ordinal, seat: 0, member: next.member, intended: Some(intended) };
        if self.alive >= self.most || moment.full {
            return Some(Wish::TurnAway(newcomer));
        }
        Some(Wish::Begin(newcomer))
    }

    /// When the next robot comes, in the schedule's time, if one ever does.
    pub(crate) fn when(&self, crowd: &Crowd) -> Option<Duration> {
        crowd.curve().when(self.next?.expected)
    }

    pub(crate) fn begun(&mut self) {
        self.alive += 1;
    }

    pub(crate) fn gone(&mut self) {
        self.alive = self.alive.saturating_sub(1);
    }
}
