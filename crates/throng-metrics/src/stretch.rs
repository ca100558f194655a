//! A stretch of a run as it is told to those who keep or draw it.

use std::time::Duration;

use crate::totals::Totals;

/// What was recorded in a stretch of a run, mostly a second.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// When it began, since the run's start.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// What the plan did then.
    pub phase: &'a str,
    /// What was recorded in it.
    pub totals: &'a Totals,
    /// The totals of the whole run at its end.
    pub run: &'a Totals,
}
