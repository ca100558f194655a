//! Reading, marking and deleting runs.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Row, params};
use throng_metrics::{Ledger, Sample};

use crate::blob;
use crate::error::StoreError;
use crate::reference::Reference;
use crate::run::{Filter, NewRun, RunId, RunState, StoredRun};
use crate::schema;

/// What is read of a run, in the order of [`stored`]. Of its samples only the last one is looked at: a day has 12,000.
const COLUMNS: &str = "id, project, target, version, host, started_unix_ms, robots, seed, record, ended_ms,
    verdict, reason, note, coalesce((SELECT CAST(at_ms + took_ms AS INTEGER) FROM samples WHERE run = id
    ORDER BY at_ms DESC LIMIT 1), 0)";

/// A run without an end that wrote nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(15);

/// The runs of a file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

/// What was recorded in a stretch of a run.
#[derive(Debug)]
pub struct StoredSample {
    /// When the stretch began, since the run's start.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// What the plan did then.
    pub phase: String,
    /// What was recorded.
    pub sample: Sample,
}

impl Store {
    /// Opens the file.
    ///
    /// # Errors
    /// There is no such file, or it is no store that can be used.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        Ok(Store { connection: schema::open_existing(path)? })
    }

    /// The runs that are wanted, the newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn runs(&self, filter: &Filter) -> Result<Vec<StoredRun>, StoreError> {
        let mut query = self.connection.prepare(&format!(
            "SELECT {COLUMNS} FROM runs WHERE (?1 IS NULL OR project = ?1)
             AND (?2 IS NULL OR id IN (SELECT run FROM tags WHERE tag = ?2))
             AND (?3 IS NULL OR started_unix_ms >= ?3) ORDER BY id DESC"
        ))?;
        let since = filter.since.map(millis);
        let rows = query.query_map(params![filter.project, filter.tag, since], stored)?;
        let mut runs = Vec::new();
        for run in rows {
            if runs.len() >= filter.newest.unwrap_or(usize::MAX) {
                break;
            }
            let run = self.with_tags(run?)?;
            if filter.verdict.as_deref().is_none_or(|wanted| is(&run, wanted)) {
                runs.push(run);
            }
        }
        Ok(runs)
    }

    /// The run a user means.
    ///
    /// # Errors
    /// There is no such run, or the file cannot be read.
    pub fn find(&self, reference: &Reference) -> Result<StoredRun, StoreError> {
        let id: Option<i64> = match reference {
            Reference::Number(id) => Some(id.0),
            Reference::Last(back) => self
                .connection
                .query_row("SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?", [*back], |row| row.get(0))
                .optional()?,
            Reference::Tag(tag) => {
                self.connection
                    .query_row("SELECT max(run) FROM tags WHERE tag = ?", [tag], |row| row.get(0))?
            }
        };
        let query = format!("SELECT {COLUMNS} FROM runs WHERE id = ?");
        match self.connection.query_row(&query, [id], stored).optional()? {
            Some(run) => self.with_tags(run),
            None => Err(self.no_such_run(reference)?),
        }
    }

    /// Gives every sample of a run to `each`, in the order of time.
    ///
    /// # Errors
    /// The file or a sample cannot be read.
    pub fn samples(&self, run: RunId, mut each: impl FnMut(StoredSample)) -> Result<(), StoreError> {
        let mut query = self
            .connection
            .prepare("SELECT at_ms, took_ms, phase, data FROM samples WHERE run = ? ORDER BY at_ms")?;
        let mut rows = query.query([run.0])?;
        while let Some(row) = rows.next()? {
            let at = duration(row.get(0)?);
            let sample = blob::unpacked(row.get_ref(3)?.as_blob().unwrap_or_default())
                .map_err(|why| StoreError::Sample { run: run.0, at_s: at.as_secs(), why })?;
            each(StoredSample { at, took: duration(row.get(1)?), phase: row.get(2)?, sample });
        }
        Ok(())
    }

    /// The books of a run: the sum of all its samples, of the whole and of each phase.
    ///
    /// # Errors
    /// The file or a sample cannot be read.
    pub fn ledger(&self, run: RunId) -> Result<Ledger, StoreError> {
        let mut ledger = Ledger::default();
        self.samples(run, |stored| ledger.absorb(&stored.sample, stored.took, &stored.phase))?;
        Ok(ledger)
    }

    /// Deletes a run with all that belongs to it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn delete(&mut self, run: RunId) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM runs WHERE id = ?", [run.0])?;
        Ok(())
    }

    /// Gives the room of deleted runs back to the system.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn shrink(&mut self) -> Result<(), StoreError> {
        self.connection.execute_batch("VACUUM")?;
        Ok(())
    }

    /// Marks a run with a tag.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tag(&mut self, run: RunId, tag: &str) -> Result<(), StoreError> {
        self.connection.execute("INSERT OR IGNORE INTO tags (run, tag) VALUES (?, ?)", (run.0, tag))?;
        Ok(())
    }

    /// Takes a tag away; tells whether the run had it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn untag(&mut self, run: RunId, tag: &str) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM tags WHERE run = ? AND tag = ?", (run.0, tag))? > 0)
    }

    /// Sets a run's note.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&mut self, run: RunId, note: &str) -> Result<(), StoreError> {
        self.connection.execute("UPDATE runs SET note = ? WHERE id = ?", (note, run.0))?;
        Ok(())
    }

    fn with_tags(&self, mut run: StoredRun) -> Result<StoredRun, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT tag FROM tags WHERE run = ? ORDER BY tag")?;
        run.begun.tags = query.query_map([run.id.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(run)
    }

    fn no_such_run(&self, reference: &Reference) -> Result<StoreError, StoreError> {
        let span = "SELECT min(id), max(id), count(*) FROM runs";
        let (first, last, count): (Option<i64>, Option<i64>, i64) =
            self.connection.query_row(span, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let known = match (first, last) {
            (Some(first), Some(last)) if first == last => format!("there is only run {first}"),
            (Some(first), Some(last)) => format!("there are {count}, from {first} to {last}"),
            _ => "there are none".to_owned(),
        };
        let wanted = match reference {
            Reference::Number(id) => id.to_string(),
            Reference::Last(0) => "last".to_owned(),
            Reference::Last(back) => format!("last~{back}"),
            Reference::Tag(tag) => format!("with the tag '{tag}'"),
        };
        Ok(StoreError::NoSuchRun { wanted, known })
    }
}

/// Whether a run has the verdict or is in the state of that name.
fn is(run: &StoredRun, wanted: &str) -> bool {
    run.verdict.as_deref().unwrap_or_else(|| run.state.name()) == wanted
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredRun> {
    let ended: Option<i64> = row.get(9)?;
    let (started, heard) = (duration(row.get(5)?), duration(row.get(13)?));
    let state = match ended {
        Some(_) => RunState::Ended,
        None if started + heard + SILENCE > now() => RunState::Running,
        None => RunState::Crashed,
    };
    Ok(StoredRun {
        id: RunId(row.get(0)?),
        begun: NewRun {
            project: row.get(1)?,
            target: row.get(2)?,
            version: row.get(3)?,
            host: row.get(4)?,
            started,
            robots: row.get::<_, i64>(6)?.unsigned_abs(),
            seed: row.get::<_, i64>(7)?.cast_unsigned(),
            record: row.get(8)?,
            tags: Vec::new(),
            note: row.get(12)?,
        },
        state,
        took: ended.map_or(heard, duration),
        verdict: row.get(10)?,
        reason: row.get(11)?,
    })
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A time as the file has it: whole milliseconds.
pub(crate) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
