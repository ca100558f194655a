//! This library against the PyPI package `sproto`, where that one does what the reference does.
//!
//! It is not on every machine, so this test is built with the feature `peers` only; `./test` installs it and names the
//! Python to use in `PEERS_PYTHON`. What that package gets wrong is left out: doubles, `*T()`, negative fixed-point
//! numbers, and values that Python holds for false, which its decoder drops.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use throng_sproto::{Schema, SourceFile, TypeId, Value, decode_value, encode_value, pack, unpack};

const SCHEMA: &str = "
.Point {
    x 0 : integer
    y 1 : integer
}
.Item {
    name 0 : string
    id 1 : integer
}
.All {
    small 0 : integer
    name 1 : string
    alive 2 : boolean
    blob 3 : binary
    gold 5 : integer(2)
    at 7 : Point
    path 8 : *Point
    stats 9 : *integer
    flags 10 : *boolean
    tags 12 : *string
    blobs 15 : *binary
    items 16 : *Item(id)
    kids 300 : *All
}
";

const CASES: usize = 300;

struct Python {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    fn start(schema: &Schema) -> Python {
        let python = std::env::var_os("PEERS_PYTHON")
            .expect("set PEERS_PYTHON to a Python with the package sproto, as ./test does");
        let mut process = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/peer.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let mut input = process.stdin.take().expect("it is piped");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        writeln!(input, "{}", json!({ "bundle": hex(&schema.bundle()) })).expect("Python reads");
        Python { process, input, output }
    }

    fn ask(&mut self, question: &Json) -> Json {
        writeln!(self.input, "{question}").expect("Python reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("Python writes");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?} to {question}: {error}"))
    }

    /// What it answers in hex; none where it refuses.
    fn bytes(&mut self, question: &Json) -> Option<String> {
        self.ask(question).as_str().map(str::to_owned)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn schema() -> (Schema, TypeId) {
    let schema = Schema::parse(&[SourceFile { name: "peers", text: SCHEMA }]).expect("the schema is right");
    let all = schema.type_id("All").expect("the schema has All");
    (schema, all)
}

/// The same values in every run.
fn samples<T>(strategy: impl Strategy<Value = T>) -> impl Iterator<Item = T> {
    let mut runner = TestRunner::deterministic();
    (0..CASES).map(move |_| strategy.new_tree(&mut runner).expect("a value").current())
}

/// Whether what Python holds for false may be among the values.
#[derive(Clone, Copy, PartialEq)]
enum Falsy {
    Allowed,
    Left,
}

fn integer(falsy: Falsy) -> BoxedStrategy<Value> {
    let any = prop_oneof![any::<i64>(), any::<i32>().prop_map(i64::from), -2i64..40_000];
    any.prop_map(move |value| Value::Integer(if value == 0 && falsy == Falsy::Left { 1 } else { value }))
        .boxed()
}

fn least(falsy: Falsy) -> usize {
    usize::from(falsy == Falsy::Left)
}

fn text(falsy: Falsy) -> BoxedStrategy<Value> {
    let size = least(falsy)..12;
    vec(any::<char>(), size)
        .prop_map(|text| Value::String(text.into_iter().collect::<String>().into()))
        .boxed()
}

fn binary(falsy: Falsy) -> BoxedStrategy<Value> {
    vec(any::<u8>(), least(falsy)..12).prop_map(Value::Binary).boxed()
}

fn boolean(falsy: Falsy) -> BoxedStrategy<Value> {
    any::<bool>().prop_map(move |value| Value::Boolean(value || falsy == Falsy::Left)).boxed()
}

fn array(element: BoxedStrategy<Value>, falsy: Falsy) -> BoxedStrategy<Value> {
    vec(element, least(falsy)..4).prop_map(Value::Array).boxed()
}

fn some_of(fields: Vec<(&'static str, BoxedStrategy<Value>)>, first_is_needed: bool) -> BoxedStrategy<Value> {
    let mut all = Just(Vec::new()).boxed();
    for (index, (name, value)) in fields.into_iter().enumerate() {
        let is_needed = first_is_needed && index == 0;
        let value = (any::<bool>(), value);
        all = (all, value)
            .prop_map(move |(mut fields, (is_there, value))| {
                fields.extend((is_there || is_needed).then_some((name, value)));
                fields
            })
            .boxed();
    }
    all.prop_map(Value::structure).boxed()
}

/// Structs are never empty here: those are false to Python, too.
fn message(falsy: Falsy, depth: u32) -> BoxedStrategy<Value> {
    let point = || some_of(vec![("x", integer(falsy)), ("y", integer(falsy))], true);
    let item = (1i64..1000, text(falsy))
        .prop_map(|(id, name)| Value::structure([("name", name), ("id", Value::Integer(id))]));
    let items = vec(item, 1..4).prop_map(|items| {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        for item in items {
            let id = item.field("id").expect("it is there").clone();
            if entries.iter().all(|(other, _)| *other != id) {
                entries.push((id, item));
            }
        }
        Value::Map(entries)
    });
    let gold =
        (i64::from(falsy == Falsy::Left)..1_000_000).prop_map(|value| Value::Double(value as f64 / 100.0));
    let mut fields = vec![
        ("small", integer(falsy)),
        ("name", text(falsy)),
        ("alive", boolean(falsy)),
        ("blob", binary(falsy)),
        ("gold", gold.boxed()),
        ("at", point()),
        ("path", array(point(), falsy)),
        ("stats", array(integer(falsy), falsy)),
        ("flags", array(boolean(falsy), falsy)),
        ("tags", array(text(falsy), falsy)),
        ("blobs", array(binary(falsy), falsy)),
        ("items", items.boxed()),
    ];
    if depth > 0 {
        fields.push(("kids", array(message(falsy, depth - 1), falsy)));
    }
    some_of(fields, true)
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Integer(value) => json!(value),
        Value::Double(value) => json!(value),
        Value::Boolean(value) => json!(value),
        Value::String(text) => json!(std::str::from_utf8(text).expect("the strings here are text")),
        Value::Binary(bytes) => json!({ "$hex": hex(bytes) }),
        Value::Struct(fields) => {
            fields.iter().map(|(name, value)| (name.to_string(), to_json(value))).collect()
        }
        Value::Array(elements) => elements.iter().map(to_json).collect(),
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| json!([to_json(key), to_json(value)]);
            json!({ "$map": entries.iter().map(entry).collect::<Json>() })
        }
    }
}

fn encoded(schema: &Schema, ty: TypeId, value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_value(schema, ty, value, &mut bytes).expect("a message of the schema");
    bytes
}

#[test]
fn both_encode_to_the_same_bytes() {
    let (schema, all) = schema();
    let mut python = Python::start(&schema);
    for value in samples(message(Falsy::Allowed, 2)) {
        let theirs = python.bytes(&json!({ "do": "encode", "value": to_json(&value) }));
        assert_eq!(theirs, Some(hex(&encoded(&schema, all, &value))), "{value}");
    }
}

#[test]
fn python_decodes_what_was_encoded_here() {
    let (schema, all) = schema();
    let mut python = Python::start(&schema);
    for value in samples(message(Falsy::Left, 2)) {
        let bytes = encoded(&schema, all, &value);
        let theirs = python.ask(&json!({ "do": "decode", "hex": hex(&bytes) }));
        assert_eq!(theirs, to_json(&value));
        assert_eq!(decode_value(&schema, all, &bytes), Ok(value));
    }
}

#[test]
fn both_pack_and_unpack_alike() {
    let mut python = Python::start(&schema().0);
    for bytes in samples(vec(prop_oneof![2 => Just(0u8), 3 => any::<u8>()], 0..3000)) {
        let mut packed = Vec::new();
        pack(&bytes, &mut packed);
        assert_eq!(python.bytes(&json!({ "do": "pack", "hex": hex(&bytes) })), Some(hex(&packed)));
    }
    for bytes in samples(vec(prop_oneof![3 => any::<u8>(), 1 => Just(0xff)], 0..60)) {
        let mut unpacked = Vec::new();
        let ours = unpack(&bytes, usize::MAX, &mut unpacked).ok().map(|()| hex(&unpacked));
        assert_eq!(python.bytes(&json!({ "do": "unpack", "hex": hex(&bytes) })), ours, "{}", hex(&bytes));
    }
}

#[test]
fn both_make_the_same_bundle() {
    let mut python = Python::start(&schema().0);
    for text in [
        SCHEMA,
        ".package {\n type 0 : integer\n session 1 : integer\n}\n\nlogin 1 {\n request {\n name 0 : string\n }\n response {\n ok 0 : boolean\n }\n}\n",
        ".A {\n .B {\n .C {\n x 0 : integer\n }\n c 7 : *C\n }\n b 1 : B\n up 2 : *A\n}\n",
    ] {
        let ours = Schema::parse(&[SourceFile { name: "text", text }]).expect("the schema is right").bundle();
        assert_eq!(python.bytes(&json!({ "do": "bundle", "text": text })), Some(hex(&ours)), "{text}");
    }
}
