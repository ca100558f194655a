//! Generated structs against values: the same bytes out, the same messages in, the same refusals.

use proptest::prelude::*;
use throng_sproto::typed::{Message, Protocol};
use throng_sproto::{
    DecodeErrorKind, EncodeError, Schema, SourceFile, Strings, Value, decode_value, encode_value,
    generate_with,
};

use crate::{all, message, near_message, schema};

#[allow(unreachable_pub)]
mod everything {
    include!("../typed/everything.rs");
}

#[allow(unreachable_pub)]
mod address_book {
    include!("../typed/address_book.rs");
}

#[allow(unreachable_pub)]
mod borrowed {
    include!("../typed/everything_borrowed.rs");
}

use everything::{All, AllInner, ArrayKey, Attr, Deep, Named, Point};

fn encoded<'b>(message: &impl Message<'b>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes).expect("it encodes");
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_struct_has_the_bytes_of_its_value(
        value in message(&schema(), all(&schema()), 3),
        other in message(&schema(), all(&schema()), 3),
    ) {
        let schema = schema();
        let bytes_of = |value| {
            let mut bytes = Vec::new();
            encode_value(&schema, all(&schema), value, &mut bytes).expect("a message of the schema");
            bytes
        };
        let (bytes, other) = (bytes_of(&value), bytes_of(&other));
        let message = All::decode(&bytes).expect("what was encoded");
        prop_assert_eq!(encoded(&message), bytes.clone());
        // What a message held before leaves nothing behind.
        let mut used = All::decode(&other).expect("what was encoded");
        prop_assert_eq!(used.decode_from(&bytes), Ok(bytes.len()));
        prop_assert_eq!(encoded(&used), bytes);
    }

    #[test]
    fn borrowed_strings_change_nothing_else(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), near_message()],
        before in message(&schema(), all(&schema()), 3),
    ) {
        let mut first = Vec::new();
        encode_value(&schema(), all(&schema()), &before, &mut first).expect("a message of the schema");
        let mut used = borrowed::All::decode(&first).expect("what was encoded");
        match (All::decode(&bytes), borrowed::All::decode(&bytes)) {
            (Ok(owned), Ok(parts)) => {
                let (mut theirs, mut ours) = (Vec::new(), Vec::new());
                prop_assert_eq!(owned.encode(&mut theirs), parts.encode(&mut ours));
                prop_assert_eq!(&theirs, &ours);
                let text = owned.name.as_ref().map(|name| name.to_vec());
                prop_assert_eq!(text, parts.name.map(|name| name.to_vec()));
                // What a message held before leaves nothing behind; a NaN is no equal of itself.
                prop_assert!(used.decode_from(&bytes).is_ok());
                prop_assert_eq!(format!("{used:?}"), format!("{parts:?}"));
            }
            (owned, parts) => prop_assert_eq!(owned.map(|_| ()), parts.map(|_| ())),
        }
    }

    #[test]
    fn a_struct_takes_the_bytes_that_a_value_takes(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), near_message()],
    ) {
        let schema = schema();
        let dynamic = decode_value(&schema, all(&schema), &bytes);
        match (All::decode(&bytes), dynamic) {
            (Ok(message), Ok(value)) => {
                let (mut typed, mut dynamic) = (Vec::new(), Vec::new());
                let encoded = (
                    message.encode(&mut typed),
                    encode_value(&schema, all(&schema), &value, &mut dynamic),
                );
                // As doubles the largest fixed-point numbers are rounded up to what no longer fits.
                if let (Err(EncodeError::OutOfRange { .. }), Err(EncodeError::OutOfRange { .. })) = encoded {
                    return Ok(());
                }
                prop_assert_eq!(encoded, (Ok(()), Ok(())));
                let text = |bytes: &[u8]| {
                    decode_value(&schema, all(&schema), bytes).expect("what was encoded").to_string()
                };
                prop_assert_eq!(text(&typed), text(&dynamic));
            }
            (Err(typed), Err(dynamic)) => prop_assert!(typed.offset <= bytes.len(), "{typed} for {dynamic}"),
            (typed, dynamic) => prop_assert!(false, "{typed:?} for {dynamic:?}"),
        }
    }
}

#[track_caller]
fn check_generated(schema: &str, owned: &str, borrowed: &str, file: &str) {
    let schema = Schema::parse(&[SourceFile { name: file, text: schema }]).expect("the schema is right");
    for (strings, committed, flag, end) in
        [(Strings::Owned, owned, "", ""), (Strings::Borrowed, borrowed, "--borrow ", "_borrowed")]
    {
        assert!(
            generate_with(&schema, strings) == committed,
            "cargo run -p throng-sproto --example generate -- {flag}tests/typed/{file}.sproto > tests/typed/{file}{end}.rs"
        );
    }
}

#[test]
fn the_generated_code_that_is_kept_is_that_of_today() {
    check_generated(
        include_str!("../typed/everything.sproto"),
        include_str!("../typed/everything.rs"),
        include_str!("../typed/everything_borrowed.rs"),
        "everything",
    );
    check_generated(
        include_str!("../typed/address_book.sproto"),
        include_str!("../typed/address_book.rs"),
        include_str!("../typed/address_book_borrowed.rs"),
        "address_book",
    );
}

#[test]
fn a_type_without_strings_borrows_nothing() {
    fn decoded() -> borrowed::Point {
        let bytes = encoded(&Point { x: Some(7), ..Point::default() });
        borrowed::Point::decode(&bytes).expect("what was encoded")
    }
    assert_eq!(decoded().x, Some(7));
}

#[track_caller]
fn check_refused(message: &All, expected: &str) -> EncodeError {
    let mut out = vec![7];
    let error = message.encode(&mut out).expect_err("this is refused");
    assert_eq!(error.to_string(), expected);
    assert_eq!(out, [7], "what stood in the buffer before is all that is in it");
    error
}

#[test]
fn what_no_peer_could_decode_is_not_encoded() {
    let attr = |key: Option<&str>, value| Attr { key: key.map(Into::into), value };
    let attrs = vec![attr(Some("a"), Some(1)), attr(None, Some(1))];
    check_refused(
        &All { attrs: Some(attrs), ..All::default() },
        "All.attrs[2] is a map's entry without its key",
    );
    let attrs = vec![attr(Some("a"), None)];
    check_refused(
        &All { attrs: Some(attrs), ..All::default() },
        "All.attrs[1] is a map's entry without its value",
    );
    let by_name = vec![Named { count: Some(1), ..Named::default() }];
    check_refused(
        &All { by_name: Some(by_name), ..All::default() },
        "All.by_name[1] is a map's entry without its key",
    );
    let message = All { gold: Some(f64::NAN), ..All::default() };
    check_refused(&message, "All.gold cannot hold NaN as fixed point with 2 digits");
    let message = All { rates: Some(vec![1.0, 1e300]), ..All::default() };
    check_refused(&message, "All.rates[2] cannot hold 1e300 as fixed point with 3 digits");
    let message = All { blob: Some(vec![0; throng_sproto::MAX_MESSAGE]), ..All::default() };
    assert_eq!(check_refused(&message, "the message is larger than 16777216 bytes"), EncodeError::TooLarge);
}

/// A message of so many structs in each other.
fn nested(levels: u32) -> All {
    let mut message = All::default();
    for _ in 1..levels {
        message = All { self_: Some(Box::new(message)), ..All::default() };
    }
    message
}

#[test]
fn a_struct_nests_as_deep_as_a_value() {
    let deepest = encoded(&nested(64));
    assert_eq!(All::decode(&deepest), Ok(nested(64)));
    check_refused(&nested(65), "the message nests more than 64 structs");

    // One level more, by hand: with a field in it is too deep, without it passes, as in the reference.
    let wrapped = |inner: &[u8]| {
        (1..65).fold(inner.to_vec(), |inner, _| {
            let mut outer = vec![2, 0, 43, 0, 0, 0];
            outer.extend((inner.len() as u32).to_le_bytes());
            outer.extend(inner);
            outer
        })
    };
    let schema = schema();
    let error = All::decode(&wrapped(&[1, 0, 2, 0])).expect_err("this is refused");
    assert_eq!(error.kind, DecodeErrorKind::TooDeep);
    assert_eq!(decode_value(&schema, all(&schema), &wrapped(&[1, 0, 2, 0])), Err(error));
    assert!(All::decode(&wrapped(&[0, 0])).is_ok());
    assert!(decode_value(&schema, all(&schema), &wrapped(&[0, 0])).is_ok());
}

#[test]
fn an_error_tells_what_where() {
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let error = All::decode(bytes).expect_err("this is refused");
        assert_eq!(error.to_string(), expected);
        let schema = schema();
        assert_eq!(decode_value(&schema, all(&schema), bytes), Err(error));
    }
    check(&[], "the message's header is cut short at byte 0 (All)");
    check(&[1, 0, 0, 0, 9], "a data block's length is missing at byte 4 (All)");
    check(&[2, 0, 1, 0, 4, 0], "an inline value where a data block is needed at byte 4 (All.name)");
    check(
        &[2, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1],
        "a data block where an inline value is needed at byte 10 (All.alive)",
    );
    check(&[1, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3], "a number of 3 bytes at byte 4 (All.small)");
    check(&[2, 0, 7, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4], "a double of 4 bytes at byte 6 (All.speed)");
    check(
        &[2, 0, 13, 0, 0, 0, 3, 0, 0, 0, 0, 0, 9],
        "1 bytes left over in a nested message at byte 12 (All.type)",
    );
    check(
        &[2, 0, 23, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, b'a'],
        "a data block of 5 bytes where 1 are left at byte 10 (All.tags[1])",
    );
    check(
        &[2, 0, 31, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 0, 0],
        "a map entry without its key at byte 14 (Named)",
    );
    check(
        &[2, 0, 35, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 0, 0],
        "a map entry without its key at byte 14 (All.attrs[1])",
    );
    check(
        &[2, 0, 49, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 0, 0],
        "a map whose key is an array at byte 14 (All.arrays[1])",
    );
}

#[test]
fn names_become_those_of_rust() {
    let point = Point { x: Some(1), ..Point::default() };
    let message = All {
        r#type: Some(point.clone()),
        MyValue: Some(Box::new(AllInner { up: Some(Box::default()) })),
        deep: Some(vec![Deep {
            key: Some(1),
            value: Some(Named { point: Some(point), ..Named::default() }),
        }]),
        arrays: Some(vec![ArrayKey { key: Some(vec![1]), value: None }]),
        ..All::default()
    };
    let schema = schema();
    // Maps by an array can be written, but not read.
    assert_eq!(All::decode(&encoded(&message)).map_err(|error| error.kind), Err(DecodeErrorKind::ArrayKey));
    let message = All { arrays: None, ..message };
    let value = decode_value(&schema, all(&schema), &encoded(&message)).expect("what was encoded");
    assert_eq!(value.to_string(), "{type = {x = 1}, deep = {1: {point = {x = 1}}}, MyValue = {up = {}}}");
    assert_eq!(AllInner::NAME, "All.Inner");
}

#[test]
fn protocols_name_their_messages() {
    use everything::protocols::{AskAll, Move};
    fn described<P: Protocol>() -> (&'static str, u32, &'static str, &'static str) {
        (P::NAME, P::TAG, P::Request::<'static>::NAME, P::Response::<'static>::NAME)
    }
    assert_eq!(described::<Move>(), ("move", 1, "Point", "nothing"));
    assert_eq!(described::<AskAll>(), ("ask_all", 2, "nothing", "ask_all.response"));
    assert_eq!(described::<borrowed::protocols::Move>(), described::<Move>());
    assert_eq!(described::<borrowed::protocols::AskAll>(), described::<AskAll>());
}

#[test]
fn the_address_book_is_that_of_the_reference() {
    let text = include_str!("../typed/address_book.sproto");
    let schema = Schema::parse(&[SourceFile { name: "address_book", text }]).expect("the schema is right");
    let phone =
        |number: &str, ty| address_book::PersonPhoneNumber { number: Some(number.into()), r#type: Some(ty) };
    let person = |name: &str, id, phone| address_book::Person {
        name: Some(name.into()),
        id: Some(id),
        email: None,
        phone: Some(phone),
    };
    let book = address_book::AddressBook {
        person: Some(vec![
            person("Alice", 10000, vec![phone("123456789", 1), phone("87654321", 2)]),
            person("Bob", 20000, vec![phone("01234567890", 3)]),
        ]),
        others: None,
    };
    let encoded = encoded(&book);
    let hex: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = concat!(
        "010000007a0000004400000004000000224e0100000005000000416c6963652d0000001300000002",
        "00000004000900000031323334353637383912000000020000000600080000003837363534333231",
        "2e00000004000000429c0100000003000000426f6219000000150000000200000008000b00000030",
        "31323334353637383930"
    );
    assert_eq!(hex, expected);
    let ty = schema.type_id("AddressBook").expect("the schema has an AddressBook");
    let value = decode_value(&schema, ty, &encoded).expect("what was encoded");
    assert!(matches!(value.field("person"), Some(Value::Map(entries)) if entries.len() == 2));
    assert_eq!(address_book::AddressBook::decode(&encoded), Ok(book));
}
