//! When a second is over: as soon as as many reports came as there are shards that still report.

/// Counts the reports of a second.
#[derive(Debug)]
pub(super) struct Round {
    /// Shards that will report again.
    shards: usize,
    reports: usize,
}

impl Round {
    /// Of so many shards.
    pub(super) fn new(shards: usize) -> Round {
        Round { shards, reports: 0 }
    }

    /// A report came, which is its shard's `last` or not; tells whether the second is over. A shard that is late does not hold it up:
    /// the others' next reports stand for its own. What comes with the last of all is of no second any more.
    pub(super) fn report(&mut self, last: bool) -> bool {
        match last {
            true => self.shards = self.shards.saturating_sub(1),
            false => self.reports += 1,
        }
        let over = self.reports > 0 && self.reports >= self.shards;
        if over {
            self.reports = 0;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_reports_once_a_second() {
        let mut round = Round::new(3);
        let over: Vec<bool> = (0..6).map(|_| round.report(false)).collect();
        assert_eq!(over, [false, false, true, false, false, true]);
    }

    #[test]
    fn a_second_does_not_wait_for_shards_that_are_through() {
        let mut round = Round::new(16);
        (0..15).for_each(|_| assert!(!round.report(true)));
        assert!(
            round.report(false) && round.report(false),
            "the only shard left makes a second with each report"
        );
        assert!(!round.report(true));
    }

    #[test]
    fn the_last_report_of_a_shard_ends_a_second_in_which_all_others_reported() {
        let mut round = Round::new(2);
        assert!(!round.report(false));
        assert!(round.report(true));
    }
}
