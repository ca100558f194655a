//! Failures: from an error's text to the line of the user's file.

use super::SourcePlace;
use crate::error::LoadError;
use crate::project::LuaProject;
use std::fs;

/// An error on its way to a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) traceback: Vec<String>,
    pub(super) place: Option<(String, u32)>,
}

impl Trouble {
    /// From an error's text and traceback, as the prelude gives them.
    pub(super) fn new(text: &str, traceback: &str) -> Trouble {
        let traceback: Vec<String> = traceback.lines().map(str::to_owned).collect();
        let located = LoadError::from_lua("", text);
        let (place, message) = match located.line {
            Some(line) => (Some((located.file, line)), located.message),
            None => (traceback.first().and_then(|line| place_in(line)), text.to_owned()),
        };
        Trouble { message, traceback, place }
    }

    /// The same, at `place` (`file:line`) if it has no place of its own.
    pub(super) fn or_at(mut self, place: Option<String>) -> Trouble {
        let text = place.unwrap_or_default();
        let parts =
            text.rsplit_once(':').and_then(|(file, line)| Some((file.to_owned(), line.parse().ok()?)));
        self.place = self.place.or(parts);
        self
    }

    /// The place with what stands there.
    pub(super) fn source_place(&self, project: &LuaProject) -> Option<SourcePlace> {
        let (file, line) = self.place.clone()?;
        let text = fs::read(project.root.join(&file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let source = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim().to_owned();
        Some(SourcePlace { file, line, source })
    }
}

/// `tests/a_test.lua:12: in function <tests/a_test.lua:10>`: the first place.
fn place_in(line: &str) -> Option<(String, u32)> {
    let located = LoadError::from_lua("", line);
    Some((located.file, located.line?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_text_s_or_else_the_traceback_s() {
        let place = |text: &str, traceback: &str| {
            let trouble = Trouble::new(text, traceback);
            (trouble.message, trouble.place)
        };
        let traceback = "tests/a_test.lua:12: in function <tests/a_test.lua:10>\ntests/a_test.lua:3: in x";
        let here = |file: &str, line| Some((file.to_owned(), line));
        assert_eq!(place("mods/a.lua:3: no", traceback), ("no".to_owned(), here("mods/a.lua", 3)));
        assert_eq!(
            place("assertion failed!", traceback),
            ("assertion failed!".to_owned(), here("tests/a_test.lua", 12))
        );
        assert_eq!(place("cut off", ""), ("cut off".to_owned(), None));
    }
}
