//! A run as the store knows it.

use std::fmt;
use std::time::Duration;

/// A run's number in its store. Numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of a run when it begins.
#[derive(Clone, Debug, Default)]
pub struct NewRun {
    /// The project's name.
    pub project: String,
    /// Where the robots play.
    pub target: String,
    /// throng's version.
    pub version: String,
    /// This machine's name.
    pub host: String,
    /// When it began, since 1970.
    pub started: Duration,
    /// How many robots the plan wants at its highest.
    pub robots: u64,
    /// The seed.
    pub seed: u64,
    /// What a report must know besides, should the run never come to its end: a document that the store only keeps.
    pub record: String,
    /// Tags from the beginning.
    pub tags: Vec<String>,
    /// A note from the beginning.
    pub note: String,
}

/// What is known of a run when it is over.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// How long it took.
    pub took: Duration,
    /// The verdict's name.
    pub verdict: String,
    /// The verdict's reason.
    pub reason: String,
    /// The record that takes the place of the one from the beginning.
    pub record: String,
}

/// Whether a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Its process goes on.
    Running,
    /// It came to its end.
    Ended,
    /// Its process is gone without an end; what it wrote is there.
    Crashed,
}

impl RunState {
    /// The state's name.
    pub fn name(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Ended => "ended",
            RunState::Crashed => "crashed",
        }
    }
}

/// A run of the store.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// Its number.
    pub id: RunId,
    /// What was known when it began; the tags and the note are those of now.
    pub begun: NewRun,
    /// Whether it is over.
    pub state: RunState,
    /// How long it took, or has been going on, as far as samples tell.
    pub took: Duration,
    /// The verdict's name, of one that came to its end.
    pub verdict: Option<String>,
    /// The verdict's reason.
    pub reason: Option<String>,
}

/// Which runs are wanted; what is not set holds for all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this project.
    pub project: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this verdict, or the state `running` or `crashed`.
    pub verdict: Option<String>,
    /// Begun at this time since 1970 or later.
    pub since: Option<Duration>,
    /// At most so many, the newest.
    pub newest: Option<usize>,
}
