//! What a server says to each message, without sockets, clocks or faults.

mod battle;
mod echo;
mod envelope;
mod game;
mod lobby;
mod rooms;
mod skynet;
mod value;
mod web;

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

pub(crate) use self::{
    battle::{Battle, BattleWorld},
    echo::Echo,
    game::{Game, GameWorld},
    lobby::Lobby,
    skynet::{SkynetGate, SkynetLogin, SkynetWorld},
    web::Web,
};

/// A message's bytes; shared, because a push goes to many.
pub(crate) type Payload = Arc<[u8]>;

/// A push that another connection caused.
pub(crate) struct Push {
    pub(crate) name: usize,
    pub(crate) payload: Payload,
}

/// One connection's side of a server.
pub(crate) trait Service: Send {
    /// Answers `message` into `turn`, which is empty.
    ///
    /// # Errors
    /// The message cannot be understood; nothing has happened.
    fn answer(&mut self, message: &[u8], turn: &mut Turn) -> Result<(), NotUnderstood>;

    /// Appends the payload of the reply `turn` asks for, with `body` in place of its own.
    fn wrap(&mut self, turn: &Turn, body: &[u8], out: &mut Vec<u8>);

    /// Appends a reply like the one `turn` asks for, to a session that nobody asked for.
    fn orphan(&mut self, _turn: &Turn, _out: &mut Vec<u8>) {}

    /// Appends a push that is in no schema.
    fn unknown_push(&mut self, _out: &mut Vec<u8>) {}

    /// Appends a push that tells the client to go, and returns its index.
    fn kick(&mut self, _out: &mut Vec<u8>) -> Option<usize> {
        None
    }

    /// Appends the push that is sent at intervals, and returns its index.
    fn heartbeat(&mut self, _out: &mut Vec<u8>) -> Option<usize> {
        None
    }

    /// Appends the push that a connection begins with, and returns its index.
    fn greeting(&mut self, _out: &mut Vec<u8>) -> Option<usize> {
        None
    }

    /// The reply to a request of this index is on its way.
    fn replied(&mut self, _request: usize) {}

    /// What ends the connection in good order from elsewhere; asked for once.
    fn dismissal(&mut self) -> Option<Arc<Notify>> {
        None
    }

    /// Pushes that other connections cause; asked for once.
    fn inbox(&mut self) -> Option<mpsc::Receiver<Push>> {
        None
    }
}

/// The answer to one message; reused for the next, so that answering allocates nothing.
#[derive(Default)]
pub(crate) struct Turn {
    /// Which request it was.
    pub(crate) request: usize,
    /// Whether it gets a reply, and to which session (0 where there are none).
    pub(crate) reply: Option<i64>,
    /// The reply's encoded body.
    pub(crate) body: Vec<u8>,
    /// Pushes behind the reply.
    pub(crate) pushes: Vec<Push>,
    /// What became of the request, where the server counts that: an index of its outcomes.
    pub(crate) outcome: Option<usize>,
    /// What becomes of the connection when all that is written.
    pub(crate) then: Then,
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Then {
    #[default]
    GoOn,
    Close,
}

impl Turn {
    pub(crate) fn clear(&mut self) {
        self.request = 0;
        self.reply = None;
        self.body.clear();
        self.pushes.clear();
        self.outcome = None;
        self.then = Then::GoOn;
    }
}

/// A message that is not in the server's protocol.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the message is not understood")]
pub(crate) struct NotUnderstood;
