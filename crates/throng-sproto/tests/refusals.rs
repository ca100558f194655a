//! What is refused, and in which words.

use throng_sproto::{
    DecodeErrorKind, EncodeError, Field, MAX_MESSAGE, Schema, Source, SourceFile, Value, decode_value,
    encode, encode_value,
};

const SCHEMA: &str = "
.Pos { x 0 : integer  y 1 : integer }
.Item { id 0 : integer  name 1 : string }
.Attr { key 0 : string  val 1 : integer }
.Lists { key 0 : *integer  val 1 : integer }
.Unit {
    hp 0 : integer
    name 1 : string
    alive 2 : boolean
    blob 3 : binary
    speed 4 : double
    gold 5 : integer(2)
    pos 7 : Pos
    path 8 : *Pos
    stats 9 : *integer
    flags 10 : *boolean
    tags 12 : *string
    rates 14 : *integer(3)
    items 16 : *Item(id)
    attrs 17 : *Attr()
    lists 18 : *Lists()
    kids 20 : *Unit
}";

fn schema() -> Schema {
    Schema::parse(&[SourceFile { name: "unit.sproto", text: SCHEMA }]).expect("the schema is right")
}

#[track_caller]
fn check_encode(name: &str, value: impl Into<Value>, expected: &str) {
    let schema = schema();
    let ty = schema.type_id("Unit").expect("the schema has Unit");
    let mut out = vec![7];
    let value = Value::structure([("hp", Value::Integer(100_000)), (name, value.into())]);
    let error = encode_value(&schema, ty, &value, &mut out).expect_err("this is refused");
    assert_eq!(error.to_string(), expected);
    assert_eq!(out, [7], "what stood in the buffer before is all that is in it");
}

#[test]
fn a_wrong_type_names_the_field() {
    let array = |values: &[i64]| Value::Array(values.iter().map(|value| Value::Integer(*value)).collect());
    check_encode("name", 5, "Unit.name is not a string (it is an integer)");
    check_encode("alive", "true", "Unit.alive is not a boolean (it is a string)");
    check_encode("blob", true, "Unit.blob is not a string (it is a boolean)");
    check_encode("speed", "x", "Unit.speed is not a number (it is a string)");
    check_encode("gold", array(&[]), "Unit.gold is not a number (it is an array)");
    check_encode("pos", 5, "Unit.pos is not a struct (it is an integer)");
    check_encode("stats", 5, "Unit.stats is not an array or a map (it is an integer)");
    check_encode("path", array(&[5]), "Unit.path[1] is not a struct (it is an integer)");
    check_encode("items", array(&[1]), "Unit.items is not a map (it is an array)");
    check_encode("stats", Value::Map(vec![]), "Unit.stats is not an array (it is a map)");
}

#[test]
fn a_wrong_element_names_its_index_from_one() {
    let with = |last: Value| Value::Array(vec![Value::Integer(1), last]);
    check_encode("stats", with("x".into()), "Unit.stats[2] is not an integer (it is a string)");
    check_encode("rates", with("x".into()), "Unit.rates[2] is not a number (it is a string)");
    check_encode("flags", vec![true.into(), 1.into()], "Unit.flags[2] is not a boolean (it is an integer)");
    check_encode("tags", vec!["a".into(), 2.into()], "Unit.tags[2] is not a string (it is an integer)");
}

#[test]
fn a_wrong_value_deep_inside_names_the_innermost_type() {
    let kid = Value::structure([("pos", Value::structure([("y", "north".into())]))]);
    check_encode("kids", vec![kid], "Pos.y is not an integer (it is a string)");
    let entry = |key: Value, value: Value| Value::Map(vec![(key, value)]);
    check_encode("attrs", entry(1.into(), 5.into()), "Attr.key is not a string (it is an integer)");
    check_encode("attrs", entry("a".into(), "x".into()), "Attr.val is not an integer (it is a string)");
    check_encode("items", entry(1.into(), 5.into()), "Unit.items[1] is not a struct (it is an integer)");
}

#[test]
fn a_message_that_is_no_struct_is_refused() {
    let schema = schema();
    let ty = schema.type_id("Pos").expect("the schema has Pos");
    let error = encode_value(&schema, ty, &Value::Integer(5), &mut Vec::new()).expect_err("this is refused");
    assert_eq!(error.to_string(), "Pos is not a struct (it is an integer)");
}

#[test]
fn fixed_point_that_does_not_fit_is_refused() {
    check_encode("gold", 1e300, "Unit.gold cannot hold 1e300 as fixed point with 2 digits");
    check_encode("gold", f64::NAN, "Unit.gold cannot hold NaN as fixed point with 2 digits");
    check_encode(
        "rates",
        vec![Value::Double(f64::INFINITY)],
        "Unit.rates[1] cannot hold inf as fixed point with 3 digits",
    );
}

#[test]
fn sixty_five_levels_are_too_deep_to_encode() {
    let nested = |levels: usize| {
        (1..levels).fold(Value::structure([]), |kid, _| Value::structure([("kids", vec![kid].into())]))
    };
    let schema = schema();
    let ty = schema.type_id("Unit").expect("the schema has Unit");
    let mut out = Vec::new();
    assert_eq!(encode_value(&schema, ty, &nested(65), &mut out), Err(EncodeError::TooDeep));
    assert_eq!(encode_value(&schema, ty, &nested(64), &mut out), Ok(()));
}

#[test]
fn the_largest_message_is_sixteen_mebibytes() {
    let schema = schema();
    let ty = schema.type_id("Unit").expect("the schema has Unit");
    // Two bytes of count, two records, four of length.
    let named = |length| Value::structure([("name", Value::String(vec![b'x'; length]))]);
    let mut out = Vec::new();
    assert_eq!(encode_value(&schema, ty, &named(MAX_MESSAGE), &mut out), Err(EncodeError::TooLarge));
    assert!(out.is_empty());
    assert_eq!(encode_value(&schema, ty, &named(MAX_MESSAGE - 64), &mut out), Ok(()));
}

/// An array that has no end, as a Lua table with an `__index` can be.
struct Endless;

impl Source for Endless {
    type Error = EncodeError;

    fn enter_field(&mut self, field: &Field) -> Result<bool, EncodeError> {
        Ok(&*field.name == "flags")
    }

    fn enter_element(&mut self, _index: usize) -> Result<bool, EncodeError> {
        Ok(true)
    }

    fn next_entry(&mut self, _first: bool) -> Result<bool, EncodeError> {
        Ok(true)
    }

    fn enter_entry_key(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn enter_entry_value(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn leave(&mut self) {}

    fn leave_entries(&mut self) {}

    fn integer(&mut self) -> Result<i64, EncodeError> {
        Ok(1)
    }

    fn double(&mut self) -> Result<f64, EncodeError> {
        Ok(1.0)
    }

    fn boolean(&mut self) -> Result<bool, EncodeError> {
        Ok(true)
    }

    fn bytes(&mut self, _out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Ok(())
    }

    fn expect_struct(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn expect_array(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }
}

#[test]
fn an_array_without_an_end_is_too_large() {
    let schema = schema();
    let ty = schema.type_id("Unit").expect("the schema has Unit");
    let mut out = Vec::new();
    assert_eq!(encode(&schema, ty, &mut Endless, &mut out), Err(EncodeError::TooLarge));
    assert!(out.is_empty());
}

#[track_caller]
fn check_decode(bytes: &[u8], expected: &str) -> DecodeErrorKind {
    let schema = schema();
    let ty = schema.type_id("Unit").expect("the schema has Unit");
    let error = decode_value(&schema, ty, bytes).expect_err("this is refused");
    assert_eq!(error.to_string(), expected);
    error.kind
}

#[test]
fn a_decode_error_tells_what_where() {
    check_decode(&[], "the message's header is cut short at byte 0 (Unit)");
    check_decode(&[1, 0], "the message's header is cut short at byte 0 (Unit)");
    check_decode(&[1, 0, 0, 0, 9], "a data block's length is missing at byte 4 (Unit)");
    check_decode(&[2, 0, 1, 0, 4, 0], "an inline value where a data block is needed at byte 4 (Unit.name)");
    check_decode(
        &[2, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1],
        "a data block where an inline value is needed at byte 10 (Unit.alive)",
    );
    check_decode(&[1, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3], "a number of 3 bytes at byte 4 (Unit.hp)");
    check_decode(
        &[2, 0, 13, 0, 0, 0, 3, 0, 0, 0, 0, 0, 9],
        "1 bytes left over in a nested message at byte 12 (Unit.pos)",
    );
    check_decode(
        &[2, 0, 23, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, b'a'],
        "a data block of 5 bytes where 1 are left at byte 10 (Unit.tags[1])",
    );
    check_decode(
        &[2, 0, 13, 0, 0, 0, 6, 0, 0, 0, 2, 0, 1, 0, 0, 0],
        "a data block's length is missing at byte 16 (Pos)",
    );
}

/// The message of a field in its own block, behind a skip to its tag.
fn in_field(tag: u16, block: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0];
    bytes.extend((tag * 2 - 1).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend((block.len() as u32).to_le_bytes());
    bytes.extend(block);
    bytes
}

#[test]
fn map_entries_need_key_and_value() {
    let keyless_item = [2, 0, 0, 0, 0, 0];
    let error = "a map entry without its key at byte 14 (Item)";
    assert_eq!(check_decode(&in_field(16, &keyless_item), error), DecodeErrorKind::MissingKey);
    let whole = [11, 0, 0, 0, 2, 0, 0, 0, 4, 0, 1, 0, 0, 0, b'a'];
    let keyless = [6, 0, 0, 0, 2, 0, 1, 0, 6, 0];
    let valueless = [9, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, b'b'];
    // Nothing of the entry before may stand in for what is missing.
    let error = "a map entry without its key at byte 29 (Unit.attrs[2])";
    assert_eq!(
        check_decode(&in_field(17, &[&whole[..], &keyless].concat()), error),
        DecodeErrorKind::MissingKey
    );
    let error = "a map entry without its value at byte 29 (Unit.attrs[2])";
    assert_eq!(
        check_decode(&in_field(17, &[&whole[..], &valueless].concat()), error),
        DecodeErrorKind::MissingValue
    );
    let arrays = [8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    let error = "a map whose key is an array at byte 14 (Unit.lists[1])";
    assert_eq!(check_decode(&in_field(18, &arrays), error), DecodeErrorKind::ArrayKey);
}

#[test]
fn lengths_near_the_end_of_32_bits_are_too_long() {
    let schema = schema();
    let ty = schema.type_id("Unit").expect("the schema has Unit");
    for length in 0xffff_fff0..=u32::MAX {
        // A known string, an unknown tag, and an array of booleans.
        for skip in [1u16, 397, 19] {
            let mut bytes = vec![2, 0];
            bytes.extend(skip.to_le_bytes());
            bytes.extend([0, 0]);
            bytes.extend(length.to_le_bytes());
            bytes.extend(b"padding");
            let error = decode_value(&schema, ty, &bytes).expect_err("this is refused");
            assert_eq!(error.kind, DecodeErrorKind::BlockTruncated { length, left: 7 });
        }
    }
}
