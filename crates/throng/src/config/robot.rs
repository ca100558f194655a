//! `[robot]`: where the mods are, how robots wait between tasks, what an error does, how far a script may go.

use std::path::PathBuf;
use std::time::Duration;

use throng_engine::{Late, OnError, Wait};

use super::layers::Section;
use super::problem::{Place, Problem};
use super::setting::{Existing, Refusal, Setting, duration};

/// What all robots have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Robot {
    /// The folder of the mods.
    pub mods: PathBuf,
    /// The folder `require` looks in; it may not exist.
    pub lib: PathBuf,
    /// How long a robot waits after each task.
    pub wait: Wait,
    /// What an uncaught error in `start` or a task does.
    pub on_error: OnError,
    /// Only tasks with one of these tags run; with none here, all do.
    pub tags: Vec<String>,
    /// Tasks with one of these tags do not run.
    pub exclude_tags: Vec<String>,
    /// How long the starts of a robot may take together.
    pub ready_timeout: Duration,
    /// Whether only `ready()` opens the gate to the tasks.
    pub manual_ready: bool,
    /// How long a script may run without yielding.
    pub script_deadline: Duration,
    /// How many bytes the scripts of one Lua VM may hold.
    pub script_memory: u64,
}

const WAIT_FORMS: &str = "seconds, or one of { constant = 1 }, { between = [1, 5] }, { exponential = 2 }, \
                          { pacing = 5 }, { throughput = 0.5 }";
const LATE: [(&str, Late); 2] = [("catch_up", Late::CatchUp), ("skip", Late::Skip)];
pub(super) const TAGS: &str = "names of tags, such as [\"shop\", \"slow\"]";
const ON_ERROR: [(&str, OnError); 3] =
    [("continue", OnError::Continue), ("restart", OnError::Restart), ("stop", OnError::Stop)];

const DEFAULT_WAIT: Wait = Wait::Constant(Duration::from_secs(1));
const DEFAULT_READY_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_SCRIPT_DEADLINE: Duration = Duration::from_millis(200);
const DEFAULT_SCRIPT_MEMORY: u64 = 1 << 30;
/// Below this no VM with the standard library and a mod fits.
const LEAST_SCRIPT_MEMORY: u64 = 1 << 20;

pub(super) fn read(section: &Section<'_>) -> Robot {
    let robot = Robot {
        mods: mods(section),
        lib: match section.setting("lib") {
            Some(setting) => setting.existing(Existing::Folder).unwrap_or_default(),
            None => section.layers.root.join("lib"),
        },
        wait: section.setting("wait").and_then(|setting| wait(&setting)).unwrap_or(DEFAULT_WAIT),
        on_error: section
            .setting("on_error")
            .and_then(|setting| setting.choice(&ON_ERROR))
            .unwrap_or(OnError::Continue),
        tags: tags(section, "tags"),
        exclude_tags: tags(section, "exclude_tags"),
        ready_timeout: positive(section, "ready_timeout").unwrap_or(DEFAULT_READY_TIMEOUT),
        manual_ready: section.setting("manual_ready").and_then(|setting| setting.boolean()).unwrap_or(false),
        script_deadline: positive(section, "script_deadline").unwrap_or(DEFAULT_SCRIPT_DEADLINE),
        script_memory: section
            .setting("script_memory")
            .and_then(|setting| setting.size(LEAST_SCRIPT_MEMORY..=1 << 40))
            .unwrap_or(DEFAULT_SCRIPT_MEMORY),
    };
    section.refuse_unknown();
    robot
}

fn tags(section: &Section<'_>, key: &'static str) -> Vec<String> {
    section.setting(key).map_or_else(Vec::new, |setting| names(&setting, TAGS))
}

/// A list of names, none of which is empty.
pub(super) fn names(setting: &Setting<'_>, wanted: &str) -> Vec<String> {
    let name = |element: Setting<'_>| {
        element.read(wanted, |value| {
            let text = value.as_text().ok_or(Refusal::Kind)?.trim();
            if text.is_empty() { Err(Refusal::Value("it is empty".to_owned())) } else { Ok(text.to_owned()) }
        })
    };
    setting.elements().into_iter().filter_map(name).collect()
}

fn positive(section: &Section<'_>, key: &'static str) -> Option<Duration> {
    section.setting(key)?.positive_duration()
}

/// The folder of the mods, without which there is no robot.
fn mods(section: &Section<'_>) -> PathBuf {
    if let Some(setting) = section.setting("mods") {
        return setting.existing(Existing::Folder).unwrap_or_default();
    }
    let folder = section.layers.root.join("mods");
    if !folder.is_dir() {
        section.layers.report(
            Problem::new(
                Place::Default,
                format!("there are no mods: {} is not a folder", super::shown_path(&folder)),
            )
            .wanted("a folder `mods` with one Lua file per game module, or `robot.mods` with its path"),
        );
    }
    folder
}

/// A wait between tasks.
pub(super) fn wait(setting: &Setting<'_>) -> Option<Wait> {
    if !setting.is_table() {
        return setting.read(WAIT_FORMS, |value| duration(value).map(Wait::Constant));
    }
    let section = setting.section()?;
    let constant = section.setting("constant");
    let between = section.setting("between");
    let exponential = section.setting("exponential");
    let pacing = section.setting("pacing");
    let throughput = section.setting("throughput");
    let late = section.setting("late");
    let misspelled = section.refuse_unknown();
    let given = [&constant, &between, &exponential, &pacing, &throughput].into_iter().flatten().count();
    if given == 0 && misspelled {
        return None;
    }
    if given != 1 {
        setting.refuse(format!("`{}` has {given} kinds of wait", setting.path), WAIT_FORMS);
        return None;
    }
    if let Some(setting) = late.as_ref().filter(|_| pacing.is_none() && throughput.is_none()) {
        setting.refuse(
            format!("`{}` is set without a pace", setting.path),
            "a wait with `pacing` or `throughput`, or no `late`",
        );
    }
    let late = late.and_then(|setting| setting.choice(&LATE)).unwrap_or_default();
    constant
        .map(|setting| setting.duration().map(Wait::Constant))
        .or_else(|| {
            between.map(|setting| {
                self::between(&setting, "the shortest and the longest wait, such as [1, 5]")
                    .map(|(least, most)| Wait::Between(least, most))
            })
        })
        .or_else(|| exponential.map(|setting| setting.positive_duration().map(Wait::Exponential)))
        .or_else(|| pacing.map(|setting| setting.positive_duration().map(|every| Wait::Pacing(every, late))))
        .or_else(|| {
            let wanted = "tasks per second of one robot, a number above 0";
            throughput.map(|setting| setting.rate(wanted).map(|rate| Wait::Throughput(rate, late)))
        })
        .flatten()
}

/// The shortest and the longest of two durations.
pub(super) fn between(setting: &Setting<'_>, wanted: &str) -> Option<(Duration, Duration)> {
    let [least, most] = &setting.elements()[..] else {
        setting.refuse(format!("`{}` is not two durations", setting.path), wanted);
        return None;
    };
    let (least, most) = (least.duration()?, most.duration()?);
    if least > most {
        setting.refuse(format!("`{}` goes from long to short", setting.path), wanted);
        return None;
    }
    Some((least, most))
}
