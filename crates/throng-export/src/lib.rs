//! A run's figures for others while it goes on: an endpoint that Prometheus scrapes, and pushes to an OpenTelemetry
//! collector.
//!
//! The run's thread owns the [`Exporters`] and gives them a [`Reading`] when one is asked for, which happens at most once a
//! second; everything else is on a thread of their own. So neither a scrape nor a collector that is away or slow can hold
//! up a run, and no shard knows of them.
//!
//! What is exported under which name is one list, `catalogue`; `buckets` makes a histogram's buckets coarse enough to be
//! sent. `prometheus` and `otlp` say it in the words of each side. This crate decides nothing about a run and prints
//! nothing.

mod buckets;
mod catalogue;
mod error;
mod exporters;
mod otlp;
mod prometheus;
mod reading;
#[cfg(test)]
mod testing;

pub use buckets::{Buckets, CLASSIC_US, SCALE};
pub use catalogue::Moment;
pub use error::ExportError;
pub use exporters::{Exporters, PushCounts, Settings};
pub use hyper::header::{HeaderName, HeaderValue};
pub use otlp::{Encoding, Histograms, OtlpSettings};
pub use reading::{Family, Label, Point, Points, Reading, Unit, Word};
