//! The files of a project that only editors read: the types of the API and of the project's messages.

use std::path::Path;

use throng_check::{Messages, editor};

use crate::templates::{ScaffoldError, write_file};

/// The types of the API.
pub const API_FILE: &str = "throng.d.lua";
/// The types of the project's messages.
pub const MESSAGES_FILE: &str = "messages.d.lua";

/// Brings both files up to date; returns their names.
///
/// # Errors
/// When the system refuses to write them.
pub fn write(dir: &Path, messages: &Messages) -> Result<[&'static str; 2], ScaffoldError> {
    for (name, text) in [(API_FILE, editor::definitions()), (MESSAGES_FILE, editor::messages(messages))] {
        let path = dir.join(name);
        // An editor that watches the file is not woken for nothing.
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        write_file(&path, &text)?;
    }
    Ok([API_FILE, MESSAGES_FILE])
}
