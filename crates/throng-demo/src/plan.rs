//! A server's fault rules with their counters: what happens to which message.

use std::{
    num::NonZeroU64,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    faults::{Fault, FaultRule},
    kind::ServerKind,
};

/// The rules of one server.
pub(crate) struct Plan {
    rules: Box<[Rule]>,
    seed: u64,
    jitters: AtomicU64,
}

struct Rule {
    request: Option<usize>,
    fault: Fault,
    met: AtomicU64,
}

/// What is to happen to one request and its reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Present if a rule speaks of delay, even of none.
    pub(crate) delay: Option<Duration>,
    pub(crate) drop: bool,
    pub(crate) double: bool,
    pub(crate) hold: bool,
    pub(crate) single_bytes: bool,
    pub(crate) garbage: Option<Garbage>,
    pub(crate) orphan: bool,
    pub(crate) unknown_push: bool,
    pub(crate) kick: bool,
    pub(crate) ending: Option<Ending>,
}

/// What of a reply cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Garbage {
    Whole,
    Body,
}

/// What befalls a connection instead of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Reset,
    HalfClose,
    Vanish,
}

impl Plan {
    pub(crate) fn new(kind: ServerKind, rules: &[FaultRule], seed: u64) -> Self {
        let own = rules.iter().filter(|rule| rule.server() == kind);
        let rules =
            own.map(|rule| Rule { request: rule.request(), fault: rule.fault(), met: AtomicU64::new(0) });
        Self { rules: rules.collect(), seed, jitters: AtomicU64::new(0) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Each stall's beginning and length.
    pub(crate) fn stalls(&self) -> impl Iterator<Item = (Duration, Duration)> {
        self.rules.iter().filter_map(|rule| match rule.fault {
            Fault::Stall { after, length } => Some((after, length)),
            _ => None,
        })
    }

    /// Counts a request, and its reply if there is to be one, in each rule that is about them.
    pub(crate) fn decide(&self, request: usize, reply: bool) -> Decision {
        let mut decision = Decision::default();
        let mut delay = Delay::default();
        for rule in self.rules.iter().filter(|rule| rule.request.is_none_or(|only| only == request)) {
            let special = rule.request.is_some();
            match rule.fault {
                Fault::Reset(n) => rule.ending(n, Ending::Reset, &mut decision),
                Fault::HalfClose(n) => rule.ending(n, Ending::HalfClose, &mut decision),
                Fault::Vanish(n) => rule.ending(n, Ending::Vanish, &mut decision),
                _ if !reply => {}
                Fault::Delay(time) => delay.base.offer(time, special),
                Fault::Jitter(time) => delay.jitter.offer(time, special),
                Fault::Drop(n) => decision.drop |= rule.strikes(n),
                Fault::Double(n) => decision.double |= rule.strikes(n),
                Fault::Reorder(n) => decision.hold |= rule.strikes(n),
                Fault::SingleBytes(n) => decision.single_bytes |= rule.strikes(n),
                Fault::Garbage(n) => rule.garbage(n, Garbage::Whole, &mut decision),
                Fault::GarbageBody(n) => rule.garbage(n, Garbage::Body, &mut decision),
                Fault::Orphan(n) => decision.orphan |= rule.strikes(n),
                Fault::Pushes(n) => decision.unknown_push |= rule.strikes(n),
                Fault::Kick(n) => decision.kick |= rule.strikes(n),
                Fault::Stall { .. } => {}
            }
        }
        decision.delay = self.delay(&delay);
        decision
    }

    fn delay(&self, delay: &Delay) -> Option<Duration> {
        let jitter = delay.jitter.0.map(|(most, _)| {
            let draw = self.jitters.fetch_add(1, Ordering::Relaxed);
            most.mul_f64(unit(self.seed.wrapping_add(draw)))
        });
        let base = delay.base.0.map(|(time, _)| time);
        (base.is_some() || jitter.is_some()).then(|| base.unwrap_or_default() + jitter.unwrap_or_default())
    }
}

impl Rule {
    fn strikes(&self, every: NonZeroU64) -> bool {
        (self.met.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every.get())
    }

    fn ending(&self, every: NonZeroU64, ending: Ending, decision: &mut Decision) {
        if self.strikes(every) {
            decision.ending = Some(ending);
        }
    }

    fn garbage(&self, every: NonZeroU64, garbage: Garbage, decision: &mut Decision) {
        if self.strikes(every) {
            decision.garbage = Some(garbage);
        }
    }
}

#[derive(Default)]
struct Delay {
    base: Strongest,
    jitter: Strongest,
}

/// The time that holds of several: one for this request beats one for all, then the later rule wins.
#[derive(Default)]
struct Strongest(Option<(Duration, bool)>);

impl Strongest {
    fn offer(&mut self, time: Duration, special: bool) {
        if self.0.is_none_or(|(_, held)| special || !held) {
            self.0 = Some((time, special));
        }
    }
}

/// A number in 0..1 for each seed (SplitMix64's output function).
fn unit(seed: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(rules: &[&str]) -> Plan {
        let rules: Vec<FaultRule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        Plan::new(ServerKind::Battle, &rules, 1)
    }

    #[test]
    fn every_third_reply_means_exactly_that() {
        let plan = plan(&["battle.drop=3"]);
        let dropped: Vec<bool> = (0..7).map(|_| plan.decide(0, true).drop).collect();
        assert_eq!(dropped, [false, false, true, false, false, true, false]);
    }

    #[test]
    fn a_rule_counts_only_its_own_request() {
        let plan = plan(&["battle.get.drop=2"]);
        let get = ServerKind::Battle.words().request("get").unwrap();
        assert!(!plan.decide(get, true).drop);
        assert!(!plan.decide(get + 1, true).drop);
        assert!(plan.decide(get, true).drop);
    }

    #[test]
    fn requests_without_a_reply_count_for_endings_only() {
        let plan = plan(&["battle.drop=2", "battle.reset=2"]);
        assert_eq!(plan.decide(0, false).ending, None);
        assert_eq!(plan.decide(0, false).ending, Some(Ending::Reset));
        assert!(!plan.decide(0, true).drop);
        assert!(plan.decide(0, true).drop);
    }

    #[test]
    fn a_delay_for_one_request_beats_the_general_one() {
        let plan = plan(&["battle.get.delay=5ms", "battle.delay=1ms"]);
        let get = ServerKind::Battle.words().request("get").unwrap();
        assert_eq!(plan.decide(get, true).delay, Some(Duration::from_millis(5)));
        assert_eq!(plan.decide(0, true).delay, Some(Duration::from_millis(1)));
    }

    #[test]
    fn rules_of_other_servers_do_nothing() {
        assert!(plan(&["game.drop=1"]).is_empty());
    }

    proptest! {
        #[test]
        fn jitter_stays_within_its_bound_and_follows_the_seed(seed: u64, most in 1u64..10_000_000) {
            let rules = [FaultRule::new(ServerKind::Echo, None, Fault::Jitter(Duration::from_nanos(most))).unwrap()];
            let delays = || {
                let plan = Plan::new(ServerKind::Echo, &rules, seed);
                (0..20).map(|_| plan.decide(0, true).delay.unwrap()).collect::<Vec<_>>()
            };
            prop_assert!(delays().iter().all(|delay| *delay <= Duration::from_nanos(most)));
            prop_assert_eq!(delays(), delays());
        }
    }
}
