//! The lobby: hands out the game server's address.

use std::net::SocketAddr;

use throng_sproto::Value;

use super::{NotUnderstood, Service, Turn, envelope::Envelope};
use crate::kind::ServerKind;

/// One connection to the lobby.
pub(crate) struct Lobby {
    envelope: Envelope,
    game: Option<SocketAddr>,
}

impl Lobby {
    /// `game` is the address to hand out; without one the list is empty.
    pub(crate) fn new(game: Option<SocketAddr>) -> Self {
        Self { envelope: Envelope::new(ServerKind::Lobby), game }
    }
}

impl Service for Lobby {
    fn answer(&mut self, message: &[u8], turn: &mut Turn) -> Result<(), NotUnderstood> {
        let (request, _) = self.envelope.read(message)?;
        let servers = self.game.iter().map(|game| Value::from(game.to_string().as_str())).collect();
        turn.request = request;
        turn.reply = Some(0);
        let body = Value::structure([("ServerList", Value::Array(servers))]);
        self.envelope.body(request, &body, &mut turn.body);
        Ok(())
    }

    fn wrap(&mut self, turn: &Turn, body: &[u8], out: &mut Vec<u8>) {
        self.envelope.wrap(turn.request, body, out);
    }

    fn unknown_push(&mut self, out: &mut Vec<u8>) {
        self.envelope.unknown_push(out);
    }
}
