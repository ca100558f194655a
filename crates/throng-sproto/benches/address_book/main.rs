//! The AddressBook of the reference's documentation, encoded and decoded by this library and by the reference's C, turn
//! about, so that both see the same machine: `cargo bench -p throng-sproto`. Needs `cc`, and `python3` the first time.

mod flat;
mod reference;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use reference::Reference;
use throng_sproto::typed::Message;
use throng_sproto::{
    DecodeError, Field, Schema, Sink, SourceFile, TypeDef, TypeId, Value, decode, decode_value, encode_value,
    pack, unpack,
};

/// The message types, from `address_book.sproto`.
#[allow(unreachable_pub)]
mod messages {
    include!("../../tests/typed/address_book.rs");
}

use messages::{AddressBook, Person, PersonPhoneNumber};

const ROUNDS: usize = 41;
const RUNS: u32 = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let text = include_str!("../../tests/typed/address_book.sproto");
    let schema = Schema::parse(&[SourceFile { name: "address_book.sproto", text }])?;
    let mut reference = Reference::start(&schema.bundle())?;
    let bench = Bench::new(&schema)?;
    let expected = format!("{} {} 2 0 01234567890", hex(&bench.encoded), hex(&bench.packed));
    let found = reference.check()?;
    if found != expected {
        return Err(format!("the reference has\n{found}\nnot\n{expected}").into());
    }
    println!(
        "{} bytes, {} packed; medians of {ROUNDS} rounds of {RUNS} runs, in ns; the ratio is to C with callbacks",
        bench.encoded.len(),
        bench.packed.len()
    );
    println!("{:<42} {:>8} {:>8} {:>7}", "", "C", "throng", "ratio");
    // Words on the command line choose among the cases; cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    for (name, case, run) in CASES.into_iter().filter(|(name, ..)| is_wanted(name)) {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        let mut state = State::default();
        for _ in 0..ROUNDS {
            theirs.push(reference.time(case, RUNS)? / f64::from(RUNS));
            let start = Instant::now();
            for _ in 0..RUNS {
                run(black_box(&bench), &mut state);
                black_box(&mut state);
            }
            ours.push(start.elapsed().as_nanos() as f64 / f64::from(RUNS));
        }
        let (theirs, ours) = (median(theirs), median(ours));
        println!("{name:<42} {theirs:>8.1} {ours:>8.1} {:>7.2}", ours / theirs);
    }
    Ok(())
}

type Run = fn(&Bench<'_>, &mut State);

/// What is measured, beside which case of the reference.
const CASES: [(&str, &str, Run); 13] = [
    ("typed encode", "encode", |bench, state| {
        state.bytes.clear();
        bench.book.encode(&mut state.bytes).expect("it encodes");
    }),
    ("typed decode, into the same message", "decode", |bench, state| {
        state.book.decode_from(&bench.encoded).expect("it decodes");
    }),
    ("typed encode and pack", "encode+pack", |bench, state| {
        state.bytes.clear();
        state.packed.clear();
        bench.book.encode(&mut state.bytes).expect("it encodes");
        pack(&state.bytes, &mut state.packed);
    }),
    ("typed unpack and decode, same message", "unpack+decode", |bench, state| {
        state.bytes.clear();
        unpack(&bench.packed, 4096, &mut state.bytes).expect("it unpacks");
        state.book.decode_from(&state.bytes).expect("it decodes");
    }),
    ("typed decode, a new message each time", "decode", |bench, _| {
        black_box(AddressBook::decode(&bench.encoded).expect("it decodes"));
    }),
    ("Value encode", "encode", |bench, state| {
        state.bytes.clear();
        encode_value(bench.schema, bench.ty, &bench.value, &mut state.bytes).expect("it encodes");
    }),
    ("Value decode", "decode", |bench, _| {
        black_box(decode_value(bench.schema, bench.ty, &bench.encoded).expect("it decodes"));
    }),
    ("Value encode and pack", "encode+pack", |bench, state| {
        state.bytes.clear();
        state.packed.clear();
        encode_value(bench.schema, bench.ty, &bench.value, &mut state.bytes).expect("it encodes");
        pack(&state.bytes, &mut state.packed);
    }),
    ("Value unpack and decode", "unpack+decode", |bench, state| {
        state.bytes.clear();
        unpack(&bench.packed, 4096, &mut state.bytes).expect("it unpacks");
        black_box(decode_value(bench.schema, bench.ty, &state.bytes).expect("it decodes"));
    }),
    ("decode into a sink that drops everything", "decode", |bench, _| {
        decode(bench.schema, bench.ty, &bench.encoded, &mut Dropped).expect("it decodes");
    }),
    ("encode from a source that costs nothing", "encode", |bench, state| {
        state.bytes.clear();
        let mut source = flat::Flat::new(&bench.flat);
        throng_sproto::encode(bench.schema, bench.ty, &mut source, &mut state.bytes).expect("it encodes");
    }),
    ("pack alone, to encode and pack", "encode+pack", |bench, state| {
        state.packed.clear();
        pack(&bench.encoded, &mut state.packed);
    }),
    ("unpack alone, to unpack and decode", "unpack+decode", |bench, state| {
        state.bytes.clear();
        unpack(&bench.packed, 4096, &mut state.bytes).expect("it unpacks");
    }),
];

/// What all cases start from.
struct Bench<'s> {
    schema: &'s Schema,
    ty: TypeId,
    book: AddressBook,
    value: Value,
    flat: flat::Node,
    encoded: Vec<u8>,
    packed: Vec<u8>,
}

/// What a case keeps from run to run.
#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    packed: Vec<u8>,
    book: AddressBook,
}

impl Bench<'_> {
    fn new(schema: &Schema) -> Result<Bench<'_>, Box<dyn Error>> {
        let ty = schema.type_id("AddressBook").ok_or("the schema has an AddressBook")?;
        let book = AddressBook {
            person: Some(vec![
                person("Alice", 10000, &[("123456789", 1), ("87654321", 2)]),
                person("Bob", 20000, &[("01234567890", 3)]),
            ]),
            others: None,
        };
        let (mut encoded, mut packed) = (Vec::new(), Vec::new());
        book.encode(&mut encoded)?;
        pack(&encoded, &mut packed);
        let value = decode_value(schema, ty, &encoded)?;
        let flat = flat::Node::new(schema, "AddressBook", &value);
        Ok(Bench { schema, ty, book, value, flat, encoded, packed })
    }
}

fn person(name: &str, id: i64, phones: &[(&str, i64)]) -> Person {
    let phone =
        |(number, ty): &(&str, i64)| PersonPhoneNumber { number: Some((*number).into()), r#type: Some(*ty) };
    Person {
        name: Some(name.into()),
        id: Some(id),
        email: None,
        phone: Some(phones.iter().map(phone).collect()),
    }
}

/// A sink without a tree: what remains is the decoder's own work.
struct Dropped;

#[rustfmt::skip]
impl Sink for Dropped {
    type Error = DecodeError;
    fn begin_struct(&mut self, _ty: &TypeDef, _fields: usize) -> Result<(), DecodeError> { Ok(()) }
    fn end_struct(&mut self) -> Result<(), DecodeError> { Ok(()) }
    fn begin_array(&mut self, _field: &Field, _count: usize) -> Result<(), DecodeError> { Ok(()) }
    fn end_array(&mut self) -> Result<(), DecodeError> { Ok(()) }
    fn begin_map(&mut self, _field: &Field, _count: usize) -> Result<(), DecodeError> { Ok(()) }
    fn end_map(&mut self) -> Result<(), DecodeError> { Ok(()) }
    fn integer(&mut self, value: i64) -> Result<(), DecodeError> { black_box(value); Ok(()) }
    fn double(&mut self, value: f64) -> Result<(), DecodeError> { black_box(value); Ok(()) }
    fn boolean(&mut self, value: bool) -> Result<(), DecodeError> { black_box(value); Ok(()) }
    fn string(&mut self, value: &[u8]) -> Result<(), DecodeError> { black_box(value); Ok(()) }
    fn binary(&mut self, value: &[u8]) -> Result<(), DecodeError> { black_box(value); Ok(()) }
    fn set_field(&mut self, _field: &Field) -> Result<(), DecodeError> { Ok(()) }
    fn push_element(&mut self, _index: usize) -> Result<(), DecodeError> { Ok(()) }
    fn set_entry(&mut self, _field: &Field) -> Result<(), DecodeError> { Ok(()) }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
