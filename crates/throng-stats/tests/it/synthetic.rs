//! Runs of a server that exists only here: its slowness wanders as an AR(1) process with heavy-tailed steps that all messages
//! share in part, and single latencies have a heavy tail of their own.

use std::time::Duration;

use fastrand::Rng;
use throng_stats::{Piece, Series};

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    /// How long it takes, in seconds.
    pub(crate) seconds: usize,
    /// How many messages there are.
    pub(crate) messages: usize,
    /// About how many requests of each a second.
    pub(crate) rate: usize,
    /// What a second's slowness keeps of the one before.
    pub(crate) memory: f64,
    /// How far slowness wanders, as a share.
    pub(crate) wander: f64,
    /// How many times slower it answers.
    pub(crate) slower: f64,
}

impl Server {
    /// A run from a seed.
    pub(crate) fn run(&self, seed: u64) -> Series {
        let mut random = Rng::with_seed(seed);
        let mut states = vec![0.0; self.messages + 1];
        // Before the first second the process has forgotten where it began.
        for _ in 0..30 {
            self.step(&mut states, &mut random);
        }
        let mut series = Series::default();
        for _ in 0..self.seconds {
            self.step(&mut states, &mut random);
            let pieces = (0..self.messages).map(|message| {
                let level = (states[0] + states[message + 1]) * self.wander / 2f64.sqrt();
                let base = 8_000.0 * (1.0 + message as f64) * level.exp() * self.slower;
                (format!("game/{message}"), self.piece(base, &mut random))
            });
            series.push(Duration::from_secs(1), pieces.collect::<Vec<_>>());
        }
        series
    }

    fn step(&self, states: &mut [f64], random: &mut Rng) {
        for state in states {
            *state = self.memory * *state + (1.0 - self.memory.powi(2)).sqrt() * heavy(random);
        }
    }

    fn piece(&self, base: f64, random: &mut Rng) -> Piece {
        let mut piece = Piece::default();
        for _ in 0..self.rate - self.rate / 10 + random.usize(0..=self.rate / 5) {
            if random.u32(0..500) == 0 {
                piece.failed();
            } else {
                // Most near the base, and a Pareto tail.
                let latency = base * (0.8 + 0.4 * random.f64()) * (1.0 - random.f64()).powf(-0.12);
                piece.answered(latency as u64);
            }
        }
        piece
    }
}

/// Of Student's t with 5 degrees of freedom, brought to variance 1.
fn heavy(random: &mut Rng) -> f64 {
    let normal = normal(random);
    let squares: f64 = (0..5).map(|_| self::normal(random).powi(2)).sum();
    normal / (squares / 5.0).sqrt() * 0.6f64.sqrt()
}

fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}
