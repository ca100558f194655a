//! Runs the reference implementation's own inputs and outputs: every line of the file, which `SPROTO_VECTORS` may name.

mod calls;
mod layout;
mod lua;
mod values;

use std::collections::BTreeMap;
use std::{env, fs};

use serde::Deserialize;
use serde_json::Value as Json;

/// What a vector came to.
enum Verdict {
    /// As the reference has it.
    Same,
    /// Refused where the reference accepts what it should not.
    RefusedOnPurpose,
    /// What the reference accepts and others may refuse: run, and left open.
    NotScored,
}

type Check = fn(&Json) -> Result<Verdict, String>;

/// A line of any other kind fails the test.
const KINDS: [(&str, Check); 20] = [
    ("encode", values::encodes),
    ("encode-error", values::fails_to_encode),
    ("encode-lenient", values::encodes_or_not),
    ("decode", values::decodes),
    ("decode-error", values::fails_to_decode),
    ("decode-unsafe", values::fails_to_decode),
    ("decode-lenient", values::decodes_or_not),
    ("default", values::defaults),
    ("default-error", values::fails_to_default),
    ("pack", layout::packs),
    ("unpack", layout::unpacks),
    ("unpack-error", layout::fails_to_unpack),
    ("schema-ok", layout::parses),
    ("schema-error", layout::fails_to_parse),
    ("bundle-error", layout::fails_to_load),
    ("bundle-accepted", layout::loads_or_not),
    ("protocol-query", layout::finds_protocol),
    ("rpc", calls::round_trips),
    ("rpc-dispatch", calls::dispatches),
    ("rpc-error", calls::fails_to_dispatch),
];

#[test]
fn the_reference_is_matched() {
    let other = env::var("SPROTO_VECTORS").ok();
    let is_own = other.is_none();
    let path =
        other.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vectors.jsonl").into());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut books: BTreeMap<String, Book> = BTreeMap::new();
    let mut failures = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let vector = parsed(line);
        let kind = vector["kind"].as_str().expect("a vector has a kind");
        let book = books.entry(kind.to_owned()).or_default();
        book.run += 1;
        match check(kind, &vector) {
            Ok(Verdict::Same) => {}
            Ok(Verdict::RefusedOnPurpose) => book.refused += 1,
            Ok(Verdict::NotScored) => book.not_scored += 1,
            Err(why) => failures.push(format!("{}: {why}", vector["id"].as_str().unwrap_or("?"))),
        }
    }
    println!("{books:#?}");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert!(!books.is_empty(), "{path} has no vectors");
    assert!(!is_own || books.len() == KINDS.len(), "only the kinds {:?} were there", books.keys());
    for (kind, book) in books {
        assert!(!is_own || book.run > book.refused, "of kind {kind} nothing was compared: {book:?}");
        let is_open = kind.ends_with("-lenient") || kind.ends_with("-accepted");
        assert_eq!(book.not_scored, if is_open { book.run } else { 0 }, "kind {kind}");
    }
}

fn check(kind: &str, vector: &Json) -> Result<Verdict, String> {
    match KINDS.iter().find(|(name, _)| *name == kind) {
        Some((_, check)) => check(vector),
        None => Err(format!("unknown kind {kind}")),
    }
}

/// Messages of 64 levels are about 130 levels of JSON, more than are read by default.
fn parsed(line: &str) -> Json {
    let mut reader = serde_json::Deserializer::from_str(line);
    reader.disable_recursion_limit();
    Json::deserialize(&mut reader).expect("a vector is a line of JSON")
}

#[derive(Debug, Default)]
struct Book {
    run: usize,
    refused: usize,
    not_scored: usize,
}

fn text<'j>(vector: &'j Json, key: &str) -> &'j str {
    vector[key].as_str().unwrap_or_else(|| panic!("{key} is text in {vector}"))
}

fn bytes(vector: &Json, key: &str) -> Vec<u8> {
    values::unhex(text(vector, key))
}

fn expect_same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what} is {found:02x?}, not {wanted:02x?}")) }
}
