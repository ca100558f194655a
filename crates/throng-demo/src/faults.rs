//! Faults as a user asks for them: `SERVER.FAULT=VALUE` or `SERVER.MESSAGE.FAULT=VALUE`.
//!
//! A rule is checked when it is made, so that everything behind it can rely on it. What a rule does to a
//! message is decided in `plan`.

use std::{fmt, num::NonZeroU64, str::FromStr, time::Duration};

use crate::{duration, kind::ServerKind};

/// Something that goes wrong on purpose.
///
/// "Every Nth" counts over the whole server, not per connection: with one rule `Drop(10)` exactly a tenth of the
/// replies is dropped, however many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Each reply leaves this long after its request was read.
    Delay(Duration),
    /// Adds to the delay something between nothing and this, drawn from the demo's seed.
    Jitter(Duration),
    /// Every Nth reply is not sent.
    Drop(NonZeroU64),
    /// Every Nth reply is sent twice.
    Double(NonZeroU64),
    /// Every Nth reply is held back and sent right behind the next one on its connection.
    Reorder(NonZeroU64),
    /// Every Nth reply is written one byte at a time.
    SingleBytes(NonZeroU64),
    /// Every Nth request is answered by a TCP reset.
    Reset(NonZeroU64),
    /// Every Nth request is answered by closing the sending side; the receiving side stays open.
    HalfClose(NonZeroU64),
    /// From every Nth request on its connection is neither read nor written nor closed.
    Vanish(NonZeroU64),
    /// Once, the whole server neither reads nor writes for `length`, beginning `after` its first connection.
    Stall {
        /// From the server's first connection to the beginning.
        after: Duration,
        /// From the beginning to the end.
        length: Duration,
    },
    /// Every Nth reply is a message that cannot be decoded at all.
    Garbage(NonZeroU64),
    /// Every Nth reply has a right head and a body that cannot be decoded.
    GarbageBody(NonZeroU64),
    /// With every Nth reply comes another one, for a session that nobody asked for.
    Orphan(NonZeroU64),
    /// With every Nth reply comes a push that is in no schema.
    Pushes(NonZeroU64),
    /// With every Nth reply comes a `KickNotify`; the connection stays open.
    Kick(NonZeroU64),
}

/// The kinds of faults, by the name a rule uses.
const NAMES: [&str; 15] = [
    "delay",
    "jitter",
    "drop",
    "double",
    "reorder",
    "single_bytes",
    "reset",
    "half_close",
    "vanish",
    "stall",
    "garbage",
    "garbage_body",
    "orphan",
    "pushes",
    "kick",
];

impl Fault {
    /// The name in rules and in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delay(_) => "delay",
            Self::Jitter(_) => "jitter",
            Self::Drop(_) => "drop",
            Self::Double(_) => "double",
            Self::Reorder(_) => "reorder",
            Self::SingleBytes(_) => "single_bytes",
            Self::Reset(_) => "reset",
            Self::HalfClose(_) => "half_close",
            Self::Vanish(_) => "vanish",
            Self::Stall { .. } => "stall",
            Self::Garbage(_) => "garbage",
            Self::GarbageBody(_) => "garbage_body",
            Self::Orphan(_) => "orphan",
            Self::Pushes(_) => "pushes",
            Self::Kick(_) => "kick",
        }
    }

    fn parse(name: &str, value: &str) -> Result<Self, FaultError> {
        Ok(match name {
            "delay" => Self::Delay(time(name, value)?),
            "jitter" => Self::Jitter(time(name, value)?),
            "drop" => Self::Drop(every(name, value)?),
            "double" => Self::Double(every(name, value)?),
            "reorder" => Self::Reorder(every(name, value)?),
            "single_bytes" => Self::SingleBytes(every(name, value)?),
            "reset" => Self::Reset(every(name, value)?),
            "half_close" => Self::HalfClose(every(name, value)?),
            "vanish" => Self::Vanish(every(name, value)?),
            "stall" => stall(value)?,
            "garbage" => Self::Garbage(every(name, value)?),
            "garbage_body" => Self::GarbageBody(every(name, value)?),
            "orphan" => Self::Orphan(every(name, value)?),
            "pushes" => Self::Pushes(every(name, value)?),
            "kick" => Self::Kick(every(name, value)?),
            _ => return Err(FaultError::Fault { found: name.to_owned(), known: NAMES.join(", ") }),
        })
    }

    fn is_offered_by(self, server: ServerKind) -> bool {
        use ServerKind::{Battle, Echo, EchoKcp, EchoUdp, EchoWs, Game, Gate, Lobby, Login, Web};
        match self {
            // Of KCP a datagram is lost, not a reply.
            Self::Drop(_) if matches!(server, EchoUdp | EchoKcp) => true,
            Self::Orphan(_) => server == Battle,
            Self::Kick(_) => server == Game,
            Self::Garbage(_) | Self::GarbageBody(_) | Self::Pushes(_) => {
                matches!(server, Lobby | Game | Battle)
            }
            _ => matches!(server, Lobby | Game | Battle | Echo | EchoWs | Web | Login | Gate),
        }
    }
}

/// A fault on one server, perhaps for one request only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    server: ServerKind,
    request: Option<usize>,
    fault: Fault,
}

impl FaultRule {
    /// A rule for `server`, limited to requests called `message` if that is given.
    ///
    /// # Errors
    /// The server does not offer the fault, or has no request of that name.
    pub fn new(server: ServerKind, message: Option<&str>, fault: Fault) -> Result<Self, FaultError> {
        let whole_server = matches!(fault, Fault::Stall { .. }) && message.is_some();
        if whole_server || !fault.is_offered_by(server) {
            let target = message.map_or(server.to_string(), |message| format!("{server}.{message}"));
            return Err(FaultError::NotOffered { target, fault: fault.name() });
        }
        let request = message.map(|message| request_index(server, message)).transpose()?;
        Ok(Self { server, request, fault })
    }

    /// The server it belongs to.
    pub fn server(&self) -> ServerKind {
        self.server
    }

    /// The fault itself.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The index of the request it is limited to.
    pub(crate) fn request(&self) -> Option<usize> {
        self.request
    }
}

impl FromStr for FaultRule {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let shape = || FaultError::Shape { found: text.to_owned() };
        let (target, value) = text.split_once('=').ok_or_else(shape)?;
        let (server, rest) = target.split_once('.').ok_or_else(shape)?;
        let (message, fault) = match rest.rsplit_once('.') {
            Some((message, fault)) => (Some(message), fault),
            None => (None, rest),
        };
        let server = ServerKind::from_name(server)
            .ok_or_else(|| FaultError::Server { found: server.to_owned(), known: known_servers() })?;
        Self::new(server, message, Fault::parse(fault, value)?)
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.server)?;
        if let Some(request) = self.request {
            write!(f, "{}.", self.server.words().requests[request].0)?;
        }
        write!(f, "{}=", self.fault.name())?;
        match self.fault {
            Fault::Delay(time) | Fault::Jitter(time) => f.write_str(&duration::text(time)),
            Fault::Stall { after, length } => {
                write!(f, "after:{},for:{}", duration::text(after), duration::text(length))
            }
            Fault::Drop(n)
            | Fault::Double(n)
            | Fault::Reorder(n)
            | Fault::SingleBytes(n)
            | Fault::Reset(n)
            | Fault::HalfClose(n)
            | Fault::Vanish(n)
            | Fault::Garbage(n)
            | Fault::GarbageBody(n)
            | Fault::Orphan(n)
            | Fault::Pushes(n)
            | Fault::Kick(n) => write!(f, "{n}"),
        }
    }
}

/// Why a fault rule cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FaultError {
    /// It has not the form of a rule.
    #[error("expected SERVER.FAULT=VALUE or SERVER.MESSAGE.FAULT=VALUE, found `{found}`")]
    Shape {
        /// What was given.
        found: String,
    },
    /// There is no such server.
    #[error("no server is called `{found}`: it is one of {known}")]
    Server {
        /// What was given.
        found: String,
        /// The names there are.
        known: String,
    },
    /// There is no such fault.
    #[error("no fault is called `{found}`: it is one of {known}")]
    Fault {
        /// What was given.
        found: String,
        /// The names there are.
        known: String,
    },
    /// The server has no such request.
    #[error("{server} has no request `{found}`: it is one of {known}")]
    Message {
        /// The server.
        server: ServerKind,
        /// What was given.
        found: String,
        /// The names there are.
        known: String,
    },
    /// The fault makes no sense there.
    #[error("{target} does not offer the fault `{fault}`")]
    NotOffered {
        /// The server, or the server's request.
        target: String,
        /// The fault's name.
        fault: &'static str,
    },
    /// The value is not what the fault takes.
    #[error("{fault} wants {wanted}, found `{found}`")]
    Value {
        /// The fault's name.
        fault: String,
        /// What it takes.
        wanted: &'static str,
        /// What was given.
        found: String,
    },
}

fn request_index(server: ServerKind, message: &str) -> Result<usize, FaultError> {
    server.words().request(message).ok_or_else(|| {
        let known: Vec<_> = server.words().requests.iter().map(|(request, _)| *request).collect();
        FaultError::Message { server, found: message.to_owned(), known: known.join(", ") }
    })
}

fn known_servers() -> String {
    let known: Vec<_> = ServerKind::ALL
        .into_iter()
        .filter(|kind| !kind.words().requests.is_empty())
        .map(ServerKind::name)
        .collect();
    known.join(", ")
}

fn time(fault: &str, value: &str) -> Result<Duration, FaultError> {
    duration::parse(value).ok_or_else(|| FaultError::Value {
        fault: fault.to_owned(),
        wanted: "a time such as 50ms or 1.5s",
        found: value.to_owned(),
    })
}

fn every(fault: &str, value: &str) -> Result<NonZeroU64, FaultError> {
    value.parse().map_err(|_| FaultError::Value {
        fault: fault.to_owned(),
        wanted: "a whole number from 1 (every Nth)",
        found: value.to_owned(),
    })
}

fn stall(value: &str) -> Result<Fault, FaultError> {
    let parts = || {
        let (after, length) = value.split_once(',')?;
        let after = duration::parse(after.trim().strip_prefix("after:")?)?;
        let length = duration::parse(length.trim().strip_prefix("for:")?)?;
        Some(Fault::Stall { after, length })
    };
    parts().ok_or_else(|| FaultError::Value {
        fault: "stall".to_owned(),
        wanted: "after:TIME,for:TIME",
        found: value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let found = text.parse::<FaultRule>().map(|rule| rule.to_string()).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn rules_are_read_and_shown_again() {
        check("game.delay=50ms", Ok("game.delay=50ms"));
        check("game.EchoRequest.jitter=0.25", Ok("game.EchoRequest.jitter=250ms"));
        check("battle.drop=10", Ok("battle.drop=10"));
        check("echo-ws.reset=3", Ok("echo-ws.reset=3"));
        check("gate.request.reset=4", Ok("gate.request.reset=4"));
        check("battle.stall=after:3s,for:1500ms", Ok("battle.stall=after:3s,for:1500ms"));
    }

    #[test]
    fn what_cannot_be_a_rule_says_what_was_wanted() {
        check("game", Err("expected SERVER.FAULT=VALUE or SERVER.MESSAGE.FAULT=VALUE, found `game`"));
        check(
            "gme.drop=1",
            Err(
                "no server is called `gme`: it is one of lobby, game, battle, echo, echo-ws, echo-udp, echo-kcp, web, login, gate",
            ),
        );
        check("game.drop=0", Err("drop wants a whole number from 1 (every Nth), found `0`"));
        check("game.delay=soon", Err("delay wants a time such as 50ms or 1.5s, found `soon`"));
        check("game.stall=1s", Err("stall wants after:TIME,for:TIME, found `1s`"));
        check("game.orphan=1", Err("game does not offer the fault `orphan`"));
        check("echo-kcp.drop=3", Ok("echo-kcp.drop=3"));
        check("echo-udp.double=1", Err("echo-udp does not offer the fault `double`"));
        check("mute.drop=1", Err("mute does not offer the fault `drop`"));
        check(
            "game.EchoRequest.stall=after:0s,for:1s",
            Err("game.EchoRequest does not offer the fault `stall`"),
        );
        check(
            "battle.mve.drop=2",
            Err("battle has no request `mve`: it is one of handshake, get, set, quit, join, move"),
        );
    }

    #[test]
    fn each_known_name_parses_to_a_fault_of_that_name() {
        for name in NAMES {
            let value = if name == "stall" { "after:1s,for:1s" } else { "1" };
            assert_eq!(Fault::parse(name, value).map(Fault::name), Ok(name));
        }
    }
}
