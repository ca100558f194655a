//! Properties that hold for any message, any bytes and any text.

mod typed;

use proptest::collection::vec;
use proptest::prelude::*;
use throng_sproto::rpc::{Header, Package};
use throng_sproto::{
    FieldType, Repeat, Schema, SourceFile, TypeDef, TypeId, Value, decode_value, encode_value, pack, unpack,
};

const SCHEMA: &str = include_str!("../typed/everything.sproto");

fn schema() -> Schema {
    Schema::parse(&[SourceFile { name: "properties", text: SCHEMA }]).expect("the schema is right")
}

fn all(schema: &Schema) -> TypeId {
    schema.type_id("All").expect("the schema has All")
}

/// A message of type `id` with any of its fields.
fn message(schema: &Schema, id: TypeId, depth: u32) -> BoxedStrategy<Value> {
    let ty = schema.type_def(id);
    fields(schema, ty, depth, |_| false)
}

/// A message in which the fields that `needed` names by index are there.
fn fields(schema: &Schema, ty: &TypeDef, depth: u32, needed: impl Fn(usize) -> bool) -> BoxedStrategy<Value> {
    let mut message = Just(Vec::new()).boxed();
    for (index, field) in ty.fields.iter().enumerate() {
        let Some(value) = repeated(schema, field.ty, field.repeat, depth) else { continue };
        let value =
            if needed(index) { value.prop_map(Some).boxed() } else { proptest::option::of(value).boxed() };
        let name = field.name.clone();
        message = (message, value)
            .prop_map(move |(mut fields, value)| {
                fields.extend(value.map(|value| (name.clone(), value)));
                fields
            })
            .boxed();
    }
    message.prop_map(Value::Struct).boxed()
}

/// None where structs would nest too deeply.
fn repeated(schema: &Schema, ty: FieldType, repeat: Repeat, depth: u32) -> Option<BoxedStrategy<Value>> {
    let one = one(schema, ty, depth)?;
    let FieldType::Struct(id) = ty else {
        return Some(match repeat {
            Repeat::One => one,
            _ => vec(one, 0..4).prop_map(Value::Array).boxed(),
        });
    };
    let entry = schema.type_def(id);
    if let Repeat::MapByKey { key } | Repeat::MapPair { key, .. } = repeat
        && entry.fields[usize::from(key)].repeat != Repeat::One
    {
        // Such a map can be written, but not read.
        return None;
    }
    Some(match repeat {
        Repeat::One => one,
        Repeat::Array => vec(one, 0..4).prop_map(Value::Array).boxed(),
        Repeat::MapByKey { key } => {
            let name = entry.fields[usize::from(key)].name.clone();
            let entries = vec(fields(schema, entry, depth - 1, move |index| index == usize::from(key)), 0..4);
            entries.prop_map(move |entries| map_by(&name, entries)).boxed()
        }
        Repeat::MapPair { key, value } => {
            let part = |index: u16| {
                let field = &entry.fields[usize::from(index)];
                repeated(schema, field.ty, field.repeat, depth - 1)
            };
            let pairs = vec((part(key)?, part(value)?), 0..4);
            pairs.prop_map(|pairs| Value::Map(distinct(pairs))).boxed()
        }
    })
}

fn map_by(key: &str, entries: Vec<Value>) -> Value {
    let keyed = |entry: Value| (entry.field(key).expect("the key is there").clone(), entry);
    Value::Map(distinct(entries.into_iter().map(keyed).collect()))
}

/// What a map with these entries keeps when none is given twice.
fn distinct(pairs: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut kept: Vec<(Value, Value)> = Vec::new();
    for (key, value) in pairs {
        if kept.iter().all(|(other, _)| other.to_string() != key.to_string()) {
            kept.push((key, value));
        }
    }
    kept
}

fn one(schema: &Schema, ty: FieldType, depth: u32) -> Option<BoxedStrategy<Value>> {
    let integer = || prop_oneof![any::<i64>(), any::<i32>().prop_map(i64::from), -2i64..40_000];
    Some(match ty {
        FieldType::Integer => integer().prop_map(Value::Integer).boxed(),
        // What a decoder gives for some integer, so that it comes back the same.
        FieldType::Fixed { digits } => any::<i32>()
            .prop_map(move |scaled| Value::Double(f64::from(scaled) / 10f64.powi(digits.into())))
            .boxed(),
        FieldType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        FieldType::Double => any::<f64>().prop_map(Value::Double).boxed(),
        FieldType::String => vec(any::<u8>(), 0..20).prop_map(Value::String).boxed(),
        FieldType::Binary => vec(any::<u8>(), 0..20).prop_map(Value::Binary).boxed(),
        FieldType::Struct(_) if depth == 0 => return None,
        FieldType::Struct(id) => message(schema, id, depth - 1),
    })
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(8), 0);
    padded
}

/// Bytes with many zeros, as messages have them.
fn sparse() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![2 => Just(0u8), 3 => any::<u8>()], 0..5000)
}

/// Bytes near those of a message: its own with some changed, cut or added.
fn near_message() -> impl Strategy<Value = Vec<u8>> {
    let schema = schema();
    let id = all(&schema);
    let encoded = message(&schema, id, 3).prop_map(move |value| {
        let mut bytes = Vec::new();
        encode_value(&schema, id, &value, &mut bytes).expect("a message of the schema");
        bytes
    });
    (encoded, vec(any::<(prop::sample::Index, u8)>(), 0..4), any::<prop::sample::Index>()).prop_map(
        |(mut bytes, changes, cut)| {
            for (index, byte) in changes {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            let cut = cut.index(bytes.len() * 2);
            bytes.truncate(cut.max(1));
            bytes
        },
    )
}

fn near_schema() -> impl Strategy<Value = String> {
    let words = [
        ".",
        "a",
        "b",
        "A",
        "request",
        "response",
        "nil",
        "integer",
        "string",
        "{",
        "}",
        "(",
        ")",
        "*",
        ":",
        " ",
        "\n",
        "\r\n",
        "#",
        "0",
        "1",
        "7",
        "99999",
        ".A {",
        " a 0 : integer ",
        " b 1 : *A(a)",
        "a 1 {",
        "é",
    ];
    vec(prop::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_message_comes_back_from_its_bytes(value in message(&schema(), all(&schema()), 3)) {
        let schema = schema();
        let mut bytes = Vec::new();
        encode_value(&schema, all(&schema), &value, &mut bytes).expect("a message of the schema");
        let decoded = decode_value(&schema, all(&schema), &bytes).expect("what was encoded");
        prop_assert_eq!(&decoded, &value);
        bytes.extend_from_slice(b"what follows");
        let decoded = decode_value(&schema, all(&schema), &bytes).expect("what was encoded, and more");
        prop_assert_eq!(decoded, value);
    }

    #[test]
    fn any_bytes_decode_or_fail(bytes in prop_oneof![vec(any::<u8>(), 0..300), near_message()]) {
        let schema = schema();
        for (id, _) in schema.types() {
            // What decodes can be encoded; what that decodes to is the same message.
            if let Ok(value) = decode_value(&schema, id, &bytes) {
                let mut again = Vec::new();
                if encode_value(&schema, id, &value, &mut again).is_ok() {
                    let value = value.to_string();
                    let again = decode_value(&schema, id, &again).map(|value| value.to_string());
                    prop_assert_eq!(again, Ok(value));
                }
            }
        }
    }

    #[test]
    fn packed_bytes_unpack_to_themselves_padded(bytes in sparse()) {
        let (mut packed, mut unpacked) = (Vec::new(), Vec::new());
        pack(&bytes, &mut packed);
        let wanted = padded(&bytes);
        // The format's own bound: two bytes for each full run, and padding.
        prop_assert!(packed.len() <= wanted.len() + 2 * wanted.len().div_ceil(2048));
        prop_assert_eq!(unpack(&packed, wanted.len(), &mut unpacked), Ok(()));
        prop_assert_eq!(unpacked, wanted);
    }

    #[test]
    fn any_bytes_unpack_within_the_limit_or_fail(bytes in vec(any::<u8>(), 0..400), limit in 0usize..600) {
        let mut out = vec![7];
        match unpack(&bytes, limit, &mut out).is_ok() {
            true => prop_assert!((out.len() - 1) % 8 == 0 && out.len() - 1 <= limit),
            false => prop_assert_eq!(out, vec![7]),
        }
    }

    #[test]
    fn a_header_comes_back_from_its_bytes(ty: Option<u32>, session: Option<i64>, ud: Option<i64>) {
        let package = Package::new(&schema(), "package").expect("a package type");
        let header = Header { ty, session, ud };
        let mut bytes = Vec::new();
        package.write(header, &mut bytes);
        let length = bytes.len();
        bytes.extend_from_slice(&[0, 0]);
        prop_assert_eq!(package.read(&bytes), Ok((header, length)));
    }

    #[test]
    fn any_bytes_are_a_header_or_fail(bytes in vec(any::<u8>(), 0..60)) {
        let package = Package::new(&schema(), "package").expect("a package type");
        if let Ok((_, used)) = package.read(&bytes) {
            prop_assert!(used <= bytes.len());
        }
    }

    #[test]
    fn any_text_is_a_schema_or_fails_at_a_place_in_it(text in prop_oneof![any::<String>(), near_schema()]) {
        match Schema::parse(&[SourceFile { name: "any", text: &text }]) {
            Ok(schema) if schema.types().len() > 0 => {
                let loaded = Schema::from_bundle("any", &schema.bundle()).expect("a bundle of a schema");
                prop_assert_eq!(loaded.bundle(), schema.bundle());
            }
            Ok(_) => {}
            Err(error) => {
                let line = text.split('\n').nth(error.line as usize - 1).expect("the line is there");
                prop_assert!(error.column as usize <= line.chars().count() + 1);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_bundle_or_fail(
        bytes in vec(any::<u8>(), 0..100),
        changes in vec(any::<(prop::sample::Index, u8)>(), 1..4),
    ) {
        let mut changed = schema().bundle();
        for (index, byte) in changes {
            let index = index.index(changed.len());
            changed[index] = byte;
        }
        for bundle in [bytes, changed] {
            match Schema::from_bundle("any", &bundle) {
                Ok(schema) => prop_assert!(Schema::from_bundle("any", &schema.bundle()).is_ok()),
                Err(error) => prop_assert!(error.offset <= bundle.len(), "{error}"),
            }
        }
    }
}
