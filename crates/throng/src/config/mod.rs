//! A robot project's settings: `throng.toml`, the environment and the flags become one typed [`Config`].
//!
//! What was typed is kept with its places ([`RawConfig`]), each section's module reads its keys from the strongest layer
//! (`layers`), and every problem is collected, so that a user sees all of them at once. Start at [`Config::load`]. Nothing
//! here starts anything or prints.

mod baseline;
mod codec;
mod engine;
mod export;
mod fields;
mod framing;
mod generator;
mod given;
mod http;
mod kcp;
mod layers;
mod load;
mod nearest;
mod options;
mod own;
mod problem;
mod protobuf;
mod protocol;
mod raw;
mod redact;
mod robot;
mod scenarios;
mod schema;
mod setting;
pub(crate) mod store;
mod target;
mod tasks;
mod tcp;
mod thresholds;
mod tls;

use std::path::{Path, PathBuf};

use throng_engine::redact::Redaction;
use throng_engine::{HttpSettings, TcpOptions};
use throng_metrics::{Setting, Thresholds};

pub use baseline::BaselineSettings;
pub use export::ExportSettings;
pub use layers::{FlagValue, Overrides};
pub use load::{Load, MOST_ROBOTS, Online, Plan, Rates};
pub use nearest::nearest;
pub use options::{OptionFlag, OptionValue, ProjectOption, RESERVED_FLAGS, option_flags};
pub use problem::{ConfigErrors, OtherFile, Place, Problem, SourceText};
pub use protocol::Protocol;
pub use raw::RawConfig;
pub use robot::Robot;
pub use scenarios::{Part, Scenario};
pub use store::StoreSettings;
pub use target::Target;
pub use tasks::TaskSetting;
pub use throng_engine::pattern::Pattern;
pub use tls::{INSECURE, Tls};

use layers::{Layers, Section};

/// The name of the settings file in a project's folder.
pub const FILE_NAME: &str = "throng.toml";

/// The settings of a robot project, all of them known to fit.
#[derive(Debug, Clone)]
pub struct Config {
    /// The project's folder.
    pub root: PathBuf,
    /// `[target]`.
    pub target: Target,
    /// `[tls]`.
    pub tls: Tls,
    /// `[tcp]`.
    pub tcp: TcpOptions,
    /// `[http]`.
    pub http: HttpSettings,
    /// `[load]`.
    pub load: Load,
    /// `[robot]`.
    pub robot: Robot,
    /// `[protocols]`, in the order of the file.
    pub protocols: Vec<Protocol>,
    /// `[tasks]`.
    pub tasks: Vec<TaskSetting>,
    /// Classes of robots, in the order of the file; none where all are alike.
    pub scenarios: Vec<Scenario>,
    /// `[options]`, in the order of the file.
    pub options: Vec<ProjectOption>,
    /// `[thresholds]`, in the order of the file, and the default one.
    pub thresholds: Thresholds,
    /// `[redact]`.
    pub redaction: Redaction,
    /// `[store]`.
    pub store: StoreSettings,
    /// `[baseline]`.
    pub baseline: BaselineSettings,
    /// `[export]`.
    pub export: ExportSettings,
    /// `[generator]`.
    pub generator: throng_metrics::GeneratorBounds,
    /// What was set, as a report shows it.
    pub given: Vec<Setting>,
    /// The file, for whoever finds more that is wrong with it.
    pub source: SourceText,
}

impl Config {
    /// Reads the project in the folder `root`, with what beats its file.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, at once.
    pub fn load(root: &Path, overrides: &Overrides) -> Result<Self, ConfigErrors> {
        let path = root.join(FILE_NAME);
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(root, &path, &error))?;
        let source = SourceText { name: shown_path(&path), text };
        Self::parse(root, source, overrides)
    }

    /// Reads settings from text; paths in it are relative to `root`.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, at once.
    pub fn parse(root: &Path, source: SourceText, overrides: &Overrides) -> Result<Self, ConfigErrors> {
        let raw = match RawConfig::parse(&source.text) {
            Ok(raw) => raw,
            Err(problem) => return Err(ConfigErrors::new(source, vec![*problem])),
        };
        let layers = Layers::new(root, overrides);
        let top = Section::top(&layers, raw.clone());
        let target = target::read(&top.section("target"));
        let tls = tls::read(&top.section("tls"));
        let tcp = tcp::read(&top.section("tcp"));
        let http = http::read(&top.section("http"));
        let load_section = top.section("load");
        let load = load::read(&load_section);
        let robot = robot::read(&top.section("robot"));
        let protocols = top.section("protocols");
        let tasks = tasks::read(&top.section("tasks"));
        let options = options::read(&top.section("options"));
        // Files of protocols see the options.
        let surroundings = own::Surroundings { root, lib: &robot.lib, options: &options };
        let protocols = protocol::read_all(&protocols, &surroundings);
        let scenarios = scenarios::read(&top.section("scenarios"), &load_section, &load.plan);
        let thresholds =
            thresholds::read(&top.section("thresholds"), &scenarios::schedule(&load, &scenarios));
        let config = Self {
            root: root.to_owned(),
            target,
            tls,
            tcp,
            http,
            load,
            robot,
            protocols,
            tasks,
            scenarios,
            options,
            thresholds,
            redaction: redact::read(&top.section("redact")),
            store: store::read(&top.section("store")),
            baseline: baseline::read(&top.section("baseline")),
            export: export::read(&top.section("export")),
            generator: generator::read(&top.section("generator")),
            given: Vec::new(),
            source,
        };
        let given = given::settings(&raw, &layers, &config.redaction);
        let config = Self { given, ..config };
        top.refuse_unknown();
        layers.refuse_unknown_variables();
        match layers.into_problems() {
            problems if problems.is_empty() => Ok(config),
            problems => Err(ConfigErrors::new(config.source, problems)),
        }
    }

    /// Problems that only show when the mods are loaded, such as a weight for a task that does not exist.
    pub fn errors(&self, problems: Vec<Problem>) -> ConfigErrors {
        ConfigErrors::new(self.source.clone(), problems)
    }
}

/// A path as a user would type it.
pub(crate) fn shown_path(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

fn unreadable(root: &Path, path: &Path, error: &std::io::Error) -> ConfigErrors {
    let problem = |title: String, wanted: &str| Problem::new(Place::Default, title).wanted(wanted);
    let folder = root.display();
    let problem = if error.kind() != std::io::ErrorKind::NotFound {
        problem(format!("{} cannot be read: {error}", path.display()), "a readable file")
    } else if !root.is_dir() {
        problem(
            format!("{folder} is not a folder"),
            "the folder of a robot project; `throng new DIR` makes one",
        )
    } else if root.join("mods").is_dir() {
        problem(
            format!("{folder} has a folder `mods` but no {FILE_NAME}"),
            "a throng.toml beside `mods`: at least [target] host and one [protocols.NAME]; \
             `throng new DIR` makes a project to copy it from",
        )
    } else {
        problem(
            format!("{folder} is not a robot project: it has no {FILE_NAME}"),
            "`throng new DIR` makes one",
        )
    };
    ConfigErrors::new(SourceText::default(), vec![problem])
}
