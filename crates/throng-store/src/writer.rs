//! Writing a run while it goes on, on a thread of its own: a slow disk holds up nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, params};
use throng_metrics::Stretch;

use crate::blob;
use crate::compact::{self, JOINED_MS, NEW_MS};
use crate::error::StoreError;
use crate::fit::{self, Fit};
use crate::run::{Ending, NewRun, RunId};
use crate::schema;
use crate::store::millis;

/// Samples that may wait for the disk: two minutes. More are not kept.
const WAITING: usize = 120;

/// Writes one run. Whoever drops it without [`Writer::end`] leaves a run without an end.
#[derive(Debug)]
pub struct Writer {
    run: RunId,
    work: SyncSender<Work>,
    thread: JoinHandle<WriterEnd>,
    not_kept: u64,
    /// Somebody waits for the end, or until all is written.
    closing: Arc<AtomicBool>,
    /// Where the next sample begins at the earliest: no two have the same place.
    free_ms: i64,
}

/// How the writing went.
#[derive(Debug, Default)]
pub struct WriterEnd {
    /// Samples that were not kept, because the disk was too slow or failed.
    pub not_kept: u64,
    /// The first failure.
    pub error: Option<StoreError>,
}

enum Work {
    Sample { at_ms: i64, took_ms: i64, phase: String, packed: Vec<u8> },
    Tell(SyncSender<()>),
    End(Ending),
}

impl Writer {
    /// Opens the file, which is made when it is new, and enters the run.
    ///
    /// # Errors
    /// The file cannot be made, is no store, or the system gives no thread.
    pub fn begin(path: &Path, run: &NewRun) -> Result<Writer, StoreError> {
        let mut connection = schema::open(path)?;
        let run = enter(&mut connection, run)?;
        let (work, inbox) = sync_channel(WAITING);
        let closing = Arc::new(AtomicBool::new(false));
        let desk = Desk::new(connection, run, Arc::clone(&closing));
        let thread = thread::Builder::new()
            .name("throng-store".to_owned())
            .spawn(move || desk.serve(&inbox))
            .map_err(StoreError::Thread)?;
        Ok(Writer { run, work, thread, not_kept: 0, closing, free_ms: 0 })
    }

    /// The run's number.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Hands a stretch over to be written; never waits for the disk.
    pub fn write(&mut self, stretch: Stretch<'_>) {
        let Ok(packed) = blob::packed(stretch.totals, stretch.run) else {
            self.not_kept += 1;
            return;
        };
        let at_ms = millis(stretch.at).max(self.free_ms);
        self.free_ms = at_ms + 1;
        let work =
            Work::Sample { at_ms, took_ms: millis(stretch.took), phase: stretch.phase.to_owned(), packed };
        match self.work.try_send(work) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.not_kept += 1,
        }
    }

    /// Waits until everything handed over is on the disk, or cannot be brought there.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(0);
        self.closing.store(true, Ordering::Relaxed);
        if self.work.send(Work::Tell(done)).is_ok() {
            // A thread that has ended has nothing to wait for.
            let _ = wait.recv();
        }
        self.closing.store(false, Ordering::Relaxed);
    }

    /// Writes the run's end and waits until everything is on the disk, or cannot be brought there.
    pub fn end(self, ending: Ending) -> WriterEnd {
        let Writer { work, thread, not_kept, closing, .. } = self;
        closing.store(true, Ordering::Relaxed);
        // A thread that has ended says why below.
        let _ = work.send(Work::End(ending));
        drop(work);
        let mut end = thread.join().unwrap_or_else(|_| WriterEnd {
            error: Some(StoreError::Thread(std::io::Error::other("it panicked"))),
            ..WriterEnd::default()
        });
        end.not_kept += not_kept;
        end
    }
}

fn enter(connection: &mut Connection, run: &NewRun) -> Result<RunId, StoreError> {
    let transaction = connection.transaction()?;
    transaction.execute(
        "INSERT INTO runs (project, target, version, host, started_unix_ms, robots, seed, record, note)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            run.project,
            run.target,
            run.version,
            run.host,
            millis(run.started),
            i64::try_from(run.robots).unwrap_or(i64::MAX),
            run.seed.cast_signed(),
            run.record,
            run.note,
        ],
    )?;
    let id = RunId(transaction.last_insert_rowid());
    for tag in &run.tags {
        transaction.execute("INSERT OR IGNORE INTO tags (run, tag) VALUES (?, ?)", (id.0, tag))?;
    }
    transaction.commit()?;
    Ok(id)
}

/// The thread's own part.
struct Desk {
    connection: Connection,
    run: RunId,
    /// Everything before is joined.
    joined_to_ms: i64,
    closing: Arc<AtomicBool>,
    seconds: Fit,
    joined: Fit,
}

impl Desk {
    fn new(connection: Connection, run: RunId, closing: Arc<AtomicBool>) -> Desk {
        let (seconds, joined) = (Fit::new(fit::SECOND), Fit::new(fit::JOINED));
        Desk { connection, run, joined_to_ms: 0, closing, seconds, joined }
    }

    fn serve(mut self, inbox: &Receiver<Work>) -> WriterEnd {
        let mut end = WriterEnd::default();
        let mut failed = false;
        for work in inbox {
            let is_sample = matches!(work, Work::Sample { .. });
            // Each failure may have taken all the patience there is for a locked file, and nobody is to wait for that sample
            // after sample.
            if is_sample && failed && self.closing.load(Ordering::Relaxed) {
                end.not_kept += 1;
                continue;
            }
            let done = self.carry_out(work);
            failed = done.is_err();
            if let Err(error) = done {
                end.not_kept += u64::from(is_sample);
                end.error.get_or_insert(error);
            }
        }
        end
    }

    fn carry_out(&mut self, work: Work) -> Result<(), StoreError> {
        match work {
            Work::Sample { at_ms, took_ms, phase, packed } => {
                // A sample that cannot be read is kept as it is, and told of when somebody reads it.
                let packed = self.seconds.bytes(packed.clone()).unwrap_or(packed);
                // Others may hold the file for long, as who deletes runs does; what comes meanwhile waits.
                while let Err(error) = self.insert(at_ms, took_ms, &phase, &packed) {
                    if !error.is_busy() || self.closing.load(Ordering::Relaxed) {
                        return Err(error);
                    }
                }
                self.join_old(at_ms);
                Ok(())
            }
            Work::Tell(done) => {
                // Whoever asked may have gone.
                let _ = done.send(());
                Ok(())
            }
            Work::End(ending) => {
                self.connection.execute(
                    "UPDATE runs SET ended_ms = ?, verdict = ?, reason = ?, record = ? WHERE id = ?",
                    params![millis(ending.took), ending.verdict, ending.reason, ending.record, self.run.0],
                )?;
                Ok(())
            }
        }
    }

    fn insert(&self, at_ms: i64, took_ms: i64, phase: &str, packed: &[u8]) -> Result<(), StoreError> {
        let insert = "INSERT INTO samples (run, at_ms, took_ms, phase, data) VALUES (?, ?, ?, ?, ?)";
        let mut insert = self.connection.prepare_cached(insert)?;
        insert.execute(params![self.run.0, at_ms, took_ms, phase, packed])?;
        Ok(())
    }

    /// Joins what has grown old by the time `now_ms`.
    fn join_old(&mut self, now_ms: i64) {
        while self.joined_to_ms + JOINED_MS <= now_ms - NEW_MS {
            // Samples that cannot be joined stay as they are: nothing is lost but room.
            let _ = compact::join(&mut self.connection, self.run, self.joined_to_ms, &mut self.joined);
            self.joined_to_ms += JOINED_MS;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use throng_metrics::Totals;

    use super::*;

    fn entered(folder: &Path) -> Desk {
        let mut connection = schema::open(&folder.join("runs.db")).unwrap();
        let run = enter(&mut connection, &NewRun::default()).unwrap();
        Desk::new(connection, run, Arc::default())
    }

    fn sample(second: i64) -> Work {
        let packed = blob::packed(&Totals::default(), &Totals::default()).unwrap();
        Work::Sample { at_ms: second * 1_000, took_ms: 1_000, phase: "hold".to_owned(), packed }
    }

    fn serve(desk: Desk, work: impl IntoIterator<Item = Work>) -> WriterEnd {
        let (sender, inbox) = sync_channel(WAITING);
        work.into_iter().for_each(|work| sender.send(work).unwrap());
        drop(sender);
        desk.serve(&inbox)
    }

    #[test]
    fn the_end_of_a_run_waits_once_for_a_file_that_is_locked_and_not_for_each_sample() {
        static WAITS: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::TempDir::new().unwrap();
        let mut desk = entered(folder.path());
        desk.connection
            .busy_handler(Some(|_| {
                WAITS.fetch_add(1, Ordering::Relaxed);
                false
            }))
            .unwrap();
        desk.closing.store(true, Ordering::Relaxed);
        let other = schema::open(&folder.path().join("runs.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let work = (0..50).map(sample).chain([Work::End(Ending::default())]);
        let end = serve(desk, work);
        assert_eq!((end.not_kept, WAITS.load(Ordering::Relaxed)), (50, 2));
        assert!(end.error.unwrap().to_string().contains("database is locked"));
    }

    #[test]
    fn samples_wait_for_a_file_that_is_locked_while_the_run_goes_on() {
        static WAITS: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::TempDir::new().unwrap();
        let mut desk = entered(folder.path());
        desk.connection
            .busy_handler(Some(|_| {
                WAITS.fetch_add(1, Ordering::Relaxed);
                false
            }))
            .unwrap();
        let other = schema::open(&folder.path().join("runs.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (sender, inbox) = sync_channel(WAITING);
        (0..3).for_each(|second| sender.send(sample(second)).unwrap());
        drop(sender);
        let writing = thread::spawn(move || desk.serve(&inbox));
        while WAITS.load(Ordering::Relaxed) < 5 {
            thread::yield_now();
        }
        other.execute_batch("COMMIT").unwrap();
        let end = writing.join().unwrap();
        assert!(end.error.is_none() && end.not_kept == 0, "{end:?}");
        let rows: i64 = other.query_row("SELECT count(*) FROM samples", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 3);
    }

    #[test]
    fn samples_that_cannot_be_joined_are_kept_as_they_are() {
        let folder = tempfile::TempDir::new().unwrap();
        let desk = entered(folder.path());
        let other = schema::open(&folder.path().join("runs.db")).unwrap();
        let damaged = |second| match sample(second) {
            Work::Sample { at_ms, took_ms, phase, .. } => {
                Work::Sample { at_ms, took_ms, phase, packed: vec![1, 2, 3] }
            }
            work => work,
        };
        let end = serve(desk, [damaged(0), damaged(1), sample(3_620), sample(3_621)]);
        assert!(end.error.is_none() && end.not_kept == 0, "{end:?}");
        let rows: i64 = other.query_row("SELECT count(*) FROM samples", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 4);
    }
}
