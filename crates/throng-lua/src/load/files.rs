//! Which files a project has, and which of them a name in `require` stands for.

use crate::error::LoadError;
use crate::natives::{Context, nothing};
use crate::project::LuaProject;
use crate::suggest;
use mlua::{IntoLuaMulti, Lua, MultiValue};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The project's files as they were when the first Lua state was loaded: the states of a run all get the same.
#[derive(Default)]
pub(crate) struct Files {
    mods: OnceCell<Vec<Source>>,
    found: RefCell<HashMap<String, Found>>,
}

/// What a name stands for.
#[derive(Debug, Clone)]
struct Found {
    kind: &'static str,
    shown: String,
    text: Rc<[u8]>,
}

/// Why there is no such file, and where that is to be told of.
type Lost = (String, Option<(String, u32)>);

impl Files {
    /// The mods of a project: by folder, then by name.
    ///
    /// # Errors
    /// A folder that cannot be read, no mods at all, or two of one name.
    pub(super) fn mods(&self, project: &LuaProject) -> Result<&[Source], LoadError> {
        match self.mods.get() {
            Some(mods) => Ok(mods),
            None => {
                let mods = list_mods(project)?;
                Ok(self.mods.get_or_init(|| mods))
            }
        }
    }

    /// The file of a protocol's functions, and its text.
    fn protocol(&self, project: &LuaProject, index: usize) -> Result<Found, Lost> {
        let path = index.checked_sub(1).and_then(|index| project.own.get(index)).map(|source| &source.path);
        let path = path.ok_or_else(|| ("there is no such protocol".to_owned(), None))?;
        self.named(project, path, "protocol")
    }

    /// A file that a setting names, and its text.
    fn named(&self, project: &LuaProject, path: &Path, kind: &'static str) -> Result<Found, Lost> {
        let path = project.root.join(path);
        let shown = shown(project, &path);
        // No name of a module has this in it.
        let name = format!("file {shown}");
        if let Some(found) = self.found.borrow().get(&name) {
            return Ok(found.clone());
        }
        let text = fs::read(&path).map_err(|error| {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => format!("cannot be read: {error}"),
            };
            (why, Some((shown.clone(), 1)))
        })?;
        let found = Found { kind, shown, text: text.into() };
        self.found.borrow_mut().insert(name, found.clone());
        Ok(found)
    }

    /// The file a name stands for, and its text.
    fn find(&self, project: &LuaProject, name: &str) -> Result<Found, Lost> {
        if let Some(found) = self.found.borrow().get(name) {
            return Ok(found.clone());
        }
        let known = self.mods(project).map_err(|error| (error.to_string(), None))?;
        let (kind, source) = find(project, known, name).map_err(|message| (message, None))?;
        let text =
            fs::read(&source.path).map_err(|error| (unreadable(&error), Some((source.shown.clone(), 1))))?;
        let found = Found { kind, shown: source.shown, text: text.into() };
        self.found.borrow_mut().insert(name.to_owned(), found.clone());
        Ok(found)
    }
}

/// A Lua file of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// What it is required by.
    pub(super) name: String,
    /// Where it is.
    path: PathBuf,
    /// What it is called in messages: relative to the project.
    pub(super) shown: String,
}

fn list_mods(project: &LuaProject) -> Result<Vec<Source>, LoadError> {
    let mut all: Vec<Source> = Vec::new();
    for folder in &project.mods {
        let shown = shown(project, folder);
        let entries = list(&project.root.join(folder))
            .map_err(|error| LoadError::new(&*shown, None, unreadable(&error)))?;
        for source in entries.into_iter().filter_map(|path| mod_at(project, path)) {
            if let Some(other) = all.iter().find(|other| other.name == source.name) {
                let message = format!("mod '{}' is also at {}", source.name, other.shown);
                return Err(LoadError::new(source.shown, None, message));
            }
            all.push(source);
        }
    }
    if all.is_empty() {
        let folder = project.mods.first().map(|folder| shown(project, folder)).unwrap_or_default();
        return Err(LoadError::new(
            folder,
            None,
            "there is no mod here: write one as NAME.lua or NAME/init.lua",
        ));
    }
    Ok(all)
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such folder".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort_by_key(|path| path.with_extension(""));
    Ok(paths)
}

/// `NAME.lua` or `NAME/init.lua`; anything else is no mod.
fn mod_at(project: &LuaProject, path: PathBuf) -> Option<Source> {
    let name = path.file_stem()?.to_str()?.to_owned();
    let path = match path.is_dir() {
        true => path.join("init.lua"),
        false => path,
    };
    let is_lua = path.extension().is_some_and(|extension| extension == "lua") && path.is_file();
    (is_lua && !name.starts_with('.')).then(|| Source { name, shown: shown(project, &path), path })
}

/// A path relative to the project, for people.
fn shown(project: &LuaProject, path: &Path) -> String {
    path.strip_prefix(&project.root).unwrap_or(path).display().to_string()
}

/// What `require` looks for: the kind, the chunk and its file, or nil and why there is none.
pub(crate) fn chunk(context: &Context, lua: &Lua, name: &str) -> mlua::Result<MultiValue> {
    let shared = &context.shared;
    match shared.files.find(&shared.project, name) {
        Ok(found) => compiled(lua, found),
        Err((message, place)) => nothing(lua, message, place),
    }
}

/// The same for the file of a protocol's functions, counted from 1.
pub(crate) fn protocol_chunk(context: &Context, lua: &Lua, index: usize) -> mlua::Result<MultiValue> {
    let shared = &context.shared;
    match shared.files.protocol(&shared.project, index) {
        Ok(found) => compiled(lua, found),
        Err((message, place)) => nothing(lua, message, place),
    }
}

/// The same for the file of the load's shape.
pub(crate) fn shape_chunk(context: &Context, lua: &Lua) -> mlua::Result<MultiValue> {
    let shared = &context.shared;
    let found = match &shared.project.shape {
        Some(path) => shared.files.named(&shared.project, path, "shape"),
        None => Err(("there is no shape".to_owned(), None)),
    };
    match found {
        Ok(found) => compiled(lua, found),
        Err((message, place)) => nothing(lua, message, place),
    }
}

fn compiled(lua: &Lua, Found { kind, shown, text }: Found) -> mlua::Result<MultiValue> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    match lua.load(text).set_name(format!("@{shown}")).set_mode(mlua::chunk::ChunkMode::Text).into_function()
    {
        Ok(chunk) => (kind, chunk, shown).into_lua_multi(lua),
        Err(error) => {
            let text = match &error {
                mlua::Error::SyntaxError { message, .. } => message.clone(),
                other => other.to_string(),
            };
            let located = LoadError::from_lua(&shown, &text);
            let line = located.line.unwrap_or(1);
            nothing(lua, located.message, Some((shown, line)))
        }
    }
}

/// The file a name stands for: a mod, or a file of the library, where a dot stands for a folder.
fn find(project: &LuaProject, known: &[Source], name: &str) -> Result<(&'static str, Source), String> {
    let module = known.iter().find(|source| source.name == name).cloned();
    let shared = library(project, name);
    match (module, shared) {
        (Some(module), None) => Ok(("mod", module)),
        (None, Some(shared)) => Ok(("lib", shared)),
        (Some(module), Some(shared)) => {
            Err(format!("'{name}' is both {} and {}", module.shown, shared.shown))
        }
        (None, None) => {
            let mut names = library_names(project);
            names.extend(known.iter().map(|source| source.name.clone()));
            let unknown = suggest::unknown("module", name, names.iter().map(String::as_str));
            Err(format!("{unknown} (looked for it in {} and among the mods)", shown(project, &project.lib)))
        }
    }
}

fn library(project: &LuaProject, name: &str) -> Option<Source> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['/', '\\']) && part != "..";
    if !name.split('.').all(is_plain) {
        return None;
    }
    let stem = project.root.join(&project.lib).join(name.replace('.', "/"));
    let mut file = stem.clone().into_os_string();
    file.push(".lua");
    let path = [PathBuf::from(file), stem.join("init.lua")].into_iter().find(|path| path.is_file())?;
    Some(Source { name: name.to_owned(), shown: shown(project, &path), path })
}

fn library_names(project: &LuaProject) -> Vec<String> {
    let paths = list(&project.root.join(&project.lib)).unwrap_or_default();
    paths.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}
