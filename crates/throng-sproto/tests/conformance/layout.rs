//! Packing, and schemas as the reference's parser and bundle have them.

use serde_json::{Value as Json, json};
use throng_sproto::{
    Field, FieldType, Protocol, Repeat, Response, Schema, SchemaErrorKind, SourceFile, TypeId, pack, unpack,
};

use crate::values::{hex, schema};
use crate::{Verdict, bytes, expect_same, text};

pub(super) fn packs(vector: &Json) -> Result<Verdict, String> {
    let mut packed = vec![0xaa];
    pack(&bytes(vector, "in"), &mut packed);
    expect_same("the packed form", hex(&packed), format!("aa{}", text(vector, "out")))?;
    Ok(Verdict::Same)
}

pub(super) fn unpacks(vector: &Json) -> Result<Verdict, String> {
    let wanted = bytes(vector, "out");
    let mut unpacked = vec![0xaa];
    unpack(&bytes(vector, "in"), wanted.len(), &mut unpacked).map_err(|error| error.to_string())?;
    expect_same("the unpacked form", &unpacked[1..], &wanted)?;
    Ok(Verdict::Same)
}

pub(super) fn fails_to_unpack(vector: &Json) -> Result<Verdict, String> {
    let mut unpacked = Vec::new();
    match unpack(&bytes(vector, "in"), usize::MAX, &mut unpacked) {
        Ok(()) => Err(format!("unpacked to {}", hex(&unpacked))),
        Err(_) => expect_same("what is left", unpacked, Vec::new()).map(|()| Verdict::Same),
    }
}

pub(super) fn parses(vector: &Json) -> Result<Verdict, String> {
    let schema = match Schema::parse(&[SourceFile { name: "vector", text: text(vector, "schema") }]) {
        Ok(schema) => schema,
        // The reference computes the factor of such a number in 32 bits.
        Err(error) if matches!(error.kind, SchemaErrorKind::TooManyDigits { .. }) => {
            return Ok(Verdict::RefusedOnPurpose);
        }
        Err(error) => return Err(error.to_string()),
    };
    expect_schema(&schema, vector)?;
    let bundle = bytes(vector, "bundle");
    expect_same("the bundle", hex(&schema.bundle()), hex(&bundle))?;
    let loaded = Schema::from_bundle("vector", &bundle);
    if vector["loadable"].as_bool() == Some(false) {
        return loaded.map_or(Ok(Verdict::Same), |_| Err("its bundle loads".to_owned()));
    }
    let loaded = loaded.map_err(|error| error.to_string())?;
    expect_schema(&loaded, vector)?;
    expect_same("the loaded schema's bundle", hex(&loaded.bundle()), hex(&bundle))?;
    Ok(Verdict::Same)
}

fn expect_schema(schema: &Schema, vector: &Json) -> Result<(), String> {
    let types: Json = schema
        .types()
        .map(|(id, ty)| {
            assert_eq!(schema.type_id(&ty.name), Some(id));
            let fields: Json = ty.fields.iter().map(|field| field_json(schema, field)).collect();
            json!({ "name": ty.name, "fields": fields })
        })
        .collect();
    expect_same("the types", &types, &vector["types"])?;
    let protocols: Json = schema.protocols().map(|protocol| protocol_json(schema, protocol)).collect();
    expect_same("the protocols", &protocols, &vector["protocols"])
}

pub(super) fn fails_to_load(vector: &Json) -> Result<Verdict, String> {
    match Schema::from_bundle("vector", &bytes(vector, "bundle")) {
        Ok(_) => Err("loaded".to_owned()),
        Err(_) => Ok(Verdict::Same),
    }
}

/// Both ways are right; what loads can be written again.
pub(super) fn loads_or_not(vector: &Json) -> Result<Verdict, String> {
    if let Ok(schema) = Schema::from_bundle("vector", &bytes(vector, "bundle")) {
        let again = Schema::from_bundle("again", &schema.bundle()).map_err(|error| error.to_string())?;
        expect_same("the bundle", again.bundle(), schema.bundle())?;
    }
    Ok(Verdict::NotScored)
}

fn field_json(schema: &Schema, field: &Field) -> Json {
    let (ty, key_tag): (&str, Box<dyn Fn(u16) -> u16>) = match field.ty {
        FieldType::Integer | FieldType::Fixed { .. } => ("integer", Box::new(|_| 0)),
        FieldType::Boolean => ("boolean", Box::new(|_| 0)),
        FieldType::String => ("string", Box::new(|_| 0)),
        FieldType::Binary => ("binary", Box::new(|_| 0)),
        FieldType::Double => ("double", Box::new(|_| 0)),
        FieldType::Struct(id) => {
            let ty = schema.type_def(id);
            (&ty.name, Box::new(|key| ty.fields[usize::from(key)].tag))
        }
    };
    let is_array = field.repeat != Repeat::One;
    let mut json = json!({ "name": field.name, "tag": field.tag, "array": is_array, "type": ty });
    if let FieldType::Fixed { digits } = field.ty {
        json["decimal"] = digits.into();
    }
    if let Repeat::MapByKey { key } | Repeat::MapPair { key, .. } = field.repeat {
        json["key_tag"] = key_tag(key).into();
    }
    if let Repeat::MapPair { .. } = field.repeat {
        json["map"] = true.into();
    }
    json
}

fn protocol_json(schema: &Schema, protocol: &Protocol) -> Json {
    let name = |id: TypeId| schema.type_def(id).name.clone();
    let response = match protocol.response {
        Response::Type(id) => Some(name(id)),
        Response::None | Response::Confirm => None,
    };
    json!({
        "name": protocol.name,
        "tag": protocol.tag,
        "request": protocol.request.map(name),
        "response": response,
        "confirm": protocol.response == Response::Confirm,
    })
}

pub(super) fn fails_to_parse(vector: &Json) -> Result<Verdict, String> {
    let source = text(vector, "schema");
    match Schema::parse(&[SourceFile { name: "vector", text: source }]) {
        Ok(_) => Err(format!("parsed, but: {}", vector["error"])),
        Err(error) if error.line as usize > source.lines().count() + 1 => {
            Err(format!("{error}: no such line"))
        }
        Err(_) => Ok(Verdict::Same),
    }
}

pub(super) fn finds_protocol(vector: &Json) -> Result<Verdict, String> {
    let schema = schema(vector, "schema");
    let (found, other): (_, fn(&Protocol) -> Json) = match &vector["query"] {
        Json::String(name) => (schema.protocol(name), |protocol| json!(protocol.tag)),
        tag => {
            let tag = tag.as_u64().expect("a query is a name or a tag");
            (schema.protocol_by_tag(tag as u32), |protocol| json!(protocol.name))
        }
    };
    expect_same("the protocol", found.map_or(Json::Null, other), vector["result"].clone())?;
    let has_request = found.is_some_and(|found| found.request.is_some());
    let has_response = found.is_some_and(|found| found.response != Response::None);
    expect_same("has_request", Some(has_request), vector["has_request"].as_bool())?;
    expect_same("has_response", Some(has_response), vector["has_response"].as_bool())?;
    Ok(Verdict::Same)
}
