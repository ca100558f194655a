//! What the benchmark can be asked for, and what the parent asks its children for.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::time::Duration;

/// Bytes of one echo's payload.
pub(crate) const PAYLOAD: usize = 64;

/// Measures throng beside a bare epoll loop.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// A few seconds in all: short windows, one round, few robots.
    #[arg(long, global = true)]
    pub(crate) quick: bool,
    /// Only sections whose name has all these words, such as `echo tcp 1000`, `scale`, `hostile` or `cost`.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) only: Option<String>,
    /// Length of one measured window, in seconds.
    #[arg(long, value_name = "N")]
    pub(crate) seconds: Option<f64>,
    /// How often each client is measured, in alternation; the tables show medians.
    #[arg(long, value_name = "N", global = true)]
    pub(crate) rounds: Option<usize>,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

impl Options {
    /// One measured window.
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(if self.quick { 0.15 } else { 2.0 }))
    }

    /// How often each client is measured.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { 5 }).max(1)
    }

    /// Whether a section is wanted.
    pub(crate) fn wants(&self, section: &str) -> bool {
        let has = |word| section.split(' ').any(|other| other == word);
        self.only.as_deref().is_none_or(|pattern| pattern.split(' ').all(has))
    }
}

/// A section of its own, or what a child of the benchmark is.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// What a client reports beside what the demo server's own log says
    Truth,
    /// The demo server whose log is the judge.
    #[command(hide = true)]
    Judge(JudgeOptions),
    /// A client that asks at a rate.
    #[command(hide = true)]
    Player(PlayOptions),
    /// The echo server.
    #[command(hide = true)]
    Server(ServerOptions),
    /// A measured client.
    #[command(hide = true)]
    Client(ClientOptions),
    /// A simulated day: memory of its books, and the size of its samples.
    Day(DayOptions),
    /// Whether `throng compare` is to be trusted: pairs of runs alike, and of runs that differ by 5 %.
    Compare(PairOptions),
}

/// Pairs of runs.
#[derive(Debug, Clone, Args)]
pub(crate) struct PairOptions {
    /// Pairs of each kind.
    #[arg(long, default_value_t = 100)]
    pub(crate) pairs: usize,
    /// Pairs that are played at once.
    #[arg(long, default_value_t = 20)]
    pub(crate) at_once: usize,
    /// How long a run takes.
    #[arg(long, default_value_t = 24)]
    pub(crate) seconds: u64,
    /// Robots of a run; each asks some eight times a second.
    #[arg(long, default_value_t = 15)]
    pub(crate) robots: u64,
    /// The program `throng`; the one beside this one if not said.
    #[arg(long)]
    pub(crate) throng: Option<std::path::PathBuf>,
    /// The program `throng-demo`; the one beside this one if not said.
    #[arg(long)]
    pub(crate) demo: Option<std::path::PathBuf>,
}

/// A simulated day.
#[derive(Debug, Clone, Args)]
pub(crate) struct DayOptions {
    /// How many seconds are simulated.
    #[arg(long, default_value_t = 86_400)]
    pub(crate) seconds: u64,
    /// Names of requests.
    #[arg(long, default_value_t = 200)]
    pub(crate) names: usize,
    /// Replies a second of each name.
    #[arg(long, default_value_t = 50.0)]
    pub(crate) rate: f64,
    /// What the figures are drawn from.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Where the run is kept; a temporary file if not said.
    #[arg(long)]
    pub(crate) file: Option<std::path::PathBuf>,
    /// Keeps no samples: the books alone.
    #[arg(long)]
    pub(crate) no_store: bool,
}

/// The echo server.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerOptions {
    /// What it speaks.
    #[arg(long)]
    pub(crate) wire: Wire,
    /// How many ports it listens on.
    #[arg(long)]
    pub(crate) ports: usize,
}

/// A measured client.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClientOptions {
    /// What runs the robots.
    #[arg(long)]
    pub(crate) kind: Kind,
    /// What it speaks.
    #[arg(long)]
    pub(crate) wire: Wire,
    /// What its robots do.
    #[arg(long)]
    pub(crate) work: Work,
    /// How many robots.
    #[arg(long)]
    pub(crate) robots: u64,
    /// The server's addresses.
    #[arg(long, value_delimiter = ',')]
    pub(crate) targets: Vec<std::net::SocketAddr>,
    /// No sockets: a network in memory, with the server in the same thread.
    #[arg(long)]
    pub(crate) memory: bool,
    /// The body of a task that the first robot runs beside the others' play.
    #[arg(long)]
    pub(crate) hostile: Option<String>,
}

impl ClientOptions {
    /// Robots of `kind` that do `work` over TCP with nobody.
    pub(crate) fn alone(kind: Kind, work: Work, robots: u64) -> ClientOptions {
        ClientOptions {
            kind,
            wire: Wire::Tcp,
            work,
            robots,
            targets: Vec::new(),
            memory: false,
            hostile: None,
        }
    }
}

/// The demo server whose log is the judge.
#[derive(Debug, Clone, Args)]
pub(crate) struct JudgeOptions {
    /// What goes wrong on it, as the demo server's `--fault` has it.
    #[arg(long)]
    pub(crate) fault: String,
}

/// A client that asks at a rate.
#[derive(Debug, Clone, Args)]
pub(crate) struct PlayOptions {
    /// The server's address.
    #[arg(long)]
    pub(crate) target: std::net::SocketAddr,
    /// How it asks.
    #[arg(long)]
    pub(crate) load: Load,
    /// How long, in seconds.
    #[arg(long)]
    pub(crate) seconds: f64,
}

/// Ways to ask 1,000 times a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Load {
    /// A task rate over a hundred robots.
    Rate,
    /// A hundred robots with a pace.
    Paced,
    /// Ten robots with a pace.
    Few,
    /// Ten robots with a pace that skip what they are late for.
    Skipping,
}

impl Load {
    /// As the tables say it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Load::Rate => "task rate, 100 robots",
            Load::Paced => "pace, 100 robots",
            Load::Few => "pace, 10 robots",
            Load::Skipping => "pace that skips, 10 robots",
        }
    }
}

/// What runs robots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// An epoll loop and nothing else.
    Bare,
    /// The engine with a behaviour in Rust.
    Engine,
    /// The engine with robots in Lua that send bytes.
    Lua,
    /// The engine with robots in Lua that send tables by Sproto.
    Sproto,
}

impl Kind {
    /// As the tables say it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Kind::Bare => "bare epoll loop",
            Kind::Engine => "engine, built-in behaviour",
            Kind::Lua => "Lua, raw bytes",
            Kind::Sproto => "Lua, Sproto both ways",
        }
    }
}

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wire {
    /// Frames behind a length of two bytes, big-endian.
    Tcp,
    /// A binary message for each frame.
    Websocket,
}

impl Wire {
    /// As the tables say it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Wire::Tcp => "TCP",
            Wire::Websocket => "WebSocket",
        }
    }

    /// As it is named in sections and arguments.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Wire::Tcp => "tcp",
            Wire::Websocket => "websocket",
        }
    }

    /// The scheme of its URLs.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Wire::Tcp => "tcp",
            Wire::Websocket => "ws",
        }
    }
}

/// What robots do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Ask and wait for the echo, again and again.
    Echo,
    /// Connect, and nothing more.
    Idle,
    /// No connection: a short task every 10 s on average.
    Sleep,
    /// Ask 20 times a second, and tell how long a turn took.
    Play,
}

impl Work {
    /// Whether robots connect.
    pub(crate) fn connects(self) -> bool {
        self != Work::Sleep
    }
}
