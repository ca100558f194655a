//! RPC: requests and responses with their headers, through two [`Host`]s.

use std::sync::Arc;

use serde_json::Value as Json;
use throng_sproto::rpc::{Call, DispatchError, Host, Message, Reply};
use throng_sproto::{Response, Schema, TypeId, Value, unpack};

use crate::values::{expect_equal, hex, one_from, schema, struct_from};
use crate::{Verdict, bytes, expect_same, text};

pub(super) fn round_trips(vector: &Json) -> Result<Verdict, String> {
    let remote = Arc::new(schema(vector, "schema"));
    let own = Arc::new(schema(vector, "client_schema"));
    let mut client = host(&own, vector)?;
    client.attach(remote.clone());
    let mut server = host(&remote, vector)?;
    let protocol = remote.protocol(text(vector, "protocol")).ok_or("no such protocol")?;
    expect_same("the tag", Some(u64::from(protocol.tag)), vector["tag"].as_u64())?;

    let request = send(&mut client, &own, &remote, vector)?;
    expect_packed(&request, vector, "request")?;
    let received = server.dispatch(&bytes(vector, "request_packed")).map_err(|error| error.to_string())?;
    let reply = expect_message(received, &remote, &vector["server"])?;

    if vector.get("response_packed").is_some() {
        let reply = reply.ok_or("no response is wanted")?;
        let ty = response_type(reply.response());
        let args = value(&remote, ty, &vector["response_args"]);
        let ud = user_data(&remote, vector, "response_ud");
        let mut response = Vec::new();
        server
            .respond(reply, args.as_ref(), ud.as_ref(), &mut response)
            .map_err(|error| error.to_string())?;
        expect_packed(&response, vector, "response")?;
        let packed = bytes(vector, "response_packed");
        let received = client.dispatch(&packed).map_err(|error| error.to_string())?;
        expect_response(received, &remote, ty, &vector["client"])?;
        let again = client.dispatch(&packed);
        let is_used_up = matches!(again, Err(DispatchError::UnknownSession { .. }));
        expect_same("whether the session is used up", is_used_up, true)?;
    }
    Ok(Verdict::Same)
}

pub(super) fn dispatches(vector: &Json) -> Result<Verdict, String> {
    let (schema, received) = dispatched(vector)?;
    let received = received.map_err(|error| error.to_string())?;
    let wanted = &vector["result"];
    match vector["pending"]["protocol"].as_str().and_then(|name| schema.protocol(name)) {
        Some(pending) => expect_response(received, &schema, response_type(pending.response), wanted)?,
        None => expect_message(received, &schema, wanted).map(|_| ())?,
    }
    Ok(Verdict::Same)
}

pub(super) fn fails_to_dispatch(vector: &Json) -> Result<Verdict, String> {
    let error = match dispatched(vector)?.1 {
        Ok(message) => return Err(format!("dispatched as {message:?}")),
        Err(error) => error,
    };
    let is_meant = match (text(vector, "error"), &error) {
        ("decode error", error) => matches!(error, DispatchError::Decode(_)),
        ("Invalid unpack stream", error) => matches!(error, DispatchError::Unpack(_)),
        ("session not found", error) => *error == DispatchError::NoSession,
        ("Unknown session", error) => matches!(error, DispatchError::UnknownSession { .. }),
        (wanted, DispatchError::UnknownProtocol { tag }) => wanted == format!("{tag} not found"),
        _ => false,
    };
    if is_meant { Ok(Verdict::Same) } else { Err(format!("{error}, not {}", vector["error"])) }
}

/// What comes of the vector's bytes where its pending request was sent.
fn dispatched(vector: &Json) -> Result<(Arc<Schema>, Result<Message, DispatchError>), String> {
    let schema = Arc::new(schema(vector, "schema"));
    let mut host = host(&schema, vector)?;
    if let Some(pending) = vector.get("pending").filter(|pending| !pending.is_null()) {
        host.attach(schema.clone());
        send(&mut host, &schema, &schema, pending)?;
    }
    let received = host.dispatch(&bytes(vector, "hex"));
    Ok((schema, received))
}

fn host(schema: &Arc<Schema>, vector: &Json) -> Result<Host, String> {
    Host::new(schema.clone(), text(vector, "package")).map_err(|error| error.to_string())
}

fn send(host: &mut Host, own: &Schema, remote: &Schema, call: &Json) -> Result<Vec<u8>, String> {
    let name = text(call, "protocol");
    let protocol = remote.protocol(name).ok_or("no such protocol")?;
    let args = value(remote, protocol.request, &call["args"]);
    let ud = user_data(own, call, "ud");
    let session = call["session"].as_i64();
    let mut out = Vec::new();
    let call = Call { protocol: name, args: args.as_ref(), session, ud: ud.as_ref() };
    host.request(&call, &mut out).map_err(|error| error.to_string())?;
    Ok(out)
}

fn value(schema: &Schema, ty: Option<TypeId>, json: &Json) -> Option<Value> {
    Some(struct_from(schema, ty?, Some(json).filter(|json| !json.is_null())?))
}

/// User data by the package type's field; where there is none it is given all the same, and not sent.
fn user_data(schema: &Schema, vector: &Json, key: &str) -> Option<Value> {
    let json = vector.get(key).filter(|json| !json.is_null())?;
    let package = schema.type_id(vector["package"].as_str().unwrap_or("package"))?;
    match schema.type_def(package).field("ud") {
        Some(field) => Some(one_from(schema, field.ty, json)),
        None => Some(Value::String(json.to_string().into_bytes())),
    }
}

fn response_type(response: Response) -> Option<TypeId> {
    match response {
        Response::Type(ty) => Some(ty),
        Response::None | Response::Confirm => None,
    }
}

fn expect_message(found: Message, schema: &Schema, wanted: &Json) -> Result<Option<Reply>, String> {
    let Message::Request { protocol, args, reply, ud } = found else {
        return Err(format!("{found:?} is no request"));
    };
    expect_same("the kind", Some("REQUEST"), wanted["type"].as_str())?;
    expect_same("the name", Some(&*protocol), wanted["name"].as_str())?;
    expect_same("has_response", Some(reply.is_some()), wanted["has_response"].as_bool())?;
    let ty = schema.protocol(&protocol).and_then(|protocol| protocol.request);
    expect_optional(args, value(schema, ty, &wanted["args"]))?;
    expect_user_data(ud, wanted)?;
    Ok(reply)
}

fn expect_response(found: Message, schema: &Schema, ty: Option<TypeId>, wanted: &Json) -> Result<(), String> {
    let Message::Response { session, args, ud } = found else {
        return Err(format!("{found:?} is no response"));
    };
    expect_same("the kind", Some("RESPONSE"), wanted["type"].as_str())?;
    expect_same("the session", Some(session), wanted["session"].as_i64())?;
    expect_optional(args, value(schema, ty, &wanted["args"]))?;
    expect_user_data(ud, wanted)
}

fn expect_user_data(found: Option<Value>, wanted: &Json) -> Result<(), String> {
    let found = found.map(|found| match found {
        Value::String(bytes) => Json::from(String::from_utf8_lossy(&bytes)),
        other => Json::from(other.to_string()),
    });
    expect_same("the user data", &found.unwrap_or(Json::Null), &wanted["ud"])
}

fn expect_optional(found: Option<Value>, wanted: Option<Value>) -> Result<(), String> {
    match (found, wanted) {
        (Some(found), Some(wanted)) => expect_equal(&found, &wanted),
        (found, wanted) => expect_same("the content", found, wanted),
    }
}

fn expect_packed(sent: &[u8], vector: &Json, part: &str) -> Result<(), String> {
    expect_same(part, hex(sent).as_str(), text(vector, &format!("{part}_packed")))?;
    let mut unpacked = Vec::new();
    unpack(sent, usize::MAX, &mut unpacked).map_err(|error| error.to_string())?;
    expect_same(part, hex(&unpacked).as_str(), text(vector, &format!("{part}_unpacked")))
}
