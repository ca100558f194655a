//! A login server and a gate in skynet's way: what both know of the users.
//!
//! They answer as skynet's `loginserver` and `msgserver` do with the handlers of its login example: any user, one
//! password, one game server, an agent that sends back what it is sent. A user who logs in again is thrown out of the
//! gate first. What a user was answered is kept, so that a session asked again over a new connection gets its old answer.

mod gate;
mod login;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use throng_crypto::skynet::{base64decode, base64encode, hmac_hash, randomkey};
use tokio::sync::Notify;

pub(crate) use self::{gate::SkynetGate, login::SkynetLogin};

/// The password of every user.
const PASSWORD: &[u8] = b"password";
/// The one game server.
const GAME_SERVER: &[u8] = b"sample";
/// Users that can be logged in at a time.
const MOST_USERS: usize = 100_000;
/// Answers of a user that are kept, at least; twice as many at most.
const KEPT_ANSWERS: u64 = 128;
/// What the agent cannot do begins with this.
const IMPOSSIBLE: &[u8] = b"error";

/// 8 bytes, as keys, challenges and secrets are.
type Word = [u8; 8];

/// What the login server and the gate share.
pub(crate) struct SkynetWorld {
    users: Mutex<Users>,
    seed: u64,
    draws: AtomicU64,
}

#[derive(Default)]
struct Users {
    /// Those who may speak to the gate, by `base64(user)@base64(server)#base64(subid)`.
    online: HashMap<String, Online>,
    /// Where each user is in `online`.
    names: HashMap<Vec<u8>, String>,
    /// Users whose login is not answered yet.
    entering: HashSet<Vec<u8>>,
    last_subid: u64,
}

struct Online {
    secret: Word,
    /// The index of the last handshake.
    version: i64,
    /// Counts the answers; it is set back when old ones are forgotten.
    index: u64,
    answers: HashMap<u32, Kept>,
    /// Ends the connection that shook hands last.
    dismissal: Option<Arc<Notify>>,
}

struct Kept {
    answer: Answer,
    version: i64,
    index: u64,
}

/// What the agent says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    content: Vec<u8>,
    ok: bool,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Agent,
    Cache,
}

/// Why nobody is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoginRefusal {
    /// No such server, or it is full.
    Forbidden,
    /// Another login of the user is not over.
    NotAcceptable,
}

/// Why hands are not shaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HandshakeRefusal {
    BadRequest,
    Unauthorized,
    Expired,
    NotFound,
}

impl SkynetWorld {
    pub(crate) fn new(seed: u64) -> Self {
        Self { users: Mutex::default(), seed, draws: AtomicU64::new(0) }
    }

    fn random_key(&self) -> Word {
        let draw = self.draws.fetch_add(1, Ordering::Relaxed);
        randomkey(scrambled(self.seed.wrapping_add(draw)).to_le_bytes())
    }

    /// Logs a user in under a new name, which ends with the returned subid; the old name is worth nothing any more.
    fn enter(&self, user: &[u8], server: &[u8], secret: Word) -> Result<String, LoginRefusal> {
        let mut users = self.lock();
        if users.entering.contains(user) {
            return Err(LoginRefusal::NotAcceptable);
        }
        let known = users.names.contains_key(user);
        if server != GAME_SERVER || (!known && users.names.len() == MOST_USERS) {
            return Err(LoginRefusal::Forbidden);
        }
        if let Some(name) = users.names.remove(user)
            && let Some(Online { dismissal: Some(dismissal), .. }) = users.online.remove(&name)
        {
            dismissal.notify_one();
        }
        users.last_subid += 1;
        let subid = users.last_subid.to_string();
        let [user64, server64, subid64] = [user, server, subid.as_bytes()].map(base64encode);
        let name = format!("{user64}@{server64}#{subid64}");
        users.online.insert(name.clone(), Online::new(secret));
        users.names.insert(user.to_vec(), name);
        users.entering.insert(user.to_vec());
        Ok(subid)
    }

    /// The user's login has been answered, or never will be.
    fn entered(&self, user: &[u8]) {
        self.lock().entering.remove(user);
    }

    /// Takes a gate's first package, `name:index:base64(hmac)`; returns the name.
    fn shake_hands(&self, message: &[u8], dismissal: &Arc<Notify>) -> Result<String, HandshakeRefusal> {
        let mut parts = message.splitn(4, |byte| *byte == b':');
        let (Some(name), Some(index), Some(hmac)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(HandshakeRefusal::NotFound);
        };
        let name = std::str::from_utf8(name).map_err(|_| HandshakeRefusal::NotFound)?;
        let mut users = self.lock();
        let user = users.online.get_mut(name).ok_or(HandshakeRefusal::NotFound)?;
        let number = std::str::from_utf8(index).ok().and_then(|index| index.parse::<i64>().ok());
        let number = number.ok_or(HandshakeRefusal::BadRequest)?;
        let hmac = base64decode(hmac).map_err(|_| HandshakeRefusal::BadRequest)?;
        if number <= user.version {
            return Err(HandshakeRefusal::Expired);
        }
        let signed = &message[..name.len() + 1 + index.len()];
        if hmac_hash(&user.secret, signed).map_or(true, |wanted| hmac != wanted) {
            return Err(HandshakeRefusal::Unauthorized);
        }
        user.version = number;
        user.dismissal = Some(Arc::clone(dismissal));
        Ok(name.to_owned())
    }

    /// Answers a request of the user who shook hands under `name`; none when that name is worth nothing any more.
    fn ask(&self, name: &str, session: u32, content: &[u8]) -> Option<(Answer, Origin)> {
        Some(self.lock().online.get_mut(name)?.ask(session, content))
    }

    fn lock(&self) -> MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Online {
    fn new(secret: Word) -> Self {
        Self { secret, version: 0, index: 0, answers: HashMap::new(), dismissal: None }
    }

    /// A session is free again on the connection it was answered on; on a later one it stands for its old answer.
    fn ask(&mut self, session: u32, content: &[u8]) -> (Answer, Origin) {
        let kept = self.answers.remove(&session).filter(|kept| kept.version != self.version);
        let (answer, origin) = match kept {
            Some(kept) => (kept.answer, Origin::Cache),
            None => (agent(content), Origin::Agent),
        };
        let kept = Kept { answer: answer.clone(), version: self.version, index: self.index };
        self.answers.insert(session, kept);
        self.index += 1;
        self.forget_old_answers();
        (answer, origin)
    }

    fn forget_old_answers(&mut self) {
        if self.index < 2 * KEPT_ANSWERS {
            return;
        }
        let mut last = 0;
        self.answers.retain(|_, kept| {
            let stays = kept.index >= KEPT_ANSWERS;
            if stays {
                kept.index -= KEPT_ANSWERS;
                last = last.max(kept.index);
            }
            stays
        });
        self.index = last + 1;
    }
}

/// Sends back what it is sent.
fn agent(content: &[u8]) -> Answer {
    let ok = !content.starts_with(IMPOSSIBLE);
    Answer { content: if ok { content.to_vec() } else { Vec::new() }, ok }
}

/// A number that looks drawn at random for each seed (SplitMix64's output function). Keys made of it are no secrets.
fn scrambled(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: Word = *b"a secret";

    fn signed(name: &str, index: &str) -> Vec<u8> {
        let text = format!("{name}:{index}");
        let hmac = base64encode(&hmac_hash(&SECRET, text.as_bytes()).unwrap());
        format!("{text}:{hmac}").into_bytes()
    }

    fn named(user: &str, subid: &str) -> String {
        format!(
            "{}@{}#{}",
            base64encode(user.as_bytes()),
            base64encode(b"sample"),
            base64encode(subid.as_bytes())
        )
    }

    /// A world with one user, and the user's name.
    fn world() -> (SkynetWorld, String) {
        let world = SkynetWorld::new(1);
        let subid = world.enter(b"hello", b"sample", SECRET).unwrap();
        world.entered(b"hello");
        (world, named("hello", &subid))
    }

    #[test]
    fn a_second_login_while_the_first_is_unanswered_is_not_acceptable() {
        let world = SkynetWorld::new(1);
        assert_eq!(world.enter(b"hello", b"sample", SECRET), Ok("1".to_owned()));
        assert_eq!(world.enter(b"hello", b"sample", SECRET), Err(LoginRefusal::NotAcceptable));
        assert_eq!(world.enter(b"other", b"sample", SECRET), Ok("2".to_owned()));
        world.entered(b"hello");
        assert_eq!(world.enter(b"hello", b"sample", SECRET), Ok("3".to_owned()));
    }

    #[test]
    fn an_unknown_server_is_forbidden() {
        assert_eq!(SkynetWorld::new(1).enter(b"hello", b"other", SECRET), Err(LoginRefusal::Forbidden));
    }

    #[test]
    fn a_handshake_is_refused_for_what_is_wrong_with_it() {
        let (world, name) = world();
        let shake = |message: &[u8]| world.shake_hands(message, &Arc::default());
        assert_eq!(shake(b"no handshake"), Err(HandshakeRefusal::NotFound));
        assert_eq!(shake(&signed(&named("hello", "7"), "1")), Err(HandshakeRefusal::NotFound));
        assert_eq!(shake(&signed(&name, "one")), Err(HandshakeRefusal::BadRequest));
        assert_eq!(shake(format!("{name}:1:a").as_bytes()), Err(HandshakeRefusal::BadRequest));
        assert_eq!(shake(&signed(&name, "0")), Err(HandshakeRefusal::Expired));
        assert_eq!(shake(format!("{name}:1:AAAAAAAAAAA=").as_bytes()), Err(HandshakeRefusal::Unauthorized));
        assert_eq!(shake(&signed(&name, "1")), Ok(name.clone()));
        assert_eq!(shake(&signed(&name, "1")), Err(HandshakeRefusal::Expired));
        assert_eq!(shake(&signed(&name, "2")), Ok(name));
    }

    #[test]
    fn a_session_is_answered_from_the_cache_only_over_a_new_connection() {
        let (world, name) = world();
        let ask = |session, content: &str| {
            let (answer, origin) = world.ask(&name, session, content.as_bytes()).unwrap();
            (String::from_utf8(answer.content).unwrap(), origin)
        };
        world.shake_hands(&signed(&name, "1"), &Arc::default()).unwrap();
        assert_eq!(ask(0, "echo"), ("echo".to_owned(), Origin::Agent));
        assert_eq!(ask(0, "again"), ("again".to_owned(), Origin::Agent));
        world.shake_hands(&signed(&name, "2"), &Arc::default()).unwrap();
        assert_eq!(ask(0, "fake"), ("again".to_owned(), Origin::Cache));
        assert_eq!(ask(1, "new"), ("new".to_owned(), Origin::Agent));
        // Its answer belongs to this connection now.
        assert_eq!(ask(0, "free"), ("free".to_owned(), Origin::Agent));
    }

    #[test]
    fn old_answers_are_forgotten() {
        let (world, name) = world();
        world.shake_hands(&signed(&name, "1"), &Arc::default()).unwrap();
        for session in 0..1000 {
            world.ask(&name, session, b"x").unwrap();
            assert!(world.lock().online[&name].answers.len() <= 256);
        }
        world.shake_hands(&signed(&name, "2"), &Arc::default()).unwrap();
        assert_eq!(world.ask(&name, 999, b"y").unwrap().1, Origin::Cache);
        assert_eq!(world.ask(&name, 0, b"y").unwrap().1, Origin::Agent);
    }

    #[test]
    fn who_logs_in_again_is_thrown_out_and_has_another_name() {
        let (world, name) = world();
        let dismissal = Arc::new(Notify::new());
        world.shake_hands(&signed(&name, "1"), &dismissal).unwrap();
        world.enter(b"hello", b"sample", SECRET).unwrap();
        assert!(world.ask(&name, 1, b"x").is_none());
        let mut dismissed = std::pin::pin!(dismissal.notified());
        assert!(dismissed.as_mut().enable());
    }
}
