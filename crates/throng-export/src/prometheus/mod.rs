//! The endpoint that Prometheus scrapes. `exposition` says a reading in its formats, `accept` chooses the one that was asked
//! for, `server` is the HTTP around it, and `patient` is what is done about scrapers that do not read.

mod accept;
mod exposition;
mod patient;
mod server;

pub(crate) use server::serve;
