//! From a project to its findings.

use std::thread;

use crate::draft::{Draft, Lines};
use crate::finding::Finding;
use crate::infer::Connections;
use crate::lua::{self, Chunk, SyntaxError};
use crate::model::File;
use crate::project::{Project, Source};
use crate::rules;

/// Reading Lua is recursive, up to the bounds that the scan sets; this is several times what they need.
const STACK: usize = 256 << 20;

/// Why nothing could be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The system has no thread for it.
    #[error("cannot start a thread to read Lua in")]
    Thread(#[source] std::io::Error),
}

/// Everything that is wrong with a project's Lua, by file, line and column, each thing once.
///
/// # Errors
/// When the system refuses a thread; what is wrong with the project is a finding, not an error.
///
/// # Panics
/// Only where a rule breaks its own invariants.
pub fn check(project: &Project) -> Result<Vec<Finding>, CheckError> {
    thread::scope(|scope| {
        let reader = thread::Builder::new().name("check".into()).stack_size(STACK);
        let handle = reader.spawn_scoped(scope, || findings(project)).map_err(CheckError::Thread)?;
        match handle.join() {
            Ok(findings) => Ok(findings),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn findings(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut chunks: Vec<(&Source, Chunk)> = Vec::new();
    for source in &project.sources {
        match lua::parse(&source.text) {
            Ok(chunk) => chunks.push((source, chunk)),
            Err(error) => findings.push(unreadable(error).finish(&source.path, &Lines::new(&source.text))),
        }
    }
    let all_read = chunks.len() == project.sources.len();
    let nothing_opened = Connections::default();
    let mut files: Vec<File<'_>> = chunks
        .into_iter()
        .map(|(source, chunk)| File::new(source, chunk, project, &nothing_opened))
        .collect();
    let connections = rules::opened(project, &files, all_read);
    files = files.into_iter().map(|file| File::new(file.source, file.chunk, project, &connections)).collect();
    for file in &files {
        let scope = rules::Scope::new(project, &connections, &files, file, all_read);
        findings.extend(
            rules::drafts(&scope).into_iter().map(|draft| draft.finish(&file.source.path, &file.lines)),
        );
    }
    if let Some(settings) = &project.settings {
        let lines = Lines::new(&settings.text);
        let drafts = rules::settings(settings, &files, all_read);
        findings.extend(drafts.into_iter().map(|draft| draft.finish(&settings.path, &lines)));
    }
    findings.sort();
    findings.dedup();
    findings
}

fn unreadable(error: SyntaxError) -> Draft {
    let mut draft = match error.unchecked {
        true => Draft::warning(error.span, error.message),
        false => Draft::error(error.span, error.message),
    };
    if let Some(wanted) = error.wanted {
        draft = draft.wanted(wanted);
    }
    if let Some(found) = error.found {
        draft = draft.found(found);
    }
    match error.help {
        Some(help) => draft.help(help),
        None => draft,
    }
}
