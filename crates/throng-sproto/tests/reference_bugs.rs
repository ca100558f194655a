//! What the reference gets wrong, one test for each: out-of-bounds reads, leaks from one message into another, guesses.

use throng_sproto::{
    BundleErrorKind, DecodeErrorKind, EncodeError, Schema, SchemaErrorKind, SourceFile, Value, decode_value,
    encode_value,
};

const SCHEMA: &str = "
.Pos { x 0 : integer  y 1 : integer }
.Attr { key 0 : string  value 1 : integer }
.Place { key 0 : string  value 1 : Pos }
.Unit {
    hp 0 : integer
    alive 2 : boolean
    speed 4 : double
    gold 5 : integer(2)
    pos 7 : Pos
    stats 9 : *integer
    flags 10 : *boolean
    weights 13 : *double
    attrs 17 : *Attr()
    places 18 : *Place()
    kids 20 : *Unit
}";

fn schema() -> Schema {
    Schema::parse(&[SourceFile { name: "unit.sproto", text: SCHEMA }]).expect("the schema is right")
}

#[track_caller]
fn check_decode(bytes: &[u8], kind: DecodeErrorKind, offset: usize, place: &str) {
    let schema = schema();
    let ty = schema.type_id("Unit").expect("the schema has Unit");
    let error = decode_value(&schema, ty, bytes).expect_err("this is refused");
    assert_eq!((error.kind, error.offset, &*error.place), (kind, offset, place));
}

#[track_caller]
fn check_encode(name: &str, value: Value, expected: &str) {
    let schema = schema();
    let ty = schema.type_id("Unit").expect("the schema has Unit");
    let value = Value::structure([(name, value)]);
    let error = encode_value(&schema, ty, &value, &mut Vec::new()).expect_err("this is refused");
    assert_eq!(error.to_string(), expected);
}

/// A message of one field that is a block.
fn in_field(tag: u16, block: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0];
    bytes.extend((tag * 2 - 1).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend((block.len() as u32).to_le_bytes());
    bytes.extend(block);
    bytes
}

/// A block in a list: its length and itself.
fn element(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes(), bytes].concat()
}

#[test]
fn a_length_near_the_end_of_32_bits_is_not_added_to() {
    for length in 0xffff_fffc..=u32::MAX {
        // An array of booleans, an array of integers, a struct and a tag that nobody knows.
        for tag in [10u16, 9, 7, 200] {
            let mut bytes = in_field(tag, b"padding");
            bytes[6..10].copy_from_slice(&length.to_le_bytes());
            check_decode(&bytes, DecodeErrorKind::BlockTruncated { length, left: 7 }, 6, "Unit");
        }
        // An element of a list.
        let mut bytes = in_field(20, &element(b"\0\0"));
        bytes[10..14].copy_from_slice(&length.to_le_bytes());
        check_decode(&bytes, DecodeErrorKind::BlockTruncated { length, left: 2 }, 10, "Unit.kids[1]");
    }
}

#[test]
fn a_length_near_the_end_of_32_bits_does_not_hold_up_a_bundle() {
    let whole = schema().bundle();
    for length in 0xffff_fffc..=u32::MAX {
        for at in [6, 10, 18, 26] {
            let mut bundle = whole.clone();
            bundle[at..at + 4].copy_from_slice(&length.to_le_bytes());
            let error = Schema::from_bundle("cut", &bundle).expect_err("this is refused");
            assert!(error.offset <= bundle.len(), "{error}");
        }
    }
}

#[test]
fn an_entry_does_not_take_what_the_one_before_it_had() {
    let whole = element(&[2, 0, 0, 0, 4, 0, 1, 0, 0, 0, b'a']);
    let keyless = element(&[2, 0, 1, 0, 6, 0]);
    let valueless = element(&[1, 0, 0, 0, 1, 0, 0, 0, b'b']);
    let empty = element(&[0, 0]);
    for (entry, kind) in [
        (&keyless, DecodeErrorKind::MissingKey),
        (&empty, DecodeErrorKind::MissingKey),
        (&valueless, DecodeErrorKind::MissingValue),
    ] {
        let bytes = in_field(17, &[&whole[..], entry].concat());
        check_decode(&bytes, kind, 29, "Unit.attrs[2]");
    }
}

#[test]
fn a_map_does_not_take_what_another_map_had() {
    let integer = element(&[2, 0, 0, 0, 4, 0, 1, 0, 0, 0, b'a']);
    let valueless = element(&[1, 0, 0, 0, 1, 0, 0, 0, b'b']);
    // Both maps name their fields `key` and `value`, but the values of the second are structs.
    let mut bytes = vec![3, 0, 33, 0, 0, 0, 0, 0];
    bytes.extend(element(&integer));
    bytes.extend(element(&valueless));
    check_decode(&bytes, DecodeErrorKind::MissingValue, 35, "Unit.places[1]");
}

#[test]
fn a_bundle_cannot_call_what_is_no_pair_a_map_of_pairs() {
    let one_field =
        Schema::parse(&[SourceFile { name: "one", text: ".A { a 0 : integer } .B { as 0 : *A }" }]);
    let bundle = one_field.expect("the schema is right").bundle();
    // The field is name, skip, type, tag, array; key and map are added to it, and to all lengths around it.
    let records = [5u8, 0, 0, 0, 1, 0, 2, 0, 2, 0, 4, 0];
    let at = bundle.windows(12).position(|window| window == records).expect("the field is there");
    let mut changed = bundle.clone();
    changed.splice(at..at + 12, [7, 0, 0, 0, 1, 0, 2, 0, 2, 0, 4, 0, 2, 0, 4, 0]);
    for length_at in lengths_around(&bundle, at) {
        let length = u32::from_le_bytes(changed[length_at..][..4].try_into().expect("four bytes")) + 4;
        changed[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }
    let error = Schema::from_bundle("map", &changed).expect_err("this is refused");
    let expected = "a map of pairs whose type has not exactly two fields";
    assert_eq!(error.kind, BundleErrorKind::Map(expected));
    assert_eq!(&*error.place, "field `as` of type `B`");
}

/// The lengths of the four blocks around a field: the list of types, the type, its list of fields, the field.
fn lengths_around(bundle: &[u8], field: usize) -> Vec<usize> {
    let around = |at: &usize| {
        let length = u32::from_le_bytes(bundle[*at..][..4].try_into().expect("four bytes")) as usize;
        at + 4 <= field && at + 4 + length > field && at + 4 + length <= bundle.len()
    };
    let all: Vec<usize> = (4..=field - 4).filter(around).collect();
    assert_eq!(all.len(), 4, "{all:?}");
    all
}

#[test]
fn a_type_with_an_empty_list_of_fields_is_one_without_fields() {
    // `.A {}`, but with a list of fields, which is empty.
    let mut ty = vec![2, 0, 0, 0, 0, 0];
    ty.extend(element(b"A"));
    ty.extend(element(b""));
    let mut bundle = vec![1, 0, 0, 0];
    bundle.extend(element(&element(&ty)));
    let schema = Schema::from_bundle("empty", &bundle).expect("there is nothing wrong with it");
    let ty = schema.type_id("A").expect("it is there");
    assert!(schema.type_def(ty).fields.is_empty());
    assert_eq!(decode_value(&schema, ty, &[1, 0, 2, 0]), Ok(Value::Struct(vec![])));
}

#[test]
fn digits_whose_factor_does_not_fit_are_refused() {
    for digits in [10, 18, 32, 255, 4_294_967_296u64] {
        let text = format!(".A {{ a 0 : integer({digits}) }}");
        let error = Schema::parse(&[SourceFile { name: "a", text: &text }]).expect_err("this is refused");
        assert_eq!(error.kind, SchemaErrorKind::TooManyDigits { digits: digits.to_string().into() });
    }
    // The same in a bundle: nine digits become ten.
    let nine = Schema::parse(&[SourceFile { name: "nine", text: ".A { a 0 : integer(9) }" }]);
    let mut bundle = nine.expect("nine digits are right").bundle();
    let at = bundle.windows(4).position(|window| window == [2, 0, 20, 0]).expect("the digits are there");
    bundle[at + 2] = 22;
    let error = Schema::from_bundle("ten", &bundle).expect_err("this is refused");
    assert_eq!(error.kind, BundleErrorKind::TooManyDigits(10));
}

#[test]
fn four_bytes_are_no_double() {
    let one = 1f32.to_le_bytes();
    check_decode(&in_field(4, &one), DecodeErrorKind::ShortDouble, 6, "Unit.speed");
    let array = [&[4][..], &one].concat();
    check_decode(&in_field(13, &array), DecodeErrorKind::ShortDouble, 10, "Unit.weights");
}

#[test]
fn what_is_no_number_does_not_become_zero() {
    check_encode("speed", "x".into(), "Unit.speed is not a number (it is a string)");
    check_encode("gold", true.into(), "Unit.gold is not a number (it is a boolean)");
    check_encode("weights", vec!["x".into()].into(), "Unit.weights[1] is not a number (it is a string)");
    check_encode("gold", f64::NAN.into(), "Unit.gold cannot hold NaN as fixed point with 2 digits");
    check_encode("gold", 1e300.into(), "Unit.gold cannot hold 1e300 as fixed point with 2 digits");
    check_encode("gold", f64::INFINITY.into(), "Unit.gold cannot hold inf as fixed point with 2 digits");
}

#[test]
fn a_string_is_no_struct() {
    check_encode("pos", "text".into(), "Unit.pos is not a struct (it is a string)");
    check_encode("kids", vec!["text".into()].into(), "Unit.kids[1] is not a struct (it is a string)");
}

#[test]
fn an_error_tells_where_a_nested_message_is_too_long() {
    let bytes = in_field(20, &element(&in_field(7, &[0, 0, 9, 9])));
    check_decode(&bytes, DecodeErrorKind::Trailing { count: 2 }, 26, "Unit.pos");
}

#[test]
fn a_refused_value_is_not_taken_for_a_buffer_that_is_too_small() {
    let schema = schema();
    let ty = schema.type_id("Unit").expect("the schema has Unit");
    let value = Value::structure([("hp", "many".into())]);
    let mut out = Vec::new();
    let error = encode_value(&schema, ty, &value, &mut out).expect_err("this is refused");
    assert!(matches!(error, EncodeError::WrongType { .. }), "{error}");
    // The reference tries again and again, with buffers of up to 16 MiB.
    assert!(out.capacity() < 4096);
}
