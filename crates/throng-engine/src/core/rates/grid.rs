//! The times of a rate, of which some are this shard's.

use throng_wire::Nanos;

/// The times of a rate, dealt out one by one to the shards that have robots for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) origin: Nanos,
    pub(super) per_second: f64,
    /// How many shards there are slots for.
    pub(super) shards: u64,
    /// This shard's place among them.
    pub(super) place: u64,
}

impl Grid {
    /// When a slot is.
    pub(super) fn at(&self, number: u64) -> Nanos {
        // In floating point to the nanosecond for a hundred days; the rest saturates.
        self.origin.saturating_add((number as f64 * 1e9 / self.per_second) as Nanos)
    }

    /// This shard's first slot behind `now`.
    pub(super) fn first_behind(&self, now: Nanos) -> u64 {
        let passed = now.saturating_sub(self.origin) as f64 * self.per_second / 1e9;
        let mut number = (passed as u64 / self.shards).saturating_sub(1) * self.shards + self.place;
        while self.at(number) <= now {
            number += self.shards;
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(grid: Grid, from: Nanos, count: u64) -> Vec<u64> {
        let first = grid.first_behind(from);
        (0..count).map(|step| first + step * grid.shards).collect()
    }

    #[test]
    fn the_slots_of_all_shards_are_those_of_one() {
        for per_second in [0.3, 7.0, 1_000.0, 333.333] {
            let from = 1_234_567_890;
            let one = Grid { origin: 5_000, per_second, shards: 1, place: 0 };
            let all = numbers(one, from, 300);
            let mut dealt: Vec<u64> =
                (0..3).flat_map(|place| numbers(Grid { shards: 3, place, ..one }, from, 100)).collect();
            dealt.sort_unstable();
            assert_eq!(dealt, all, "{per_second}");
            assert!(one.at(all[0]) > from && one.at(all[0].saturating_sub(1)) <= from, "{per_second}");
        }
    }

    #[test]
    fn slots_do_not_drift() {
        let grid = Grid { origin: 0, per_second: 1_000.0, shards: 1, place: 0 };
        assert_eq!(grid.at(86_400_000 * 30), 30 * 86_400 * 1_000_000_000);
        let thirds = Grid { per_second: 3.0, ..grid };
        assert_eq!(
            (thirds.at(1), thirds.at(3), thirds.at(3_000_000)),
            (333_333_333, 1_000_000_000, 1_000_000_000_000_000)
        );
    }

    #[test]
    fn the_first_slot_is_found_at_the_highest_rate_and_after_the_longest_time() {
        let grid = Grid { origin: 0, per_second: 1e9, shards: 7, place: 6 };
        for now in [0, 1, 1_000_000_000, 400 * 86_400 * 1_000_000_000] {
            let first = grid.first_behind(now);
            assert!(grid.at(first) > now && first % 7 == 6, "{now}");
        }
    }
}
