//! What loading a project fails with.

use std::fmt;

/// A mistake in a robot project that keeps it from loading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1, where one is known.
    pub line: Option<u32>,
    /// What is wrong and what was meant.
    pub message: String,
}

impl LoadError {
    pub(crate) fn new(file: impl Into<String>, line: Option<u32>, message: impl Into<String>) -> LoadError {
        LoadError { file: file.into(), line, message: message.into() }
    }

    /// Takes the `file:line: ` that Lua puts in front of an error's text.
    pub(crate) fn from_lua(file: &str, text: &str) -> LoadError {
        let located = text.match_indices(':').find_map(|(colon, _)| {
            let (line, message) = text[colon + 1..].split_once(": ")?;
            Some((&text[..colon], line.parse().ok()?, message))
        });
        match located {
            Some((source, line, message)) => LoadError::new(source, Some(line), message),
            None => LoadError::new(file, None, text),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, file: &str, line: Option<u32>, message: &str) {
        assert_eq!(LoadError::from_lua("mods/a.lua", text), LoadError::new(file, line, message));
    }

    #[test]
    fn the_place_is_taken_from_the_text() {
        check(
            "mods/b.lua:12: attempt to index a nil value",
            "mods/b.lua",
            Some(12),
            "attempt to index a nil value",
        );
        check("C:mods/b.lua:3: a: b", "C:mods/b.lua", Some(3), "a: b");
        check("something: else", "mods/a.lua", None, "something: else");
    }
}
