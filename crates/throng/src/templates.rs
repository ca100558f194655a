//! The projects that `throng new` writes, carried inside the binary.

use std::path::{Path, PathBuf};

/// A complete robot project to begin with.
#[derive(Debug)]
pub struct Template {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Its files: path inside the project, and text.
    pub files: &'static [(&'static str, &'static str)],
}

/// Why a project was not written. The folder is the user's to choose: exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The folder has something in it.
    #[error("{} is not empty; name a new folder, or add --force to write into this one", .0.display())]
    NotEmpty(PathBuf),
    /// There is a file of that name.
    #[error("{} is a file, and a project needs a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The system refused.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Whether a folder that is not empty may be written into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is refused.
    Refuse,
    /// Files of the same names are replaced.
    Replace,
}

macro_rules! template {
    ($name:literal: $($file:literal $(as $path:literal)?),+ $(,)?) => {
        Template { name: $name, files: &[$(template!(@file $name, $file $(, $path)?)),+] }
    };
    (@file $name:literal, $file:literal) => { ($file, template!(@text $name, $file)) };
    (@file $name:literal, $file:literal, $path:literal) => { ($path, template!(@text $name, $file)) };
    (@text $name:literal, $file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $name, "/", $file))
    };
}

/// The settings of the Lua language server, the same in every project.
const LUARC_FILE: &str = ".luarc.json";

/// All templates; the first is the default. Names that begin with a dot are stored without it.
pub const TEMPLATES: [Template; 3] = [
    template!("sproto-ws":
        "README.md", "throng.toml", "gitignore" as ".gitignore",
        "mods/role.lua", "mods/chat.lua", "lib/words.lua", "protos/game/game.sproto", "tests/role_test.lua"),
    template!("sproto-rpc":
        "README.md", "throng.toml", "gitignore" as ".gitignore",
        "mods/player.lua", "lib/keys.lua", "protos/battle/c2s.sproto", "protos/battle/s2c.sproto",
        "tests/player_test.lua"),
    template!("lines":
        "README.md", "throng.toml", "gitignore" as ".gitignore",
        "mods/client.lua", "lib/line.lua", "tests/client_test.lua"),
];

impl Template {
    /// The template of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// Writes the project into `dir`, which is made if needed; returns the paths written, relative to it.
    ///
    /// # Errors
    /// When the folder is in use and `existing` does not allow that, or the system refuses.
    pub fn write(&self, dir: &Path, existing: Existing) -> Result<Vec<PathBuf>, ScaffoldError> {
        if dir.exists() && !dir.is_dir() {
            return Err(ScaffoldError::NotAFolder(dir.to_owned()));
        }
        let in_use = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
        if in_use && existing == Existing::Refuse {
            return Err(ScaffoldError::NotEmpty(dir.to_owned()));
        }
        let mut written = Vec::with_capacity(self.files.len());
        for (name, text) in self.files {
            write_file(&dir.join(name), text)?;
            written.push(PathBuf::from(name));
        }
        write_file(&dir.join(LUARC_FILE), &throng_check::editor::luarc())?;
        written.push(PathBuf::from(LUARC_FILE));
        Ok(written)
    }
}

pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), ScaffoldError> {
    let failed = |source| ScaffoldError::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored_files(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { stored_files(&path, files) } else { files.push(path) }
        }
    }

    #[test]
    fn every_stored_file_is_in_its_template() {
        for template in &TEMPLATES {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(template.name);
            let mut stored = Vec::new();
            stored_files(&folder, &mut stored);
            assert_eq!(stored.len(), template.files.len(), "{}", template.name);
        }
    }

    #[test]
    fn a_folder_in_use_is_refused_unless_replacing_is_allowed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mine.txt"), "mine").unwrap();
        let template = &TEMPLATES[0];
        assert!(matches!(template.write(dir.path(), Existing::Refuse), Err(ScaffoldError::NotEmpty(_))));
        let written = template.write(dir.path(), Existing::Replace).unwrap();
        assert_eq!(written.len(), template.files.len() + 1);
        assert_eq!(std::fs::read_to_string(dir.path().join("mine.txt")).unwrap(), "mine");
    }

    #[test]
    fn a_file_in_the_folders_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(TEMPLATES[0].write(&file, Existing::Replace), Err(ScaffoldError::NotAFolder(_))));
    }
}
