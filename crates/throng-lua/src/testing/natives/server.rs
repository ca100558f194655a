//! Fake servers as a whole.

use super::{Context, Natives, refused_text};
use crate::natives::options_of;
use crate::suggest;
use crate::testing::address::Address;
use crate::testing::dialect::Dialect;
use crate::testing::servers::Speech;
use mlua::{Lua, Value};
use std::rc::Rc;
use throng_wire::Direction;

/// The protocol that is none.
const STREAM: &str = "stream";

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.may_refuse("server", add_server)?;
    natives.may_refuse("make_stream", |context, _, server: usize| make_stream(context, server))?;
    natives.plain("is_raw", |context, _, server: usize| {
        let speech = context.stand.servers.borrow_mut().server(server).speech.clone();
        Ok(matches!(speech, Speech::Messages(dialect) if dialect.is_raw()))
    })?;
    natives.may_refuse("has_first", |context, _, server: usize| has_first(context, server))?;
    natives.may_refuse("known", |context, _, (server, name, side): (usize, String, String)| {
        let direction = if side == "receive" { Direction::Received } else { Direction::Sent };
        known(context, server, &name, direction)
    })?;
    natives.plain("refuse", |context, _, (server, refusing): (usize, bool)| {
        context.stand.servers.borrow_mut().server(server).refusing = refusing;
        Ok(())
    })?;
    natives
        .plain("clients", |context, _, server: usize| Ok(context.stand.servers.borrow().clients_of(server)))
}

fn add_server(context: &Context, _: &Lua, (url, options): (Value, Value)) -> Result<usize, String> {
    let Value::String(url) = &url else {
        let found = crate::values::kind_of(&url);
        return Err(format!("server wants an address such as \"ws://127.0.0.1:8765\", not {found}"));
    };
    let url = url.to_string_lossy();
    let options = options_of(&options, "server", &["protocol"]).map_err(refused_text)?;
    let protocol: Option<String> = match options {
        Some(options) => options.raw_get("protocol").map_err(|_| "'protocol' is a protocol's name")?,
        None => None,
    };
    let address = Address::parse(&url, &context.plan.settings)?;
    let speech = match protocol.as_deref() {
        Some(STREAM) => Speech::Stream,
        Some(name) => Speech::Messages(by_name(context, name)?),
        None => spoken_at(context, &address),
    };
    if address.has_messages() && matches!(speech, Speech::Stream) {
        return Err(format!(
            "no protocol's `hosts` match `{}`, and a stream is not spoken over WebSocket or UDP",
            address.origin
        ));
    }
    context.stand.servers.borrow_mut().add(url, address, speech)
}

fn by_name(context: &Context, name: &str) -> Result<Rc<Dialect>, String> {
    let found = context.dialects.iter().find(|dialect| *dialect.protocol.name == *name).cloned();
    let names = context.dialects.iter().map(|dialect| &*dialect.protocol.name).chain([STREAM]);
    found.ok_or_else(|| suggest::unknown("protocol", name, names))
}

/// What robots would speak there; where no protocol fits they can only open streams.
fn spoken_at(context: &Context, address: &Address) -> Speech {
    let route = address.route(&context.plan.settings.protocols);
    let dialect = route.and_then(|route| by_name(context, &route.protocol.name).ok());
    dialect.map_or(Speech::Stream, Speech::Messages)
}

fn make_stream(context: &Context, server: usize) -> Result<(), String> {
    let mut servers = context.stand.servers.borrow_mut();
    if matches!(servers.server(server).speech, Speech::Stream) {
        return Ok(());
    }
    if servers.server(server).address.has_messages() {
        return Err("a stream is not spoken over WebSocket or UDP: use on or on_message".to_owned());
    }
    if !servers.clients_of(server).is_empty() {
        return Err("on_bytes comes before robots connect".to_owned());
    }
    servers.server(server).speech = Speech::Stream;
    Ok(())
}

/// Refuses a server whose robots say nothing before its protocol's own rules hold.
fn has_first(context: &Context, server: usize) -> Result<(), String> {
    let speech = context.stand.servers.borrow_mut().server(server).speech.clone();
    match speech {
        Speech::Stream => Err("a stream has no messages: use on_bytes".to_owned()),
        Speech::Messages(dialect) if dialect.has_first() => Ok(()),
        Speech::Messages(dialect) => {
            let name = &dialect.protocol.name;
            let why = match dialect.protocol.own().is_any() {
                true => "its functions in Lua read also what comes first",
                false => "it has no `first`",
            };
            Err(format!("nothing comes first in [protocols.{name}], {why}: use on or on_message"))
        }
    }
}

/// Refuses names that the server's protocol does not have in that direction.
fn known(context: &Context, server: usize, name: &str, direction: Direction) -> Result<(), String> {
    let speech = context.stand.servers.borrow_mut().server(server).speech.clone();
    match speech {
        Speech::Stream => Err("a stream has no messages: use on_bytes".to_owned()),
        Speech::Messages(dialect) if dialect.first_has(name, direction) => Ok(()),
        Speech::Messages(dialect) if dialect.is_raw() => {
            Err("messages of a raw protocol have no names: use on_message".to_owned())
        }
        Speech::Messages(dialect) => check_name(&dialect, name, direction),
    }
}

/// Refuses a name that no message in that direction has, seen from the server.
pub(super) fn check_name(dialect: &Dialect, name: &str, direction: Direction) -> Result<(), String> {
    if dialect.message(name, direction).is_some() {
        return Ok(());
    }
    let (known, way) = match direction {
        Direction::Received => (dialect.message(name, Direction::Sent), "is sent by servers, not by robots"),
        Direction::Sent => (dialect.message(name, Direction::Received), "is sent by robots, not by servers"),
    };
    match known {
        Some(_) => Err(format!("'{name}' {way}")),
        None => Err(suggest::unknown("message", name, dialect.names(direction))),
    }
}
