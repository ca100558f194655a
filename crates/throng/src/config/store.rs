//! `[store]`: where runs are kept.

use std::path::PathBuf;

use super::layers::Section;

/// Where runs are kept by default.
pub(crate) const DEFAULT_PATH: &str = ".throng/runs.db";

/// Where runs are kept, and whether.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The file.
    pub path: PathBuf,
    /// Whether new runs are kept.
    pub enabled: bool,
}

pub(super) fn read(section: &Section<'_>) -> StoreSettings {
    let path = section.setting("path").and_then(|setting| setting.text("a file, relative to throng.toml"));
    let enabled = section.setting("enabled").and_then(|setting| setting.boolean());
    section.refuse_unknown();
    StoreSettings {
        path: section.layers.root.join(path.as_deref().unwrap_or(DEFAULT_PATH)),
        enabled: enabled.unwrap_or(true),
    }
}
