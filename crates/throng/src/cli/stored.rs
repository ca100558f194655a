//! Flags of the commands on runs that were kept: `runs` and `report`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::FileFlags;

pub(super) const RUNS_EXAMPLES: &str = "\
Examples:
  throng runs                              the runs of the project in this folder, the newest first
  throng runs --tag release --verdict pass those with a tag and a verdict
  throng runs tag last release             mark the newest
  throng runs delete 3 4                   forget two

A run is named by its number, as last, last~1 (the one before) or tag:NAME (the newest with that tag).";

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  throng report                    the newest run
  throng report 12 --html 12.html  another one, also as a page with charts
  throng report tag:release

A run is named by its number, as last, last~1 (the one before) or tag:NAME (the newest with that tag).";

pub(super) const COMPARE_EXAMPLES: &str = "\
Examples:
  throng compare last~1 last                     what changed from the run before to the newest
  throng compare tag:release last --fail-on-worse    for a CI server
  throng compare 3 7 --all --json compared.json  also what does not differ

A run is named by its number, as last, last~1 (the one before) or tag:NAME (the newest with that tag).";

/// Which run store is meant.
#[derive(Debug, Clone, Args)]
pub struct StoreFlags {
    /// The project's folder.
    #[arg(short = 'p', long, value_name = "DIR", default_value = ".", global = true, value_hint = ValueHint::DirPath)]
    pub project: PathBuf,
    /// The run store's file, instead of the project's.
    #[arg(long, value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    pub store: Option<PathBuf>,
}

/// `throng runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// What to do with them; without it they are listed.
    #[command(subcommand)]
    pub verb: Option<RunsVerb>,
    /// Which are listed.
    #[command(flatten)]
    pub filter: RunsFilter,
    /// Where they are.
    #[command(flatten)]
    pub store: StoreFlags,
}

/// Which runs are listed.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct RunsFilter {
    /// Only those with this tag.
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Only those that ended so.
    #[arg(long, value_name = "VERDICT", value_parser = ["pass", "fail", "broken", "interrupted", "running", "crashed"])]
    pub verdict: Option<String>,
    /// Only those of the last 12h or 7d.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long, value_name = "NUMBER")]
    pub newest: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What `throng runs` does.
#[derive(Debug, Subcommand)]
pub enum RunsVerb {
    /// Delete runs and all that was recorded of them.
    Delete {
        /// The runs.
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
    },
    /// Mark a run with tags.
    Tag {
        /// The run.
        #[arg(value_name = "RUN")]
        run: String,
        /// The tags.
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,
    },
    /// Take tags from a run.
    Untag {
        /// The run.
        #[arg(value_name = "RUN")]
        run: String,
        /// The tags.
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,
    },
    /// Note something about a run; an empty text takes the note away.
    Note {
        /// The run.
        #[arg(value_name = "RUN")]
        run: String,
        /// The text.
        #[arg(value_name = "TEXT")]
        text: String,
    },
}

/// `throng report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run.
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
    /// What is written.
    #[command(flatten)]
    pub files: FileFlags,
    /// Print the verdict alone.
    #[arg(long)]
    pub quiet: bool,
    /// Where the runs are.
    #[command(flatten)]
    pub store: StoreFlags,
}

/// `throng compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The run to compare with.
    #[arg(value_name = "A")]
    pub a: String,
    /// The run that may be better or worse.
    #[arg(value_name = "B")]
    pub b: String,
    /// Show also what does not differ.
    #[arg(long)]
    pub all: bool,
    /// The smallest change that matters, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = percent)]
    pub at_least: f64,
    /// The only phase to compare, such as storm or the name of a stage.
    #[arg(long, value_name = "PHASE")]
    pub phase: Option<String>,
    /// End with exit code 1 if anything is worse.
    #[arg(long)]
    pub fail_on_worse: bool,
    /// Write the comparison as JSON.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,
    /// Where the runs are.
    #[command(flatten)]
    pub store: StoreFlags,
}

fn percent(text: &str) -> Result<f64, String> {
    let read = text.trim_end_matches('%').trim_end().parse::<f64>();
    read.ok().filter(|share| (0.0..=100.0).contains(share)).ok_or_else(|| "wanted 0 to 100".to_owned())
}
