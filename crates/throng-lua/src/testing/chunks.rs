//! The Lua files of tests: which there are, and what `require` finds for them.

use crate::error::LoadError;
use crate::project::LuaProject;
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, Table};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// How the names of test files end.
const SUFFIX: &str = "_test.lua";

/// A file of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestFile {
    /// What it is called in messages: relative to the project.
    pub(super) shown: String,
    pub(super) path: PathBuf,
}

/// The test files of a folder by name; none if there is no such folder.
pub(super) fn test_files(project: &LuaProject, folder: &Path) -> io::Result<Vec<TestFile>> {
    let folder = project.root.join(folder);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let is_test =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(SUFFIX));
    Ok(paths
        .into_iter()
        .filter(is_test)
        .map(|path| TestFile { shown: shown(project, &path), path })
        .collect())
}

/// The function of a file, with `environment` for its globals.
pub(super) fn load(lua: &Lua, file: &TestFile, environment: &Table) -> Result<Function, LoadError> {
    let text = fs::read(&file.path)
        .map_err(|error| LoadError::new(&*file.shown, None, format!("cannot be read: {error}")))?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let chunk = lua.load(text).set_name(format!("@{}", file.shown)).set_mode(ChunkMode::Text);
    chunk.set_environment(environment.clone()).into_function().map_err(|error| match &error {
        mlua::Error::SyntaxError { message, .. } => LoadError::from_lua(&file.shown, message),
        other => LoadError::from_lua(&file.shown, &other.to_string()),
    })
}

/// The file that `require` stands for in a test: beside the tests, or in the library.
pub(super) fn required(project: &LuaProject, tests: &Path, name: &str) -> Option<TestFile> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['/', '\\']) && part != "..";
    if !name.split('.').all(is_plain) {
        return None;
    }
    let relative = name.replace('.', "/");
    let stems =
        [project.root.join(tests), project.root.join(&project.lib)].map(|folder| folder.join(&relative));
    let mut candidates = stems.iter().flat_map(|stem| {
        let mut file = stem.clone().into_os_string();
        file.push(".lua");
        [PathBuf::from(file), stem.join("init.lua")]
    });
    let path = candidates.find(|path| path.is_file())?;
    Some(TestFile { shown: shown(project, &path), path })
}

fn shown(project: &LuaProject, path: &Path) -> String {
    path.strip_prefix(&project.root).unwrap_or(path).display().to_string()
}
