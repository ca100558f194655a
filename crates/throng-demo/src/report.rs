//! What a demo says about itself: exact counts, to compare with what a client saw.

use std::{collections::BTreeMap, net::SocketAddr};

use serde::Serialize;

/// The whole demo; as JSON it is `{"version": 1, "uptime_s": .., "servers": {"game": {..}, ..}}`.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct Report {
    /// The form of this report, 1.
    pub version: u32,
    /// Seconds since the start.
    pub uptime_s: f64,
    /// Each server that accepts connections, by its name.
    pub servers: BTreeMap<&'static str, ServerReport>,
}

/// One server. All its names are always there, with 0 where nothing happened.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct ServerReport {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its connections.
    pub connections: Connections,
    /// Requests read, by name, whatever became of them.
    pub requests: BTreeMap<String, u64>,
    /// Replies written, by name; a garbled or reordered one counts, the second copy of a doubled one does not.
    pub replies: BTreeMap<String, u64>,
    /// Pushes written, by name.
    pub pushes: BTreeMap<String, u64>,
    /// What became of requests, by name, where the server tells: the statuses of `login` and `gate`, and of the gate's
    /// requests how many were `answered`, answered from the cache (`cached`), `failed` or `invalid`.
    pub outcomes: BTreeMap<String, u64>,
    /// Pushes thrown away because their connection did not keep up.
    pub pushes_lost: u64,
    /// Replies that were due when their connection ended, and so were not written: asked-for replies =
    /// `replies` + `faults.dropped` + `unanswered`, once all connections have ended.
    pub unanswered: u64,
    /// Messages that could not be understood; they get no reply and are in no other count.
    pub undecodable: u64,
    /// Faults that really happened.
    pub faults: FaultCounts,
    /// Bytes read from the sockets, WebSocket frames and handshakes included.
    pub bytes_received: u64,
    /// Bytes written to the sockets, WebSocket frames and handshakes included.
    pub bytes_sent: u64,
    /// The delays really given, if a rule asked for any.
    pub delays: Option<Delays>,
    /// Each stall that has begun.
    pub stalls: Vec<Stall>,
}

/// The connections of one server.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Connections {
    /// All accepted so far.
    pub accepted: u64,
    /// Those that have not ended.
    pub open: u64,
    /// Those that have, by cause: `client`, `quit`, `dismissed`, `broken`, `protocol`, `reset`, `vanished`, `shutdown`.
    pub ended: BTreeMap<String, u64>,
    /// Failed attempts to accept one, most likely for want of descriptors.
    pub accept_errors: u64,
}

/// How often each fault happened on one server.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
pub struct FaultCounts {
    /// Replies not sent.
    pub dropped: u64,
    /// Second copies sent.
    pub doubled: u64,
    /// Replies sent behind the one that followed them.
    pub reordered: u64,
    /// Replies written byte by byte.
    pub single_bytes: u64,
    /// Connections reset.
    pub resets: u64,
    /// Connections closed for sending only.
    pub half_closed: u64,
    /// Connections left open and dead.
    pub vanished: u64,
    /// Replies that cannot be decoded, whole or in their body.
    pub garbage: u64,
    /// Replies nobody asked for.
    pub orphans: u64,
    /// Pushes in no schema.
    pub unknown_pushes: u64,
}

/// Delays really given, from the read that completed the request to just before the write, in microseconds.
#[derive(Clone, Copy, Debug, Serialize, PartialEq)]
pub struct Delays {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub min_us: f64,
    /// Their mean.
    pub mean_us: f64,
    /// Their median, to three digits.
    pub p50_us: f64,
    /// The longest.
    pub max_us: f64,
}

/// One stall; seconds count from the demo's start.
#[derive(Clone, Copy, Debug, Serialize, PartialEq)]
pub struct Stall {
    /// When it began.
    pub began_s: f64,
    /// When it ended; none while it goes on.
    pub ended_s: Option<f64>,
    /// When it began, in microseconds of Unix time.
    pub began_unix_us: u64,
    /// When it ended, in microseconds of Unix time.
    pub ended_unix_us: Option<u64>,
}
