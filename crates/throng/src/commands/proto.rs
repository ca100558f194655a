//! `throng proto`: messages of schemas listed, encoded, and decoded with the place of every field.

mod capture;
mod decode;
mod encode;
mod head;
mod hex;
mod json;
mod list;
mod msgpack;
mod schemas;
mod show;
mod tree;
mod whole;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::cli::{OutputFlags, ProtoArgs, ProtoVerb};
use crate::exit::{Exit, InputError};

/// The most bytes that are read from a file or the standard input.
const MAX_INPUT: u64 = 256 << 20;

pub(super) fn run(args: &ProtoArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    match &args.verb {
        ProtoVerb::List(args) => list::run(args, output),
        ProtoVerb::Encode(args) => encode::run(args),
        ProtoVerb::Decode(args) => decode::run(args, output),
    }
}

/// A mistake in what the user gave.
fn refused(text: impl Into<String>) -> InputError {
    InputError(text.into())
}

/// All bytes of a file.
fn read_file(path: &Path) -> Result<Vec<u8>, InputError> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| refused(format!("cannot read {shown}: {error}")))?;
    read_all(file, &shown.to_string())
}

/// All bytes of the standard input.
fn read_stdin() -> Result<Vec<u8>, InputError> {
    read_all(std::io::stdin().lock(), "the standard input")
}

fn read_all(input: impl Read, name: &str) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    input
        .take(MAX_INPUT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refused(format!("cannot read {name}: {error}")))?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(refused(format!("{name} has more than {} MiB", MAX_INPUT >> 20)));
    }
    Ok(bytes)
}

/// How an error ends that knows a name that may be meant.
fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(", did you mean `{nearest}`?")).unwrap_or_default()
}

/// So many bytes, in words.
fn counted(bytes: usize) -> String {
    if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") }
}
