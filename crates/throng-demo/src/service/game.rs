//! The game: login, echo, the way to a battle, and notices.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use throng_sproto::Value;

use super::{NotUnderstood, Push, Service, Turn, envelope::Envelope, value};
use crate::kind::ServerKind;

/// Players in a battle's room.
const ROOM_SIZE: i64 = 4;

/// The most notices one request can ask for.
const MOST_NOTICES: i64 = 1000;

/// What is kept of a notice's text: it is multiplied by their number.
const LONGEST_NOTICE: usize = 1024;

const NOTICE_PUSH: usize = 0;
const KICK_NOTIFY: usize = 1;

/// What all connections to the game share.
#[derive(Default)]
pub(crate) struct GameWorld {
    logins: AtomicI64,
    battles: AtomicI64,
}

/// One connection to the game.
pub(crate) struct Game {
    envelope: Envelope,
    world: Arc<GameWorld>,
    battle: Option<SocketAddr>,
}

impl Game {
    /// `battle` is the address players are sent to.
    pub(crate) fn new(world: Arc<GameWorld>, battle: Option<SocketAddr>) -> Self {
        Self { envelope: Envelope::new(ServerKind::Game), world, battle }
    }

    fn login(&self) -> Value {
        // 37 and 100 have no common divisor, so a hundred logins see each value once.
        let login = self.world.logins.fetch_add(1, Ordering::Relaxed);
        Value::structure([("MyValue", Value::Integer(1 + (login * 37) % 100))])
    }

    fn battle(&self) -> Value {
        let room = 1 + self.world.battles.fetch_add(1, Ordering::Relaxed) / ROOM_SIZE;
        let room = ("Room", Value::Integer(room));
        match self.battle {
            Some(battle) => Value::structure([("Addr", Value::from(battle.to_string().as_str())), room]),
            None => Value::structure([room]),
        }
    }

    fn notices(&self, request: &Value, pushes: &mut Vec<Push>) -> Value {
        let count = value::integer(request, "Count").unwrap_or(0).clamp(0, MOST_NOTICES);
        let text = value::bytes(request, "Text").unwrap_or_default();
        let text = &text[..text.len().min(LONGEST_NOTICE)];
        pushes.extend((1..=count).map(|seq| {
            let notice = Value::structure([("Seq", Value::Integer(seq)), ("Text", value::string(text))]);
            let mut payload = Vec::new();
            self.envelope.push(NOTICE_PUSH, &notice, &mut payload);
            Push { name: NOTICE_PUSH, payload: payload.into() }
        }));
        Value::structure([("Count", Value::Integer(count))])
    }
}

impl Service for Game {
    fn answer(&mut self, message: &[u8], turn: &mut Turn) -> Result<(), NotUnderstood> {
        let (request, body) = self.envelope.read(message)?;
        let reply = match ServerKind::Game.words().requests[request].0 {
            "LoginReuest" => self.login(),
            "EchoRequest" => echo(&body),
            "BattleRequest" => self.battle(),
            _ => self.notices(&body, &mut turn.pushes),
        };
        turn.request = request;
        turn.reply = Some(0);
        self.envelope.body(request, &reply, &mut turn.body);
        Ok(())
    }

    fn wrap(&mut self, turn: &Turn, body: &[u8], out: &mut Vec<u8>) {
        self.envelope.wrap(turn.request, body, out);
    }

    fn unknown_push(&mut self, out: &mut Vec<u8>) {
        self.envelope.unknown_push(out);
    }

    fn kick(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        self.envelope.push(KICK_NOTIFY, &Value::structure([("Reason", "by a fault rule".into())]), out);
        Some(KICK_NOTIFY)
    }
}

fn echo(request: &Value) -> Value {
    let text = [value::bytes(request, "Text").unwrap_or_default(), b" from server"].concat();
    Value::structure([("Text", value::string(&text))])
}
