//! The login server: lines of Base64, from the challenge to the subid.

use std::sync::Arc;

use throng_crypto::skynet::{
    DesPadding, base64decode, base64encode, desdecode, dhexchange, dhsecret, hmac64,
};

use super::{LoginRefusal, PASSWORD, SkynetWorld, Word};
use crate::service::{NotUnderstood, Service, Then, Turn};

/// Indices of the server's words.
const CHALLENGE: usize = 0;
const EXCHANGE: usize = 0;
const PROOF: usize = 1;
const TOKEN: usize = 2;

/// One connection to the login server.
pub(crate) struct SkynetLogin {
    world: Arc<SkynetWorld>,
    challenge: Word,
    stage: Stage,
    /// Whose login this connection has begun.
    user: Option<Vec<u8>>,
}

/// What the next line is.
#[derive(Clone, Copy)]
enum Stage {
    Exchange,
    Proof { secret: Word },
    Token { secret: Word },
    Over,
}

/// The first line of the end; the number is that of the server's outcome.
#[derive(Clone, Copy)]
enum Status {
    Ok = 0,
    BadRequest = 1,
    Unauthorized = 2,
    Forbidden = 3,
    NotAcceptable = 4,
}

impl Status {
    fn text(self) -> &'static str {
        match self {
            Status::Ok => "200",
            Status::BadRequest => "400 Bad Request",
            Status::Unauthorized => "401 Unauthorized",
            Status::Forbidden => "403 Forbidden",
            Status::NotAcceptable => "406 Not Acceptable",
        }
    }
}

impl From<LoginRefusal> for Status {
    fn from(refusal: LoginRefusal) -> Self {
        match refusal {
            LoginRefusal::Forbidden => Self::Forbidden,
            LoginRefusal::NotAcceptable => Self::NotAcceptable,
        }
    }
}

impl SkynetLogin {
    pub(crate) fn new(world: Arc<SkynetWorld>) -> Self {
        let challenge = world.random_key();
        Self { world, challenge, stage: Stage::Exchange, user: None }
    }

    /// Takes the client's half of the exchange; the answer is ours.
    fn exchange(&mut self, line: &[u8]) -> Option<Word> {
        let key = self.world.random_key();
        let secret = dhsecret(&base64decode(line).ok()?, &key).ok()?;
        self.stage = Stage::Proof { secret };
        dhexchange(&key).ok()
    }

    fn is_proof(&self, line: &[u8], secret: &Word) -> bool {
        let wanted = hmac64(&self.challenge, secret);
        base64decode(line).is_ok_and(|proof| wanted.is_ok_and(|wanted| proof == wanted))
    }

    fn log_in(&mut self, line: &[u8], secret: Word) -> Result<String, Status> {
        let token = Token::read(line, &secret).filter(|token| token.password == PASSWORD);
        let token = token.ok_or(Status::Unauthorized)?;
        let subid = self.world.enter(&token.user, &token.server, secret)?;
        self.user = Some(token.user);
        Ok(subid)
    }

    /// Says how the login ended, and ends the connection.
    fn finish(&mut self, request: usize, status: Status, subid: &str, turn: &mut Turn) {
        self.stage = Stage::Over;
        turn.request = request;
        turn.reply = Some(0);
        turn.body.extend_from_slice(status.text().as_bytes());
        if matches!(status, Status::Ok) {
            turn.body.push(b' ');
            turn.body.extend_from_slice(base64encode(subid.as_bytes()).as_bytes());
        }
        turn.outcome = Some(status as usize);
        turn.then = Then::Close;
    }

    fn leave(&mut self) {
        if let Some(user) = self.user.take() {
            self.world.entered(&user);
        }
    }
}

impl Service for SkynetLogin {
    fn answer(&mut self, message: &[u8], turn: &mut Turn) -> Result<(), NotUnderstood> {
        match self.stage {
            Stage::Exchange => match self.exchange(message) {
                Some(key) => {
                    turn.request = EXCHANGE;
                    turn.reply = Some(0);
                    turn.body.extend_from_slice(base64encode(&key).as_bytes());
                }
                None => self.finish(EXCHANGE, Status::Unauthorized, "", turn),
            },
            Stage::Proof { secret } if self.is_proof(message, &secret) => {
                turn.request = PROOF;
                self.stage = Stage::Token { secret };
            }
            Stage::Proof { .. } => self.finish(PROOF, Status::BadRequest, "", turn),
            Stage::Token { secret } => match self.log_in(message, secret) {
                Ok(subid) => self.finish(TOKEN, Status::Ok, &subid, turn),
                Err(status) => self.finish(TOKEN, status, "", turn),
            },
            Stage::Over => return Err(NotUnderstood),
        }
        Ok(())
    }

    fn wrap(&mut self, _turn: &Turn, body: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(body);
    }

    fn greeting(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        out.extend_from_slice(base64encode(&self.challenge).as_bytes());
        Some(CHALLENGE)
    }

    fn replied(&mut self, request: usize) {
        if request == TOKEN {
            self.leave();
        }
    }
}

impl Drop for SkynetLogin {
    fn drop(&mut self) {
        self.leave();
    }
}

/// `base64(user)@base64(server):base64(password)`, under the secret.
struct Token {
    user: Vec<u8>,
    server: Vec<u8>,
    password: Vec<u8>,
}

impl Token {
    fn read(line: &[u8], secret: &Word) -> Option<Token> {
        let text = desdecode(secret, &base64decode(line).ok()?, DesPadding::default()).ok()?;
        let at = text.iter().position(|byte| *byte == b'@')?;
        let (user, rest) = (&text[..at], &text[at + 1..]);
        let colon = rest.iter().position(|byte| *byte == b':')?;
        let part = |text: &[u8]| base64decode(text).ok().filter(|part| !part.is_empty());
        Some(Token { user: part(user)?, server: part(&rest[..colon])?, password: part(&rest[colon + 1..])? })
    }
}

#[cfg(test)]
mod tests {
    use throng_crypto::skynet::desencode;

    use super::*;

    const KEY: Word = *b"our keys";

    struct Client {
        login: SkynetLogin,
        challenge: Vec<u8>,
        secret: Word,
    }

    impl Client {
        fn new(world: &Arc<SkynetWorld>) -> Client {
            let mut login = SkynetLogin::new(Arc::clone(world));
            let mut challenge = Vec::new();
            assert_eq!(login.greeting(&mut challenge), Some(CHALLENGE));
            Client { login, challenge: base64decode(&challenge).unwrap(), secret: Word::default() }
        }

        /// What is said to a line, and whether the connection ends with it.
        fn say(&mut self, bytes: &[u8]) -> (String, Then) {
            let mut turn = Turn::default();
            self.login.answer(base64encode(bytes).as_bytes(), &mut turn).unwrap();
            (String::from_utf8(turn.body).unwrap(), turn.then)
        }

        fn exchange(&mut self) {
            let (answer, then) = self.say(&dhexchange(&KEY).unwrap());
            assert_eq!(then, Then::GoOn);
            self.secret = dhsecret(&base64decode(answer.as_bytes()).unwrap(), &KEY).unwrap();
        }

        fn prove(&mut self) {
            let proof = hmac64(&self.challenge, &self.secret).unwrap();
            assert_eq!(self.say(&proof), (String::new(), Then::GoOn));
        }

        fn log_in(&mut self, user: &str, server: &str, password: &str) -> (String, Then) {
            self.exchange();
            self.prove();
            let [user, server, password] = [user, server, password].map(|part| base64encode(part.as_bytes()));
            let token = format!("{user}@{server}:{password}");
            self.say(&desencode(&self.secret, token.as_bytes(), DesPadding::default()).unwrap())
        }
    }

    #[track_caller]
    fn ends(answer: (String, Then), text: &str) {
        assert_eq!(answer, (text.to_owned(), Then::Close));
    }

    #[test]
    fn the_right_token_gets_a_subid() {
        let world = Arc::new(SkynetWorld::new(1));
        ends(Client::new(&world).log_in("hello", "sample", "password"), "200 MQ==");
        ends(Client::new(&world).log_in("world", "sample", "password"), "200 Mg==");
    }

    #[test]
    fn what_is_wrong_has_its_status() {
        let world = Arc::new(SkynetWorld::new(1));
        ends(Client::new(&world).say(b"seven b"), "401 Unauthorized");
        let mut client = Client::new(&world);
        client.exchange();
        ends(client.say(b"no proof"), "400 Bad Request");
        ends(Client::new(&world).log_in("hello", "sample", "wrong"), "401 Unauthorized");
        ends(Client::new(&world).log_in("hello", "nowhere", "password"), "403 Forbidden");
        let mut client = Client::new(&world);
        client.exchange();
        client.prove();
        ends(client.say(b"no token"), "401 Unauthorized");
    }

    #[test]
    fn a_login_is_under_way_until_it_is_answered_or_its_connection_ends() {
        let world = Arc::new(SkynetWorld::new(1));
        let mut first = Client::new(&world);
        ends(first.log_in("hello", "sample", "password"), "200 MQ==");
        ends(Client::new(&world).log_in("hello", "sample", "password"), "406 Not Acceptable");
        first.login.replied(TOKEN);
        let third = Client::new(&world).log_in("hello", "sample", "password");
        ends(third, "200 Mg==");
        ends(Client::new(&world).log_in("hello", "sample", "password"), "200 Mw==");
    }

    #[test]
    fn nothing_is_understood_after_the_end() {
        let world = Arc::new(SkynetWorld::new(1));
        let mut client = Client::new(&world);
        client.say(b"");
        assert_eq!(client.login.answer(b"more", &mut Turn::default()), Err(NotUnderstood));
    }
}
