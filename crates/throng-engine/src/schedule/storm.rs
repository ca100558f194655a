//! Storms: a share of the robots loses its connections at a moment.

use std::time::Duration;

/// A moment at which robots lose their connections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Storm {
    /// Its number in the run. A storm that a shard has had does not come again, however often the plan is told anew.
    pub id: u32,
    /// When, in the schedule's time.
    pub at: Duration,
    /// The share of the robots with an open connection that lose all of theirs, from 0 to 1.
    pub drop: f64,
    /// How they lose them.
    pub loss: Loss,
}

/// How a connection is lost in a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// Like a pulled cable: the server hears nothing, not even an end of the stream.
    #[default]
    Cable,
    /// In good order, as when a gateway closes all that goes through it.
    Close,
}
