//! The endpoint that Prometheus scrapes. `exposition` says a reading in its formats, `accept` chooses the one that was asked
//! for, `server` is the HTTP around it.

mod accept;
mod exposition;
mod server;

pub(crate) use server::serve;
