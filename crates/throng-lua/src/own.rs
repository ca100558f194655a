//! Protocols in Lua: a project's files of functions, and what the host calls them for.
//!
//! The functions of a protocol are called in the Lua state of the robot whose connection it is: those that read come from the
//! engine and run in a coroutine and under the guard like everything else; those that write run within the robot's own turn.
//! What they gave is checked in the prelude and left in its table `said`.

use crate::codec::{Codec, Decoded};
use crate::error::LoadError;
use crate::host::LuaHost;
use crate::load;
use crate::project::LuaProject;
use crate::run::Entry;
use crate::state::{Current, Shared, number_of};
use crate::vm::{Vm, VmState};
use mlua::{Lua, LuaString, Table, Value};
use std::path::PathBuf;
use std::sync::Arc;
use throng_engine::{
    ConnectionKey, Incoming, OwnCut, OwnError, OwnHead, RobotKey, ScriptError, Speaker, Uncaught,
};
use throng_metrics::FailureKind;
use throng_wire::{
    Codec as WireCodec, GivenField, HeadKind, MessageId, Outgoing, OwnParts, Protocol, RawCodec, ReplyRule,
};

/// The file of a protocol's functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSource {
    /// The protocol's name.
    pub protocol: String,
    /// The file, relative to the project's root or absolute.
    pub path: PathBuf,
}

/// Which functions a protocol's file has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnFunctions {
    /// Those that robots call.
    pub robots: OwnParts,
    /// Those that a fake server calls.
    pub server: OwnParts,
}

/// Which functions the only protocol of `project` has; its mods are not looked at.
///
/// # Errors
/// The first mistake in the file.
pub fn own_functions(project: LuaProject) -> Result<OwnFunctions, LoadError> {
    let shared = Shared::new(Arc::new(project), None);
    let vm = load::protocols(&shared)?;
    let sides: mlua::Result<Table> = vm.prelude().table.raw_get("sides");
    let sides = sides.map_err(|error| LoadError::new("protocols", None, error.to_string()))?;
    let parts = |index: i64| -> OwnParts {
        let side: Option<Table> = sides.raw_get(index).ok();
        let has = |name: &str| side.as_ref().is_some_and(|side| side.contains_key(name).unwrap_or(false));
        OwnParts {
            framing: has("framing"),
            frame: has("frame"),
            head: has("head"),
            encode: has("encode"),
            decode: has("decode"),
        }
    };
    Ok(OwnFunctions { robots: parts(1), server: parts(2) })
}

/// Which end of a connection calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Robot,
    Server,
}

/// Whose functions are called, and for which connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// The side's place in the prelude's list.
    side: i64,
    /// What the connection's state is kept under.
    key: i64,
}

impl Caller {
    /// The caller for a connection of `protocol`; `None` when that has no functions in Lua.
    pub(crate) fn of(project: &LuaProject, protocol: &Protocol, side: Side, key: i64) -> Option<Caller> {
        let index = project.own.iter().position(|source| *source.protocol == *protocol.name)? as i64;
        let offset = if side == Side::Robot { 1 } else { 2 };
        Some(Caller { side: 2 * index + offset, key })
    }

    /// The caller for a robot's connection.
    pub(crate) fn of_robot(
        project: &LuaProject,
        protocol: &Protocol,
        key: ConnectionKey,
    ) -> Result<Caller, OwnError> {
        let missing = || OwnError::Malformed(format!("'{}' has no file of functions", protocol.name).into());
        Caller::of(project, protocol, Side::Robot, number_of(key)).ok_or_else(missing)
    }
}

/// Where protocols' functions are called: a Lua state, and for which robot.
pub(crate) struct Stage<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) vm: &'a Vm,
    pub(crate) robot: RobotKey,
}

impl Stage<'_> {
    /// Runs a routine of the prelude, which leaves what it came to in `said`.
    fn run(&self, entry: Entry, caller: Caller, (first, second): (Value, Value)) -> Result<(), OwnError> {
        let slot = self.shared.robots.borrow().get(self.robot).map_or(0, |robot| robot.slot);
        let current = Current { robot: self.robot, ..Current::nothing() };
        let arguments = (entry as i64, slot, caller.side, first, second);
        match self.vm.call(self.shared, current, arguments) {
            Ok(_) => verdict(&self.vm.state),
            Err(Uncaught::Script(error)) => Err(OwnError::Broken(error)),
            Err(Uncaught::Counted(text)) => Err(OwnError::Malformed(text.into())),
        }
    }

    fn text(&self, bytes: &[u8]) -> Result<Value, OwnError> {
        self.vm.lua.create_string(bytes).map(Value::String).map_err(|error| no_memory(&error))
    }

    /// Cuts the frames at the front of `input`; see [`throng_engine::Host::cut`].
    pub(crate) fn cut(
        &self,
        caller: Caller,
        input: &[u8],
        cuts: &mut Vec<OwnCut>,
    ) -> Result<usize, OwnError> {
        let prelude = self.vm.prelude();
        // Where the functions cannot even be called, what they cut before is not to be taken for their word. The field is
        // there, so that setting it takes no memory.
        let _ = prelude.said.raw_set("count", 0);
        let end = self.run(Entry::Cut, caller, (self.text(input)?, Value::Integer(caller.key)));
        let count: i64 = prelude.said.raw_get("count").unwrap_or(0);
        let number = |index: i64| prelude.cuts.raw_get::<usize>(index).unwrap_or(0);
        let mut at = 0;
        for index in (0..count).step_by(3) {
            // Lua counts from 1.
            let (start, last, end) =
                (number(index + 1).saturating_sub(1), number(index + 2), number(index + 3));
            if start < at || last < start || end < last || end <= at || end > input.len() {
                return Err(OwnError::Malformed("what was cut is not within what came".into()));
            }
            cuts.push(OwnCut { payload: start..last, end });
            at = end;
        }
        end?;
        Ok(prelude.said.raw_get("at_least").unwrap_or(1))
    }

    /// Reads a payload's head; see [`throng_engine::Host::head`].
    pub(crate) fn head(
        &self,
        caller: Caller,
        protocol: &Protocol,
        payload: &[u8],
    ) -> Result<OwnHead, OwnError> {
        self.run(Entry::Head, caller, (self.text(payload)?, Value::Integer(caller.key)))?;
        let said = &self.vm.prelude().said;
        let name: Option<LuaString> = said.raw_get("name").unwrap_or_default();
        let session: Option<i64> = said.raw_get("session").unwrap_or_default();
        let push: Option<bool> = said.raw_get("push").unwrap_or_default();
        let body: Option<usize> = said.raw_get("body").unwrap_or_default();
        let kind = match (&protocol.reply, session) {
            _ if push == Some(true) => HeadKind::Push,
            // A server has no rule, and answers with the session it was given.
            (ReplyRule::Session | ReplyRule::None, Some(session)) if session != 0 => {
                HeadKind::Reply { session }
            }
            (ReplyRule::Session, _) => HeadKind::Push,
            _ => HeadKind::Any,
        };
        let named = name.map(|name| received(protocol, &name.to_string_lossy()));
        // A push is called something, that it can be heard.
        let message = named.unwrap_or_else(|| unnamed(protocol).filter(|_| kind == HeadKind::Push));
        let body = body.map_or(0, |body| body.saturating_sub(1));
        Ok(OwnHead { kind, message, body, refused: said.raw_get("error").unwrap_or_default() })
    }

    /// Decodes a body.
    pub(crate) fn decode(&self, caller: Caller, name: &str, body: &[u8]) -> Result<Value, OwnError> {
        let given = self.vm.lua.create_sequence_from([self.text(name.as_bytes())?, self.text(body)?]);
        let given = given.map_err(|error| no_memory(&error))?;
        self.run(Entry::Decode, caller, (Value::Table(given), Value::Integer(caller.key)))?;
        take_value(&self.vm.state)
    }

    /// Makes what the engine takes of a message, outside of any robot's turn.
    pub(crate) fn write(&self, caller: Caller, message: &Message<'_>) -> Result<Vec<u8>, OwnError> {
        let call = |entry, argument| {
            self.run(entry, caller, (Value::Integer(caller.key), argument))?;
            bytes_said(&self.vm.state)
        };
        let encode = || {
            let session = message.session.map_or(Value::Nil, Value::Integer);
            let given = [self.text(message.name().as_bytes())?, message.body.clone(), session];
            let given = self.vm.lua.create_sequence_from(given).map_err(|error| no_memory(&error))?;
            call(Entry::Encode, Value::Table(given))
        };
        let frame = |payload: &[u8]| call(Entry::Frame, self.text(payload)?);
        message.write(&self.vm.lua, &self.vm.state.codec, encode, frame)
    }
}

/// Why a body is no value.
#[derive(Debug)]
pub(crate) struct Undecodable {
    pub(crate) text: String,
    /// Where the protocol's own function went wrong, if it did.
    pub(crate) traceback: String,
}

/// A message that is to be sent.
pub(crate) struct Message<'a> {
    pub(crate) protocol: &'a Protocol,
    pub(crate) id: MessageId,
    pub(crate) name: Option<&'a str>,
    pub(crate) session: Option<i64>,
    /// Values for fields around it, where the engine makes those.
    pub(crate) given: &'a [GivenField],
    pub(crate) body: &'a Value,
}

impl Message<'_> {
    fn name(&self) -> &str {
        self.name.unwrap_or_else(|| self.protocol.message_name(self.id))
    }

    /// The bytes that the engine takes: a body for it to wrap, or where it has no framing all of a frame.
    fn write(
        &self,
        lua: &Lua,
        codec: &Codec,
        encode: impl FnOnce() -> Result<Vec<u8>, OwnError>,
        frame: impl FnOnce(&[u8]) -> Result<Vec<u8>, OwnError>,
    ) -> Result<Vec<u8>, OwnError> {
        let own = self.protocol.own();
        let malformed = |text: String| OwnError::Malformed(text.into());
        let mut body = Vec::new();
        match own.encode {
            true => body = encode()?,
            false => codec.encode(lua, self.protocol, self.id, self.body, &mut body).map_err(malformed)?,
        }
        if !own.framing {
            return Ok(body);
        }
        let mut payload = Vec::new();
        let outgoing = Outgoing { message: self.id, session: self.session, given: self.given };
        let written = self.protocol.payload(outgoing, &body, &mut Vec::new(), &mut payload);
        written.map_err(|error| malformed(error.to_string()))?;
        if own.frame { frame(&payload) } else { Ok(payload) }
    }
}

/// Makes what the engine takes of a message, within the turn of the robot or the test that sends it.
pub(crate) fn write_now(
    (shared, vm): (&Shared, &VmState),
    lua: &Lua,
    caller: Caller,
    message: &Message<'_>,
) -> Result<Vec<u8>, OwnError> {
    // The function may not wait, whoever calls it.
    let current = shared.current.get();
    shared.current.set(Current { fiber: Default::default(), ..current });
    let prelude = vm.prelude();
    let said = |called: mlua::Result<()>| match called {
        Ok(()) => verdict(vm).and_then(|()| bytes_said(vm)),
        Err(error) => Err(no_memory(&error)),
    };
    let encode = || {
        let arguments = (caller.side, caller.key, message.name(), message.body, message.session);
        said(prelude.encode_now.call(arguments))
    };
    let frame = |payload: &[u8]| {
        let payload = lua.create_string(payload).map_err(|error| no_memory(&error))?;
        said(prelude.frame_now.call((caller.side, caller.key, payload)))
    };
    let written = message.write(lua, &vm.codec, encode, frame);
    shared.current.set(current);
    written
}

/// What the last call of a protocol's function came to.
pub(crate) fn verdict(vm: &VmState) -> Result<(), OwnError> {
    let said = &vm.prelude().said;
    if said.raw_get("ok").unwrap_or(false) {
        return Ok(());
    }
    let text = |name: &str| said.raw_get::<Option<String>>(name).ok().flatten().unwrap_or_default();
    let message = text("message");
    if said.raw_get("deliberate").unwrap_or(false) {
        return Err(OwnError::Malformed(message.into()));
    }
    let kind = match message.ends_with("not enough memory") {
        true => FailureKind::ScriptMemory,
        false => FailureKind::Script,
    };
    Err(OwnError::Broken(ScriptError { kind, message, traceback: text("traceback") }))
}

fn take_value(vm: &VmState) -> Result<Value, OwnError> {
    let said = &vm.prelude().said;
    let value = said.raw_get("value").map_err(|error| no_memory(&error))?;
    // What it holds is not to be kept alive; setting a field to nil takes no memory.
    let _ = said.raw_set("value", Value::Nil);
    Ok(value)
}

pub(crate) fn bytes_said(vm: &VmState) -> Result<Vec<u8>, OwnError> {
    match take_value(vm)? {
        Value::String(bytes) => Ok(bytes.as_bytes().to_vec()),
        _ => Ok(Vec::new()),
    }
}

/// Nothing but memory is at stake where the host itself works in Lua.
fn no_memory(error: &mlua::Error) -> OwnError {
    OwnError::Broken(crate::vm::broken_error(error))
}

fn received(protocol: &Protocol, name: &str) -> Option<MessageId> {
    match &protocol.codec {
        WireCodec::Own(codec) => codec.received(name),
        codec => codec.message(name),
    }
}

fn unnamed(protocol: &Protocol) -> Option<MessageId> {
    match &protocol.codec {
        WireCodec::Own(codec) => codec.unnamed(),
        _ => None,
    }
}

/// What a body that came is called for `decode`: by its own name, or else by that of the request it answers.
pub(crate) fn name_of<'a>(incoming: &'a Incoming<'_>) -> &'a str {
    let own = incoming.message.filter(|message| Some(*message) != unnamed(incoming.protocol));
    let named = own.or(incoming.request);
    named.map_or(RawCodec::RECEIVED, |message| incoming.protocol.message_name(message))
}

impl LuaHost {
    /// The caller for a connection, and where its robot's functions run.
    fn stage_of<'a>(&'a self, speaker: &Speaker<'_>) -> Result<(Stage<'a>, Caller), OwnError> {
        let vm = self.shared.robots.borrow().get(speaker.robot).map(|robot| robot.vm);
        let vm = vm.ok_or_else(|| OwnError::Malformed("the robot is gone".into()))?;
        let caller = Caller::of_robot(&self.shared.project, speaker.protocol, speaker.connection)?;
        Ok((Stage { shared: &self.shared, vm: &self.vms[vm], robot: speaker.robot }, caller))
    }

    pub(crate) fn own_cut(
        &self,
        speaker: &Speaker<'_>,
        input: &[u8],
        cuts: &mut Vec<OwnCut>,
    ) -> Result<usize, OwnError> {
        let (stage, caller) = self.stage_of(speaker)?;
        let end = stage.cut(caller, input, cuts);
        self.keep_within_limit(stage.vm);
        end
    }

    pub(crate) fn own_head(&self, speaker: &Speaker<'_>, payload: &[u8]) -> Result<OwnHead, OwnError> {
        let (stage, caller) = self.stage_of(speaker)?;
        let head = stage.head(caller, speaker.protocol, payload);
        self.keep_within_limit(stage.vm);
        head
    }

    pub(crate) fn own_heartbeat(&self, speaker: &Speaker<'_>) -> Result<Vec<u8>, OwnError> {
        let (stage, caller) = self.stage_of(speaker)?;
        let Some(heartbeat) = &speaker.protocol.heartbeat else { return Ok(Vec::new()) };
        let body = match speaker.protocol.codec.names_are_open() {
            true => stage.text(&heartbeat.body)?,
            false => Value::Nil,
        };
        let (protocol, id) = (speaker.protocol, heartbeat.send);
        stage.write(caller, &Message { protocol, id, name: None, session: None, given: &[], body: &body })
    }

    /// Decodes the body of what came for a robot, or for the fiber that waits for it.
    pub(crate) fn decode(
        &self,
        vm: &Vm,
        message: &Incoming<'_>,
        to: Option<(RobotKey, ConnectionKey)>,
    ) -> Result<Decoded, Undecodable> {
        let to = to.filter(|_| message.protocol.own().decode);
        let Some((robot, connection)) = to else {
            let decoded = vm.state.codec.decode(&vm.lua, message);
            return decoded.map_err(|text| Undecodable { text, traceback: String::new() });
        };
        let stage = Stage { shared: &self.shared, vm, robot };
        let caller = Caller::of_robot(&self.shared.project, message.protocol, connection);
        let decoded = caller.and_then(|caller| stage.decode(caller, name_of(message), message.body));
        decoded.map(Decoded::from).map_err(|error| match error {
            OwnError::Malformed(text) => Undecodable { text: text.into(), traceback: String::new() },
            OwnError::Broken(error) => Undecodable { text: error.message, traceback: error.traceback },
        })
    }

    /// A connection has ended: nothing of it is kept.
    pub(crate) fn forget_state(&self, connection: ConnectionKey) {
        for vm in &self.vms {
            // Setting a field to nil takes no memory.
            let _ = vm.prelude().states.raw_set(number_of(connection), Value::Nil);
        }
    }
}
