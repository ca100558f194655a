//! An address book of ten people, encoded and decoded by this library from and to trees whose shape it does not know, and by
//! prost from and to structs that it does, turn about: `cargo bench -p throng-protobuf`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use prost::Message;
use throng_protobuf::{
    DecodeError, Defaults, EncodeError, EnumDef, EnumValue, Field, MessageDef, MessageId, Schema, Sink,
    Source, SourceFile, ValueSink, decode, encode,
};

const TEXT: &str = "syntax = \"proto3\";
enum PhoneType { MOBILE = 0; HOME = 1; WORK = 2; }
message PhoneNumber { string number = 1; PhoneType type = 2; }
message Person { string name = 1; int32 id = 2; string email = 3; repeated PhoneNumber phones = 4; repeated int32 scores = 5; }
message AddressBook { repeated Person people = 1; }";

/// Turns of each contestant, of which the fastest counts.
const TURNS: u32 = 40;
/// Messages a turn.
const REPEATS: u32 = 2_000;

#[derive(Clone, PartialEq, Message)]
struct PhoneNumber {
    #[prost(string, tag = "1")]
    number: String,
    #[prost(int32, tag = "2")]
    kind: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Person {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int32, tag = "2")]
    id: i32,
    #[prost(string, tag = "3")]
    email: String,
    #[prost(message, repeated, tag = "4")]
    phones: Vec<PhoneNumber>,
    #[prost(int32, repeated, tag = "5")]
    scores: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct AddressBook {
    #[prost(message, repeated, tag = "1")]
    people: Vec<Person>,
}

fn book() -> AddressBook {
    let phone = |number: &str, kind| PhoneNumber { number: number.to_owned(), kind };
    let person = |index: i32| Person {
        name: format!("Person number {index}"),
        id: 10_000 + index,
        email: format!("person{index}@example.com"),
        phones: vec![phone("123456789", 0), phone("87654321", 1), phone("555-0100", 2)],
        scores: (0..8).map(|score| score * 100 + index).collect(),
    };
    AddressBook { people: (0..10).map(person).collect() }
}

fn main() {
    let schema =
        Schema::compile(&[SourceFile { name: "book.proto", text: TEXT }]).expect("the schema is right");
    let id = schema.find_message("AddressBook").expect("it has the message");
    let book = book();
    let bytes = book.encode_to_vec();
    let tree = Node::book(&schema, &book);
    let mut out = Vec::new();
    encode(&schema, id, &mut Flat::new(&tree), &mut out).expect("the tree fits");
    assert_eq!(out, bytes, "both write the same bytes");

    println!(
        "{} bytes; microseconds a message, and how many times as long as prost's structs take",
        bytes.len()
    );
    let mut ours = Vec::new();
    let [theirs, ours] = race([
        &mut || {
            out.clear();
            black_box(&book).encode(&mut out).expect("there is room");
            black_box(&out);
        },
        &mut || {
            ours.clear();
            encode(&schema, id, &mut Flat::new(black_box(&tree)), &mut ours).expect("the tree fits");
            black_box(&ours);
        },
    ]);
    report("encode", theirs, &[("a bare tree", ours)]);
    let [theirs, bare, values] = race([
        &mut || {
            black_box(AddressBook::decode(black_box(&*bytes)).expect("the bytes are right"));
        },
        &mut || {
            let mut sink = Bare(0);
            decode(&schema, id, black_box(&bytes), Defaults::Leave, &mut sink).expect("the bytes are right");
            black_box(sink.0);
        },
        &mut || {
            black_box(values(&schema, id, black_box(&bytes)));
        },
    ]);
    report("decode", theirs, &[("a sink that keeps nothing", bare), ("values by name", values)]);
}

fn values(schema: &Schema, id: MessageId, bytes: &[u8]) -> Option<throng_protobuf::Value> {
    let mut sink = ValueSink::default();
    decode(schema, id, bytes, Defaults::Leave, &mut sink).expect("the bytes are right");
    sink.finish()
}

/// The fastest turn of each, so that all see the same machine.
fn race<const N: usize>(mut contestants: [&mut dyn FnMut(); N]) -> [Duration; N] {
    let mut best = [Duration::MAX; N];
    for _ in 0..TURNS {
        for (contestant, best) in contestants.iter_mut().zip(&mut best) {
            let start = Instant::now();
            for _ in 0..REPEATS {
                contestant();
            }
            *best = (*best).min(start.elapsed());
        }
    }
    best
}

fn report(what: &str, theirs: Duration, ours: &[(&str, Duration)]) {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(REPEATS);
    println!("{what}: prost {:.3}", each(theirs));
    for (name, time) in ours {
        println!("{what}: {name} {:.3}, {:.2}", each(*time), time.as_secs_f64() / theirs.as_secs_f64());
    }
}

/// A value whose fields are found by their ids: as cheap as a tree can be.
enum Node {
    Integer(i64),
    Text(Vec<u8>),
    /// The id of the first field, and all of them.
    Message(u32, Vec<Node>),
    List(Vec<Node>),
}

impl Node {
    fn message(schema: &Schema, name: &str, fields: Vec<Node>) -> Node {
        let message = schema.message(schema.find_message(name).expect("it has the message"));
        Node::Message(message.fields[0].id.0, fields)
    }

    fn text(text: &str) -> Node {
        Node::Text(text.into())
    }

    fn book(schema: &Schema, book: &AddressBook) -> Node {
        let phone = |phone: &PhoneNumber| {
            let fields = vec![Node::text(&phone.number), Node::Integer(phone.kind.into())];
            Node::message(schema, "PhoneNumber", fields)
        };
        let person = |person: &Person| {
            let fields = vec![
                Node::text(&person.name),
                Node::Integer(person.id.into()),
                Node::text(&person.email),
                Node::List(person.phones.iter().map(phone).collect()),
                Node::List(person.scores.iter().map(|score| Node::Integer((*score).into())).collect()),
            ];
            Node::message(schema, "Person", fields)
        };
        Node::message(schema, "AddressBook", vec![Node::List(book.people.iter().map(person).collect())])
    }
}

struct Flat<'n> {
    stack: [Option<&'n Node>; 16],
    top: usize,
}

impl<'n> Flat<'n> {
    fn new(node: &'n Node) -> Flat<'n> {
        let mut stack = [None; 16];
        stack[0] = Some(node);
        Flat { stack, top: 0 }
    }

    #[inline(always)]
    fn current(&self) -> Option<&'n Node> {
        self.stack[self.top & 15]
    }

    #[inline(always)]
    fn enter(&mut self, node: Option<&'n Node>) -> bool {
        if node.is_some() {
            self.top += 1;
            self.stack[self.top & 15] = node;
        }
        node.is_some()
    }
}

fn other<T>() -> Result<T, EncodeError> {
    Err(EncodeError::wrong_type("what the schema says", "another"))
}

impl Source for Flat<'_> {
    type Error = EncodeError;

    #[inline(always)]
    fn enter_field(&mut self, field: &Field) -> Result<bool, EncodeError> {
        let Some(Node::Message(first, fields)) = self.current() else { return Ok(false) };
        Ok(self.enter(fields.get((field.id.0 - first) as usize)))
    }

    #[inline(always)]
    fn enter_element(&mut self, index: usize) -> Result<bool, EncodeError> {
        let Some(Node::List(elements)) = self.current() else { return Ok(false) };
        Ok(self.enter(elements.get(index)))
    }

    fn next_entry(&mut self, _first: bool) -> Result<bool, EncodeError> {
        other()
    }

    fn enter_entry_key(&mut self) -> Result<(), EncodeError> {
        other()
    }

    fn enter_entry_value(&mut self) -> Result<(), EncodeError> {
        other()
    }

    #[inline(always)]
    fn leave(&mut self) {
        self.top -= 1;
    }

    fn leave_entries(&mut self) {}

    #[inline(always)]
    fn integer(&mut self) -> Result<i64, EncodeError> {
        match self.current() {
            Some(Node::Integer(value)) => Ok(*value),
            _ => other(),
        }
    }

    fn unsigned(&mut self) -> Result<u64, EncodeError> {
        other()
    }

    fn double(&mut self) -> Result<f64, EncodeError> {
        other()
    }

    fn boolean(&mut self) -> Result<bool, EncodeError> {
        other()
    }

    #[inline(always)]
    fn enumeration(&mut self, _ty: &EnumDef) -> Result<i32, EncodeError> {
        self.integer().map(|value| value as i32)
    }

    #[inline(always)]
    fn bytes(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self.current() {
            Some(Node::Text(text)) => out.extend_from_slice(text),
            _ => return other(),
        }
        Ok(())
    }

    fn expect_message(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn expect_array(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn expect_map(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// Adds up what it is told, so that what remains is the decoder's own work.
struct Bare(u64);

impl Bare {
    #[inline(always)]
    fn add(&mut self, value: u64) -> Result<(), DecodeError> {
        self.0 = self.0.wrapping_add(value);
        Ok(())
    }
}

impl Sink for Bare {
    type Error = DecodeError;

    fn begin_message(&mut self, _ty: &MessageDef) -> Result<(), DecodeError> {
        self.add(1)
    }

    fn end_message(&mut self) -> Result<(), DecodeError> {
        self.add(2)
    }

    fn begin_array(&mut self, _field: &Field, count: usize) -> Result<(), DecodeError> {
        self.add(count as u64)
    }

    fn end_array(&mut self) -> Result<(), DecodeError> {
        self.add(3)
    }

    fn begin_map(&mut self, _field: &Field) -> Result<(), DecodeError> {
        self.add(4)
    }

    fn end_map(&mut self) -> Result<(), DecodeError> {
        self.add(5)
    }

    fn resume(&mut self, _field: &Field) -> Result<Option<usize>, DecodeError> {
        Ok(None)
    }

    fn integer(&mut self, value: i64) -> Result<(), DecodeError> {
        self.add(value as u64)
    }

    fn unsigned(&mut self, value: u64) -> Result<(), DecodeError> {
        self.add(value)
    }

    fn double(&mut self, value: f64) -> Result<(), DecodeError> {
        self.add(value.to_bits())
    }

    fn boolean(&mut self, value: bool) -> Result<(), DecodeError> {
        self.add(value.into())
    }

    fn enumeration(&mut self, _: &EnumDef, number: i32, _: Option<&EnumValue>) -> Result<(), DecodeError> {
        self.add(number as u64)
    }

    fn string(&mut self, value: &[u8]) -> Result<(), DecodeError> {
        self.add(value.len() as u64)
    }

    fn bytes(&mut self, value: &[u8]) -> Result<(), DecodeError> {
        self.add(value.len() as u64)
    }

    fn set_field(&mut self, field: &Field) -> Result<(), DecodeError> {
        self.add(field.id.0.into())
    }

    fn clear_field(&mut self, _field: &Field) -> Result<(), DecodeError> {
        Ok(())
    }

    fn push_element(&mut self, index: usize) -> Result<(), DecodeError> {
        self.add(index as u64)
    }

    fn set_entry(&mut self, _field: &Field) -> Result<(), DecodeError> {
        Ok(())
    }
}
