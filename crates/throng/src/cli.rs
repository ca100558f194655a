//! The command line: commands, flags, help; the options of a project become flags of their own.

mod export;
mod proto;
mod search;
mod stored;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint,
};
use clap_complete::Shell;

pub use export::ExportFlags;
pub use proto::{ProtoArgs, ProtoDecodeArgs, ProtoEncodeArgs, ProtoListArgs, ProtoVerb, SchemaFlags};
pub use search::{Raise, SearchArgs};
pub use stored::{CompareArgs, ReportArgs, RunsArgs, RunsFilter, RunsVerb, StoreFlags};

use proto::PROTO_EXAMPLES;
use search::SEARCH_EXAMPLES;
use stored::{COMPARE_EXAMPLES, REPORT_EXAMPLES, RUNS_EXAMPLES};

use crate::config::{FILE_NAME, FlagValue, OptionFlag, OptionValue, Overrides, option_flags};
use crate::templates::TEMPLATES;

const FIRST_WORDS: &str = "\
Type this first:  throng demo     a game server and robots that play on it
and then:         throng new DIR  a project of your own";

const EXIT_CODES: &str = "\
Exit codes: 0 all well; 1 a threshold failed or nothing succeeded; 2 wrong input; 3 the run was broken; 130 interrupted.";

const RUN_EXAMPLES: &str = "\
Examples:
  throng run                             the project in this folder, as its throng.toml says
  throng run my_game -u 500 -r 50 -t 2m  500 robots, 50 more each second, for two minutes
  throng run -H ws://10.0.0.7:8765       the same robots, another server
  throng run --json out.json | tee log   one plain line every few seconds, and the numbers in a file

A flag beats the environment (THRONG_LOAD_ROBOTS=500) beats throng.toml.
Exit codes: 0 all well; 1 a threshold failed or nothing succeeded; 2 wrong input; 3 the run was broken; 130 interrupted.";

const TRY_EXAMPLES: &str = "\
Examples:
  throng try                    one robot, each of its messages on a timeline
  throng try -t 30s my_game     for half a minute
  throng try -H tcp://10.0.0.7:9000";

const NEW_EXAMPLES: &str = "\
Examples:
  throng new my_game                          Sproto over WebSocket, as the demo server speaks it
  throng new my_game --template sproto-rpc    Sproto RPC over TCP, skynet's way
  throng new my_game --template lines         lines of text over TCP";

const TEST_EXAMPLES: &str = "\
Examples:
  throng test                             the tests of the project in this folder
  throng test my_game --only login        those with `login` in their names
  throng test --junit results.xml         for a CI server";

/// Puts thousands of scripted robots on a server that keeps long-lived connections.
#[derive(Debug, Parser)]
#[command(name = "throng", version, max_term_width = 100)]
#[command(before_help = FIRST_WORDS, after_help = EXIT_CODES)]
#[command(subcommand_value_name = "COMMAND", disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// Flags of every command.
    #[command(flatten)]
    pub output: OutputFlags,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Play: a bundled game server and bundled robots against it; the first thing to type.
    Demo(DemoArgs),
    /// Make a new robot project.
    #[command(after_help = NEW_EXAMPLES)]
    New(NewArgs),
    /// Load everything and run nothing: mods, tasks, handlers, messages, settings.
    Check(CheckArgs),
    /// Run the project's tests: mods against a fake server in virtual time.
    #[command(after_help = TEST_EXAMPLES)]
    Test(TestArgs),
    /// Run one robot and show each of its messages on a timeline.
    #[command(after_help = TRY_EXAMPLES)]
    Try(TryArgs),
    /// Run the load test.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Find the load the server bears: raise it step by step while a condition holds.
    #[command(after_help = SEARCH_EXAMPLES)]
    Search(SearchArgs),
    /// List the runs that were kept, and mark, note or delete them.
    #[command(after_help = RUNS_EXAMPLES, subcommand_value_name = "COMMAND", disable_help_subcommand = true)]
    Runs(RunsArgs),
    /// Show a run that was kept, also one that crashed.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Say which differences between two runs are noise and which are not.
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Look into schemas and messages: list, encode, decode.
    #[command(after_help = PROTO_EXAMPLES, subcommand_value_name = "COMMAND", disable_help_subcommand = true)]
    Proto(ProtoArgs),
    /// Print a completion script for a shell.
    Completion(CompletionArgs),
    /// Print the manual page, or write the pages of all commands to a folder.
    Man(ManArgs),
}

/// How much is printed, and how; for every command.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct OutputFlags {
    /// Print without colours; so does the variable NO_COLOR.
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Print more; twice for even more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// `throng demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How much to load.
    #[command(flatten)]
    pub load: LoadFlags,
    /// What to show.
    #[command(flatten)]
    pub screen: ScreenFlags,
    /// Who else gets the figures.
    #[command(flatten)]
    pub export: ExportFlags,
    /// Values of the project's options.
    #[arg(skip)]
    pub options: Vec<FlagValue>,
}

/// `throng new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The folder to make.
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// What the project begins with.
    #[arg(long, value_name = "NAME", default_value = TEMPLATES[0].name, value_parser = template_names())]
    pub template: String,
    /// Write into a folder that is not empty; files of the same names are replaced.
    #[arg(long)]
    pub force: bool,
}

/// `throng check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The project's folder.
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}

/// `throng test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The project's folder.
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Only the tests with this in their names.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Write the results as JUnit XML.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
}

/// `throng try`.
#[derive(Debug, Args)]
pub struct TryArgs {
    /// The project's folder.
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// The server, such as ws://127.0.0.1:8765.
    #[arg(short = 'H', long, value_name = "URL")]
    pub host: Option<String>,
    /// How long the robot plays, such as 30s or 10m.
    #[arg(short = 't', long, value_name = "TIME")]
    pub run_time: Option<String>,
    /// What the robot's random numbers are made from.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<String>,
    /// Only tasks with one of these tags, separated by commas.
    #[arg(short = 'T', long, value_name = "TAGS")]
    pub tags: Option<String>,
    /// No tasks with one of these tags.
    #[arg(short = 'E', long, value_name = "TAGS")]
    pub exclude_tags: Option<String>,
    /// Take any certificate of a TLS server.
    #[arg(long)]
    pub insecure: bool,
    /// Values of the project's options.
    #[arg(skip)]
    pub options: Vec<FlagValue>,
}

/// `throng run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The project's folder.
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// How much to load.
    #[command(flatten)]
    pub load: LoadFlags,
    /// What to judge it by.
    #[command(flatten)]
    pub baseline: BaselineFlags,
    /// What to show.
    #[command(flatten)]
    pub screen: ScreenFlags,
    /// Who else gets the figures.
    #[command(flatten)]
    pub export: ExportFlags,
    /// Values of the project's options.
    #[arg(skip)]
    pub options: Vec<FlagValue>,
}

/// Settings of `[baseline]` as flags.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Verdict")]
pub struct BaselineFlags {
    /// Fail if anything became worse since this run that was kept, such as last or tag:release.
    #[arg(long, value_name = "RUN")]
    pub baseline: Option<String>,
    /// By how much a figure may become worse, such as 5%; 1% by default.
    #[arg(long, value_name = "PERCENT")]
    pub baseline_tolerance: Option<String>,
    /// The only phase to compare, such as hold or the name of a stage.
    #[arg(long, value_name = "PHASE")]
    pub baseline_phase: Option<String>,
}

/// Settings of `[target]` and `[load]` as flags. They are texts here: the settings are the one place that reads them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Load")]
pub struct LoadFlags {
    /// How many robots.
    #[arg(short = 'u', long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub robots: Option<String>,
    /// How many robots begin each second.
    #[arg(short = 'r', long, value_name = "RATE", allow_negative_numbers = true)]
    pub spawn_rate: Option<String>,
    /// How many robots arrive each second, however many are there.
    #[arg(long, value_name = "RATE")]
    pub arrivals: Option<String>,
    /// How many robots are there at any time: whoever leaves is replaced.
    #[arg(long, value_name = "NUMBER")]
    pub online: Option<String>,
    /// How long each robot stays, with --arrivals and --online.
    #[arg(long, value_name = "TIME")]
    pub session: Option<String>,
    /// The most robots at once, with --arrivals.
    #[arg(long, value_name = "NUMBER")]
    pub max_robots: Option<String>,
    /// How long the run takes, such as 90s or 10m.
    #[arg(short = 't', long, value_name = "TIME", allow_negative_numbers = true)]
    pub run_time: Option<String>,
    /// The server, such as ws://127.0.0.1:8765.
    #[arg(short = 'H', long, value_name = "URL")]
    pub host: Option<String>,
    /// How many cores drive the robots; all by default.
    #[arg(long, value_name = "NUMBER")]
    pub shards: Option<String>,
    /// What the robots' random numbers are made from.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<String>,
    /// Only tasks with one of these tags, separated by commas.
    #[arg(short = 'T', long, value_name = "TAGS")]
    pub tags: Option<String>,
    /// No tasks with one of these tags.
    #[arg(short = 'E', long, value_name = "TAGS")]
    pub exclude_tags: Option<String>,
    /// Take any certificate of a TLS server.
    #[arg(long)]
    pub insecure: bool,
}

/// What a run shows and writes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct ScreenFlags {
    /// What is written.
    #[command(flatten)]
    pub files: FileFlags,
    /// Print the verdict alone.
    #[arg(long)]
    pub quiet: bool,
    /// Print plain lines instead of the live screen.
    #[arg(long)]
    pub plain: bool,
    /// Mark the run in the run store; may be given again.
    #[arg(long = "tag-run", value_name = "TAG")]
    pub tag_run: Vec<String>,
    /// Note something about the run in the run store.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
    /// Do not keep the run in the run store.
    #[arg(long)]
    pub no_store: bool,
}

/// The files a report is written to.
#[derive(Debug, Clone, Default, Args)]
pub struct FileFlags {
    /// Write the results as a page: one HTML file, with charts.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Write the results as JSON.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,
    /// Write what Locust would: PREFIX_stats.csv, _stats_history, _failures and _exceptions.
    #[arg(long, value_name = "PREFIX", value_hint = ValueHint::FilePath)]
    pub csv: Option<PathBuf>,
    /// Have a row for each request in each second of PREFIX_stats_history.csv.
    #[arg(long, requires = "csv")]
    pub csv_full_history: bool,
    /// Write thresholds and checks as JUnit XML.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
}

/// `throng completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// The shell.
    pub shell: Shell,
}

/// `throng man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder to write the pages to, one for each command.
    #[arg(long, value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

impl OutputFlags {
    /// Whether a terminal may be written to in colours.
    pub fn colours(self) -> bool {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        !self.no_color && !forbidden
    }
}

impl RunArgs {
    /// The flags, and below them the environment.
    pub fn overrides(&self) -> Overrides {
        Overrides::with_environment(
            [self.load.values(), self.baseline.values(), self.export.values(), self.options.clone()].concat(),
        )
    }
}

impl DemoArgs {
    /// The flags, and below them the environment.
    pub fn overrides(&self) -> Overrides {
        Overrides::with_environment([self.load.values(), self.export.values(), self.options.clone()].concat())
    }
}

impl TryArgs {
    /// The flags, and below them the environment.
    pub fn overrides(&self) -> Overrides {
        let load = LoadFlags {
            host: self.host.clone(),
            run_time: self.run_time.clone(),
            seed: self.seed.clone(),
            tags: self.tags.clone(),
            exclude_tags: self.exclude_tags.clone(),
            insecure: self.insecure,
            ..LoadFlags::default()
        };
        Overrides::with_environment([load.values(), self.options.clone()].concat())
    }
}

impl LoadFlags {
    /// The flags that were given, as values of settings.
    pub fn values(&self) -> Vec<FlagValue> {
        let insecure = self.insecure.then(|| "true".to_owned());
        [
            ("load.robots", "--robots", &self.robots),
            ("load.spawn_rate", "--spawn-rate", &self.spawn_rate),
            ("load.arrivals", "--arrivals", &self.arrivals),
            ("load.online", "--online", &self.online),
            ("load.session", "--session", &self.session),
            ("load.max_robots", "--max-robots", &self.max_robots),
            ("load.run_time", "--run-time", &self.run_time),
            ("target.host", "--host", &self.host),
            ("load.shards", "--shards", &self.shards),
            ("load.seed", "--seed", &self.seed),
            ("robot.tags", "--tags", &self.tags),
            ("robot.exclude_tags", "--exclude-tags", &self.exclude_tags),
            ("tls.insecure", "--insecure", &insecure),
        ]
        .into_iter()
        .filter_map(flag_value)
        .collect()
    }
}

impl BaselineFlags {
    /// The flags that were given, as values of settings.
    fn values(&self) -> Vec<FlagValue> {
        [
            ("baseline.run", "--baseline", &self.baseline),
            ("baseline.tolerance", "--baseline-tolerance", &self.baseline_tolerance),
            ("baseline.phase", "--baseline-phase", &self.baseline_phase),
        ]
        .into_iter()
        .filter_map(flag_value)
        .collect()
    }
}

fn flag_value((path, flag, text): (&str, &str, &Option<String>)) -> Option<FlagValue> {
    Some(FlagValue { path: path.to_owned(), flag: flag.to_owned(), text: text.clone()? })
}

/// Reads the command line. The project it names is looked at first, for its options are flags of `run` and `try`; `demo`
/// is the text of the bundled project's settings.
///
/// # Errors
/// What clap has to say: a mistake, but also help and version.
pub fn parse(args: &[OsString], demo: &str) -> Result<Cli, clap::Error> {
    let verb = args.iter().skip(1).filter_map(|arg| arg.to_str()).find(|arg| !arg.starts_with('-'));
    let options = match verb {
        Some("demo") => option_flags(demo),
        Some("run" | "try" | "search") => project_options(&args[1..]),
        _ => Vec::new(),
    };
    let matches = command(&options).try_get_matches_from(args)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let chosen =
        matches.subcommand().map(|(_, matches)| option_values(&options, matches)).unwrap_or_default();
    match &mut cli.verb {
        Some(Verb::Run(args)) => args.options = chosen,
        Some(Verb::Try(args)) => args.options = chosen,
        Some(Verb::Search(args)) => args.options = chosen,
        Some(Verb::Demo(args)) => args.options = chosen,
        _ => {}
    }
    Ok(cli)
}

/// The command with a project's options as flags of `run`, `try` and `demo`.
pub fn command(options: &[OptionFlag]) -> Command {
    let mut command = Cli::command();
    for verb in ["run", "try", "demo", "search"] {
        command = command.mut_subcommand(verb, |command| command.args(options.iter().map(option_arg)));
    }
    command
}

fn option_arg(option: &OptionFlag) -> Arg {
    let default = match &option.default {
        OptionValue::Integer(number) => number.to_string(),
        OptionValue::Number(number) => format!("{number:?}"),
        OptionValue::Boolean(flag) => flag.to_string(),
        OptionValue::Text(text) => format!("{text:?}"),
    };
    let arg = Arg::new(arg_id(option))
        .long(option.flag())
        .help(format!("{} [default: {default}]", option.help).trim_start().to_owned())
        .help_heading("Options of this project")
        .allow_hyphen_values(true)
        .value_parser(ValueParser::string());
    match &option.default {
        OptionValue::Integer(_) | OptionValue::Number(_) => arg.value_name("NUMBER"),
        OptionValue::Text(_) => arg.value_name("TEXT"),
        // `--fast` alone is true; a value needs `=`, or the project's folder would be taken for one.
        OptionValue::Boolean(_) => {
            arg.value_name("BOOL").num_args(0..=1).require_equals(true).default_missing_value("true")
        }
    }
}

/// Options have names of their own, whatever flags throng has.
fn arg_id(option: &OptionFlag) -> String {
    format!("options.{}", option.name)
}

fn option_values(options: &[OptionFlag], matches: &ArgMatches) -> Vec<FlagValue> {
    options
        .iter()
        .filter_map(|option| {
            let text = matches.try_get_one::<String>(&arg_id(option)).ok().flatten()?.clone();
            Some(FlagValue { path: arg_id(option), flag: format!("--{}", option.flag()), text })
        })
        .collect()
}

/// The options of the project the arguments name. Which argument is the folder cannot be known before the options are, so
/// the first that has a `throng.toml` is it.
fn project_options(args: &[OsString]) -> Vec<OptionFlag> {
    args.iter()
        .map(OsString::as_os_str)
        .filter(|arg| !arg.as_encoded_bytes().starts_with(b"-"))
        .skip(1)
        .chain([OsStr::new(".")])
        .find_map(|dir| std::fs::read_to_string(Path::new(dir).join(FILE_NAME)).ok())
        .map(|toml| option_flags(&toml))
        .unwrap_or_default()
}

fn template_names() -> PossibleValuesParser {
    PossibleValuesParser::new(TEMPLATES.iter().map(|template| template.name))
}
