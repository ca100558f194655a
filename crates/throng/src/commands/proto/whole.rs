//! Whole messages: a body with all that its protocol puts around it, and the framing's share.

use std::sync::Arc;

use throng_sproto::rpc::{Header, Package};
use throng_wire::{
    Channel, Codec, CodecSpec, Direction, DocumentForm, GivenField, MessageId, Outgoing, Protocol,
    ProtocolSpec, SprotoShape, SprotoSpec,
};

use super::encode::encoded;
use super::schemas::{Found, Schemas};
use super::{did_you_mean, msgpack, refused};
use crate::cli::ProtoEncodeArgs;
use crate::config::nearest;
use crate::exit::InputError;

/// What the name of the answer to an RPC message ends with.
const RESPONSE: &str = ".response";

/// The message as it goes over the wire, with its framing where that is asked for.
pub(super) fn written(
    args: &ProtoEncodeArgs,
    schemas: &Schemas,
    json: &serde_json::Value,
) -> Result<Vec<u8>, InputError> {
    let Some(name) = &args.schema.protocol else {
        return Err(refused("--envelope and --frame need --protocol"));
    };
    let protocol = schemas.spoken(name)?;
    if args.frame && protocol.spec.own.framing {
        return Err(own_framing(name));
    }
    let wire = if args.received { mirrored(&protocol.spec)? } else { Arc::clone(&protocol.wire) };
    let payload = payload(args, schemas, (&wire, &protocol.spec), json)?;
    if !args.frame {
        return Ok(payload);
    }
    let spec = wire.stream_channel().ok_or_else(|| {
        refused(format!("the protocol `{name}` has no framing: each of its messages is a WebSocket message"))
    })?;
    let mut channel = Channel::client(spec, "", "", 0);
    let mut out = Vec::new();
    let mark = channel.begin(&mut out);
    out.extend_from_slice(&payload);
    channel.finish(&mut out, mark).map_err(|error| refused(error.to_string()))?;
    Ok(out)
}

/// Why frames of a protocol can neither be cut nor made.
pub(super) fn own_framing(name: &str) -> InputError {
    refused(format!(
        "the protocol `{name}` has its framing in Lua, and only robots and fake servers call its functions"
    ))
}

/// The protocol as the server has it.
fn mirrored(spec: &ProtocolSpec) -> Result<Arc<Protocol>, InputError> {
    let mirrored = Protocol::build(spec.mirrored()).map_err(|error| refused(error.to_string()))?;
    Ok(Arc::new(mirrored))
}

/// The body, and what stands around it.
fn payload(
    args: &ProtoEncodeArgs,
    schemas: &Schemas,
    (wire, spec): (&Protocol, &ProtocolSpec),
    json: &serde_json::Value,
) -> Result<Vec<u8>, InputError> {
    let direction = if args.received { Direction::Received } else { Direction::Sent };
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    if let Some(asked) = args.message.strip_suffix(RESPONSE)
        && wire.message(&args.message).is_none()
    {
        let session = args.session.ok_or_else(|| {
            refused(format!("the response to `{asked}` needs --session, by which it is found"))
        })?;
        let other = if args.received { Direction::Sent } else { Direction::Received };
        let body = encoded(&schemas.find(&args.message, other)?, json)?;
        if args.received {
            return response(schemas, spec, session, &body);
        }
        let written = wire.write_answer(session, &body, &mut scratch, &mut out);
        return written.map(|()| out).map_err(|error| refused(error.to_string()));
    }
    let message = message(wire, &args.message)?;
    let given = given(wire, args.header.as_deref())?;
    let body = body(schemas, wire, (&args.message, direction), json)?;
    let outgoing = Outgoing { message, session: args.session, given: &given };
    let written = wire.payload(outgoing, &body, &mut scratch, &mut out);
    written.map(|()| out).map_err(|error| refused(error.to_string()))
}

/// What a server answers: its own package header with the session, and the body.
fn response(
    schemas: &Schemas,
    spec: &ProtocolSpec,
    session: i64,
    body: &[u8],
) -> Result<Vec<u8>, InputError> {
    let CodecSpec::Sproto(SprotoSpec { shape: SprotoShape::Rpc { package }, packed, .. }) = &spec.codec
    else {
        return Err(refused("only messages of Sproto RPC have responses of their own"));
    };
    let Found::Sproto(schema, _) = schemas.find(package, Direction::Received)? else {
        return Err(refused(format!("`{package}` is no Sproto type")));
    };
    let package = Package::new(schema, package).map_err(|error| refused(error.to_string()))?;
    let mut plain = Vec::new();
    package.write(Header { ty: None, session: Some(session), ud: None }, &mut plain);
    plain.extend_from_slice(body);
    if !packed.unwrap_or(true) {
        return Ok(plain);
    }
    let mut out = Vec::new();
    throng_sproto::pack(&plain, &mut out);
    Ok(out)
}

/// The message called `name`, of Protocol Buffers also by its full name.
fn message(wire: &Protocol, name: &str) -> Result<MessageId, InputError> {
    let goes = |name: &str| wire.message(name).filter(|id| wire.codec.goes(*id, Direction::Sent));
    let short = || name.rsplit('.').next().filter(|_| matches!(wire.codec, Codec::Protobuf(_)));
    if wire.codec.names_are_open() {
        return Ok(MessageId(0));
    }
    goes(name).or_else(|| goes(short()?)).ok_or_else(|| {
        let sent = wire.messages().filter(|(id, _)| wire.codec.goes(*id, Direction::Sent));
        let hint = did_you_mean(nearest(name, sent.map(|(_, name)| name)));
        refused(format!("the protocol `{}` sends no message `{name}` this way{hint}", wire.name))
    })
}

/// The values for fields of header and trailer.
fn given(wire: &Protocol, header: Option<&str>) -> Result<Vec<GivenField>, InputError> {
    let Some(header) = header else { return Ok(Vec::new()) };
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(header)
        .map_err(|error| refused(format!("--header is no JSON object: {error}")))?;
    let field = |(name, value): (&String, &serde_json::Value)| {
        let whole = value.as_i64().or_else(|| value.as_u64().map(u64::cast_signed));
        let value = whole.ok_or_else(|| refused(format!("--header: `{name}` is no whole number")))?;
        let hint = did_you_mean(nearest(name, wire.givable()));
        wire.given(name, value).map_err(|error| match error {
            throng_wire::GivenError::NoField { .. } => refused(format!("--header: {error}{hint}")),
            error => refused(format!("--header: {error}")),
        })
    };
    fields.iter().map(field).collect()
}

fn body(
    schemas: &Schemas,
    wire: &Protocol,
    (name, direction): (&str, Direction),
    json: &serde_json::Value,
) -> Result<Vec<u8>, InputError> {
    match &wire.codec {
        Codec::Raw(_) | Codec::Own(_) => match json.as_str() {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => Err(refused("the body of a raw message is a string, as in '\"hello\"'")),
        },
        Codec::Document(_) if json.is_null() => Ok(Vec::new()),
        Codec::Document(codec) => match codec.form() {
            DocumentForm::Json => serde_json::to_vec(json).map_err(|error| refused(error.to_string())),
            DocumentForm::Msgpack => Ok(msgpack::written(json)),
        },
        Codec::Sproto(_) | Codec::Protobuf(_) => encoded(&schemas.find(name, direction)?, json),
    }
}
