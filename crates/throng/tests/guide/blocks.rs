//! The documents and their fenced blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// A fenced block of a document.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) document: PathBuf,
    /// The line of its first line, from 1.
    pub(crate) line: usize,
    /// All that follows the fence: the language, and what the block is.
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Block {
    /// `docs/guide/mods.md:12`, for people.
    pub(crate) fn place(&self) -> String {
        let document = self.document.strip_prefix(root()).unwrap_or(&self.document);
        format!("{}:{}", document.display(), self.line)
    }
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The pages of the guide.
pub(crate) fn guide() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        fs::read_dir(root().join("docs/guide")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(pages.len() > 10, "the guide is not where it was");
    pages
}

/// Everything a user reads.
pub(crate) fn documents() -> Vec<PathBuf> {
    let others = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "docs/README.md"];
    others.iter().map(|name| root().join(name)).chain(guide()).collect()
}

/// All blocks of this kind.
pub(crate) fn blocks(kind: &str) -> Vec<Block> {
    let all = documents().into_iter().flat_map(|document| blocks_of(&document));
    let found: Vec<Block> = all.filter(|block| block.kind == kind).collect();
    assert!(!found.is_empty(), "no document has a block of the kind `{kind}`");
    found
}

/// All blocks of one document.
pub(crate) fn blocks_of(document: &Path) -> Vec<Block> {
    let text = fs::read_to_string(document).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => {
                let kind = kind.trim().to_owned();
                open =
                    Some(Block { document: document.to_owned(), line: index + 2, kind, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a block has no end", document.display());
    blocks
}

/// A complete example of a page: settings, the mods behind them, and their test.
pub(crate) struct Example {
    pub(crate) settings: Block,
    pub(crate) mods: Vec<Block>,
    pub(crate) test: Block,
}

/// All examples of the guide: a test goes with the mods of the page since the test before it, and these with the settings
/// that come last before the first of them.
pub(crate) fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    for document in documents() {
        let (mut settings, mut mods): (Option<Block>, Vec<Block>) = (None, Vec::new());
        for block in blocks_of(&document) {
            match block.kind.as_str() {
                "toml" if mods.is_empty() => settings = Some(block),
                "lua page" => mods.push(block),
                "lua page test" => {
                    let settings =
                        settings.take().unwrap_or_else(|| panic!("{}: no settings", block.place()));
                    assert!(!mods.is_empty(), "{}: no mods", block.place());
                    examples.push(Example { settings, mods: std::mem::take(&mut mods), test: block });
                }
                _ => {}
            }
        }
        assert!(mods.is_empty(), "{}: mods without a test", document.display());
    }
    assert!(examples.len() > 10, "the guide's examples are not where they were");
    examples
}

#[test]
fn every_block_says_what_it_is() {
    let known = [
        "lua",
        "lua fragment",
        "lua fragment norun",
        "lua test",
        "lua page",
        "lua page test",
        "lua protocol",
        "lua shape",
        "lua wrong",
        "toml",
        "proto",
        "console",
        "text",
        "sh",
        "python",
    ];
    for block in documents().iter().flat_map(|document| blocks_of(document)) {
        assert!(known.contains(&block.kind.as_str()), "{}: `{}`", block.place(), block.kind);
    }
}
