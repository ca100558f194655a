//! What is checked: the Lua files of a project and what its project file says about them.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::messages::Messages;

/// A robot project, as far as the checker needs it.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// The Lua files, mods in load order.
    pub sources: Vec<Source>,
    /// The messages of the project's protocols.
    pub messages: Messages,
    /// Which protocol a connection of a given name speaks, where that is settled.
    pub connections: BTreeMap<String, String>,
    /// The target's address, what `throng.host` is.
    pub host: Option<String>,
    /// The project file; without it neither `[tasks]` nor `throng.options` are checked.
    pub settings: Option<Settings>,
    /// Globals beyond Lua's and `throng`, such as a test framework's.
    pub globals: Vec<String>,
}

/// What the project file says that mods must agree with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The path shown in findings.
    pub path: String,
    /// The file's text, to show the line.
    pub text: String,
    /// The keys of `[tasks]`.
    pub tasks: Vec<TaskKey>,
    /// The names in `[options]`.
    pub options: Vec<String>,
}

/// A key of `[tasks]`: `role.chat`.
#[derive(Clone, Debug)]
pub struct TaskKey {
    /// The mod's name, a dot, the task's name.
    pub name: String,
    /// Where the key stands in the settings' text, in bytes.
    pub span: Range<usize>,
}

/// One Lua file.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path shown in findings.
    pub path: String,
    /// The mod's or library's name.
    pub name: String,
    /// What the file is to the project.
    pub role: Role,
    /// The file's text.
    pub text: String,
}

/// What a file is to the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A mod: returns what `throng.mod` gave it.
    Mod,
    /// Code that mods share through `require`.
    Lib,
    /// The functions of a protocol.
    Protocol,
    /// A test of the mods.
    Test,
}

impl Source {
    /// A file named after its path: `mods/role.lua` and `mods/role/init.lua` are both `role`.
    pub fn new(path: impl Into<String>, role: Role, text: impl Into<String>) -> Source {
        let path = path.into();
        let name = name_of(&path).to_owned();
        Source { path, name, role, text: text.into() }
    }
}

fn name_of(path: &str) -> &str {
    let mut parts = path.rsplit(['/', '\\']);
    let file = parts.next().unwrap_or(path);
    let stem = file.strip_suffix(".lua").unwrap_or(file);
    match parts.next() {
        Some(folder) if stem == "init" && !folder.is_empty() => folder,
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(name_of(path), expected);
    }

    #[test]
    fn a_file_is_named_after_its_stem_or_its_folder() {
        check("mods/role.lua", "role");
        check("mods/role/init.lua", "role");
        check("init.lua", "init");
        check("mods\\hero.lua", "hero");
    }
}
