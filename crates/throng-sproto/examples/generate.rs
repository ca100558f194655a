//! Writes Rust code for the types of schema files: `cargo run -p throng-sproto --example generate -- game.sproto > game.rs`.

use std::error::Error;

use throng_sproto::{Schema, SourceFile, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut texts = Vec::new();
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        texts.push((path, text));
    }
    let files: Vec<_> = texts.iter().map(|(name, text)| SourceFile { name, text }).collect();
    print!("{}", generate(&Schema::parse(&files)?));
    Ok(())
}
