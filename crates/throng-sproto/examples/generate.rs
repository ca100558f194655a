//! Writes Rust code for the types of schema files: `cargo run -p throng-sproto --example generate -- game.sproto > game.rs`.
//! With `--borrow` in front of the files, strings are parts of the bytes they came in.

use std::error::Error;

use throng_sproto::{Schema, SourceFile, Strings, generate_with};

fn main() -> Result<(), Box<dyn Error>> {
    let mut texts = Vec::new();
    let mut paths: Vec<_> = std::env::args().skip(1).collect();
    let strings = match paths.first() {
        Some(first) if first == "--borrow" => {
            paths.remove(0);
            Strings::Borrowed
        }
        _ => Strings::Owned,
    };
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        texts.push((path, text));
    }
    let files: Vec<_> = texts.iter().map(|(name, text)| SourceFile { name, text }).collect();
    print!("{}", generate_with(&Schema::parse(&files)?, strings));
    Ok(())
}
