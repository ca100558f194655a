//! The demo game server: a WebSocket lobby and game, a TCP battle, with faults on request.
//!
//! It is what `throng demo` plays against, what the example robots know, and what the end-to-end tests compare throng's
//! counts with: it counts exactly, and whatever goes wrong on it was asked for. Its WebSocket is not throng's own, so
//! that a misreading of the protocol cannot hide on both sides.
//!
//! ```
//! use throng_demo::{Demo, DemoOptions, ServerKind};
//!
//! let demo = Demo::start(DemoOptions::default().fault("game.EchoRequest.delay=50ms")?)?;
//! println!("{}", demo.url(ServerKind::Lobby).unwrap());
//! let report = demo.stop();
//! assert_eq!(report.servers["game"].connections.accepted, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Start reading at [`Demo`], then `connection`, which drives one client; `service` says what each server answers and
//! knows no sockets, `plan` decides which fault strikes when.

mod connection;
mod datagrams;
mod dead_end;
mod demo;
mod duration;
mod faults;
mod gate;
mod kind;
mod link;
mod options;
mod outbox;
mod plan;
mod report;
mod server;
mod service;
mod tally;
mod timer;
mod tls;
mod wire;

pub use demo::{Demo, StartError};
pub use faults::{Fault, FaultError, FaultRule};
pub use kind::ServerKind;
pub use options::DemoOptions;
pub use report::{Connections, Delays, FaultCounts, Report, ServerReport, Stall};
pub use tls::{Credentials, TlsError, TlsOptions};
