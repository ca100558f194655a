//! `protocols.NAME.schema`: the texts of a protocol's Sproto or Protocol Buffers files.

use std::path::{Path, PathBuf};

use throng_sproto::SchemaError;
use throng_wire::{Direction, SchemaSpec, SourceText};

use super::problem::{OtherFile, Place, Problem};
use super::setting::{Existing, Setting};
use super::shown_path;

const SPROTO: &str = "sproto";
const PROTOBUF: &str = "proto";

/// Reads one schema for both directions, or one for each.
pub(super) fn read(setting: &Setting<'_>) -> Option<SchemaSpec> {
    if !setting.is_table() {
        return texts(setting, SPROTO).map(SchemaSpec::Both);
    }
    let section = setting.section()?;
    let read = |key, what| section.required(key, what).and_then(|setting| texts(&setting, SPROTO));
    let send = read("send", "the schema of what robots send");
    let receive = read("receive", "the schema of what robots receive");
    section.refuse_unknown();
    Some(SchemaSpec::Separate { send: send?, receive: receive? })
}

/// Reads a file, or all `*.proto` files of a folder and those below it; their names are the paths from there by which they
/// import each other.
pub(super) fn protobuf(setting: &Setting<'_>) -> Option<Vec<SourceText>> {
    let mut texts = texts(setting, PROTOBUF)?;
    let folder = shown_path(&setting.existing(Existing::FileOrFolder)?);
    for text in &mut texts {
        text.name = match text.name.strip_prefix(&folder).map(|name| name.trim_start_matches(['/', '\\'])) {
            None | Some("") => text.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(),
            Some(name) => name.replace('\\', "/"),
        };
    }
    Some(texts)
}

/// Where a file that [`protobuf`] read is.
pub(super) fn shown_file(setting: &Setting<'_>, name: &str) -> String {
    match setting.existing(Existing::FileOrFolder) {
        Some(path) if path.is_dir() => shown_path(&path.join(name)),
        Some(path) => shown_path(&path),
        None => name.to_owned(),
    }
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

/// Reads a file, or all files of a folder with the extension in the order of their names.
fn texts(setting: &Setting<'_>, extension: &str) -> Option<Vec<SourceText>> {
    let path = setting.existing(Existing::FileOrFolder)?;
    let files = match files(&path, extension) {
        Ok(files) if files.is_empty() => {
            let title = format!("{} has no .{extension} files", shown_path(&path));
            setting.refuse(title, "a folder with schema files");
            return None;
        }
        Ok(files) => files,
        Err(error) => return unreadable(setting, &path, &error),
    };
    let mut texts = Vec::with_capacity(files.len());
    for file in &files {
        match std::fs::read_to_string(file) {
            Ok(text) => texts.push(SourceText { name: shown_path(file), text }),
            Err(error) => return unreadable(setting, file, &error),
        }
    }
    Some(texts)
}

fn files(path: &Path, extension: &str) -> std::io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        if extension == PROTOBUF && file.is_dir() && !file.is_symlink() {
            files.extend(self::files(&file, extension)?);
        } else if file.extension().is_some_and(|found| found == extension) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable<T>(setting: &Setting<'_>, path: &Path, error: &std::io::Error) -> Option<T> {
    let title = format!("{} cannot be read: {error}", shown_path(path));
    setting.refuse(title, "a schema file or a folder of them");
    None
}
