//! `math.random` from a stream of each robot's own, so that a run with the same seed makes the same choices
//! whatever the shards.
//!
//! The generator is Lua's: xoshiro256**, seeded as `math.randomseed` does it. The host puts a robot's stream
//! in before it resumes the robot, and takes it back afterwards, both by [`swap`].

use std::cell::Cell;

/// A sequence of random numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    state: [u64; 4],
}

thread_local! {
    static CURRENT: Cell<Stream> = const { Cell::new(Stream { state: [0, 0xff, 0, 0] }) };
}

/// Makes `stream` the one that scripts on this thread draw from, and puts there the one they drew from so far.
pub fn swap(stream: &mut Stream) {
    CURRENT.with(|current| current.swap(Cell::from_mut(stream)));
}

impl Stream {
    /// The stream that `math.randomseed(seed, robot)` would begin: the run's seed, and the robot's id.
    #[must_use]
    pub fn new(seed: u64, robot: u64) -> Stream {
        const DISCARDED: usize = 16;
        let mut stream = Stream { state: [seed, 0xff, robot, 0] };
        for _ in 0..DISCARDED {
            stream.bits();
        }
        stream
    }

    /// A number of 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.state;
        let result = s1.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (s2, s3) = (s2 ^ s0, s3 ^ s1);
        self.state = [s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17), s3.rotate_left(45)];
        result
    }

    /// A number from 0 up to, but not including, 1.
    pub fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.bits() >> 11) as f64 * STEP
    }

    /// An integer from `low` to `high`, both included; `low` if the interval is empty.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let random = self.bits();
        if high < low {
            return low;
        }
        let span = (high as u64).wrapping_sub(low as u64);
        low.wrapping_add(self.project(random, span) as i64)
    }

    /// Brings `random` into 0 to `span`, without favouring any number.
    fn project(&mut self, mut random: u64, span: u64) -> u64 {
        if span & span.wrapping_add(1) == 0 {
            return random & span;
        }
        let mask = u64::MAX >> span.leading_zeros();
        loop {
            random &= mask;
            if random <= span {
                return random;
            }
            random = self.bits();
        }
    }
}

/// Draws from the present robot's stream.
pub fn draw<T>(from: impl FnOnce(&mut Stream) -> T) -> T {
    let mut stream = CURRENT.replace(Stream { state: [0; 4] });
    let drawn = from(&mut stream);
    CURRENT.set(stream);
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_other_robots_or_seeds_differ() {
        let first = |seed, robot| Stream::new(seed, robot).bits();
        assert_eq!(first(1, 1), first(1, 1));
        assert_ne!(first(1, 1), first(1, 2));
        assert_ne!(first(1, 1), first(2, 1));
    }

    #[test]
    fn numbers_stay_in_their_interval_and_reach_its_ends() {
        let mut stream = Stream::new(7, 0);
        let drawn: Vec<i64> = (0..1_000).map(|_| stream.between(-2, 3)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&-2), Some(&3)));
        assert_eq!(stream.between(5, 5), 5);
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&stream.unit())));
    }

    #[test]
    fn the_whole_range_of_integers_is_an_interval() {
        let mut stream = Stream::new(7, 0);
        let drawn: Vec<i64> = (0..64).map(|_| stream.between(i64::MIN, i64::MAX)).collect();
        assert!(drawn.iter().any(|&number| number < 0) && drawn.iter().any(|&number| number > 0));
    }
}
