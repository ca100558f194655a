//! What can be wrong with a schema's texts, or with a name looked for in it.

use std::fmt;

/// Why texts are no schema; shown as `file:line:column: what`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SchemaError {
    /// The name of the file.
    pub file: Box<str>,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: u32,
    /// The column in characters, from 1; 0 where the whole file is meant.
    pub column: u32,
    /// What is wrong there, with what was expected and what was found.
    pub message: Box<str>,
    /// What may help, if anything is known to.
    pub help: Option<Box<str>>,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Why a name stands for nothing in a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is called so.
    #[error("no {what} is called `{name}`{}", suggested(.nearest))]
    NotFound {
        /// `message`, `enum`.
        what: &'static str,
        /// The name.
        name: Box<str>,
        /// The full name of one that may be meant.
        nearest: Option<Box<str>>,
    },
    /// Several are called so.
    #[error("`{name}` may be any {what} of {}: write more of its name", .candidates.join(", "))]
    Ambiguous {
        /// `message`, `enum`.
        what: &'static str,
        /// The name.
        name: Box<str>,
        /// Full names, not necessarily all.
        candidates: Vec<Box<str>>,
    },
}

pub(crate) fn suggested(nearest: &Option<Box<str>>) -> String {
    nearest.as_ref().map(|nearest| format!(", did you mean `{nearest}`?")).unwrap_or_default()
}
