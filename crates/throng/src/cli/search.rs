//! Flags of `search`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::LoadFlags;
use crate::config::{FlagValue, Overrides};

pub(super) const SEARCH_EXAMPLES: &str = "\
Examples:
  throng search --while 'request.Move.p99 < 50ms'             double the robots until it does not hold, then halve the border
  throng search my_game --while 'request.*.p99 < 50ms' --hold 1m --html curve.html
  throng search --raise arrivals --from 5 --step 5 --while 'start.role.start.p99 < 1s'
  throng search --raise task-rate -u 500 --while 'request.Move.intended.p99 < 50ms'

Each try is a run of its own, which is kept with the tag `search`. Only the seconds in which the load is held are judged.
Exit codes: 0 found; 1 not found, or throng itself was the limit; 2 wrong input; 3 a run was broken; 130 interrupted.";

/// `throng search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// The project's folder.
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// What must hold, as among the thresholds: 'request.Move.p99 < 50ms'; may be given again.
    #[arg(long = "while", value_name = "CONDITION", required = true)]
    pub conditions: Vec<String>,
    /// What is raised; what the project's section `load` says, if it is not said.
    #[arg(long, value_name = "WHAT")]
    pub raise: Option<Raise>,
    /// The first load.
    #[arg(long, value_name = "NUMBER", default_value_t = 10.0)]
    pub from: f64,
    /// The largest load.
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000.0)]
    pub to: f64,
    /// Raise it by so much each time, instead of doubling it and then halving the border.
    #[arg(long, value_name = "NUMBER")]
    pub step: Option<f64>,
    /// How long each load is held and judged.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub hold: String,
    /// How long it is held before that; with sessions, about as long as one of them.
    #[arg(long, value_name = "TIME", default_value = "3s")]
    pub warm_up: String,
    /// How near to the knee the search ends, in percent of it.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    pub precision: f64,
    /// The rest of the load.
    #[command(flatten)]
    pub load: LoadFlags,
    /// Write the curve and what was found as a page: one HTML file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// Write the tries and what was found as JSON.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Print what was found alone.
    #[arg(long, help_heading = "Output")]
    pub quiet: bool,
    /// Do not keep the runs in the run store.
    #[arg(long, help_heading = "Output")]
    pub no_store: bool,
    /// Values of the project's options.
    #[arg(skip)]
    pub options: Vec<FlagValue>,
}

/// What a search raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Raise {
    /// The number of robots.
    Robots,
    /// How many robots arrive each second.
    Arrivals,
    /// How many tasks a second all robots play together.
    TaskRate,
}

impl SearchArgs {
    /// The flags, and below them the environment.
    pub fn overrides(&self) -> Overrides {
        Overrides::with_environment([self.load.values(), self.options.clone()].concat())
    }
}
