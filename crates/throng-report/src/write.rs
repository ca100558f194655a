//! A report as a file, whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a report could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The figures could not be put into JSON.
    #[error("cannot put the figures into JSON")]
    Serialise(#[source] serde_json::Error),
    /// The path names no file.
    #[error("{} is not the name of a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file could not be written or renamed.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Writes `bytes` to `path`, replacing what is there in one step: a reader sees the old file or the whole new one.
///
/// What is not a regular file (a pipe, `/dev/stdout`) is written to directly.
///
/// # Errors
/// When the folder does not exist or the file cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source| WriteError::Write { path: path.to_owned(), source };
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return File::options()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(failed);
    }
    // A link stays a link: the file it leads to is replaced.
    let target = fs::canonicalize(path);
    let path = target.as_deref().unwrap_or(path);
    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
        return Err(WriteError::NotAFile { path: path.to_owned() });
    };
    // Beside the target, because only within one file system a rename is one step.
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = write_whole(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // The first error is the one to tell; what is left of the file is of no use to anybody.
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
