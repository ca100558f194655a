//! The engine: robots, their tasks and connections, the load plan, and the shards that run them.
//!
//! It knows robots, connections, operations and outcomes, not languages: a [`Host`] runs the robots' code and reaches the
//! engine through its [`Desk`]. It never sees Lua and prints nothing. Start reading at [`Shard::turn`] for the loop and at
//! [`Host`] for the border to a language.

mod clock;
mod config;
mod control;
mod core;
mod desk;
mod host;
mod http;
mod id;
mod net;
pub mod pattern;
mod poller;
mod program;
mod random;
pub mod redact;
mod run;
mod sample;
mod schedule;
mod shard;
mod spawning;
mod trace;
pub mod units;
mod wheel;

pub use clock::{Clock, Origin};
pub use config::{MOST_RATE, OnError, ProtocolRoute, Settings, ShardShare};
pub use control::{Command, Desired, Phase, Report};
pub use desk::{Desk, Facts, Level, LogLine};
pub use host::{
    CallOptions, CloseReason, ConnectOptions, Failure, Host, Incoming, Memory, Outcome, OwnCut, OwnError,
    OwnHead, Question, ReadUntil, Retry, Routine, ScriptError, Speaker, Uncaught, Unsent,
};
pub use http::{HttpMistake, HttpRequest, HttpResponse, HttpSettings, Unasked, form_encoded};
pub use id::{ActivityKey, ConnectionKey, Group, OperationKey, RobotId, RobotKey};
pub use net::http::fake::HttpQuestion;
pub use net::memory::{LinkId, MemoryNet, ServerEvent};
pub use net::options::{Keepalive, SocketError, TcpOptions};
pub use net::proxy::{ProxyProtocol, ProxyRangeError};
pub use net::target::{Allowed, TargetError};
pub use program::{Late, ModSpec, Program, ScenarioSpec, TaskSpec, Wait};
pub use run::{Run, RunError};
pub use schedule::{Crowd, Loss, Member, RateStage, Schedule, Spacing, Stage, Stay, Storm};
pub use shard::{Shard, ShardConfig};
pub use trace::{Message, TakenAs, Trace, Tracer};
