//! A simulated day: what the books of a long run take of memory, and its samples of the disk.
//!
//! Two shards, each on a thread of its own, record what a day of busy seconds would bring; the parent merges their deltas,
//! closes the second and hands it to the run store, as a run does. Time is virtual: the next second begins when the books of
//! the one before are closed, so an hour takes half a minute.

use crate::machine;
use crate::options::DayOptions;
use crate::table::{Table, thousands};
use anyhow::{Context, Result};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use throng_metrics::{
    Answer, CounterId, Delta, FailureKind, LagSource, Ledger, MeasureId, PushId, Recorder, RequestId,
    RobotState, Stretch, WorkId, WorkKind,
};
use throng_store::{Ending, NewRun, Writer};

const SHARDS: usize = 2;
const HOUR: u64 = 3_600;
/// Seconds that may wait for the disk, which here has to keep up with virtual time.
const AHEAD: u64 = 60;

/// Simulates it and prints what it took.
pub(crate) fn run(options: &DayOptions) -> Result<()> {
    println!("{}\n", machine::describe());
    let folder = tempfile::tempdir()?;
    let file = options.file.clone().unwrap_or_else(|| folder.path().join("runs.db"));
    let before = machine::resident()?;
    let begun = Instant::now();
    let mut table = Table::new(&["after", "resident MB", "store MB"]);
    let mut day = Day::begin(options, (!options.no_store).then_some(&file))?;
    for second in 0..options.seconds {
        day.second(second)?;
        let passed = second + 1;
        if passed == options.seconds || passed % (4 * HOUR) == 0 || passed == HOUR {
            day.flush();
            let hours = passed as f64 / HOUR as f64;
            table.row(vec![format!("{hours:.1} h"), mb(machine::resident()?), mb(size(&file))]);
            eprintln!("{hours:.1} h after {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    let replies = day.end()?;
    println!(
        "{} names on {SHARDS} shards, {} replies, seed {}; {} MB resident before the first; {} MB at the most; \
         the file at the end {} MB\n",
        options.names,
        thousands(replies as f64),
        options.seed,
        mb(before),
        mb(machine::peak()?),
        mb(size(&file))
    );
    println!("{table}");
    Ok(())
}

fn mb(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

/// The file with its log.
fn size(file: &Path) -> u64 {
    let of = |path: &Path| path.metadata().map_or(0, |meta| meta.len());
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    of(file) + of(Path::new(&log))
}

/// The run's side.
struct Day {
    shards: Vec<(SyncSender<()>, Receiver<Delta>)>,
    ledger: Ledger,
    writer: Option<Writer>,
}

impl Day {
    fn begin(options: &DayOptions, file: Option<&std::path::PathBuf>) -> Result<Day> {
        let shards = (0..SHARDS).map(|shard| {
            let (tick, ticks) = sync_channel(1);
            let (report, reports) = sync_channel(1);
            let mut shard = Shard::new(options, shard as u64);
            thread::spawn(move || while ticks.recv().is_ok() && report.send(shard.second()).is_ok() {});
            (tick, reports)
        });
        let writer = file.map(|file| Writer::begin(file, &NewRun::default())).transpose()?;
        Ok(Day { shards: shards.collect(), ledger: Ledger::default(), writer })
    }

    fn second(&mut self, second: u64) -> Result<()> {
        for (tick, _) in &self.shards {
            tick.send(()).context("a shard ended")?;
        }
        for (_, reports) in &self.shards {
            self.ledger.merge(&reports.recv().context("a shard ended")?);
        }
        let took = Duration::from_secs(1);
        self.ledger.close_second(took, "hold");
        if let Some(writer) = &mut self.writer {
            writer.write(Stretch {
                at: Duration::from_secs(second),
                took,
                phase: "hold",
                totals: self.ledger.last_second(),
                run: self.ledger.totals(),
            });
            if second.is_multiple_of(AHEAD) {
                writer.flush();
            }
        }
        Ok(())
    }

    fn flush(&self) {
        if let Some(writer) = &self.writer {
            writer.flush();
        }
    }

    /// How many replies there were.
    fn end(self) -> Result<u64> {
        if let Some(writer) = self.writer {
            let end = writer.end(Ending::default());
            anyhow::ensure!(end.not_kept == 0 && end.error.is_none(), "{end:?}");
        }
        Ok(self.ledger.totals().requests().iter().map(|(_, row)| row.counts.ok).sum())
    }
}

/// A shard's side: what its robots would have brought.
struct Shard {
    recorder: Recorder,
    random: fastrand::Rng,
    requests: Vec<Request>,
    pushes: Vec<PushId>,
    tasks: Vec<WorkId>,
    measures: Vec<MeasureId>,
    counter: CounterId,
    rate: f64,
}

struct Request {
    id: RequestId,
    /// The median of its latency, in microseconds.
    median_us: f64,
}

impl Shard {
    fn new(options: &DayOptions, shard: u64) -> Shard {
        let mut recorder = Recorder::default();
        let mut random = fastrand::Rng::with_seed(options.seed);
        let requests = (0..options.names).map(|name| {
            let id = recorder.request(&format!("Request{name}"), "game");
            // From 1 ms to 100 ms.
            Request { id, median_us: 1_000.0 * 10_f64.powf(random.f64() * 2.0) }
        });
        let requests = requests.collect();
        let pushes = (0..50).map(|name| recorder.push(&format!("Push{name}"), "game")).collect();
        let tasks = (0..20).map(|name| recorder.work(WorkKind::Task, &format!("role.task{name}"))).collect();
        let measures = (0..10).map(|name| recorder.measure(&format!("measure {name}"))).collect();
        let counter = recorder.counter("gold");
        for _ in 0..500 {
            recorder.robot_started();
            recorder.robot_changed(RobotState::Connecting, RobotState::Ready);
        }
        let random = fastrand::Rng::with_seed(options.seed * 1_000 + shard);
        let rate = options.rate / SHARDS as f64;
        Shard { recorder, random, requests, pushes, tasks, measures, counter, rate }
    }

    fn second(&mut self) -> Delta {
        for index in 0..self.requests.len() {
            for _ in 0..self.times() {
                self.request(index);
            }
        }
        for _ in 0..10 {
            for &push in &self.pushes {
                self.recorder.pushed(push, 80);
            }
            for index in 0..self.tasks.len() {
                let us = self.spread(20_000.0);
                self.recorder.worked(self.tasks[index], us);
            }
            for index in 0..self.measures.len() {
                let us = self.spread(5_000.0);
                self.recorder.measured(self.measures[index], us);
            }
            self.recorder.counted(self.counter, 3);
        }
        self.recorder.cpu(400_000, 1_000_000);
        self.recorder.stall(900);
        self.recorder.take()
    }

    /// How often something of the rate happens in this second.
    fn times(&mut self) -> u64 {
        let whole = self.rate.floor();
        whole as u64 + u64::from(self.random.f64() < self.rate - whole)
    }

    fn request(&mut self, index: usize) {
        let Request { id, median_us } = self.requests[index];
        self.recorder.issued(id);
        if self.random.u32(..10_000) == 0 {
            return self.recorder.request_failed(id, FailureKind::Timeout, "no reply within 10 s", || None);
        }
        // One in a thousand is slow beyond all measure.
        let latency_us = match self.random.u32(..1_000) {
            0 => self.random.u64(100_000..10_000_000),
            _ => self.spread(median_us),
        };
        let late_us = self.random.u64(..200);
        let answer = Answer {
            latency_us,
            intended_us: Some(latency_us + late_us),
            observed_us: latency_us + 40,
            generator_us: 40,
        };
        self.recorder.answered(id, answer);
        self.recorder.lag(LagSource::Ready, late_us / 2);
        self.recorder.lag(LagSource::Timer, late_us);
        self.recorder.message_sent();
        self.recorder.message_received();
    }

    /// Around a median, as latencies are: log-normal with a sigma of a half, by the sum of three even figures.
    fn spread(&mut self, median_us: f64) -> u64 {
        let even = self.random.f64() + self.random.f64() + self.random.f64() - 1.5;
        (median_us * even.exp()) as u64
    }
}
