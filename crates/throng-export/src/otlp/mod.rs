//! Pushes to an OpenTelemetry collector. `message` says a reading in its words, `client` is the HTTP around it, and here is
//! when that happens.
//!
//! Figures are cumulative: a push that is lost costs nothing but its moment, for the next one says it all again.

mod client;
mod message;

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout_at};
use url::Url;

use crate::exporters::{Last, Source};
use client::{Client, PushError};

/// How long the last push waits before it tries again, at first.
const AGAIN: Duration = Duration::from_millis(200);

/// Where figures are pushed to, and how.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    /// The collector, `http` or `https`; `/v1/metrics` is added to its path where it is not its end.
    pub endpoint: Url,
    /// Headers of each push, such as an authorization.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The time between two pushes.
    pub every: Duration,
    /// How long a push may take, and all tries of the last one together.
    pub timeout: Duration,
    /// How pushes are written.
    pub encoding: Encoding,
    /// How durations are written.
    pub histograms: Histograms,
    /// What else is told about the run, by name.
    pub resource: Vec<(String, String)>,
}

/// How pushes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// `http/protobuf`.
    #[default]
    Protobuf,
    /// `http/json`.
    Json,
}

/// How durations are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Histograms {
    /// In exponential buckets.
    #[default]
    Exponential,
    /// In buckets of a fixed list.
    Explicit,
}

impl OtlpSettings {
    /// Settings as they are where nobody says otherwise.
    pub fn to(endpoint: Url) -> OtlpSettings {
        OtlpSettings {
            endpoint,
            headers: Vec::new(),
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            encoding: Encoding::default(),
            histograms: Histograms::default(),
            resource: Vec::new(),
        }
    }
}

/// Pushes until the run's last reading is pushed, or could not be.
pub(crate) async fn push(settings: OtlpSettings, source: Source, mut last: watch::Receiver<Last>) {
    let client = Client::new(&settings);
    let mut ticks = interval_at(Instant::now() + settings.every, settings.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = last.wait_for(Option::is_some) => break,
        }
        let Some((reading, _)) = source.reading().await else { continue };
        let deadline = Instant::now() + settings.timeout;
        tokio::select! {
            pushed = once(&client, message::written(&reading, &settings), deadline) => source.pushed(pushed),
            // The last reading says what this one would have said.
            _ = last.wait_for(Option::is_some) => break,
        }
    }
    if let Some((reading, _)) = source.reading().await {
        source.pushed(stubbornly(&client, &message::written(&reading, &settings), settings.timeout).await);
    }
}

async fn once(client: &Client<'_>, body: Vec<u8>, deadline: Instant) -> Result<(), PushError> {
    timeout_at(deadline, client.post(body)).await.unwrap_or(Err(PushError::Slow))
}

/// The last push is tried until it succeeds, cannot succeed, or its time is over.
async fn stubbornly(client: &Client<'_>, body: &[u8], time: Duration) -> Result<(), PushError> {
    let deadline = Instant::now() + time;
    let mut pause = AGAIN;
    loop {
        match once(client, body.to_vec(), deadline).await {
            Err(error) if error.may_pass() && Instant::now() + pause < deadline => {
                sleep(pause).await;
                pause *= 2;
            }
            done => return done,
        }
    }
}
