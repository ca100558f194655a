//! The end of a run as one document, which is also the JSON report.
//!
//! Field names are the JSON's. A figure that does not exist is left out, never `NaN` and never zero. The books balance
//! in each request: `count = ok + failures + cancelled + in_flight`.

mod baseline;
mod build;
mod environment;
mod loads;
mod phases;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::generator::GeneratorBounds;
use crate::histogram::{Bin, Spread};
use crate::kinds::{EndCause, FailureKind};
use crate::tally::Tally;
use crate::verdict::Verdict;

pub use baseline::{Baseline, WorseFigure};
pub use build::RunRecord;
pub use environment::{Environment, Setting};
pub use loads::{ArrivalSummary, LoadSummary, ScenarioPlan, ScenarioSummary, StormPlan, StormSummary};
pub use phases::{PhasePushSummary, PhaseRequestSummary, PhaseRobots, PhaseSummary};

/// The version of the document; it grows by one when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything there is to say about a run that is over.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict's reason in one sentence.
    pub reason: String,
    /// The exit code that goes with the verdict.
    pub exit_code: u8,
    /// The project's name.
    pub project: String,
    /// Where the robots played.
    pub target: String,
    /// What a reader must know to trust the figures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// When the run began, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at_unix_s: Option<u64>,
    /// How long the run took, in seconds.
    pub duration_s: f64,
    /// The seed with which the run can be repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// On what and how it was run.
    #[serde(skip_serializing_if = "Environment::is_unknown")]
    pub environment: Environment,
    /// Robots.
    pub robots: RobotSummary,
    /// How the load plan went.
    #[serde(flatten)]
    pub load: LoadSummary,
    /// Bytes at the sockets.
    pub bytes: Directions,
    /// Messages of all kinds.
    pub messages: Directions,
    /// Errors of all kinds.
    pub errors: ErrorSummary,
    /// Requests by connection and name.
    pub requests: Vec<RequestSummary>,
    /// Messages sent without a reply, by connection and name.
    pub sends: Vec<SendSummary>,
    /// Messages the server sent by itself, by connection and name.
    pub pushes: Vec<PushSummary>,
    /// Connections by name.
    pub connections: Vec<ConnectionSummary>,
    /// Checks by name.
    pub checks: Vec<CheckSummary>,
    /// Tasks by name.
    pub tasks: Vec<WorkSummary>,
    /// Sequences by name.
    pub sequences: Vec<WorkSummary>,
    /// Steps of sequences by name.
    pub steps: Vec<WorkSummary>,
    /// Starts of mods by name.
    pub starts: Vec<WorkSummary>,
    /// What had times at which it should begin, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<ScheduleSummary>,
    /// Groups by name, with the requests that were made in them.
    pub groups: Vec<GroupSummary>,
    /// Custom measures by name.
    pub measures: Vec<MeasureSummary>,
    /// Custom counters by name.
    pub counters: Vec<CounterSummary>,
    /// Numbers that servers count up, by name.
    pub orders: Vec<OrderSummary>,
    /// Messages that say when they were sent, by connection and name.
    pub delays: Vec<DelaySummary>,
    /// What comes again and again, by name.
    pub gaps: Vec<GapSummary>,
    /// Groups of failures, the most frequent first.
    pub failures: Vec<FailureSummary>,
    /// Groups of script errors, the most frequent first.
    pub script_errors: Vec<ScriptErrorSummary>,
    /// Thresholds in the order given.
    pub thresholds: Vec<ThresholdSummary>,
    /// What a comparison with an earlier run found, if one was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The phases in the order in which they first came, each with the figures of its own seconds.
    pub phases: Vec<PhaseSummary>,
    /// The generator's own part.
    pub generator: GeneratorSummary,
}

/// Robots over the whole run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RobotSummary {
    /// How many the plan wanted at its highest.
    pub planned: u64,
    /// How many were started.
    pub started: u64,
    /// How many were ready at least once.
    pub ready: u64,
    /// How many ended by a failure.
    pub failed: u64,
    /// How many ended in good order.
    pub stopped: u64,
    /// How often a robot was restarted.
    pub restarts: u64,
    /// The most that were alive at once.
    pub peak: u64,
    /// Messages sent and received per second, of each robot that is gone over its whole life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<RobotRates>,
}

/// A rate per second, over robots.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RobotRates {
    /// How many robots.
    pub robots: u64,
    /// The slowest robot's.
    pub min: f64,
    /// What a twentieth of the robots does not exceed.
    pub p5: f64,
    /// What half of the robots do not exceed.
    pub p50: f64,
    /// The mean.
    pub mean: f64,
    /// What a twentieth of the robots exceeds.
    pub p95: f64,
    /// The fastest robot's.
    pub max: f64,
}

/// A count in each direction.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Directions {
    /// To the server.
    pub sent: u64,
    /// From the server.
    pub received: u64,
}

/// Errors of all kinds.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorSummary {
    /// How many, each counted once.
    pub count: u64,
    /// Their share in what was attempted, from 0 to 1; see the threshold `errors.rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How many of each kind.
    pub by_kind: Tally<FailureKind>,
}

/// A request's name on a connection.
#[derive(Clone, Debug, Serialize)]
pub struct RequestSummary {
    /// The message's name.
    pub name: String,
    /// The connection's name.
    pub connection: String,
    /// Requests issued.
    pub count: u64,
    /// Requests answered.
    pub ok: u64,
    /// Requests that failed.
    pub failures: u64,
    /// Requests given up by the robot or the run.
    pub cancelled: u64,
    /// Requests that still waited at the end.
    pub in_flight: u64,
    /// Replies that came too late.
    pub late: u64,
    /// Replies that came once more.
    pub duplicate: u64,
    /// Replies of which it cannot be told which request they answer.
    pub ambiguous: u64,
    /// Failures by kind.
    pub failures_by_kind: Tally<FailureKind>,
    /// Bytes of the replies, those that say no included.
    pub reply_bytes: u64,
    /// Replies per second over the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// From just before the send to the receipt of the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Spread>,
    /// From the intended start to the receipt of the reply, where the work was paced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intended_us: Option<Spread>,
    /// The share of the time robots waited for these replies that was spent in the generator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator_share: Option<f64>,
    /// The distribution of `latency_us` in bins whose edges grow by a constant factor.
    pub histogram: Vec<Bin>,
}

/// A message's name that was sent without a reply.
#[derive(Clone, Debug, Serialize)]
pub struct SendSummary {
    /// The message's name.
    pub name: String,
    /// The connection's name.
    pub connection: String,
    /// Messages.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A message's name that the server sent by itself.
#[derive(Clone, Debug, Serialize)]
pub struct PushSummary {
    /// The message's name.
    pub name: String,
    /// The connection's name.
    pub connection: String,
    /// Messages.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them something listened to.
    pub handled: u64,
    /// Messages per second over the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
}

/// A connection's name.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionSummary {
    /// The connection's name.
    pub name: String,
    /// Connects begun.
    pub attempts: u64,
    /// Connects that succeeded.
    pub opened: u64,
    /// Connects that failed.
    pub failed: u64,
    /// Failed connects by kind.
    pub failures_by_kind: Tally<FailureKind>,
    /// Open connections that ended, by cause.
    pub ended: Tally<EndCause>,
    /// Connections still open when the run's books were closed.
    pub open: u64,
    /// Replies for which no request is known.
    pub orphans: u64,
    /// Connects that succeeded of robots that had had such a connection before.
    pub reconnects: u64,
    /// How long successful connects took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<Spread>,
    /// How long connections were open that ended before their robot or the run did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime_us: Option<Spread>,
}

/// A check's name.
#[derive(Clone, Debug, Serialize)]
pub struct CheckSummary {
    /// The check's name.
    pub name: String,
    /// How often it held.
    pub passed: u64,
    /// How often it did not.
    pub failed: u64,
}

/// A task, sequence, step or start.
#[derive(Clone, Debug, Serialize)]
pub struct WorkSummary {
    /// Its name with the mod's in front.
    pub name: String,
    /// Runs that ended, failed ones included.
    pub count: u64,
    /// Runs that failed.
    pub failed: u64,
    /// How long the runs took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<Spread>,
    /// From the intended start to the end, where a schedule said when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intended_us: Option<Spread>,
    /// The distribution of `duration_us` in bins whose edges grow by a constant factor.
    pub histogram: Vec<Bin>,
}

/// A schedule: paced tasks, beats of `every`, or slots of a task rate.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleSummary {
    /// Its name.
    pub name: String,
    /// How often its time came.
    pub due: u64,
    /// How often something began for it.
    pub begun: u64,
    /// How often nothing did.
    pub missed: u64,
}

/// A group: a stretch of a script with a name.
#[derive(Clone, Debug, Serialize)]
pub struct GroupSummary {
    /// Its name, behind those of the groups around it.
    pub name: String,
    /// Runs that ended, failed ones included.
    pub count: u64,
    /// Runs that failed.
    pub failed: u64,
    /// How long the runs took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<Spread>,
    /// The distribution of `duration_us` in bins whose edges grow by a constant factor.
    pub histogram: Vec<Bin>,
    /// The requests that were made in it, by connection and name; they are among all requests too.
    pub requests: Vec<RequestSummary>,
    /// The checks that were made in it; they are among all checks too.
    pub checks: Vec<CheckSummary>,
}

/// A custom measure.
#[derive(Clone, Debug, Serialize)]
pub struct MeasureSummary {
    /// The measure's name.
    pub name: String,
    /// How many values.
    pub count: u64,
    /// The values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_us: Option<Spread>,
    /// The distribution of `value_us` in bins whose edges grow by a constant factor.
    pub histogram: Vec<Bin>,
}

/// A custom counter.
#[derive(Clone, Debug, Serialize)]
pub struct CounterSummary {
    /// The counter's name.
    pub name: String,
    /// What was added up.
    pub value: u64,
}

/// Numbers that a server counts up.
#[derive(Clone, Debug, Serialize)]
pub struct OrderSummary {
    /// Their name.
    pub name: String,
    /// Numbers that came.
    pub count: u64,
    /// Numbers that have not come.
    pub missing: u64,
    /// How often a number came too early.
    pub gaps: u64,
    /// Numbers that came after a higher one.
    pub late: u64,
    /// Numbers that came once more.
    pub doubled: u64,
    /// How often a stream began anew.
    pub restarts: u64,
}

/// Messages that say when they were sent.
#[derive(Clone, Debug, Serialize)]
pub struct DelaySummary {
    /// Their name.
    pub name: String,
    /// The connection's name; empty where it is not known.
    pub connection: String,
    /// How many.
    pub count: u64,
    /// How much longer they took than the fastest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_us: Option<Spread>,
    /// How long the fastest took at most: the shortest round trip on the connection, where there were requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fastest_at_most_us: Option<u64>,
    /// How much longer the fastest of each second took than the fastest of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_us: Option<Spread>,
    /// By how much the delay of a robot's message differs from that of the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_us: Option<Spread>,
    /// How often the server's clock was set.
    pub clock_set: u64,
    /// The distribution of `delay_us` in bins whose edges grow by a constant factor.
    pub histogram: Vec<Bin>,
}

/// What comes again and again.
#[derive(Clone, Debug, Serialize)]
pub struct GapSummary {
    /// Its name.
    pub name: String,
    /// How many times between two were measured.
    pub count: u64,
    /// The time between two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap_us: Option<Spread>,
    /// The distribution of `gap_us` in bins whose edges grow by a constant factor.
    pub histogram: Vec<Bin>,
}

/// Failures of the same kind, name and message.
#[derive(Clone, Debug, Serialize)]
pub struct FailureSummary {
    /// Why.
    pub kind: FailureKind,
    /// What failed.
    pub name: String,
    /// What was said.
    pub message: String,
    /// How often.
    pub count: u64,
    /// The first one in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
}

/// Errors of the same message and traceback.
#[derive(Clone, Debug, Serialize)]
pub struct ScriptErrorSummary {
    /// What the script said.
    pub message: String,
    /// Where.
    pub traceback: String,
    /// How often.
    pub count: u64,
}

/// A threshold and how it went.
#[derive(Clone, Debug, Serialize)]
pub struct ThresholdSummary {
    /// What is compared.
    pub key: String,
    /// With what.
    pub condition: String,
    /// Whether it holds.
    pub passed: bool,
    /// The figure as a person reads it, or `no samples`.
    pub actual: String,
    /// The figure in `unit`; left out without samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// `us`, `share`, `number`, `per_second` or `bytes`.
    pub unit: &'static str,
    /// The phase it is about; left out where it is about the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// For how long it may not hold before the run is ended, in seconds; left out where it ends none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort_after_s: Option<f64>,
    /// Whether it ended the run, and `value` is of that moment.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ended_run: bool,
    /// With a pattern, the name that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// Without samples, a name that was measured and is near the one asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// The generator's own part.
#[derive(Clone, Debug, Serialize)]
pub struct GeneratorSummary {
    /// How late the generator was, all sources together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_us: Option<Spread>,
    /// How late it was for each reason.
    pub lag_by_source: BTreeMap<&'static str, Spread>,
    /// The longest time a shard did not look at its sockets.
    pub longest_stall_us: u64,
    /// Whether the generator was the limit of the run.
    pub limited: bool,
    /// Why, each a clause.
    pub limited_by: Vec<String>,
    /// The share of the time robots waited for replies that was spent in the generator, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_of_latency: Option<f64>,
    /// The share of a core that shards' threads used on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_share: Option<f64>,
    /// The largest share of a core that one shard's thread used over a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busiest_cpu_share: Option<f64>,
    /// The share of a core that a shard's thread reached or passed in a tenth of the seconds of all shards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_share_p90: Option<f64>,
    /// The bounds by which it was judged.
    pub bounds: GeneratorBounds,
}
