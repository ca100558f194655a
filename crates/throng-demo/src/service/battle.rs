//! The battle, in skynet's way: packed Sproto RPC, one schema for each direction, sessions chosen by the client.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use throng_sproto::{
    Response, Schema, SourceFile, Value, decode_value, encode_value, pack,
    rpc::{Header, Package},
    unpack,
};
use tokio::sync::mpsc;

use super::{NotUnderstood, Push, Service, Then, Turn, rooms::Rooms, value};
use crate::{kind::ServerKind, server::Server};

/// What a message may grow to when it is unpacked; the packing allows 256 times the frame's 64 KiB.
const LONGEST_UNPACKED: usize = 1 << 20;

/// Pushes a connection may be behind before it misses some.
const INBOX: usize = 1024;

/// Entries of the store behind `get` and `set`; further keys are not kept.
const STORE_SIZE: usize = 100_000;

/// What is kept of a member's name, so that no push outgrows a frame.
const LONGEST_NAME: usize = 256;

/// Far from the sessions of any client that counts from 1.
const ORPHAN_SESSION: i64 = 1 << 40;

/// A protocol tag that is in no schema.
const UNKNOWN_TAG: u32 = 9999;

const HEARTBEAT: usize = 0;
const JOINED: usize = 1;
const MOVED: usize = 2;
const LEFT: usize = 3;

static C2S: LazyLock<Side> =
    LazyLock::new(|| Side::parse("c2s.sproto", include_str!("../../protos/battle/c2s.sproto")));
static S2C: LazyLock<Side> =
    LazyLock::new(|| Side::parse("s2c.sproto", include_str!("../../protos/battle/s2c.sproto")));

struct Side {
    schema: Schema,
    package: Package,
}

impl Side {
    fn parse(name: &str, text: &str) -> Self {
        let schema = Schema::parse(&[SourceFile { name, text }]).expect("the bundled schema is valid");
        let package = Package::new(&schema, "package").expect("the bundled schema has a package type");
        Self { schema, package }
    }
}

/// What all connections to the battle share.
pub(crate) struct BattleWorld {
    store: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    rooms: Rooms,
}

impl BattleWorld {
    pub(crate) fn new(server: Arc<Server>) -> Self {
        Self { store: Mutex::default(), rooms: Rooms::new(server) }
    }
}

/// One connection to the battle.
pub(crate) struct Battle {
    world: Arc<BattleWorld>,
    sender: mpsc::Sender<Push>,
    receiver: Option<mpsc::Receiver<Push>>,
    seat: Option<Seat>,
    unpacked: Vec<u8>,
}

struct Seat {
    room: i64,
    id: i64,
    moves: i64,
}

impl Battle {
    pub(crate) fn new(world: Arc<BattleWorld>) -> Self {
        let (sender, receiver) = mpsc::channel(INBOX);
        Self { world, sender, receiver: Some(receiver), seat: None, unpacked: Vec::new() }
    }

    fn read(&mut self, message: &[u8]) -> Result<(usize, Option<i64>, Value), NotUnderstood> {
        self.unpacked.clear();
        unpack(message, LONGEST_UNPACKED, &mut self.unpacked).map_err(|_| NotUnderstood)?;
        let (header, used) = C2S.package.read(&self.unpacked).map_err(|_| NotUnderstood)?;
        let protocol = header.ty.and_then(|tag| C2S.schema.protocol_by_tag(tag)).ok_or(NotUnderstood)?;
        let request = ServerKind::Battle.words().request(&protocol.name).ok_or(NotUnderstood)?;
        let body = match protocol.request {
            Some(ty) => decode_value(&C2S.schema, ty, &self.unpacked[used..]).map_err(|_| NotUnderstood)?,
            None => Value::structure([]),
        };
        Ok((request, header.session, body))
    }

    fn store(&self, request: &Value) {
        let key = value::bytes(request, "what").unwrap_or_default();
        let stored = value::bytes(request, "value").unwrap_or_default();
        let mut store = self.world.store.lock().unwrap_or_else(PoisonError::into_inner);
        if store.len() < STORE_SIZE || store.contains_key(key) {
            store.insert(key.to_vec(), stored.to_vec());
        }
    }

    fn stored(&self, request: &Value) -> Value {
        let key = value::bytes(request, "what").unwrap_or_default();
        let store = self.world.store.lock().unwrap_or_else(PoisonError::into_inner);
        let found = store.get(key).map(|found| ("result", value::string(found)));
        Value::structure(found)
    }

    fn join(&mut self, request: &Value) -> Value {
        self.leave();
        let room = value::integer(request, "room").unwrap_or(0);
        let (id, others) = self.world.rooms.join(room, self.sender.clone());
        self.seat = Some(Seat { room, id, moves: 0 });
        let name = value::bytes(request, "name").unwrap_or_default();
        let name = value::string(&name[..name.len().min(LONGEST_NAME)]);
        let joined = Value::structure([("id", Value::Integer(id)), ("name", name)]);
        self.broadcast(room, id, JOINED, &joined);
        let members = others.into_iter().map(Value::Integer).collect();
        Value::structure([("id", Value::Integer(id)), ("members", Value::Array(members))])
    }

    fn shift(&mut self, request: &Value) {
        let Some(seat) = &mut self.seat else { return };
        seat.moves += 1;
        let (room, id, seq) = (seat.room, seat.id, seat.moves);
        let coordinate = |name| Value::Integer(value::integer(request, name).unwrap_or(0));
        let moved = Value::structure([
            ("id", Value::Integer(id)),
            ("x", coordinate("x")),
            ("y", coordinate("y")),
            ("seq", Value::Integer(seq)),
        ]);
        self.broadcast(room, id, MOVED, &moved);
    }

    fn leave(&mut self) {
        if let Some(seat) = self.seat.take() {
            self.world.rooms.leave(seat.room, seat.id);
            self.broadcast(seat.room, seat.id, LEFT, &Value::structure([("id", Value::Integer(seat.id))]));
        }
    }

    fn broadcast(&self, room: i64, from: i64, name: usize, body: &Value) {
        let mut payload = Vec::new();
        push(name, body, &mut payload);
        self.world.rooms.broadcast(room, from, name, payload);
    }
}

impl Service for Battle {
    fn answer(&mut self, message: &[u8], turn: &mut Turn) -> Result<(), NotUnderstood> {
        let (request, session, body) = self.read(message)?;
        let name = ServerKind::Battle.words().requests[request].0;
        let reply = match name {
            "handshake" => Some(Value::structure([("msg", "Welcome to the throng demo.".into())])),
            "get" => Some(self.stored(&body)),
            "join" => Some(self.join(&body)),
            "set" => {
                self.store(&body);
                None
            }
            "move" => {
                self.shift(&body);
                None
            }
            _ => {
                turn.then = Then::Close;
                None
            }
        };
        turn.request = request;
        // As in skynet, a session gets a response whatever the protocol; without a type it is the header alone.
        turn.reply = session;
        if let (Some(reply), Some(protocol)) = (reply, C2S.schema.protocol(name))
            && let Response::Type(ty) = protocol.response
        {
            encode_value(&C2S.schema, ty, &reply, &mut turn.body)
                .expect("what the demo says fits its own schema");
        }
        Ok(())
    }

    fn wrap(&mut self, turn: &Turn, body: &[u8], out: &mut Vec<u8>) {
        wrap(&C2S, Header { session: turn.reply, ..Header::default() }, body, out);
    }

    fn orphan(&mut self, turn: &Turn, out: &mut Vec<u8>) {
        let session = turn.reply.map(|session| session.wrapping_add(ORPHAN_SESSION));
        wrap(&C2S, Header { session, ..Header::default() }, &turn.body, out);
    }

    fn unknown_push(&mut self, out: &mut Vec<u8>) {
        wrap(&S2C, Header { ty: Some(UNKNOWN_TAG), ..Header::default() }, &[0, 0], out);
    }

    fn heartbeat(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        push(HEARTBEAT, &Value::structure([]), out);
        Some(HEARTBEAT)
    }

    fn inbox(&mut self) -> Option<mpsc::Receiver<Push>> {
        self.receiver.take()
    }
}

impl Drop for Battle {
    fn drop(&mut self) {
        self.leave();
    }
}

fn push(name: usize, body: &Value, out: &mut Vec<u8>) {
    let protocol = ServerKind::Battle.words().pushes[name];
    let protocol = S2C.schema.protocol(protocol).expect("the bundled schema has each push");
    let mut bytes = Vec::new();
    if let Some(ty) = protocol.request {
        encode_value(&S2C.schema, ty, body, &mut bytes).expect("what the demo says fits its own schema");
    }
    wrap(&S2C, Header { ty: Some(protocol.tag), ..Header::default() }, &bytes, out);
}

fn wrap(side: &Side, header: Header, body: &[u8], out: &mut Vec<u8>) {
    let mut message = Vec::with_capacity(body.len() + 16);
    side.package.write(header, &mut message);
    message.extend_from_slice(body);
    pack(&message, out);
}
