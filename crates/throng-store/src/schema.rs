//! The tables, and how a file is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;

/// The format of the file, kept as its `user_version`.
const FORMAT: u32 = 2;

/// How long a process waits for another one's commit.
const PATIENCE: Duration = Duration::from_secs(5);

/// `ended_ms` is null while a run goes on, and stays so when it never came to its end. Times are of the wall clock where they end in
/// `unix_ms`, and since the run's start otherwise.
const TABLES: &str = "
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    target TEXT NOT NULL,
    version TEXT NOT NULL,
    host TEXT NOT NULL,
    started_unix_ms INTEGER NOT NULL,
    robots INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    record TEXT NOT NULL,
    ended_ms INTEGER,
    verdict TEXT,
    reason TEXT,
    note TEXT NOT NULL DEFAULT ''
);
CREATE TABLE tags (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (run, tag)
) WITHOUT ROWID;
CREATE TABLE samples (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    phase TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run, at_ms)
);
CREATE INDEX started ON runs (started_unix_ms);
";

/// Opens the file, which is made when it is new.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|why| StoreError::Folder { path: folder.to_owned(), why })?;
    }
    connect(path, OpenFlags::default())
}

/// Opens the file, which must be there.
pub(crate) fn open_existing(path: &Path) -> Result<Connection, StoreError> {
    if !path.is_file() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    connect(path, OpenFlags::default() - OpenFlags::SQLITE_OPEN_CREATE)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let unusable = |why| StoreError::File { path: path.to_owned(), why };
    let mut connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
    connection.busy_timeout(PATIENCE).map_err(unusable)?;
    // Looked at before anything is changed: the file may be somebody else's.
    let (found, has_tables) = look(&mut connection).map_err(unusable)?;
    if found == 0 && has_tables {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if found > FORMAT {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: FORMAT });
    }
    if found != 0 && found < FORMAT {
        return Err(StoreError::Unfinished { path: path.to_owned(), found, known: FORMAT });
    }
    prepare(&mut connection).map_err(unusable)?;
    Ok(connection)
}

/// The file's format, and whether there is anything in it, both as of one moment.
fn look(connection: &mut Connection) -> rusqlite::Result<(u32, bool)> {
    let moment = connection.transaction()?;
    let has_tables = moment.query_row("SELECT count(*) > 0 FROM sqlite_master", [], |row| row.get(0))?;
    Ok((format(&moment)?, has_tables))
}

fn format(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Makes the connection safe and the tables be there.
fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    // With a log of its own, readers and a writer do not wait for each other. FULL: what is committed survives a power cut.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if format(connection)? != 0 {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    if format(&transaction)? == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}
