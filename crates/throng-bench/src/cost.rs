//! What measuring costs: the recorder's calls for one request, beside the same loop without them.
//!
//! The recorder cannot be switched off in what ships, and a switch for the benchmark alone would be a branch in every
//! robot's way. So the calls are measured by themselves, in the order and number in which the engine makes them for one
//! request, on a recorder that is as large as a run's: 200 names in no order, latencies over four decades, taken once a
//! second as a shard does. What the same loop takes without them is measured in alternation and subtracted.

use crate::machine;
use crate::options::Options;
use crate::table::{Table, cell, median};
use anyhow::Result;
use std::hint::black_box;
use std::time::{Duration, Instant};
use throng_metrics::{Answer, LagSource, Recorder, RequestId, WorkKind};

/// Names of requests.
const NAMES: usize = 200;
/// Requests between two takes, which is a second of a busy shard.
const SECOND: usize = 50_000;
/// Bytes of a message each way.
const BYTES: usize = 66;
/// Nanoseconds that measuring a request may cost.
const LIMIT: f64 = 150.0;

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.wants("cost") {
        return Ok(());
    }
    let seconds = if options.quick { 4 } else { 40 };
    let mut table = Table::new(&["one request", "with ns", "without ns", "measuring ns", "limit ns"]);
    for kind in [Kind::Plain, Kind::Stamped, Kind::Paced] {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds() {
            rounds.push((Loop::new().time(kind, seconds)?, Loop::new().time(Kind::Nothing, seconds)?));
        }
        let of =
            |pick: fn(&(f64, f64)) -> f64| cell(median(rounds.iter().map(pick)), |ns| format!("{ns:.0}"));
        let mut cells = vec![kind.title().to_owned()];
        cells.extend([of(|round| round.0), of(|round| round.1), of(|round| round.0 - round.1)]);
        cells.push(format!("{LIMIT:.0}"));
        table.row(cells);
    }
    println!("{table}");
    Ok(())
}

/// Which calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// None: the loop itself.
    Nothing,
    /// Those of a request and its reply.
    Plain,
    /// And the two readings of the clock that their figures need.
    Stamped,
    /// And those of the paced task that made the request, with its lag and its intended start.
    Paced,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Kind::Nothing => "nothing",
            Kind::Plain => "recorder alone",
            Kind::Stamped => "with two readings of the clock",
            Kind::Paced => "and the paced task around it",
        }
    }
}

struct Loop {
    recorder: Recorder,
    ids: Vec<RequestId>,
    /// Which name, and how long it took.
    script: Vec<(usize, u64)>,
}

impl Loop {
    fn new() -> Loop {
        let mut recorder = Recorder::default();
        let ids = (0..NAMES).map(|name| recorder.request(&format!("Request{name}"), "game")).collect();
        let mut random = fastrand::Rng::with_seed(7);
        // From 100 us to 1 s, each decade as likely as the others.
        let script = (0..SECOND)
            .map(|_| (random.usize(..NAMES), (100.0 * 10_f64.powf(random.f64() * 4.0)) as u64))
            .collect();
        Loop { recorder, ids, script }
    }

    /// Nanoseconds of user CPU for a request, over so many seconds of a shard.
    fn time(&mut self, kind: Kind, seconds: usize) -> Result<f64> {
        // Once before it counts, so that histograms have their size.
        self.second(kind);
        let begun = machine::cpu_time()?.0;
        (0..seconds).for_each(|_| self.second(kind));
        let took: Duration = machine::cpu_time()?.0 - begun;
        Ok(took.as_nanos() as f64 / (seconds * SECOND) as f64)
    }

    fn second(&mut self, kind: Kind) {
        for &(name, us) in &self.script {
            let (id, us) = (black_box(self.ids[name]), black_box(us));
            if kind != Kind::Nothing {
                request(&mut self.recorder, kind, id, us);
            }
        }
        black_box(self.recorder.take());
    }
}

/// What the engine calls for one request and its reply.
fn request(recorder: &mut Recorder, kind: Kind, id: RequestId, us: u64) {
    recorder.issued(id);
    recorder.message_sent();
    if kind != Kind::Plain {
        black_box(Instant::now());
    }
    recorder.bytes_sent(BYTES);
    if kind != Kind::Plain {
        black_box(Instant::now());
    }
    recorder.lag(LagSource::Ready, us & 63);
    recorder.bytes_received(BYTES);
    recorder.message_received();
    let intended_us = (kind == Kind::Paced).then_some(us + 90);
    recorder.answered(id, Answer { latency_us: us, intended_us, observed_us: us + 30, generator_us: 30 });
    if kind == Kind::Paced {
        recorder.lag(LagSource::Timer, us & 127);
        let task = recorder.work(WorkKind::Task, "role.play");
        recorder.worked(task, us + 40);
    }
}
