//! `protocols.NAME.lua`: the file of a protocol's own functions, which is run to learn which there are.

use std::path::{Path, PathBuf};

use throng_lua::{LuaProject, OwnFunctions, OwnSource, own_functions};
use throng_wire::Framing;

use super::layers::Section;
use super::options::ProjectOption;
use super::setting::Setting;

/// The largest frame when nothing is said, in bytes.
const DEFAULT_MAX: u64 = throng_wire::DEFAULT_MAX as u64;
const MOST: u64 = 1 << 30;

/// What the files of protocols can see of their project.
pub(super) struct Surroundings<'a> {
    /// The project's folder.
    pub(super) root: &'a Path,
    /// The folder of shared code.
    pub(super) lib: &'a Path,
    /// `[options]`.
    pub(super) options: &'a [ProjectOption],
}

/// A file of functions, and which there are.
pub(super) struct Own {
    pub(super) path: PathBuf,
    pub(super) functions: OwnFunctions,
}

impl Surroundings<'_> {
    /// Runs the file that a setting names.
    pub(super) fn read(&self, protocol: &str, setting: &Setting<'_>) -> Option<Own> {
        let path = self.root.join(setting.text("a Lua file, such as \"protocols/game.lua\"")?);
        let path = crate::session::prepare::absolute(&path);
        let project = LuaProject {
            lib: crate::session::prepare::absolute(self.lib),
            options: crate::session::prepare::option_values(self.options),
            own: vec![OwnSource { protocol: protocol.to_owned(), path: path.clone() }],
            ..LuaProject::at(crate::session::prepare::absolute(self.root))
        };
        match own_functions(project) {
            Ok(functions) => Some(Own { path, functions }),
            Err(error) => {
                let problem = setting.problem(format!("`{}`: {error}", setting.path));
                setting
                    .layers
                    .report(problem.wanted("a file that returns a table of the protocol's functions"));
                None
            }
        }
    }
}

/// What is left to say of a framing that is a function.
pub(super) fn framing(section: &Section<'_>) -> Option<Framing> {
    let max = match section.optional_section("framing") {
        None => Some(DEFAULT_MAX),
        Some(table) => {
            let max = table.setting("max").map_or(Some(DEFAULT_MAX), |setting| setting.size(1..=MOST));
            table.refuse_unknown();
            max
        }
    };
    Some(Framing::Own(max? as usize))
}
