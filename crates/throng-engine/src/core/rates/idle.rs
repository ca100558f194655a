//! Robots that could take a slot, scenario by scenario, the longest idle first.

use crate::id::RobotKey;
use slotmap::SecondaryMap;
use std::collections::BTreeMap;

/// The idle robots of a shard.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// A row for each scenario; one in a run without scenarios.
    rows: Vec<BTreeMap<u64, RobotKey>>,
    /// In which row each robot stands, and where.
    places: SecondaryMap<RobotKey, (usize, u64)>,
    last: u64,
}

impl Idle {
    /// A robot of a scenario stands behind all others.
    pub(super) fn add(&mut self, scenario: usize, robot: RobotKey) {
        self.remove(robot);
        self.last += 1;
        if self.rows.len() <= scenario {
            self.rows.resize_with(scenario + 1, BTreeMap::new);
        }
        self.rows[scenario].insert(self.last, robot);
        self.places.insert(robot, (scenario, self.last));
    }

    /// A robot stands there no more.
    pub(super) fn remove(&mut self, robot: RobotKey) {
        if let Some((scenario, place)) = self.places.remove(robot) {
            self.rows[scenario].remove(&place);
        }
    }

    /// Takes the robot out that has been idle longest, of the scenarios that `plays` names.
    pub(super) fn take(&mut self, plays: &[bool]) -> Option<RobotKey> {
        let rows = self.rows.iter().zip(plays).filter(|(_, plays)| **plays);
        let first = rows.filter_map(|(row, _)| row.first_key_value());
        let (_, &robot) = first.min_by_key(|(place, _)| **place)?;
        self.remove(robot);
        Some(robot)
    }

    /// How many robots of these scenarios are idle.
    pub(super) fn count(&self, plays: &[bool]) -> usize {
        self.rows.iter().zip(plays).filter(|(_, plays)| **plays).map(|(row, _)| row.len()).sum()
    }

    /// Nobody stands there any more.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.places.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slotmap::SlotMap;

    #[test]
    fn the_longest_idle_of_the_scenarios_asked_for_comes_first() {
        let mut keys = SlotMap::<RobotKey, ()>::with_key();
        let robots: Vec<RobotKey> = (0..4).map(|_| keys.insert(())).collect();
        let mut idle = Idle::default();
        for (at, robot) in robots.iter().enumerate() {
            idle.add(at % 2, *robot);
        }
        idle.add(0, robots[0]);
        assert_eq!((idle.count(&[true, true]), idle.count(&[false, true])), (4, 2));
        assert_eq!(idle.take(&[true, true]), Some(robots[1]));
        assert_eq!(idle.take(&[true, false]), Some(robots[2]));
        idle.remove(robots[3]);
        assert_eq!((idle.take(&[false, true]), idle.take(&[true, true])), (None, Some(robots[0])));
        assert_eq!(idle.count(&[true, true]), 0);
    }
}
