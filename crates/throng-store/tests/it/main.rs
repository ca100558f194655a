//! The store through its file: what is written is read again, by other connections too.

mod file;
mod runs;
mod samples;

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use throng_metrics::{Answer, Delta, Ledger, Recorder, RobotState, RunRecord, Stretch, Summary};
use throng_store::{Ending, NewRun, Writer};

/// A folder with a store in it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: TempDir::new().unwrap() }
    }

    /// In a folder that is not there yet.
    fn file(&self) -> PathBuf {
        self.folder.path().join("deep/.throng/runs.db")
    }

    fn begin(&self, run: &NewRun) -> Writer {
        Writer::begin(&self.file(), run).unwrap()
    }
}

fn run(project: &str) -> NewRun {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    NewRun {
        project: project.to_owned(),
        started,
        robots: 9,
        seed: u64::MAX,
        record: "at the start".to_owned(),
        ..NewRun::default()
    }
}

fn ending(seconds: u64) -> Ending {
    Ending {
        took: Duration::from_secs(seconds),
        verdict: "pass".to_owned(),
        reason: "all thresholds hold".to_owned(),
        record: "at the end".to_owned(),
    }
}

/// What a shard records in the second of that number.
fn played(recorder: &mut Recorder, second: u64) -> Delta {
    recorder.robot_started();
    recorder.robot_changed(RobotState::Connecting, RobotState::Ready);
    for name in ["Echo", "Login"] {
        let id = recorder.request(name, "game");
        for step in 0..20 {
            let us = 300 + second * 7 + step * step * 11;
            recorder.issued(id);
            let answer = Answer { latency_us: us, intended_us: None, observed_us: us + 5, generator_us: 5 };
            recorder.answered(id, answer);
        }
    }
    recorder.take()
}

/// Plays so many seconds into a writer; the books as they were while it went on.
fn play(writer: &mut Writer, seconds: u64) -> Ledger {
    play_at(writer, 0..seconds)
}

/// Plays these seconds and nothing in between.
fn play_at(writer: &mut Writer, seconds: impl Iterator<Item = u64>) -> Ledger {
    let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
    for second in seconds {
        let phase = if second < 15 { "ramp" } else { "hold" };
        ledger.merge(&played(&mut recorder, second));
        ledger.close_second(Duration::from_secs(1), phase);
        writer.write(Stretch {
            at: Duration::from_secs(second),
            took: Duration::from_secs(1),
            phase,
            totals: ledger.last_second(),
            run: ledger.totals(),
        });
        // The writer refuses what the disk cannot take in time, which is not what these tests are about.
        writer.flush();
    }
    ledger
}

fn summary(ledger: &Ledger) -> String {
    let record = RunRecord { took: Duration::from_secs(1), ..RunRecord::default() };
    serde_json::to_string(&Summary::of(ledger, &record)).unwrap()
}
