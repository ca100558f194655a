//! The generator's own part: how late it was, how long it stood still, and whether it was the limit of the run.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::histogram::{Histogram, Spread};
use crate::kinds::LagSource;
use crate::rows::RequestCounts;
use crate::tally::{Counts, Kind};
use crate::units;

/// In what shares of a core are counted.
const PER_SHARE: f64 = 10_000.0;
/// A stretch that is shorter says nothing about how busy a shard is.
const SHORTEST_US: u64 = 100_000;

const SOURCES: usize = LagSource::ALL.len();

/// The generator's part of one shard, or of a run.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Generator {
    #[serde(deserialize_with = "as_many_as_known")]
    by_source: [Histogram; SOURCES],
    /// All sources together; only kept where shards are merged.
    #[serde(skip)]
    lag: Histogram,
    longest_stall_us: u64,
    busy_us: u64,
    wall_us: u64,
    busiest: f64,
    /// The share of a core that a shard's thread used between two takes, in hundredths of a percent.
    #[serde(skip_serializing_if = "Histogram::is_empty")]
    cpu: Histogram,
    /// Requests of all names together: how long robots waited, and for what.
    waits: Waits,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Waits {
    observed_us: u64,
    generator_us: u64,
}

impl Generator {
    pub(crate) fn lag(&mut self, source: LagSource, us: u64) {
        self.by_source[source.index()].record(us);
    }

    pub(crate) fn stall(&mut self, us: u64) {
        self.longest_stall_us = self.longest_stall_us.max(us);
    }

    pub(crate) fn cpu(&mut self, busy_us: u64, wall_us: u64) {
        self.busy_us += busy_us;
        self.wall_us += wall_us;
    }

    pub(crate) fn wait(&mut self, observed_us: u64, generator_us: u64) {
        self.waits.observed_us += observed_us;
        self.waits.generator_us += generator_us.min(observed_us);
    }

    /// What changed since the last take.
    pub(crate) fn take(&mut self) -> Self {
        let (busy_us, wall_us) = (std::mem::take(&mut self.busy_us), std::mem::take(&mut self.wall_us));
        let mut cpu = Histogram::default();
        if wall_us >= SHORTEST_US {
            cpu.record((share(busy_us, wall_us).min(1.0) * PER_SHARE).round() as u64);
        }
        Self {
            by_source: self.by_source.each_mut().map(Histogram::take),
            lag: Histogram::default(),
            longest_stall_us: std::mem::take(&mut self.longest_stall_us),
            busy_us,
            wall_us,
            busiest: share(busy_us, wall_us),
            cpu,
            waits: std::mem::take(&mut self.waits),
        }
    }

    pub(crate) fn coarsen(&mut self, bits: u32) {
        self.by_source.iter_mut().for_each(|lag| lag.coarsen(bits));
    }

    pub(crate) fn absorb(&mut self, changes: &Self) {
        for (mine, theirs) in self.by_source.iter_mut().zip(&changes.by_source) {
            mine.absorb(theirs);
            self.lag.absorb(theirs);
        }
        self.longest_stall_us = self.longest_stall_us.max(changes.longest_stall_us);
        self.busy_us.add(&changes.busy_us);
        self.wall_us.add(&changes.wall_us);
        self.busiest = self.busiest.max(changes.busiest);
        self.cpu.absorb(&changes.cpu);
        self.waits.observed_us.add(&changes.waits.observed_us);
        self.waits.generator_us.add(&changes.waits.generator_us);
    }

    /// How late the generator was, all sources together; only of merged shards.
    pub fn all_lag(&self) -> &Histogram {
        &self.lag
    }

    /// How late the generator was for one reason.
    pub fn lag_of(&self, source: LagSource) -> &Histogram {
        &self.by_source[source.index()]
    }

    /// The longest time in microseconds in which a shard did not look at its sockets.
    pub fn longest_stall_us(&self) -> u64 {
        self.longest_stall_us
    }

    /// The share of a core that the shards' threads used, on average.
    pub fn cpu_share(&self) -> Option<f64> {
        (self.wall_us > 0).then(|| share(self.busy_us, self.wall_us))
    }

    /// The largest share of a core that one shard's thread used between two takes.
    pub fn busiest_share(&self) -> Option<f64> {
        (self.wall_us > 0).then_some(self.busiest)
    }

    /// The share of a core that a shard's thread reached or passed in a tenth of the seconds of all shards.
    pub fn cpu_p90(&self) -> Option<f64> {
        self.cpu.quantile_us(0.9).map(|share| share as f64 / PER_SHARE)
    }

    /// The share of the time robots waited for replies that was spent in the generator; nothing without replies.
    pub fn share_of_latency(&self) -> Option<f64> {
        let waits = RequestCounts {
            observed_us: self.waits.observed_us,
            generator_us: self.waits.generator_us,
            ..RequestCounts::default()
        };
        waits.generator_share()
    }
}

/// A list by source, of which another version may know fewer or more.
fn as_many_as_known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[Histogram; SOURCES], D::Error> {
    let mut by_source: [Histogram; SOURCES] = Default::default();
    let written = Vec::<Histogram>::deserialize(deserializer)?;
    by_source.iter_mut().zip(written).for_each(|(known, written)| *known = written);
    Ok(by_source)
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Above which bounds a run is called limited by the generator.
///
/// A late generator matters only where it is late compared with what it measures. So the first bound has two halves,
/// and both must be exceeded: a 99th percentile of lag above 5 ms (below it, even a fast server's figures stay
/// readable, and an idle virtual machine reaches a few milliseconds by itself), and more than a fifth of the time robots
/// waited for replies spent in the generator (a 6 ms lag does not bend a 1 s reply, but it makes most of a 7 ms one).
/// With a closed loop of 5,000 echo robots on one core both hold by far: the loop takes tens of milliseconds, nearly all
/// of it in the generator. Where nothing waits for replies there is nothing to compare with, and the lag alone decides.
///
/// The next two stand alone because they bend the load itself and not only its figures: a 99th percentile of lag above
/// 100 ms means that what was planned was not what was sent, and a stall of a second silences every robot of a shard.
///
/// The last one is for what lag does not show: a shard that uses its whole core cannot do more, whatever it was asked for. A
/// shard that is merely well used stays below 95 % of a core, because it sleeps in between; seconds of loading and spawning
/// are above it without harm, so it must be so in a tenth of the seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GeneratorBounds {
    /// The 99th percentile of lag in microseconds that is fine whatever was measured; 5 ms.
    pub lag_p99_us: u64,
    /// The share of the waits for replies that may be the generator's when the lag is above its bound; a fifth.
    pub share_of_latency: f64,
    /// The 99th percentile of lag in microseconds that is never fine; 100 ms.
    pub worst_lag_p99_us: u64,
    /// The longest single stall in microseconds that is fine; 1 s.
    pub longest_stall_us: u64,
    /// The share of a core that shards may use in all but a tenth of their seconds; 95 %.
    pub cpu_p90: f64,
}

impl Default for GeneratorBounds {
    fn default() -> Self {
        Self {
            lag_p99_us: 5_000,
            share_of_latency: 0.2,
            worst_lag_p99_us: 100_000,
            longest_stall_us: 1_000_000,
            cpu_p90: 0.95,
        }
    }
}

/// Why a run was limited by the generator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitReason {
    /// The generator was late, and its lag is a considerable part of the latencies; `share` is of the waits for
    /// replies.
    LatencyShare {
        /// The 99th percentile of lag in microseconds.
        lag_p99_us: u64,
        /// The generator's share of the waits for replies.
        share: f64,
    },
    /// The generator was late, whatever it measured.
    Lag {
        /// The 99th percentile of lag in microseconds.
        lag_p99_us: u64,
    },
    /// A shard stood still.
    Stall {
        /// The longest stall in microseconds.
        longest_us: u64,
    },
    /// Shards had no CPU to spare.
    Cpu {
        /// The share of a core that they used in a tenth of their seconds, or more.
        p90: f64,
    },
}

impl GeneratorBounds {
    /// Why the run was limited by the generator; empty when it was not.
    pub fn judge(&self, generator: &Generator) -> Vec<LimitReason> {
        let mut reasons = Vec::new();
        let lag_p99_us = generator.all_lag().quantile_us(0.99).unwrap_or(0);
        match generator.share_of_latency() {
            Some(share) if lag_p99_us > self.lag_p99_us && share > self.share_of_latency => {
                reasons.push(LimitReason::LatencyShare { lag_p99_us, share });
            }
            Some(_) if lag_p99_us > self.worst_lag_p99_us => reasons.push(LimitReason::Lag { lag_p99_us }),
            None if lag_p99_us > self.lag_p99_us => reasons.push(LimitReason::Lag { lag_p99_us }),
            _ => {}
        }
        if generator.longest_stall_us() > self.longest_stall_us {
            reasons.push(LimitReason::Stall { longest_us: generator.longest_stall_us() });
        }
        if let Some(p90) = generator.cpu_p90().filter(|p90| *p90 > self.cpu_p90) {
            reasons.push(LimitReason::Cpu { p90 });
        }
        reasons
    }
}

impl fmt::Display for LimitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::LatencyShare { lag_p99_us, share } => {
                let (much, lag) = (if share > 0.5 { "most" } else { "a good part" }, units::time(lag_p99_us));
                let (ours, theirs) = (units::percent(share), units::percent(1.0 - share));
                write!(
                    f,
                    "{much} of the latency is the generator's: of the time robots waited for replies {ours} was spent \
                     in throng and {theirs} in the server and the network (generator lag p99 {lag})"
                )
            }
            Self::Lag { lag_p99_us } => {
                write!(f, "the generator was late: its lag had a p99 of {}", units::time(lag_p99_us))
            }
            Self::Cpu { p90 } => write!(
                f,
                "shards had no CPU to spare: in a tenth of their seconds they used {} of a core or more",
                units::percent(p90)
            ),
            Self::Stall { longest_us } => write!(f, "a shard stood still for {}", units::time(longest_us)),
        }
    }
}

/// The generator's lag as the summary shows it.
pub(crate) fn lag_by_source(generator: &Generator) -> Vec<(LagSource, Spread)> {
    LagSource::ALL.iter().filter_map(|&source| Some((source, generator.lag_of(source).spread()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lag_us: u64, waits: Option<(u64, u64)>) -> Vec<LimitReason> {
        let (mut shard, mut total) = (Generator::default(), Generator::default());
        for _ in 0..100 {
            shard.lag(LagSource::Ready, lag_us);
        }
        if let Some((observed, ours)) = waits {
            shard.wait(observed, ours);
        }
        total.absorb(&shard.take());
        GeneratorBounds::default().judge(&total)
    }

    #[test]
    fn a_saturated_closed_loop_is_limited_and_says_the_shares() {
        let reasons = judged(31_000, Some((38_000, 32_000)));
        assert_eq!(
            reasons[0].to_string(),
            "most of the latency is the generator's: of the time robots waited for replies 84.2% was spent in throng and \
             15.8% in the server and the network (generator lag p99 31 ms)"
        );
    }

    #[test]
    fn lag_that_is_small_against_the_latency_is_fine() {
        assert_eq!(judged(6_000, Some((1_000_000, 6_000))), []);
    }

    #[test]
    fn a_large_share_of_tiny_latencies_is_fine() {
        assert_eq!(judged(40, Some((60, 40))), []);
    }

    #[test]
    fn lag_decides_alone_where_nothing_waits_for_replies() {
        assert_eq!(judged(4_900, None), []);
        assert!(matches!(judged(6_000, None)[..], [LimitReason::Lag { .. }]));
    }

    #[test]
    fn lag_that_bends_the_schedule_is_never_fine() {
        assert!(matches!(judged(150_000, Some((10_000_000, 150_000)))[..], [LimitReason::Lag { .. }]));
    }

    #[test]
    fn a_stall_of_more_than_a_second_limits() {
        let (mut shard, mut total) = (Generator::default(), Generator::default());
        shard.stall(1_200_000);
        total.absorb(&shard.take());
        assert_eq!(GeneratorBounds::default().judge(&total), [LimitReason::Stall { longest_us: 1_200_000 }]);
    }

    #[test]
    fn sources_that_came_later_are_empty_in_what_was_written_before() {
        let text = r#"{"by_source":[{"n":1,"sum":5,"min":5,"max":5,"cells":[10]}]}"#;
        let read: Generator = serde_json::from_str(text).unwrap();
        assert_eq!((read.lag_of(LagSource::Ready).count(), read.lag_of(LagSource::Spawn).count()), (1, 0));
    }

    #[test]
    fn shards_without_cpu_to_spare_limit_unless_it_was_for_a_moment() {
        let reasons = |busy: [u64; 10]| {
            let (mut shard, mut total) = (Generator::default(), Generator::default());
            for busy in busy {
                shard.cpu(busy * 10_000, 1_000_000);
                total.absorb(&shard.take());
            }
            // A last report that says nothing.
            shard.cpu(3_000, 3_000);
            total.absorb(&shard.take());
            GeneratorBounds::default().judge(&total)
        };
        assert_eq!(reasons([100, 40, 40, 40, 40, 40, 40, 40, 40, 40]), []);
        assert_eq!(reasons([90; 10]), []);
        let limited = reasons([40, 40, 40, 40, 40, 40, 98, 98, 98, 98]);
        assert_eq!(
            limited[0].to_string(),
            "shards had no CPU to spare: in a tenth of their seconds they used 98% of a core or more"
        );
        assert_eq!(limited.len(), 1);
    }

    #[test]
    fn sources_are_kept_apart_and_together() {
        let (mut shard, mut total) = (Generator::default(), Generator::default());
        shard.lag(LagSource::Ready, 10);
        shard.lag(LagSource::Collector, 9_000);
        total.absorb(&shard.take());
        assert_eq!((total.all_lag().count(), total.lag_of(LagSource::Collector).count()), (2, 1));
        assert_eq!(lag_by_source(&total).len(), 2);
    }
}
