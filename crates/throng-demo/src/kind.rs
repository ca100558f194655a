//! The servers a demo can have, and the words each of them speaks.

use std::fmt;

use serde::Serialize;

/// One server of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// WebSocket, envelope Sproto: says where the game server is.
    Lobby,
    /// WebSocket, envelope Sproto: login, echo, notices.
    Game,
    /// TCP, 2-byte frames, packed Sproto RPC with one schema per direction.
    Battle,
    /// TCP, 2-byte frames: sends each frame's payload back.
    Echo,
    /// WebSocket: sends each binary message back.
    EchoWs,
    /// An address that refuses every connection.
    Refuse,
    /// Accepts connections and never reads or writes.
    Mute,
    /// An address whose connections are never answered, so that they time out (Linux).
    Unanswered,
}

impl ServerKind {
    /// All of them, in the order they are listed to users.
    pub const ALL: [Self; 8] = [
        Self::Lobby,
        Self::Game,
        Self::Battle,
        Self::Echo,
        Self::EchoWs,
        Self::Refuse,
        Self::Mute,
        Self::Unanswered,
    ];

    /// The name in flags, fault rules and the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lobby => "lobby",
            Self::Game => "game",
            Self::Battle => "battle",
            Self::Echo => "echo",
            Self::EchoWs => "echo-ws",
            Self::Refuse => "refuse",
            Self::Mute => "mute",
            Self::Unanswered => "unanswered",
        }
    }

    /// The server called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The scheme of its URL.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Lobby | Self::Game | Self::EchoWs => "ws",
            Self::Battle | Self::Echo | Self::Refuse | Self::Mute | Self::Unanswered => "tcp",
        }
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::Lobby => &LOBBY,
            Self::Game => &GAME,
            Self::Battle => &BATTLE,
            Self::Echo | Self::EchoWs => &ECHO,
            Self::Refuse | Self::Mute | Self::Unanswered => &SILENT,
        }
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The message names of a server; code refers to them by index.
pub(crate) struct Words {
    /// Each request with the name of its reply.
    pub(crate) requests: &'static [(&'static str, &'static str)],
    pub(crate) pushes: &'static [&'static str],
}

impl Words {
    pub(crate) fn request(&self, name: &str) -> Option<usize> {
        self.requests.iter().position(|(request, _)| *request == name)
    }
}

static LOBBY: Words = Words { requests: &[("ServerListRequest", "ServerListResponse")], pushes: &[] };

static GAME: Words = Words {
    requests: &[
        ("LoginReuest", "LoginRespone"),
        ("EchoRequest", "EchoResponse"),
        ("BattleRequest", "BattleResponse"),
        ("NoticeRequest", "NoticeResponse"),
    ],
    pushes: &["NoticePush", "KickNotify"],
};

static BATTLE: Words = Words {
    requests: &[
        ("handshake", "handshake"),
        ("get", "get"),
        ("set", "set"),
        ("quit", "quit"),
        ("join", "join"),
        ("move", "move"),
    ],
    pushes: &["heartbeat", "joined", "moved", "left"],
};

static ECHO: Words = Words { requests: &[("echo", "echo")], pushes: &[] };

static SILENT: Words = Words { requests: &[], pushes: &[] };
