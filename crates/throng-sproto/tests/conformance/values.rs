//! Messages: the vectors' JSON as values, encoded, decoded and compared.

use serde_json::Value as Json;
use throng_sproto::{
    DecodeError, DecodeErrorKind, EncodeError, Field, FieldType, Repeat, Response, Schema, SourceFile,
    TypeId, Value, ValueSink, decode, encode, encode_value,
};

use crate::{Verdict, bytes, expect_same, lua, text};

pub(super) fn encodes(vector: &Json) -> Result<Verdict, String> {
    let (schema, ty) = schema_and_type(vector);
    let value = struct_from(&schema, ty, &vector["value"]);
    let mut encoded = vec![0xaa];
    encode_value(&schema, ty, &value, &mut encoded).map_err(|error| error.to_string())?;
    // What stood in the buffer before stays.
    expect_same("the encoded form", hex(&encoded), format!("aa{}", text(vector, "hex")))?;
    let wanted = vector.get("decoded").unwrap_or(&vector["value"]);
    let (decoded, used) = decoded(&schema, ty, &encoded[1..]).map_err(|error| error.to_string())?;
    expect_same("the used length", used, encoded.len() - 1)?;
    expect_equal(&decoded, &struct_from(&schema, ty, wanted))?;
    Ok(Verdict::Same)
}

pub(super) fn decodes(vector: &Json) -> Result<Verdict, String> {
    let (schema, ty) = schema_and_type(vector);
    let input = bytes(vector, "hex");
    let (decoded, used) = match decoded(&schema, ty, &input) {
        Ok(decoded) => decoded,
        Err(error) if is_reference_bug(&error) => return Ok(Verdict::RefusedOnPurpose),
        Err(error) => return Err(error.to_string()),
    };
    let consumed = vector["consumed"].as_u64().map_or(input.len(), |consumed| consumed as usize);
    expect_same("the used length", used, consumed)?;
    expect_equal(&decoded, &struct_from(&schema, ty, &vector["value"]))?;
    Ok(Verdict::Same)
}

/// The reference adds 4 to these lengths in 32 bits and goes on at the wrong place; it reads doubles out of 4 bytes.
fn is_reference_bug(error: &DecodeError) -> bool {
    matches!(
        error.kind,
        DecodeErrorKind::BlockTruncated { length: 0xffff_fffc.., .. } | DecodeErrorKind::ShortDouble
    )
}

pub(super) fn fails_to_decode(vector: &Json) -> Result<Verdict, String> {
    let (schema, ty) = schema_and_type(vector);
    match decoded(&schema, ty, &bytes(vector, "hex")) {
        Ok((value, _)) => Err(format!("decoded to {value}")),
        Err(_) => Ok(Verdict::Same),
    }
}

/// Both ways are right; what decodes is a whole message.
pub(super) fn decodes_or_not(vector: &Json) -> Result<Verdict, String> {
    let (schema, ty) = schema_and_type(vector);
    let input = bytes(vector, "hex");
    match decoded(&schema, ty, &input) {
        Ok((_, used)) if used > input.len() => Err(format!("{used} bytes used")),
        Ok(_) | Err(_) => Ok(Verdict::NotScored),
    }
}

fn encoded_from_lua(vector: &Json) -> Result<Result<Vec<u8>, EncodeError>, String> {
    let (schema, ty) = schema_and_type(vector);
    let mut out = vec![0xaa];
    let value = lua::evaluate(text(vector, "lua_value"))?;
    let encoded = encode(&schema, ty, &mut lua::TableSource::new(value), &mut out);
    if encoded.is_err() {
        expect_same("what is left", &out[..], &[0xaa][..])?;
    }
    Ok(encoded.map(|()| out.split_off(1)))
}

pub(super) fn fails_to_encode(vector: &Json) -> Result<Verdict, String> {
    match encoded_from_lua(vector)? {
        Ok(encoded) => Err(format!("encoded as {}", hex(&encoded[..encoded.len().min(100)]))),
        Err(_) => Ok(Verdict::Same),
    }
}

/// Both ways are right, as long as the buffer is left alone on an error.
pub(super) fn encodes_or_not(vector: &Json) -> Result<Verdict, String> {
    encoded_from_lua(vector).map(|_| Verdict::NotScored)
}

/// The type whose default is asked for, if there is one.
fn default_type(schema: &Schema, vector: &Json) -> Result<Option<TypeId>, String> {
    let name = text(vector, "name");
    let protocol = || schema.protocol(name).ok_or_else(|| format!("{name} not found"));
    match vector["mode"].as_str() {
        None => schema.type_id(name).map(Some).ok_or_else(|| "type not found".to_owned()),
        Some("REQUEST") => Ok(protocol()?.request),
        Some("RESPONSE") => match protocol()?.response {
            Response::Type(id) => Ok(Some(id)),
            Response::None => Ok(None),
            Response::Confirm => Err("a confirmation has no default".to_owned()),
        },
        Some(other) => Err(format!("no part {other}")),
    }
}

pub(super) fn fails_to_default(vector: &Json) -> Result<Verdict, String> {
    match default_type(&schema(vector, "schema"), vector) {
        Ok(ty) => Err(format!("the default of {ty:?}")),
        Err(_) => Ok(Verdict::Same),
    }
}

pub(super) fn defaults(vector: &Json) -> Result<Verdict, String> {
    let schema = schema(vector, "schema");
    let ty = default_type(&schema, vector)?;
    let wanted = vector.get("value");
    expect_same("whether there is a default", ty.is_some(), wanted.is_some())?;
    if let (Some(ty), Some(wanted)) = (ty, wanted) {
        let wanted = wanted.as_object().expect("a default is a struct");
        let found = Value::default_of(&schema, ty);
        expect_same("the field count", schema.type_def(ty).fields.len(), wanted.len())?;
        for field in &schema.type_def(ty).fields {
            expect_default(&schema, field, found.field(&field.name), &wanted[&*field.name])?;
        }
    }
    Ok(Verdict::Same)
}

fn expect_default(
    schema: &Schema,
    field: &Field,
    found: Option<&Value>,
    wanted: &Json,
) -> Result<(), String> {
    let found = found.ok_or_else(|| format!("{} has no default", field.name))?;
    let wanted = match (field.repeat, field.ty, wanted) {
        // The reference tells the element's default there, which is a matter of Lua's metatables.
        (Repeat::Array, ..) if wanted.get("__array").is_some() => Value::Array(Vec::new()),
        (Repeat::MapByKey { .. } | Repeat::MapPair { .. }, ..) if wanted.get("__array").is_some() => {
            Value::Map(Vec::new())
        }
        (Repeat::One, FieldType::Struct(id), wanted) => {
            expect_same("the type", Some(&*schema.type_def(id).name), wanted["__type"].as_str())?;
            Value::Struct(Vec::new())
        }
        _ => one_from(schema, field.ty, wanted),
    };
    expect_equal(found, &wanted)
}

pub(super) fn decoded(schema: &Schema, ty: TypeId, bytes: &[u8]) -> Result<(Value, usize), DecodeError> {
    let mut sink = ValueSink::new(schema);
    let used = decode(schema, ty, bytes, &mut sink)?;
    Ok((sink.finish().expect("a decoded message is a value"), used))
}

pub(super) fn schema(vector: &Json, key: &str) -> Schema {
    Schema::parse(&[SourceFile { name: "vector", text: text(vector, key) }])
        .unwrap_or_else(|error| panic!("{error} in {vector}"))
}

fn schema_and_type(vector: &Json) -> (Schema, TypeId) {
    let schema = schema(vector, "schema");
    let ty = schema.type_id(text(vector, "type")).expect("a vector's type is in its schema");
    (schema, ty)
}

pub(super) fn struct_from(schema: &Schema, ty: TypeId, json: &Json) -> Value {
    let json = json.as_object().unwrap_or_else(|| panic!("{json} is a struct"));
    let ty = schema.type_def(ty);
    Value::structure(json.iter().map(|(name, json)| {
        let field = ty.field(name).unwrap_or_else(|| panic!("{} has a field {name}", ty.name));
        (name.as_str(), field_from(schema, field, json))
    }))
}

fn field_from(schema: &Schema, field: &Field, json: &Json) -> Value {
    let elements = |json: &Json| json.as_array().unwrap_or_else(|| panic!("{json} is a list")).clone();
    let entry = |key: &Field, value: &dyn Fn(&Json) -> Value, pair: &Json| {
        (one_from(schema, key.ty, &pair[0]), value(&pair[1]))
    };
    let map = |key: u16, value: &dyn Fn(&Json) -> Value| {
        let FieldType::Struct(id) = field.ty else { panic!("{} is a map of structs", field.name) };
        let key = &schema.type_def(id).fields[usize::from(key)];
        Value::Map(elements(&json["$map"]).iter().map(|pair| entry(key, value, pair)).collect())
    };
    match field.repeat {
        Repeat::One => one_from(schema, field.ty, json),
        Repeat::Array => {
            Value::Array(elements(json).iter().map(|json| one_from(schema, field.ty, json)).collect())
        }
        Repeat::MapByKey { key } => map(key, &|json| one_from(schema, field.ty, json)),
        Repeat::MapPair { key, value } => {
            let FieldType::Struct(id) = field.ty else { panic!("{} is a map of structs", field.name) };
            map(key, &|json| field_from(schema, &schema.type_def(id).fields[usize::from(value)], json))
        }
    }
}

pub(super) fn one_from(schema: &Schema, ty: FieldType, json: &Json) -> Value {
    let integer = || match json {
        Json::String(digits) => Value::Integer(digits.parse().expect("an integer")),
        _ => Value::Integer(json.as_i64().unwrap_or_else(|| panic!("{json} is an integer"))),
    };
    let octets = || match json.get("$hex") {
        Some(hex) => unhex(hex.as_str().expect("hex is text")),
        None => json.as_str().unwrap_or_else(|| panic!("{json} is text")).into(),
    };
    match (ty, json.get("$f64")) {
        (FieldType::Integer, _) => integer(),
        (FieldType::Fixed { .. } | FieldType::Double, None) => integer(),
        (FieldType::Fixed { .. } | FieldType::Double, Some(bits)) => {
            let bits = u64::from_str_radix(bits.as_str().expect("bits are text"), 16).expect("bits are hex");
            Value::Double(f64::from_bits(bits))
        }
        (FieldType::Boolean, _) => Value::Boolean(json.as_bool().expect("a boolean")),
        (FieldType::String, _) => Value::String(octets()),
        (FieldType::Binary, _) => Value::Binary(octets()),
        (FieldType::Struct(id), _) => struct_from(schema, id, json),
    }
}

pub(super) fn expect_equal(found: &Value, wanted: &Value) -> Result<(), String> {
    if is_equal(found, wanted) { Ok(()) } else { Err(format!("the value is {found}, not {wanted}")) }
}

/// Doubles by their bits, fields and entries in any order.
fn is_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::Struct(a), Value::Struct(_)) => {
            let Value::Struct(fields) = b else { return false };
            a.len() == fields.len()
                && a.iter().all(|(name, value)| b.field(name).is_some_and(|other| is_equal(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_equal(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            let matches =
                |a: &(Value, Value), b: &(Value, Value)| is_equal(&a.0, &b.0) && is_equal(&a.1, &b.1);
            a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| matches(a, b)))
        }
        _ => a == b,
    }
}

pub(super) fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
