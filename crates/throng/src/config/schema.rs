//! `protocols.NAME.schema`: the texts of a protocol's Sproto files.

use std::path::{Path, PathBuf};

use throng_sproto::SchemaError;
use throng_wire::{Direction, SchemaSpec, SourceText};

use super::problem::{OtherFile, Place, Problem};
use super::setting::{Existing, Setting};

const EXTENSION: &str = "sproto";

/// Reads one schema for both directions, or one for each.
pub(super) fn read(setting: &Setting<'_>) -> Option<SchemaSpec> {
    if !setting.is_table() {
        return texts(setting).map(SchemaSpec::Both);
    }
    let section = setting.section()?;
    let read = |key, what| section.required(key, what).and_then(|setting| texts(&setting));
    let send = read("send", "the schema of what robots send");
    let receive = read("receive", "the schema of what robots receive");
    section.refuse_unknown();
    Some(SchemaSpec::Separate { send: send?, receive: receive? })
}

/// A schema's mistake, shown where it is.
pub(super) fn problem(schema: &SchemaSpec, error: &SchemaError) -> Problem {
    let line = [Direction::Sent, Direction::Received]
        .into_iter()
        .flat_map(|direction| schema.texts(direction))
        .find(|source| *source.name == *error.file)
        .and_then(|source| source.text.lines().nth((error.line as usize).saturating_sub(1)));
    let place = OtherFile {
        name: error.file.to_string(),
        line: error.line as usize,
        column: error.column as usize,
        text: line.unwrap_or_default().to_owned(),
    };
    Problem::new(Place::OtherFile(Box::new(place)), error.kind.to_string())
}

/// Reads a file, or all `*.sproto` files of a folder in the order of their names.
fn texts(setting: &Setting<'_>) -> Option<Vec<SourceText>> {
    let path = setting.existing(Existing::FileOrFolder)?;
    let files = match files(&path) {
        Ok(files) if files.is_empty() => {
            let title = format!("{} has no .{EXTENSION} files", super::shown_path(&path));
            setting.refuse(title, "a folder with schema files");
            return None;
        }
        Ok(files) => files,
        Err(error) => return unreadable(setting, &path, &error),
    };
    let mut texts = Vec::with_capacity(files.len());
    for file in &files {
        match std::fs::read_to_string(file) {
            Ok(text) => texts.push(SourceText { name: super::shown_path(file), text }),
            Err(error) => return unreadable(setting, file, &error),
        }
    }
    Some(texts)
}

fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable<T>(setting: &Setting<'_>, path: &Path, error: &std::io::Error) -> Option<T> {
    let title = format!("{} cannot be read: {error}", super::shown_path(path));
    setting.refuse(title, "a schema file or a folder of them");
    None
}
