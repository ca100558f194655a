//! From texts to linked descriptors, and errors told by file, line and column.

use std::collections::{BTreeMap, BTreeSet};

use miette::Diagnostic;
use protox::Compiler;
use protox::file::{File, FileResolver, GoogleFileResolver};

use super::{Schema, SchemaError, SourceFile, build};

/// Brackets within brackets that a text may have: the parser recurses.
const MAX_NESTING: u32 = 128;

pub(super) fn compile(files: &[SourceFile<'_>]) -> Result<Schema, SchemaError> {
    for file in files {
        check_nesting(file)?;
    }
    let mut parsed = Vec::with_capacity(files.len());
    for file in files {
        parsed.push(File::from_source(file.name, file.text).map_err(|error| located(files, &[], &error))?);
    }
    let import_names = import_names(files, &parsed);
    let located = |error: protox::Error| located(files, &import_names, &error);
    let mut known = BTreeMap::new();
    for ((file, parsed), name) in files.iter().zip(parsed).zip(&import_names) {
        let parsed = match **name == *file.name {
            true => parsed,
            false => File::from_source(name, file.text).map_err(located)?,
        };
        if known.insert(name.clone(), parsed).is_some() {
            return Err(whole_file(file.name, "is given twice"));
        }
    }
    let mut compiler = Compiler::with_file_resolver(Folder { known, google: GoogleFileResolver::new() });
    compiler.include_imports(true).include_source_info(true);
    for name in &import_names {
        compiler.open_file(name).map_err(located)?;
    }
    build::build(files, &import_names, &compiler.descriptor_pool())
}

/// The files that were given, and the well-known ones.
struct Folder {
    known: BTreeMap<String, File>,
    google: GoogleFileResolver,
}

impl FileResolver for Folder {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.known.get(name) {
            Some(file) => Ok(file.clone()),
            None => self.google.open_file(name),
        }
    }
}

/// What each file is imported as: its name, or the end of it if the imports of others say so and mean no other file.
fn import_names(files: &[SourceFile<'_>], parsed: &[File]) -> Vec<String> {
    let given: BTreeSet<&str> = files.iter().map(|file| file.name).collect();
    let imports: BTreeSet<&str> = parsed
        .iter()
        .flat_map(|file| &file.file_descriptor_proto().dependency)
        .map(String::as_str)
        .filter(|import| !given.contains(import) && !import.starts_with("google/protobuf/"))
        .collect();
    let ends_with = |file: &SourceFile<'_>, import: &str| {
        file.name.strip_suffix(import).is_some_and(|folder| folder.ends_with('/'))
    };
    let name = |file: &SourceFile<'_>| {
        let mut wanted = imports.iter().filter(|import| ends_with(file, import));
        match (wanted.next(), wanted.next()) {
            (Some(import), None) if files.iter().filter(|other| ends_with(other, import)).count() == 1 => {
                (*import).to_owned()
            }
            _ => file.name.to_owned(),
        }
    };
    files.iter().map(name).collect()
}

fn located(files: &[SourceFile<'_>], import_names: &[String], error: &protox::Error) -> SchemaError {
    let name = error.file().unwrap_or_default();
    let renamed = import_names.iter().position(|import| *import == name).and_then(|index| files.get(index));
    let file = renamed.or_else(|| files.iter().find(|file| file.name == name));
    // Of a name that is there twice the last label is the one to change.
    let label = error.labels().and_then(Iterator::last);
    let position = file.zip(label).and_then(|(file, label)| position(file.text, label.offset()));
    let (line, column) = position.unwrap_or_default();
    SchemaError {
        file: file.map_or(name, |file| file.name).into(),
        line,
        column,
        message: error.to_string().into(),
        help: help(files, error),
    }
}

fn help(files: &[SourceFile<'_>], error: &protox::Error) -> Option<Box<str>> {
    let text = error.to_string();
    if text.ends_with("found 'edition'") {
        return Some("editions are not supported: use `syntax = \"proto3\"` or \"proto2\"".into());
    }
    let import = text.strip_prefix("import '").and_then(|rest| rest.strip_suffix("' not found"));
    if let Some(import) = import {
        let base = import.rsplit('/').next().unwrap_or(import);
        let alike: Vec<&str> =
            files.iter().map(|file| file.name).filter(|name| name.rsplit('/').next() == Some(base)).collect();
        return match alike.is_empty() {
            true => None,
            false => Some(format!("there is {}", alike.join(" and ")).into()),
        };
    }
    error.help().map(|help| help.to_string().into())
}

/// Line and column, from 1, the column in characters.
fn position(text: &str, offset: usize) -> Option<(u32, u32)> {
    let before = text.get(..offset)?;
    let line = before.bytes().filter(|byte| *byte == b'\n').count() as u32 + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Some((line, before[start..].chars().count() as u32 + 1))
}

pub(super) fn whole_file(file: &str, message: &str) -> SchemaError {
    SchemaError { file: file.into(), line: 0, column: 0, message: message.into(), help: None }
}

/// Refuses a text whose brackets nest too deeply; those in strings and comments do not count.
fn check_nesting(file: &SourceFile<'_>) -> Result<(), SchemaError> {
    let bytes = file.text.as_bytes();
    let (mut depth, mut at) = (0_u32, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' | b'<' | b'(' => depth += 1,
            b'}' | b']' | b'>' | b')' => depth = depth.saturating_sub(1),
            b'"' | b'\'' => at = end_of_string(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'/') => at = find(bytes, at, b"\n"),
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = find(bytes, at + 2, b"*/") + 1,
            _ => {}
        }
        if depth > MAX_NESTING {
            let (line, column) = position(file.text, at).unwrap_or_default();
            let message = format!("more than {MAX_NESTING} brackets within each other").into();
            return Err(SchemaError { file: file.name.into(), line, column, message, help: None });
        }
        at += 1;
    }
    Ok(())
}

/// The closing quote, or the end of the line without one.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => return at,
            byte if *byte == bytes[start] => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

fn find(bytes: &[u8], from: usize, wanted: &[u8]) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(wanted.len()).position(|window| window == wanted).map_or(bytes.len(), |index| from + index)
}
