//! `[options]`: the project's own settings, which become flags and `throng.options`.

use super::layers::Section;
use super::problem::{Place, Problem};
use super::raw::{RawConfig, Value};
use super::setting::{Refusal, Setting};

/// An option of the project with the value it has in this run.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectOption {
    /// Its name in Lua: `throng.options.NAME`.
    pub name: String,
    /// Its value, of the type its default has.
    pub value: OptionValue,
    /// What it is for.
    pub help: String,
    /// Where the value came from.
    pub place: Place,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// A text.
    Text(String),
}

/// What the command line needs to know of an option before the settings are read.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionFlag {
    /// Its name in Lua.
    pub name: String,
    /// The default, which gives the type.
    pub default: OptionValue,
    /// What it is for.
    pub help: String,
}

/// The long flags of `run`, `try`, `demo` and `search`, which no option can have.
pub const RESERVED_FLAGS: [&str; 39] = [
    "robots",
    "spawn-rate",
    "arrivals",
    "online",
    "session",
    "max-robots",
    "run-time",
    "host",
    "shards",
    "seed",
    "insecure",
    "tags",
    "exclude-tags",
    "html",
    "json",
    "csv",
    "csv-full-history",
    "junit",
    "quiet",
    "plain",
    "tag-run",
    "note",
    "no-store",
    "baseline",
    "baseline-tolerance",
    "baseline-phase",
    "prometheus",
    "otlp",
    "verbose",
    "no-color",
    "help",
    "while",
    "raise",
    "from",
    "to",
    "step",
    "hold",
    "warm-up",
    "precision",
];

const FORMS: &str = "{ default = 1, help = \"what it is for\" }, or the default alone";

impl OptionFlag {
    /// The flag without its dashes: `my_level` is `my-level`.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// The options a `throng.toml` declares, as far as it can be read; what is wrong with it is told when it is loaded.
pub fn option_flags(toml: &str) -> Vec<OptionFlag> {
    let Ok(raw) = RawConfig::parse(toml) else { return Vec::new() };
    let Some(options) = raw.entries.into_iter().find(|entry| entry.key == "options") else {
        return Vec::new();
    };
    let Value::Table(entries) = options.node.value else { return Vec::new() };
    entries
        .into_iter()
        .filter(|entry| is_free_name(&entry.key))
        .filter_map(|entry| {
            let (default, help) = match entry.node.value {
                Value::Table(fields) => {
                    let field = |key: &str| fields.iter().find(|f| f.key == key).map(|f| &f.node.value);
                    let help = field("help").and_then(Value::as_text).unwrap_or_default().to_owned();
                    (option_value(field("default")?)?, help)
                }
                value => (option_value(&value)?, String::new()),
            };
            Some(OptionFlag { name: entry.key, default, help })
        })
        .collect()
}

pub(super) fn read(section: &Section<'_>) -> Vec<ProjectOption> {
    let mut options = Vec::new();
    for (name, place, setting) in section.chosen() {
        if !is_free_name(name) {
            let (reason, wanted) = match is_lua_name(name) {
                true => ("it is a flag of throng", "a name that no flag has, such as my_level"),
                false => ("it is no name in Lua", "small letters, digits and `_`, such as my_level"),
            };
            let problem =
                Problem::new(place.clone(), format!("`{name}` cannot be an option's name: {reason}"));
            section.layers.report(problem.wanted(wanted));
            continue;
        }
        options.extend(option(name, section, &setting));
    }
    options
}

/// The declaration is always the file's; a flag or a variable only gives the value.
fn option(name: &str, section: &Section<'_>, strongest: &Setting<'_>) -> Option<ProjectOption> {
    let declared = section.declared(name)?;
    let (default, help) = match declared.node.value {
        Value::Table(_) => {
            let fields = declared.section()?;
            let default = fields.required("default", "the value it has when nobody sets it");
            let help = fields.setting("help");
            fields.refuse_unknown();
            let help = help.map_or(Some(String::new()), |help| help.text("what the option is for"));
            (default?, help?)
        }
        _ => (declared.clone(), String::new()),
    };
    let value = default.read(FORMS, |value| option_value(value).ok_or(Refusal::Kind))?;
    if strongest.place().rank() <= declared.place().rank() {
        return Some(ProjectOption { name: name.to_owned(), value, help, place: default.place() });
    }
    let value = override_value(&value, strongest)?;
    Some(ProjectOption { name: name.to_owned(), value, help, place: strongest.place() })
}

/// Reads a flag or variable as the type of the default.
fn override_value(default: &OptionValue, setting: &Setting<'_>) -> Option<OptionValue> {
    match default {
        OptionValue::Integer(_) => setting.whole(i64::MIN..=i64::MAX).map(OptionValue::Integer),
        OptionValue::Boolean(_) => setting.boolean().map(OptionValue::Boolean),
        OptionValue::Number(_) => {
            let number = setting.read("a number", |value| value.as_number().ok_or(Refusal::Kind));
            number.map(OptionValue::Number)
        }
        OptionValue::Text(_) => {
            let text =
                setting.read("a text", |value| value.as_text().map(str::to_owned).ok_or(Refusal::Kind));
            text.map(OptionValue::Text)
        }
    }
}

fn option_value(value: &Value) -> Option<OptionValue> {
    Some(match value {
        Value::Integer(number) => OptionValue::Integer(*number),
        Value::Float(number) => OptionValue::Number(*number),
        Value::Boolean(flag) => OptionValue::Boolean(*flag),
        Value::String(text) | Value::Text(text) => OptionValue::Text(text.clone()),
        _ => return None,
    })
}

fn is_free_name(name: &str) -> bool {
    is_lua_name(name) && !RESERVED_FLAGS.contains(&name.replace('_', "-").as_str())
}

fn is_lua_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
