//! Runs the reference implementation's own inputs and outputs. `SPROTO_VECTORS` names another file of them.

mod calls;
mod layout;
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
}

type Check = fn(&Json) -> Result<Verdict, String>;

/// The other kinds are not run: bundles are not read back (`bundle-*`), Lua expressions are no values
/// (`encode-error`, `encode-lenient`), `decode-lenient` is left open, and `default-error` is about Lua arguments.
const KINDS: [(&str, Check); 14] = [
    ("encode", values::encodes),
    ("decode", values::decodes),
    ("decode-error", values::fails_to_decode),
    ("decode-unsafe", values::fails_to_decode),
    ("default", values::defaults),
    ("pack", layout::packs),
    ("unpack", layout::unpacks),
    ("unpack-error", layout::fails_to_unpack),
    ("schema-ok", layout::parses),
    ("schema-error", layout::fails_to_parse),
    ("protocol-query", layout::finds_protocol),
    ("rpc", calls::round_trips),
    ("rpc-dispatch", calls::dispatches),
    ("rpc-error", calls::fails_to_dispatch),
];

#[test]
fn the_reference_is_matched() {
    let path = env::var("SPROTO_VECTORS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vectors.jsonl").into());
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut books: BTreeMap<&str, Book> = KINDS.iter().map(|(kind, _)| (*kind, Book::default())).collect();
    let mut failures = Vec::new();
    let mut others = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let vector = parsed(line);
        let kind = vector["kind"].as_str().expect("a vector has a kind");
        let Some((kind, check)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            others += 1;
            continue;
        };
        let book = books.get_mut(kind).expect("every kind has a book");
        book.run += 1;
        match check(&vector) {
            Ok(Verdict::Same) => {}
            Ok(Verdict::RefusedOnPurpose) => book.refused += 1,
            Err(why) => failures.push(format!("{}: {why}", vector["id"].as_str().unwrap_or("?"))),
        }
    }
    println!("{books:#?}\n{others} of other kinds not run");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    for (kind, book) in books {
        assert!(book.run > book.refused, "of kind {kind} nothing was compared: {book:?}");
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
