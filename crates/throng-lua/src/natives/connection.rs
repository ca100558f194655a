//! Connections: opening, asking, sending, streams.

use super::{Context, Natives, Refused, Text, option, options_of, time_option};
use crate::duration;
use crate::fields;
use crate::own::{self, Caller, Message};
use crate::state::{What, key_of};
use crate::suggest;
use crate::values::kind_of;
use crate::vm::ProtocolNames;
use mlua::{Lua, Table, Value};
use std::sync::Arc;
use std::time::Duration;
use throng_engine::{CallOptions, ConnectOptions, ConnectionKey, Group, OwnError, ReadUntil, Retry};
use throng_metrics::FailureKind;
use throng_wire::{Codec, Direction, GivenField, MessageId, Protocol, ReplyRule};

/// What is said of a connection that has ended; no more than its kind says.
pub(super) const ENDED: &str = "the connection has ended";
/// How many names of a protocol without a schema are looked up once; more are looked up each time.
const NAMES: usize = 1024;
/// How long a stream's read waits where the script does not say.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How much a stream's read takes where the script does not say, in bytes.
const READ_MAXIMUM: usize = 64 << 10;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.waits("connect", connect)?;
    natives.plain("names", names)?;
    natives.may_refuse("message", message)?;
    natives.plain("request", |context, lua, args| told(context, lua, request(context, lua, args)))?;
    natives.plain("send", |context, lua, args| told(context, lua, send(context, lua, args)))?;
    natives.waits("write", |context, _, (connection, bytes): (i64, Value)| {
        let Value::String(bytes) = bytes else {
            return Err(format!("write wants a string of bytes, not {}", kind_of(&bytes)).into());
        };
        Ok(context.robot()?.0.write(key_of(connection), &bytes.as_bytes())?)
    })?;
    natives.waits("read", read)?;
    natives.may_refuse("close", |context, _, connection: i64| {
        context.robot()?.0.close(key_of(connection));
        Ok(())
    })?;
    natives.may_refuse("drop", |context, _, connection: i64| {
        context.robot()?.0.drop_cable(key_of(connection));
        Ok(())
    })?;
    natives.plain("is_open", |context, _, connection: i64| {
        Ok(context.shared.desk.as_ref().is_some_and(|desk| desk.is_open(key_of(connection))))
    })?;
    natives.plain("connection_name", |context, _, connection: i64| {
        Ok(context.facts(key_of(connection)).map_or_else(|| "?".to_owned(), |facts| facts.name.to_string()))
    })?;
    natives.plain("ended", |context, lua, (key, Text(name), Text(connection)): (i64, Text, Text)| {
        context.refusal(lua, ended(context, key_of(key), &name, &connection))
    })?;
    natives.plain("not_connected", not_connected)
}

impl Context {
    pub(super) fn facts(&self, connection: ConnectionKey) -> Option<throng_engine::Facts> {
        self.shared.desk.as_ref()?.facts(connection)
    }
}

fn connect(
    context: &Context,
    lua: &Lua,
    (Text(name), url, options): (Text, Value, Value),
) -> Result<(), Refused> {
    let (desk, robot, fiber) = context.fiber(lua)?;
    let Value::String(url) = url else {
        return Err(
            format!("connect wants an address such as \"ws://host:port\", not {}", kind_of(&url)).into()
        );
    };
    let options = options_of(&options, "connect", &["protocol", "timeout", "retry", "measured", "conv"])?;
    let connect = ConnectOptions {
        name: name.as_str().into(),
        url: url.to_string_lossy().into(),
        protocol: option::<String>(&options, "protocol", "a protocol's name")?.map(String::into_boxed_str),
        timeout: time_option(&options, "timeout")?,
        retry: option::<Value>(&options, "retry", "a table")?
            .map(|retry| retry_of(&retry))
            .transpose()?
            .flatten(),
        measured: option(&options, "measured", "true or false")?.unwrap_or(true),
        conv: option(&options, "conv", "a whole number from 0 to 4294967295")?,
    };
    let operation = desk.connect(robot, connect)?;
    context.shared.wait(fiber, operation, What::Connect(name.into()));
    Ok(())
}

fn retry_of(value: &Value) -> Result<Option<Retry>, Refused> {
    let options = options_of(value, "retry", &["first", "max", "tries"])?;
    if options.is_none() {
        return Ok(None);
    }
    let first = time_option(&options, "first")?.unwrap_or(Duration::from_millis(500));
    let max = time_option(&options, "max")?.unwrap_or(Duration::from_secs(30)).max(first);
    let tries = option::<u32>(&options, "tries", "a whole number of attempts")?.unwrap_or(8);
    Ok(Some(Retry { first, max, tries }))
}

/// The table of a protocol's message ids by name, which fills as names are asked for; nil for a stream.
fn names(context: &Context, lua: &Lua, connection: i64) -> mlua::Result<Option<Table>> {
    let Some(facts) = context.facts(key_of(connection)) else { return lua.create_table().map(Some) };
    let Some(protocol) = facts.protocol else { return Ok(None) };
    let protocol = Arc::as_ptr(&protocol);
    if let Some(names) = context.vm.names.borrow().iter().find(|names| names.protocol == protocol) {
        return Ok(Some(names.ids.clone()));
    }
    // Not while the list is borrowed: making a table may collect, and a finaliser may call anything.
    let ids = lua.create_table()?;
    context.vm.names.borrow_mut().push(ProtocolNames { protocol, ids: ids.clone(), room: NAMES });
    Ok(Some(ids))
}

/// The id of a message that is sent, and whether it may be remembered.
fn message(
    context: &Context,
    _: &Lua,
    (connection, Text(name), Text(connection_name)): (i64, Text, Text),
) -> Result<(u32, bool), Refused> {
    let (desk, _) = context.robot()?;
    let key = key_of(connection);
    let Some(facts) = desk.facts(key) else { return Err(ended(context, key, &name, &connection_name)) };
    let Some(protocol) = facts.protocol else {
        return Err("a stream has no messages: use write, read_line, read_exactly and read_until".into());
    };
    let found = desk.message(key, &name).filter(|id| protocol.codec.goes(*id, Direction::Sent));
    let Some(id) = found else {
        let sent = protocol.messages().filter(|(id, _)| protocol.codec.goes(*id, Direction::Sent));
        let unknown = suggest::unknown("message", &name, sent.map(|(_, name)| name));
        return Err(format!("{unknown} (protocol {})", protocol.name).into());
    };
    if !matches!(protocol.codec, Codec::Raw(_)) {
        return Ok((id.0, true));
    }
    let mut known = context.vm.names.borrow_mut();
    let names = known.iter_mut().find(|names| names.protocol == Arc::as_ptr(&protocol));
    let lasting = names.is_some_and(|names| {
        names.room = names.room.saturating_sub(1);
        names.room > 0
    });
    Ok((id.0, lasting))
}

/// What became of a message that was to be sent.
enum Sending {
    Sent,
    /// The connection has ended.
    Ended,
}

/// The same for the prelude: nil when it is sent, false when the connection has ended, which the prelude counts under the
/// names that only it knows then.
fn told(context: &Context, lua: &Lua, sending: Result<Sending, Refused>) -> mlua::Result<Value> {
    match sending {
        Ok(Sending::Sent) => Ok(Value::Nil),
        Ok(Sending::Ended) => Ok(Value::Boolean(false)),
        Err(refused) => context.refusal(lua, refused),
    }
}

/// The failure of a message on a connection that has ended.
fn ended(context: &Context, key: ConnectionKey, name: &str, connection: &str) -> Refused {
    context.count_on(FailureKind::Closed, name, key, Some(connection.into()), ENDED.to_owned())
}

type Request = (i64, u32, Value, Value);

/// What a request says beside its message.
#[derive(Default)]
struct Options {
    timeout: Option<Duration>,
    measured_as: Option<String>,
    session: Option<i64>,
    quiet: bool,
    group: Option<Group>,
    given: Vec<GivenField>,
}

fn call_options(context: &Context, connection: ConnectionKey, options: &Value) -> Result<Options, Refused> {
    let options = options_of(options, "request", &["timeout", "as", "session", "quiet", "header", "group"])?;
    Ok(Options {
        given: given_of(context, connection, &options)?,
        group: option::<String>(&options, "group", "a name")?
            .and_then(|name| Some(context.shared.desk.as_ref()?.group(&name))),
        timeout: time_option(&options, "timeout")?,
        measured_as: option(&options, "as", "a name")?,
        session: option(&options, "session", "a whole number")?,
        quiet: option(&options, "quiet", "true or false")?.unwrap_or(false),
    })
}

/// Whether a message asks for a reply.
enum Asks<'a> {
    /// It does, with this session, which is found where it must be known before.
    Reply(&'a mut Option<i64>),
    Nothing,
}

fn request(
    context: &Context,
    lua: &Lua,
    (connection, message, body, options): Request,
) -> Result<Sending, Refused> {
    let (desk, _, fiber) = context.fiber(lua)?;
    let (connection, message) = (key_of(connection), MessageId(message));
    let options = if options.is_nil() { None } else { Some(options) };
    let options = options.map(|options| call_options(context, connection, &options)).transpose()?;
    let mut options = options.unwrap_or_default();
    let asks = Asks::Reply(&mut options.session);
    let Some(mut encoded) = context.encode(lua, connection, message, &body, &options.given, asks)? else {
        return Ok(Sending::Ended);
    };
    let call = CallOptions {
        timeout: options.timeout,
        measured_as: options.measured_as.as_deref(),
        session: options.session,
        quiet: options.quiet,
        group: options.group.or_else(|| context.shared.group_of(fiber)),
        given: &options.given,
    };
    let issued = desk.request(connection, message, &encoded, &call);
    encoded.clear();
    context.shared.body.replace(encoded);
    context.shared.wait(fiber, issued?, What::Request(connection, message));
    Ok(Sending::Sent)
}

/// The values that options have for fields around the next message.
fn given_of(
    context: &Context,
    connection: ConnectionKey,
    options: &Option<Table>,
) -> Result<Vec<GivenField>, Refused> {
    let header = option::<Table>(options, "header", "a table of fields and their values")?;
    let protocol = context.facts(connection).and_then(|facts| facts.protocol);
    match (header, protocol) {
        (Some(header), Some(protocol)) => Ok(fields::given(&protocol, &header)?),
        _ => Ok(Vec::new()),
    }
}

fn send(
    context: &Context,
    lua: &Lua,
    (connection, message, body, options): Request,
) -> Result<Sending, Refused> {
    let (desk, _) = context.robot()?;
    let (connection, message) = (key_of(connection), MessageId(message));
    let options = options_of(&options, "send", &["header"])?;
    let given = given_of(context, connection, &options)?;
    let Some(mut encoded) = context.encode(lua, connection, message, &body, &given, Asks::Nothing)? else {
        return Ok(Sending::Ended);
    };
    let sent = desk.send_with(connection, message, &encoded, &given);
    encoded.clear();
    context.shared.body.replace(encoded);
    sent?;
    Ok(Sending::Sent)
}

impl Context {
    /// The encoded body, in the shard's buffer, which is taken out meanwhile; none when the connection has ended.
    fn encode(
        &self,
        lua: &Lua,
        connection: ConnectionKey,
        message: MessageId,
        body: &Value,
        given: &[GivenField],
        asks: Asks<'_>,
    ) -> Result<Option<Vec<u8>>, Refused> {
        let Some(facts) = self.facts(connection) else { return Ok(None) };
        let mut encoded = self.shared.body.take();
        encoded.clear();
        let Some(protocol) = facts.protocol else { return Ok(Some(encoded)) };
        if protocol.own().writes() {
            let session = self.session_of(&protocol, (connection, message), asks);
            let id = message;
            let name = self.shared.desk.as_ref().map(|desk| desk.message_name(connection, id));
            let message = Message { protocol: &protocol, id, name: name.as_deref(), session, given, body };
            let caller = Caller::of_robot(&self.shared.project, &protocol, connection);
            let state = (&*self.shared, &*self.vm);
            let written = caller.and_then(|caller| own::write_now(state, lua, caller, &message));
            return match written {
                Ok(written) => Ok(Some(written)),
                Err(OwnError::Malformed(text)) => {
                    let name = name.as_deref().unwrap_or_default();
                    Err(self.count_on(FailureKind::Encode, name, connection, Some(facts.name), text.into()))
                }
                Err(OwnError::Broken(error)) => Err(error.message.into()),
            };
        }
        if let Err(text) = self.vm.codec.encode(lua, &protocol, message, body, &mut encoded) {
            let name = protocol.message_name(message);
            return Err(self.count_on(FailureKind::Encode, name, connection, Some(facts.name), text));
        }
        Ok(Some(encoded))
    }
}

impl Context {
    /// The session of a message whose protocol's own functions put it there.
    fn session_of(
        &self,
        protocol: &Protocol,
        (connection, message): (ConnectionKey, MessageId),
        asks: Asks<'_>,
    ) -> Option<i64> {
        let (Asks::Reply(session), ReplyRule::Session) = (asks, &protocol.reply) else { return None };
        let desk = self.shared.desk.as_ref()?;
        // Where there is none, the engine refuses the request.
        *session = session.or_else(|| desk.next_session(connection, message));
        *session
    }
}

type Read = (i64, String, Value, Value);

fn read(context: &Context, lua: &Lua, (connection, how, argument, options): Read) -> Result<(), Refused> {
    let (desk, _, fiber) = context.fiber(lua)?;
    let connection = key_of(connection);
    let until = match (how.as_str(), &argument) {
        ("line", _) => ReadUntil::Line,
        ("exactly", Value::Integer(count)) if *count >= 0 => ReadUntil::Exactly(*count as usize),
        ("exactly", other) => {
            return Err(format!("read_exactly wants a number of bytes, not {}", kind_of(other)).into());
        }
        (_, Value::String(bytes)) if !bytes.as_bytes().is_empty() => {
            ReadUntil::Bytes(bytes.as_bytes().to_vec().into())
        }
        (_, other) => {
            return Err(format!("read_until wants the bytes to read up to, not {}", kind_of(other)).into());
        }
    };
    let options = options_of(&options, "reading", &["timeout", "max"])?;
    let maximum = option::<usize>(&options, "max", "a number of bytes")?.unwrap_or(READ_MAXIMUM);
    let maximum = if let ReadUntil::Exactly(count) = until { maximum.max(count) } else { maximum };
    let timeout = time_option(&options, "timeout")?.unwrap_or(READ_TIMEOUT);
    let operation = desk.read(connection, until, maximum, Some(timeout))?;
    context.shared.wait(fiber, operation, What::Read(connection));
    Ok(())
}

/// The failure of asking for a connection that is not there.
fn not_connected(context: &Context, lua: &Lua, (Text(name), open): (Text, Table)) -> mlua::Result<Value> {
    let open: Vec<String> = open.sequence_values().collect::<mlua::Result<_>>()?;
    let text = match suggest::nearest(&name, open.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None if open.is_empty() => "the robot has none".to_owned(),
        None => format!("the robot has: {}", open.join(", ")),
    };
    let refused = context.count(FailureKind::NotConnected, &name, None, text);
    context.refusal(lua, refused)
}

/// A time that a script may leave out, or refuse.
pub(super) fn time_of(value: &Value) -> Result<Option<Duration>, Refused> {
    Ok(duration::optional(value)?)
}
