//! The AddressBook of the reference's documentation, encoded and decoded by this library and by the reference's C, turn
//! about, so that both see the same machine: `cargo bench -p throng-sproto`. Needs `cc`, and `python3` the first time.

mod flat;
mod reference;

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use reference::{Harness, Reference, median, pin, timed};
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

/// The same with strings that are parts of the bytes.
#[allow(unreachable_pub)]
mod borrowed {
    include!("../../tests/typed/address_book_borrowed.rs");
}

use messages::{AddressBook, Person, PersonPhoneNumber};

const ROUNDS: usize = 41;
const RUNS: u32 = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let text = include_str!("../../tests/typed/address_book.sproto");
    let schema = Schema::parse(&[SourceFile { name: "address_book.sproto", text }])?;
    pin()?;
    let harness = Harness {
        name: "callbacks",
        arguments: Vec::new(),
        source: Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/address_book/reference.c")),
        with: &["sproto.c"],
        flags: Vec::new(),
    };
    let mut reference = Reference::start(&harness, &schema.bundle())?;
    let bench = Bench::new(&schema)?;
    let expected = format!("{} {} 2 0 01234567890", hex(&bench.encoded), hex(&bench.packed));
    let found = reference.check()?;
    if found != expected {
        return Err(format!("the reference has\n{found}\nnot\n{expected}").into());
    }
    println!(
        "{} bytes, {} packed; medians of {ROUNDS} rounds of {RUNS} runs, turn about, in ns of processor time; the ratio is to C with callbacks",
        bench.encoded.len(),
        bench.packed.len()
    );
    println!("{:<42} {:>8} {:>8} {:>7} {:>7}", "", "C", "throng", "ratio", "limit");
    // Words on the command line choose among the cases; cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    for case in CASES.iter().filter(|case| is_wanted(case.name)) {
        let (theirs, ours) = compared(&bench, case, &mut reference)?;
        let ratio = ours / theirs;
        let verdict = match case.limit {
            Some(limit) if ratio <= limit => format!("{limit:>7.2}  met"),
            Some(limit) => format!("{limit:>7.2}  NOT MET"),
            None => format!("{:>7}", "-"),
        };
        println!("{:<42} {theirs:>8.1} {ours:>8.1} {ratio:>7.2} {verdict}", case.name);
    }
    Ok(())
}

/// What one run takes the reference and us.
fn compared(bench: &Bench<'_>, case: &Case, reference: &mut Reference) -> Result<(f64, f64), Box<dyn Error>> {
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    let mut state = State::default();
    for _ in 0..ROUNDS {
        theirs.push(reference.time(case.reference, RUNS)? / f64::from(RUNS));
        let took = timed::<Box<dyn Error>>(|| {
            for _ in 0..RUNS {
                (case.run)(black_box(bench), &mut state);
                black_box(&mut state);
            }
            Ok(())
        });
        ours.push(took? / f64::from(RUNS));
    }
    Ok((median(theirs), median(ours)))
}

type Run = fn(&Bench<'_>, &mut State);

/// What is measured, beside which case of the reference, and the most that its part of that may be.
struct Case {
    name: &'static str,
    reference: &'static str,
    limit: Option<f64>,
    run: Run,
}

/// What is to be no slower than C.
const fn limited(name: &'static str, reference: &'static str, run: Run) -> Case {
    Case { name, reference, limit: Some(1.0), run }
}

/// What is told for comparison.
const fn told(name: &'static str, reference: &'static str, run: Run) -> Case {
    Case { name, reference, limit: None, run }
}

const CASES: [Case; 18] = [
    limited("typed encode", "encode", |bench, state| {
        state.bytes.clear();
        bench.book.encode(&mut state.bytes).expect("it encodes");
    }),
    limited("typed decode, into the same message", "decode", |bench, state| {
        state.book.decode_from(&bench.encoded).expect("it decodes");
    }),
    limited("typed decode, new, strings borrowed", "decode", |bench, _| {
        black_box(borrowed::AddressBook::decode(&bench.encoded).expect("it decodes"));
    }),
    limited("typed decode, new, C allocates too", "decode-owned", |bench, _| {
        black_box(AddressBook::decode(&bench.encoded).expect("it decodes"));
    }),
    told("typed decode, new, C has its memory", "decode", |bench, _| {
        black_box(AddressBook::decode(&bench.encoded).expect("it decodes"));
    }),
    limited("typed encode and pack", "encode+pack", |bench, state| {
        state.bytes.clear();
        state.packed.clear();
        bench.book.encode(&mut state.bytes).expect("it encodes");
        pack(&state.bytes, &mut state.packed);
    }),
    limited("typed unpack and decode, same message", "unpack+decode", |bench, state| {
        unpack_into(bench, state);
        state.book.decode_from(&state.bytes).expect("it decodes");
    }),
    limited("typed unpack and decode, new, borrowed", "unpack+decode", |bench, state| {
        unpack_into(bench, state);
        black_box(borrowed::AddressBook::decode(&state.bytes).expect("it decodes"));
    }),
    limited("typed unpack and decode, new, C allocates", "unpack+decode-owned", |bench, state| {
        unpack_into(bench, state);
        black_box(AddressBook::decode(&state.bytes).expect("it decodes"));
    }),
    told("typed unpack and decode, new, C has memory", "unpack+decode", |bench, state| {
        unpack_into(bench, state);
        black_box(AddressBook::decode(&state.bytes).expect("it decodes"));
    }),
    told("Value encode", "encode", |bench, state| {
        state.bytes.clear();
        encode_value(bench.schema, bench.ty, &bench.value, &mut state.bytes).expect("it encodes");
    }),
    told("Value decode", "decode", |bench, _| {
        black_box(decode_value(bench.schema, bench.ty, &bench.encoded).expect("it decodes"));
    }),
    told("Value encode and pack", "encode+pack", |bench, state| {
        state.bytes.clear();
        state.packed.clear();
        encode_value(bench.schema, bench.ty, &bench.value, &mut state.bytes).expect("it encodes");
        pack(&state.bytes, &mut state.packed);
    }),
    told("Value unpack and decode", "unpack+decode", |bench, state| {
        unpack_into(bench, state);
        black_box(decode_value(bench.schema, bench.ty, &state.bytes).expect("it decodes"));
    }),
    told("decode into a sink that drops everything", "decode", |bench, _| {
        decode(bench.schema, bench.ty, &bench.encoded, &mut Dropped).expect("it decodes");
    }),
    told("encode from a source that costs nothing", "encode", |bench, state| {
        state.bytes.clear();
        let mut source = flat::Flat::new(&bench.flat);
        throng_sproto::encode(bench.schema, bench.ty, &mut source, &mut state.bytes).expect("it encodes");
    }),
    told("pack alone, to encode and pack", "encode+pack", |bench, state| {
        state.packed.clear();
        pack(&bench.encoded, &mut state.packed);
    }),
    told("unpack alone, to unpack and decode", "unpack+decode", |bench, state| {
        unpack_into(bench, state);
    }),
];

fn unpack_into(bench: &Bench<'_>, state: &mut State) {
    state.bytes.clear();
    unpack(&bench.packed, 4096, &mut state.bytes).expect("it unpacks");
}

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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
