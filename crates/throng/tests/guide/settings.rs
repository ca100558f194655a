//! Blocks of settings are read as if they stood alone in their file.

use throng::config::{Config, Overrides, SourceText};

use crate::blocks::blocks;
use crate::project::Project;

#[test]
fn every_block_of_settings_can_be_read() {
    let project = Project::new();
    for block in blocks("toml") {
        let source = SourceText { name: block.place(), text: block.text.clone() };
        if let Err(errors) = Config::parse(project.path(), source, &Overrides::default()) {
            panic!("{errors}");
        }
    }
}
