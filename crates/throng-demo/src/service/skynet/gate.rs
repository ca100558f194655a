//! The gate: a handshake, then requests with a session behind them.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{HandshakeRefusal, Origin, SkynetWorld};
use crate::service::{NotUnderstood, Service, Then, Turn};

/// Indices of the server's words.
const HANDSHAKE: usize = 0;
const REQUEST: usize = 1;

/// Indices of the server's outcomes.
const SHAKEN: usize = 0;
const BAD_REQUEST: usize = 1;
const UNAUTHORIZED: usize = 2;
const EXPIRED: usize = 3;
const NOT_FOUND: usize = 4;
const ANSWERED: usize = 5;
const CACHED: usize = 6;
const FAILED: usize = 7;
const INVALID: usize = 8;

/// One connection to the gate.
pub(crate) struct SkynetGate {
    world: Arc<SkynetWorld>,
    dismissal: Arc<Notify>,
    /// Under which name hands were shaken.
    name: Option<String>,
    /// Whether the request answered last could be done.
    ok: bool,
}

impl SkynetGate {
    pub(crate) fn new(world: Arc<SkynetWorld>) -> Self {
        Self { world, dismissal: Arc::default(), name: None, ok: true }
    }

    fn shake_hands(&mut self, message: &[u8], turn: &mut Turn) {
        let (text, outcome) = match self.world.shake_hands(message, &self.dismissal) {
            Ok(name) => {
                self.name = Some(name);
                ("200 OK", SHAKEN)
            }
            Err(HandshakeRefusal::BadRequest) => ("400 Bad Request", BAD_REQUEST),
            Err(HandshakeRefusal::Unauthorized) => ("401 Unauthorized", UNAUTHORIZED),
            Err(HandshakeRefusal::Expired) => ("403 Index Expired", EXPIRED),
            Err(HandshakeRefusal::NotFound) => ("404 User Not Found", NOT_FOUND),
        };
        turn.request = HANDSHAKE;
        turn.reply = Some(0);
        turn.body.extend_from_slice(text.as_bytes());
        turn.outcome = Some(outcome);
        if outcome != SHAKEN {
            turn.then = Then::Close;
        }
    }

    fn ask(&mut self, name: &str, message: &[u8], turn: &mut Turn) {
        turn.request = REQUEST;
        let answered = message.split_last_chunk().and_then(|(content, session)| {
            let session = u32::from_be_bytes(*session);
            Some((session, self.world.ask(name, session, content)?))
        });
        // As skynet's gate ends the connection of whoever sends it too little, or is not logged in any more.
        let Some((session, (answer, origin))) = answered else {
            turn.outcome = Some(INVALID);
            turn.then = Then::Close;
            return;
        };
        self.ok = answer.ok;
        turn.reply = Some(session.into());
        turn.body.extend_from_slice(&answer.content);
        turn.outcome = Some(match (origin, answer.ok) {
            (Origin::Cache, _) => CACHED,
            (Origin::Agent, true) => ANSWERED,
            (Origin::Agent, false) => FAILED,
        });
    }
}

impl Service for SkynetGate {
    fn answer(&mut self, message: &[u8], turn: &mut Turn) -> Result<(), NotUnderstood> {
        match self.name.take() {
            None => self.shake_hands(message, turn),
            Some(name) => {
                self.ask(&name, message, turn);
                self.name = Some(name);
            }
        }
        Ok(())
    }

    fn wrap(&mut self, turn: &Turn, body: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(body);
        if turn.request == REQUEST {
            out.push(u8::from(self.ok));
            let session = turn.reply.and_then(|session| u32::try_from(session).ok()).unwrap_or_default();
            out.extend_from_slice(&session.to_be_bytes());
        }
    }

    fn dismissal(&mut self) -> Option<Arc<Notify>> {
        Some(Arc::clone(&self.dismissal))
    }
}

#[cfg(test)]
mod tests {
    use throng_crypto::skynet::{base64encode, hmac_hash};

    use super::*;

    const SECRET: [u8; 8] = *b"a secret";

    /// What a gate says to a package, with the outcome and what becomes of the connection.
    fn said(gate: &mut SkynetGate, message: &[u8]) -> (Option<Vec<u8>>, Option<usize>, Then) {
        let mut turn = Turn::default();
        gate.answer(message, &mut turn).unwrap();
        let mut out = Vec::new();
        gate.wrap(&turn, &turn.body, &mut out);
        (turn.reply.map(|_| out), turn.outcome, turn.then)
    }

    fn shaken() -> SkynetGate {
        let world = Arc::new(SkynetWorld::new(1));
        let subid = world.enter(b"hello", b"sample", SECRET).unwrap();
        let [user, server, subid] = [&b"hello"[..], b"sample", subid.as_bytes()].map(base64encode);
        let text = format!("{user}@{server}#{subid}:1");
        let hmac = base64encode(&hmac_hash(&SECRET, text.as_bytes()).unwrap());
        let mut gate = SkynetGate::new(world);
        let ok = (Some(b"200 OK".to_vec()), Some(SHAKEN), Then::GoOn);
        assert_eq!(said(&mut gate, format!("{text}:{hmac}").as_bytes()), ok);
        gate
    }

    #[test]
    fn a_request_comes_back_with_its_session() {
        let mut gate = shaken();
        let answer = (Some(b"echo\x01\x00\x00\x01\x02".to_vec()), Some(ANSWERED), Then::GoOn);
        assert_eq!(said(&mut gate, b"echo\x00\x00\x01\x02"), answer);
        let empty = (Some(b"\x01\xff\xff\xff\xff".to_vec()), Some(ANSWERED), Then::GoOn);
        assert_eq!(said(&mut gate, b"\xff\xff\xff\xff"), empty);
    }

    #[test]
    fn what_the_agent_cannot_do_comes_back_without_content() {
        let answer = (Some(b"\x00\x00\x00\x00\x07".to_vec()), Some(FAILED), Then::GoOn);
        assert_eq!(said(&mut shaken(), b"error in here\x00\x00\x00\x07"), answer);
    }

    #[test]
    fn a_package_without_room_for_a_session_ends_the_connection() {
        assert_eq!(said(&mut shaken(), b"abc"), (None, Some(INVALID), Then::Close));
    }

    #[test]
    fn whoever_is_unknown_is_told_so_and_leaves() {
        let mut gate = SkynetGate::new(Arc::new(SkynetWorld::new(1)));
        let answer = (Some(b"404 User Not Found".to_vec()), Some(NOT_FOUND), Then::Close);
        assert_eq!(said(&mut gate, b"a@b#c:1:d"), answer);
    }
}
