//! Robots against servers that throng has no part in: a game on Python's `websockets` and `sproto`, Redis, Prometheus,
//! and a collector on OpenTelemetry's own messages.
//!
//! They are not there on every machine, so these tests are built with the feature `peers` only; `./test` installs what
//! they need and names the Python to use in `PEERS_PYTHON`.

mod collector;
mod game;
#[path = "../e2e/play.rs"]
#[allow(dead_code, reason = "the other end-to-end tests use more of it")]
mod play;
mod prometheus;
mod redis;
#[path = "../e2e/report.rs"]
#[allow(dead_code, reason = "the other end-to-end tests use more of it")]
mod report;
mod resp;
mod server;
