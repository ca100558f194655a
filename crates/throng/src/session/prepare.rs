//! Settings become what the engine and the Lua host take.

use super::environment::environment;
use crate::config::{
    BaselineSettings, Config, ExportSettings, INSECURE, OptionValue, Place, Plan, ProjectOption, Scenario,
    StoreSettings,
};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use throng_engine::{Schedule, Settings};
use throng_lua::{Limits, LuaProject, OwnSource, ScenarioRules, TagFilter, TaskSetting};
use throng_metrics::{Environment, GeneratorBounds, Thresholds};
use throng_wire::Protocol;

/// Everything a run is made of.
#[derive(Clone)]
pub struct Prepared {
    /// The project's name: its folder's.
    pub name: String,
    /// What the robots are told.
    pub settings: Settings,
    /// Their Lua.
    pub project: Arc<LuaProject>,
    /// How many, when.
    pub schedule: Schedule,
    /// How many threads drive them.
    pub shards: NonZeroUsize,
    /// What the user must know to trust the figures.
    pub warnings: Vec<String>,
    /// The scenarios that share what the load's shape asks for, with their shares.
    pub shares: Vec<(String, f64)>,
    /// What must hold.
    pub thresholds: Thresholds,
    /// Where the run is kept.
    pub store: StoreSettings,
    /// The run it is judged by.
    pub baseline: BaselineSettings,
    /// Who gets its figures while it goes on.
    pub export: ExportSettings,
    /// Above which bounds the run is limited by the generator.
    pub bounds: GeneratorBounds,
    /// On what and how it is run, for reports.
    pub environment: Environment,
}

impl Prepared {
    /// What `config` asks for.
    pub fn new(config: &Config) -> Prepared {
        let settings = config.engine_settings(config.load.seed.unwrap_or_else(chosen_seed));
        let protocols = settings.protocols.iter().map(|route| route.protocol.clone()).collect();
        Prepared {
            name: project_name(config),
            settings,
            project: Arc::new(lua_project(config, protocols)),
            schedule: config.schedule(),
            shards: config.load.shards,
            shares: config.shares(),
            warnings: config.tls.insecure.then(|| INSECURE.to_owned()).into_iter().collect(),
            thresholds: config.thresholds.clone(),
            store: config.store.clone(),
            baseline: config.baseline.clone(),
            export: config.export.clone(),
            bounds: config.generator,
            environment: environment(config),
        }
    }
}

fn project_name(config: &Config) -> String {
    let root = config.root.canonicalize().unwrap_or_else(|_| config.root.clone());
    root.file_name().map_or_else(|| "robots".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn lua_project(config: &Config, protocols: Vec<Arc<Protocol>>) -> LuaProject {
    LuaProject {
        mods: vec![absolute(&config.robot.mods)],
        lib: absolute(&config.robot.lib),
        host: config.target.host.clone().unwrap_or_default(),
        options: option_values(&config.options),
        tasks: config.tasks.iter().map(task_setting).collect(),
        tags: TagFilter { include: config.robot.tags.clone(), exclude: config.robot.exclude_tags.clone() },
        scenarios: config.scenarios.iter().map(|scenario| rules(scenario, config)).collect(),
        limits: Limits {
            memory: usize::try_from(config.robot.script_memory).unwrap_or(usize::MAX),
            deadline: config.robot.script_deadline,
            ..Limits::default()
        },
        redaction: config.redaction.clone(),
        protocols,
        shape: match &config.load.plan {
            Plan::Shape(path) => Some(path.clone()),
            _ => None,
        },
        own: config.protocols.iter().filter_map(own_source).collect(),
        ..LuaProject::at(absolute(&config.root))
    }
}

/// What a scenario differs in. Tags that it does not say are those of all.
fn rules(scenario: &Scenario, config: &Config) -> ScenarioRules {
    let own = scenario.tags.is_some() || scenario.exclude_tags.is_some();
    let tags = || TagFilter {
        include: scenario.tags.clone().unwrap_or_else(|| config.robot.tags.clone()),
        exclude: scenario.exclude_tags.clone().unwrap_or_else(|| config.robot.exclude_tags.clone()),
    };
    let weight = |task: &crate::config::TaskSetting| Some((task.name.clone(), task.weight?));
    let rate = |task: &crate::config::TaskSetting| Some((task.name.clone(), task.rate?));
    ScenarioRules {
        name: scenario.name.clone(),
        mods: scenario.mods.clone(),
        tags: own.then(tags),
        weights: scenario.tasks.iter().filter_map(weight).collect(),
        rates: scenario.tasks.iter().filter_map(rate).collect(),
        task_rate: scenario.task_rate,
        wait: scenario.wait,
        line: match &scenario.place {
            Place::File(range) => u32::try_from(config.source.line_of(range.start)).ok(),
            _ => None,
        },
    }
}

/// Files are named relative to the project's folder, so both must have the same beginning.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What Lua files see of `[options]`.
pub(crate) fn option_values(options: &[ProjectOption]) -> Vec<(String, throng_lua::OptionValue)> {
    options.iter().map(|option| (option.name.clone(), option_value(&option.value))).collect()
}

fn own_source(protocol: &crate::config::Protocol) -> Option<OwnSource> {
    Some(OwnSource { protocol: protocol.name.clone(), path: protocol.lua.clone()? })
}

fn option_value(value: &OptionValue) -> throng_lua::OptionValue {
    match value {
        OptionValue::Integer(value) => throng_lua::OptionValue::Integer(*value),
        OptionValue::Number(value) => throng_lua::OptionValue::Number(*value),
        OptionValue::Boolean(value) => throng_lua::OptionValue::Boolean(*value),
        OptionValue::Text(value) => throng_lua::OptionValue::Text(value.clone()),
    }
}

fn task_setting(task: &crate::config::TaskSetting) -> TaskSetting {
    TaskSetting { task: task.name.clone(), weight: task.weight, rate: task.rate, line: None }
}

/// Different for each run; printed with its summary, so that a run can be repeated.
fn chosen_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to be typed again.
    now.as_nanos() as u64 % 1_000_000_007
}
