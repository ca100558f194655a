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
    /// UDP: sends each datagram back.
    EchoUdp,
    /// KCP over UDP: sends each message back.
    EchoKcp,
    /// HTTP: a login that sets a cookie, and a page that wants it.
    Web,
    /// TCP, lines: a login as skynet's login server has it.
    Login,
    /// TCP, 2-byte frames: a gate as skynet's message server has it, for those who logged in.
    Gate,
    /// An address that refuses every connection.
    Refuse,
    /// Accepts connections and never reads or writes.
    Mute,
    /// An address whose connections are never answered, so that they time out (Linux).
    Unanswered,
}

impl ServerKind {
    /// All of them, in the order they are listed to users.
    pub const ALL: [Self; 13] = [
        Self::Lobby,
        Self::Game,
        Self::Battle,
        Self::Echo,
        Self::EchoWs,
        Self::EchoUdp,
        Self::EchoKcp,
        Self::Web,
        Self::Login,
        Self::Gate,
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
            Self::EchoUdp => "echo-udp",
            Self::EchoKcp => "echo-kcp",
            Self::Web => "web",
            Self::Login => "login",
            Self::Gate => "gate",
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
            Self::EchoUdp => "udp",
            Self::EchoKcp => "kcp",
            Self::Web => "http",
            Self::Battle
            | Self::Echo
            | Self::Login
            | Self::Gate
            | Self::Refuse
            | Self::Mute
            | Self::Unanswered => "tcp",
        }
    }

    /// The scheme of its URL when it speaks TLS.
    pub fn tls_scheme(self) -> &'static str {
        match self.scheme() {
            "ws" => "wss",
            "http" => "https",
            "tcp" => "tls",
            // Datagrams have none.
            scheme => scheme,
        }
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::Lobby => &LOBBY,
            Self::Game => &GAME,
            Self::Battle => &BATTLE,
            Self::Echo | Self::EchoWs | Self::EchoUdp | Self::EchoKcp => &ECHO,
            Self::Web => &WEB,
            Self::Login => &LOGIN,
            Self::Gate => &GATE,
            Self::Refuse | Self::Mute | Self::Unanswered => &SILENT,
        }
    }

    /// What can become of its requests, where that is counted.
    pub(crate) fn outcomes(self) -> &'static [&'static str] {
        match self {
            Self::Login => &["200", "400", "401", "403", "406"],
            Self::Gate => &["200", "400", "401", "403", "404", "answered", "cached", "failed", "invalid"],
            _ => &[],
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

// By the first part of the path; what no page answers is the last.
static WEB: Words = Words {
    requests: &[("login", "login"), ("profile", "profile"), ("me", "me"), ("other", "other")],
    pushes: &[],
};

static LOGIN: Words = Words {
    requests: &[("exchange", "exchange"), ("proof", "proof"), ("token", "token")],
    pushes: &["challenge"],
};

static GATE: Words = Words { requests: &[("handshake", "handshake"), ("request", "response")], pushes: &[] };

static SILENT: Words = Words { requests: &[], pushes: &[] };
