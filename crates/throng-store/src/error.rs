//! What can go wrong with a store.

use std::path::PathBuf;

/// Why a store could not be opened, read or written; each says the system's reason itself.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder of the store's file cannot be made.
    #[error("cannot make the folder {}: {why}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        why: std::io::Error,
    },
    /// The system gives no thread, or it ended by itself.
    #[error("the run store's thread is gone: {0}")]
    Thread(std::io::Error),
    /// The file is no store, is damaged, or cannot be written.
    #[error("the run store {} cannot be used: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        why: rusqlite::Error,
    },
    /// The file is a database, but none of runs.
    #[error("the run store {} cannot be used: it is a database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file belongs to a newer version.
    #[error("the run store {} has the format {found}, and this version knows formats up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u32,
        /// The newest known format.
        known: u32,
    },
    /// The file was written before the first release.
    #[error(
        "the run store {} has the format {found} of an unfinished throng, and this version reads {known}: \
         move it away, or set `store.path`",
        path.display()
    )]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u32,
        /// The format that is read.
        known: u32,
    },
    /// There is no such file.
    #[error("there is no run store at {}: nothing was run here yet", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There is no such run.
    #[error("there is no run {wanted}: {known}")]
    NoSuchRun {
        /// What was asked for.
        wanted: String,
        /// Which runs there are.
        known: String,
    },
    /// A run is named in a way that is not understood.
    #[error("'{0}' is no run: wanted a number as `throng runs` lists it, 'last', 'last~1' or 'tag:NAME'")]
    Reference(String),
    /// A query failed.
    #[error("the run store failed: {0}")]
    Sql(rusqlite::Error),
    /// A sample cannot be read.
    #[error("the sample of run {run} at {at_s} s cannot be read: {why}")]
    Sample {
        /// The run.
        run: i64,
        /// When, in seconds since its start.
        at_s: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl StoreError {
    /// Whether another process or connection holds the file, and may let it go.
    pub(crate) fn is_busy(&self) -> bool {
        let StoreError::Sql(why) = self else { return false };
        why.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        StoreError::Sql(error)
    }
}
