//! Which scenario the next robot of a crowd plays.

use crate::schedule::Member;

/// Gives scenarios to robots in the order of their places, so that after any number of them each scenario has its share to
/// within one robot or two. Nothing is drawn: what a place gets is the same whatever the seed and the number of shards.
#[derive(Debug, Clone)]
pub(crate) struct Deal {
    members: Vec<Dealt>,
    dealt: u64,
}

#[derive(Debug, Clone)]
struct Dealt {
    share: f64,
    robots: u64,
}

impl Deal {
    pub(crate) fn new(members: &[Member]) -> Deal {
        let whole: f64 = members.iter().map(|member| member.share).sum();
        let dealt = |member: &Member| Dealt { share: member.share / whole, robots: 0 };
        Deal { members: members.iter().map(dealt).collect(), dealt: 0 }
    }

    /// The member (by its place in the crowd) that is owed most.
    pub(crate) fn next(&mut self) -> usize {
        self.dealt += 1;
        let after = self.dealt as f64;
        let owed = |member: &Dealt| member.share * after - member.robots as f64;
        let mut most = 0;
        for (index, member) in self.members.iter().enumerate() {
            if owed(member) > owed(&self.members[most]) {
                most = index;
            }
        }
        if let Some(member) = self.members.get_mut(most) {
            member.robots += 1;
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deal(shares: &[f64]) -> Deal {
        let members: Vec<Member> = shares
            .iter()
            .enumerate()
            .map(|(scenario, &share)| Member { scenario, share, session: None })
            .collect();
        Deal::new(&members)
    }

    #[test]
    fn a_fifth_is_every_fifth() {
        let mut deal = deal(&[4.0, 1.0]);
        let dealt: Vec<usize> = (0..10).map(|_| deal.next()).collect();
        assert_eq!(dealt.iter().filter(|member| **member == 1).count(), 2);
        assert_eq!(dealt[..5].iter().filter(|member| **member == 1).count(), 1);
    }

    proptest! {
        #[test]
        fn every_scenario_has_its_share_at_every_moment(
            shares in prop::collection::vec(0.01..1.0, 1..6),
            robots in 1u64..500,
        ) {
            let mut deal = deal(&shares);
            let mut counts = vec![0u64; shares.len()];
            (0..robots).for_each(|_| counts[deal.next()] += 1);
            let whole: f64 = shares.iter().sum();
            for (count, share) in counts.iter().zip(&shares) {
                let fair = robots as f64 * share / whole;
                prop_assert!((*count as f64 - fair).abs() < shares.len() as f64, "{count} of {fair}");
            }
        }
    }
}
