//! Counters, histograms, their merge, thresholds, verdict and the summary of a run.
//!
//! The way of a measurement:
//!
//! 1. A shard's thread owns one [`Recorder`]. Names are interned once ([`Recorder::request`] and its siblings give
//!    ids); from then on each record is an index and an add, without a lock and without an allocation.
//! 2. About once a second the shard calls [`Recorder::take`]; the [`Delta`] holds only what changed and is `Send`.
//! 3. The run owns one [`Ledger`]: [`Ledger::merge`] each shard's delta, [`Ledger::close_second`] once all of them are
//!    in, [`Ledger::snapshot`] for whoever watches. It keeps the figures of each of the [`Phases`] apart as well.
//! 4. At the end [`Summary::of`] judges the run: [`Thresholds`] against the [`Totals`], the [`Verdict`] and its exit
//!    code, and whether the generator was the limit ([`GeneratorBounds`]).
//!
//! What is counted lives in [`rows`] (one struct of counters per kind of thing), who may be counted under how many
//! names in [`table`], why things fail and end in [`FailureKind`] and [`EndCause`]. This crate does no I/O, reads no
//! clock and starts no thread: times come in as microseconds, and everything a server can choose (names, messages,
//! samples) is bounded in number and in length.

mod clocks;
mod generator;
mod groups;
mod histogram;
mod kinds;
mod ledger;
mod loads;
mod nearest;
mod phases;
mod recorder;
mod robots;
pub mod rows;
mod sample;
mod sequence;
mod snapshot;
mod stretch;
mod summary;
pub mod table;
mod tally;
mod threshold;
mod totals;
pub mod units;
mod verdict;
mod written;

pub use generator::{Generator, GeneratorBounds, LimitReason};
pub use groups::{Failure, FailureGroup, ScriptErrorGroup};
pub use histogram::{Bin, Histogram, Spread};
pub use kinds::{EndCause, FailureKind, LagSource, RobotState, WorkKind};
pub use ledger::Ledger;
pub use loads::{ArrivalCounts, ArrivalRow, ScenarioCounts, ScenarioId, StormCounts, StormId, StormRow};
pub use nearest::nearest;
pub use phases::{Phase, Phases};
pub use recorder::{
    Answer, CheckId, ConnectionId, CounterId, DelayId, GapId, Limits, MeasureId, OrderId, PushId, Recorder,
    RequestId, ScheduleId, SendId, WorkId, no_sample,
};
pub use robots::Robots;
pub use sample::{Sample, SampleToWrite};
pub use sequence::{Sequence, Standing};
pub use snapshot::{ErrorLine, Interval, MessageLine, Plan, PushLine, Snapshot};
pub use stretch::Stretch;
pub use summary::*;
pub use tally::{Kind, Tally};
pub use threshold::{
    Abort, AbortWatch, Comparison, Failing, Outcome, Threshold, ThresholdError, ThresholdResult, Thresholds,
};
pub use totals::{Delta, Totals};
pub use verdict::{Judgement, RunEnd, Verdict};
