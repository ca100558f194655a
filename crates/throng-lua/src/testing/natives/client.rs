//! What a server says to one client: replies, pushes, bytes, the end.

use super::server::check_name;
use super::{Context, How, Natives, delay_of};
use crate::bodies;
use crate::own::{self, Caller, Message, Side};
use crate::testing::dialect::{Dialect, ReplyForm};
use crate::testing::own::{state_key, text_of};
use crate::testing::servers::{Call, NORMAL, Speech};
use crate::values::kind_of;
use mlua::{Lua, Value};
use std::rc::Rc;
use std::time::Duration;
use throng_wire::{Direction, GivenField, MessageId};

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.may_refuse("answer", answer)?;
    natives.may_refuse("reply", reply)?;
    natives.may_refuse("push", push)?;
    natives.may_refuse("ask", ask)?;
    natives.may_refuse("push_bytes", push_bytes)?;
    natives.plain("speaks_raw", |context, _, client: usize| {
        let dialect = context.stand.servers.borrow().dialect_to(client);
        Ok(dialect.is_some_and(|dialect| dialect.is_raw()))
    })?;
    natives.may_refuse("bytes", |context, _, (client, bytes, delay): (usize, Value, Value)| {
        bytes_to(context, client, &bytes, delay_of(&delay)?)
    })?;
    natives.plain("close", |context, _, (client, code): (usize, Option<u16>)| {
        context.stand.servers.borrow_mut().close(client, code.unwrap_or(NORMAL));
        Ok(())
    })?;
    natives.plain("reset", |context, _, client: usize| {
        context.stand.servers.borrow_mut().reset(client);
        Ok(())
    })?;
    natives.plain("is_open", |context, _, client: usize| {
        Ok(context.stand.servers.borrow().client(client).is_open())
    })?;
    natives.plain("unhandled", |context, _, (client, name, call): (usize, String, Option<u64>)| {
        note_unhandled(context, client, &name, call);
        Ok(())
    })
}

/// What a handler returned: the reply's fields; nil for none yet, false for none ever.
fn answer(
    context: &Context,
    lua: &Lua,
    (client, id, body, how): (usize, Option<u64>, Value, Value),
) -> Result<(), String> {
    let how = How::of(&how)?;
    let speech = context.stand.servers.borrow().speech_of(client).clone();
    let (Some(id), Speech::Messages(dialect)) = (id, speech) else { return Ok(()) };
    let take = || context.stand.servers.borrow_mut().take_call(client, Some(id), None);
    match body {
        Value::Nil => {
            let confirmed = {
                let servers = context.stand.servers.borrow();
                let confirms = |call: &Call| dialect.part(call.part).confirms(call.message, call.session);
                servers.call(client, id).is_some_and(confirms)
            };
            match confirmed.then(take).flatten() {
                Some(call) => reply_to(context, lua, client, &call, &Value::Nil, &how),
                None => Ok(()),
            }
        }
        Value::Boolean(false) => {
            drop(take());
            Ok(())
        }
        body => match take() {
            Some(call) => reply_to(context, lua, client, &call, &body, &how),
            None => Ok(()),
        },
    }
}

/// `client:reply`: the answer to the oldest message that has none.
fn reply(
    context: &Context,
    lua: &Lua,
    (client, name, body, how): (usize, Option<String>, Value, Value),
) -> Result<(), String> {
    let how = How::of(&how)?;
    dialect_of(context, client)?;
    let call = context.stand.servers.borrow_mut().take_call(client, None, name.as_deref());
    match (call, name) {
        (Some(call), _) => reply_to(context, lua, client, &call, &body, &how),
        (None, Some(name)) => Err(format!("this client waits for no reply to '{name}'")),
        (None, None) => Err("this client waits for no reply".to_owned()),
    }
}

/// The answer to a call, in the dialect that it was made in.
fn reply_to(
    context: &Context,
    lua: &Lua,
    client: usize,
    call: &Call,
    body: &Value,
    how: &How,
) -> Result<(), String> {
    let Speech::Messages(whole) = context.stand.servers.borrow().speech_of(client).clone() else {
        return Ok(());
    };
    let dialect = whole.part(call.part);
    let codec = &context.vm.codec;
    let given = how.given(dialect)?;
    let mut bytes = Vec::new();
    let mut payload = Vec::new();
    let form = dialect.reply_form(call.message, call.session);
    if dialect.mirror.own().writes()
        && let Some((message, session)) = form.message(call.session)
    {
        let payload = own_payload(context, lua, client, dialect, (message, session, body, &given))?;
        return send(context, client, &payload, how.delay);
    }
    match form {
        ReplyForm::Bytes => {
            codec.encode(lua, &dialect.mirror, MessageId(0), body, &mut bytes)?;
            dialect.write((MessageId(0), None), &given, &bytes, &mut payload)?;
        }
        ReplyForm::Same(message) => {
            let name = dialect.mirror.message_name(message);
            refuse_stray(bodies::stray_in_message(&dialect.mirror, name, body))?;
            codec.encode(lua, &dialect.mirror, message, body, &mut bytes)?;
            dialect.write((message, call.session), &given, &bytes, &mut payload)?;
        }
        ReplyForm::Message(message) => {
            refuse_stray(bodies::stray_in_message(
                &dialect.mirror,
                dialect.mirror.message_name(message),
                body,
            ))?;
            codec.encode(lua, &dialect.mirror, message, body, &mut bytes)?;
            dialect.write((message, None), &given, &bytes, &mut payload)?;
        }
        ReplyForm::Response(ty) => {
            match (ty, body) {
                (Some((schema, ty)), body) => {
                    let place = format!("the response to {}", call.name);
                    refuse_stray(bodies::stray_in_type(schema, ty, &place, body))?;
                    codec.encode_table(lua, schema, ty, body, &mut bytes)?;
                }
                (None, Value::Nil) => {}
                (None, Value::Table(table)) if table.is_empty() => {}
                (None, _) => {
                    return Err(format!("the response to '{}' has no fields in the schema", call.name));
                }
            }
            dialect.respond(call.session.unwrap_or_default(), &bytes, &mut payload);
        }
        ReplyForm::None if dialect.protocol.reply.word() == "session" => return Ok(()),
        ReplyForm::None => {
            let name = &call.name;
            return Err(format!(
                "[protocols.{}] has no reply to '{name}': use client:push(name, fields)",
                dialect.protocol.name
            ));
        }
    }
    send(context, client, &payload, how.delay)
}

/// What the engine would take of a message, made by the protocol's own functions; a frame that is whole, or a payload.
fn own_payload(
    context: &Context,
    lua: &Lua,
    client: usize,
    dialect: &Dialect,
    (id, session, body, given): (MessageId, Option<i64>, &Value, &[GivenField]),
) -> Result<Vec<u8>, String> {
    let (project, key) = (&context.shared.project, state_key(client));
    let caller = Caller::of(project, &dialect.mirror, Side::Server, key);
    let caller = caller.ok_or("this server has no protocol in Lua")?;
    let message = Message { protocol: &dialect.mirror, id, name: None, session, given, body };
    let written = own::write_now((&*context.shared, &*context.vm), lua, caller, &message);
    let written = written.map_err(text_of)?;
    if dialect.mirror.own().framing {
        return Ok(written);
    }
    let mut payload = Vec::new();
    dialect.write((id, session), given, &written, &mut payload)?;
    Ok(payload)
}

/// A field that the message does not have is a slip of the test's.
fn refuse_stray(stray: Option<String>) -> Result<(), String> {
    stray.map_or(Ok(()), Err)
}

fn push(
    context: &Context,
    lua: &Lua,
    (client, name, body, how): (usize, String, Value, Value),
) -> Result<(), String> {
    let how = How::of(&how)?;
    let dialect = dialect_of(context, client)?;
    let given = how.given(&dialect)?;
    if dialect.mirror.own().writes() {
        let message = dialect.message(&name, Direction::Sent);
        let message = message.ok_or_else(|| format!("there is no room for one more name: '{name}'"))?;
        let payload = own_payload(context, lua, client, &dialect, (message, None, &body, &given))?;
        return send(context, client, &payload, how.delay);
    }
    let (message, bytes) = encoded(context, lua, &dialect, &name, &body)?;
    let mut payload = Vec::new();
    dialect.write((message, None), &given, &bytes, &mut payload)?;
    send(context, client, &payload, how.delay)
}

/// A message without a name.
fn push_bytes(
    context: &Context,
    lua: &Lua,
    (client, body, how): (usize, Value, Value),
) -> Result<(), String> {
    let how = How::of(&how)?;
    let dialect = dialect_of(context, client)?;
    let given = how.given(&dialect)?;
    if dialect.mirror.own().writes() {
        let payload = own_payload(context, lua, client, &dialect, (MessageId(0), None, &body, &given))?;
        return send(context, client, &payload, how.delay);
    }
    let (mut bytes, mut payload) = (Vec::new(), Vec::new());
    context.vm.codec.encode(lua, &dialect.mirror, MessageId(0), &body, &mut bytes)?;
    dialect.write((MessageId(0), None), &given, &bytes, &mut payload)?;
    send(context, client, &payload, how.delay)
}

/// A message with a session, which the robot may answer.
fn ask(
    context: &Context,
    lua: &Lua,
    (client, name, body, how): (usize, String, Value, Value),
) -> Result<(), String> {
    let how = How::of(&how)?;
    let dialect = dialect_of(context, client)?;
    let (message, bytes) = encoded(context, lua, &dialect, &name, &body)?;
    let session = context.stand.servers.borrow_mut().new_question(client, message);
    let mut payload = Vec::new();
    dialect.ask(message, session, &bytes, &mut payload)?;
    send(context, client, &payload, how.delay)
}

/// A message that servers send, and its encoded body.
fn encoded(
    context: &Context,
    lua: &Lua,
    dialect: &Dialect,
    name: &str,
    body: &Value,
) -> Result<(MessageId, Vec<u8>), String> {
    check_name(dialect, name, Direction::Sent)?;
    let known = dialect.message(name, Direction::Sent);
    let message = known.ok_or_else(|| format!("'{name}' is not sent by servers"))?;
    refuse_stray(bodies::stray_in_message(&dialect.mirror, name, body))?;
    let mut bytes = Vec::new();
    context.vm.codec.encode(lua, &dialect.mirror, message, body, &mut bytes)?;
    Ok((message, bytes))
}

fn bytes_to(context: &Context, client: usize, bytes: &Value, delay: Option<Duration>) -> Result<(), String> {
    let Value::String(bytes) = bytes else {
        return Err(format!("bytes are a string, not {}", kind_of(bytes)));
    };
    let dialect = context.stand.servers.borrow().dialect_to(client);
    match dialect {
        // Bytes as they are show a robot what its protocol is to refuse.
        Some(dialect) if !dialect.is_raw() && !dialect.mirror.own().framing => {
            Err("messages of this server have names: use push(name, fields)".to_owned())
        }
        _ => send(context, client, &bytes.as_bytes(), delay),
    }
}

fn dialect_of(context: &Context, client: usize) -> Result<Rc<Dialect>, String> {
    let dialect = context.stand.servers.borrow().dialect_to(client);
    dialect.ok_or_else(|| "a stream has no messages: use client:write(bytes)".to_owned())
}

/// Frames a payload and sends it now or later; a client that has ended gets nothing, like a socket that is gone.
fn send(context: &Context, client: usize, payload: &[u8], delay: Option<Duration>) -> Result<(), String> {
    let at = context.stand.moment(&context.shared, delay);
    let mut servers = context.stand.servers.borrow_mut();
    if !servers.client(client).is_open() {
        return Ok(());
    }
    let framed = servers.frame(client, payload)?;
    servers.send_at(client, framed, at);
    Ok(())
}

/// A message without a handler is worth knowing when a robot waits for its reply.
fn note_unhandled(context: &Context, client: usize, name: &str, call: Option<u64>) {
    let mut servers = context.stand.servers.borrow_mut();
    let Speech::Messages(dialect) = servers.speech_of(client).clone() else { return };
    let id = servers.client(client).server;
    let url = servers.server(id).url.clone();
    let Some(call) = call.and_then(|call| servers.take_call(client, Some(call), None)) else {
        return servers.note(format!("{url}: '{name}' is not in the schema"));
    };
    let dialect = dialect.part(call.part);
    if dialect.is_raw() || dialect.expects_reply(call.message, call.session) {
        servers.note(format!("{url}: no handler for '{name}'"));
    }
}
