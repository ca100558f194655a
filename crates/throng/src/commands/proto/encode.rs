//! `throng proto encode`: a message out of JSON.

use std::io::Write;

use anyhow::Context;
use throng_protobuf as protobuf;
use throng_sproto::{self as sproto, Schema, TypeId};
use throng_wire::Direction;

use super::schemas::{Found, Schemas};
use super::{hex, json, read_stdin, refused, whole};
use crate::cli::ProtoEncodeArgs;
use crate::exit::{Exit, InputError};

pub(super) fn run(args: &ProtoEncodeArgs) -> anyhow::Result<Exit> {
    let schemas = Schemas::load(&args.schema.schema)?.of_protocol(args.schema.protocol.as_deref())?;
    let whole = args.envelope || args.frame;
    let direction = if args.received { Direction::Received } else { Direction::Sent };
    let mut bytes = match whole {
        true => whole::written(args, &schemas, &fields(args)?)?,
        false => encoded(&schemas.find(&args.message, direction)?, &fields(args)?)?,
    };
    if args.pack {
        let mut packed = Vec::new();
        sproto::pack(&bytes, &mut packed);
        bytes = packed;
    }
    let mut out = std::io::stdout().lock();
    match &args.output {
        Some(path) => {
            std::fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        None if args.raw => out.write_all(&bytes)?,
        None => writeln!(out, "{}", hex::written(&bytes))?,
    }
    out.flush()?;
    Ok(Exit::Success)
}

/// The JSON that was given.
fn fields(args: &ProtoEncodeArgs) -> Result<serde_json::Value, InputError> {
    let read;
    let text = if args.json == "-" {
        read = read_stdin()?;
        read.as_slice()
    } else {
        args.json.as_bytes()
    };
    serde_json::from_slice(text).map_err(|error| refused(format!("not JSON: {error}")))
}

/// A body without anything around it.
pub(super) fn encoded(found: &Found<'_>, json: &serde_json::Value) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    match found {
        Found::Sproto(schema, Some(ty)) => sproto_message(schema, *ty, json, &mut bytes)?,
        Found::Sproto(_, None) if json.as_object().is_some_and(serde_json::Map::is_empty) => {}
        Found::Sproto(_, None) => return Err(refused("the message has no fields: its JSON is {}")),
        Found::Protobuf(schema, id) => {
            let value =
                protobuf::json::from_json(schema, *id, json).map_err(|error| refused(error.to_string()))?;
            protobuf::encode_value(schema, *id, &value, &mut bytes)
                .map_err(|error| refused(error.to_string()))?;
        }
    }
    Ok(bytes)
}

fn sproto_message(
    schema: &Schema,
    ty: TypeId,
    json: &serde_json::Value,
    out: &mut Vec<u8>,
) -> Result<(), InputError> {
    let value = json::message(schema, ty, json).map_err(|error| refused(error.to_string()))?;
    sproto::encode_value(schema, ty, &value, out).map_err(|error| refused(error.to_string()))
}
