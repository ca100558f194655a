//! A summary or a comparison as a JSON file.

use std::path::Path;

use serde::Serialize;

use crate::write::{WriteError, write_file};

/// A summary or what else is reported as indented JSON with a newline at its end.
///
/// # Errors
/// When a figure cannot be put into JSON, which none of ours can be.
pub fn to_json(report: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

/// Writes a summary or what else is reported to `path` as [`write_file`] does.
///
/// # Errors
/// When the folder does not exist or the file cannot be written.
pub fn write_json(path: &Path, report: &impl Serialize) -> Result<(), WriteError> {
    let text = to_json(report).map_err(WriteError::Serialise)?;
    write_file(path, text.as_bytes())
}
