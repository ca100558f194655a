//! `[scenarios.NAME]`: classes of robots, with what each differs in from the run's settings.

use throng_engine::{Crowd, Member, Schedule, Stay, Wait};

use super::Config;
use super::layers::Section;
use super::load::{Load, Plan, Scope};
use super::problem::Place;
use super::robot;
use super::setting::Setting;
use super::tasks::{self, TaskSetting};

const TASK_RATE: &str = "tasks a second over all robots of the scenario, a number above 0";

/// A class of robots.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// How many there are.
    pub part: Part,
    /// The names of its mods; all, when it does not say.
    pub mods: Option<Vec<String>>,
    /// Only tasks with one of these tags run, where it says so.
    pub tags: Option<Vec<String>>,
    /// Tasks with one of these tags do not run, where it says so.
    pub exclude_tags: Option<Vec<String>>,
    /// How long its robots wait after each task, where it says so.
    pub wait: Option<Wait>,
    /// Its tasks' weights and rates.
    pub tasks: Vec<TaskSetting>,
    /// Tasks a second over all its robots, in place of waits between tasks.
    pub task_rate: Option<f64>,
    /// Where it begins.
    pub place: Place,
}

/// How many robots a scenario has.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A share of the run's.
    Share {
        /// Beside those of the other scenarios.
        share: f64,
        /// How long they stay, where it is not as long as all.
        session: Option<Stay>,
    },
    /// Robots of its own, beside the run's.
    Own(Plan),
}

impl Config {
    /// The load plan of the run and of its scenarios.
    pub fn schedule(&self) -> Schedule {
        schedule(&self.load, &self.scenarios)
    }

    /// The names and shares of the scenarios that a shape moves.
    pub fn shares(&self) -> Vec<(String, f64)> {
        let name = |(index, share, _): (usize, f64, _)| (self.scenarios[index].name.clone(), share);
        sharing(&self.scenarios).map(name).collect()
    }
}

/// The load plan of a run with these scenarios.
pub(super) fn schedule(load: &Load, scenarios: &[Scenario]) -> Schedule {
    let all = load.plan.session();
    let member = |(scenario, share, session): (usize, f64, Option<Stay>)| Member {
        scenario,
        share,
        session: session.or(all),
    };
    let members: Vec<Member> = sharing(scenarios).map(member).collect();
    let mut crowds: Vec<Crowd> = match &load.plan {
        plan if scenarios.is_empty() => vec![plan.crowd()],
        // A shape moves each scenario by itself.
        plan @ Plan::Shape(_) => members.into_iter().map(|member| plan.crowd().of(vec![member])).collect(),
        _ if members.is_empty() => Vec::new(),
        plan => vec![plan.crowd().of(members)],
    };
    for (index, scenario) in scenarios.iter().enumerate() {
        if let Part::Own(plan) = &scenario.part {
            let session = plan.session();
            crowds.push(plan.crowd().of(vec![Member { scenario: index, share: 1.0, session }]));
        }
    }
    Schedule::new(crowds, load.run_time).with_storms(load.storms.clone())
}

/// The scenarios that share the run's robots: by their places, with their shares and sessions.
fn sharing(scenarios: &[Scenario]) -> impl Iterator<Item = (usize, f64, Option<Stay>)> {
    scenarios.iter().enumerate().filter_map(|(index, scenario)| match &scenario.part {
        Part::Share { share, session } => Some((index, *share, *session)),
        Part::Own(_) => None,
    })
}

/// The keys of `[load]` that each say how many robots there are.
const WAYS: [&str; 5] = ["robots", "stages", "online", "arrivals", "shape"];

/// The run's load.
#[derive(Clone, Copy)]
struct Run<'a> {
    plan: &'a Plan,
    /// How strong the layer is that says so.
    rank: u8,
}

/// All scenarios, in the order of the file.
pub(super) fn read(section: &Section<'_>, load: &Section<'_>, run: &Plan) -> Vec<Scenario> {
    let chosen = section.chosen();
    let ways = || WAYS.into_iter().filter_map(|key| load.setting(key));
    let run = Run { plan: run, rank: ways().map(|way| way.place().rank()).max().unwrap_or(0) };
    let scenarios: Vec<Scenario> =
        chosen.iter().filter_map(|(name, place, setting)| scenario(name, place, setting, run)).collect();
    let all_own = scenarios.iter().all(|scenario| matches!(scenario.part, Part::Own(_)));
    if all_own && !scenarios.is_empty() && scenarios.len() == chosen.len() {
        for setting in ways() {
            let title = format!("`{}` is nobody's: each scenario has robots of its own", setting.path);
            setting.refuse(title, "a scenario with a share of them, or no such setting");
        }
    }
    scenarios
}

fn scenario(name: &str, place: &Place, setting: &Setting<'_>, run: Run<'_>) -> Option<Scenario> {
    let section = setting.section()?;
    if !super::load::is_word(name) {
        let problem = super::Problem::new(place.clone(), format!("`{name}` cannot be a scenario's name"));
        section.layers.report(problem.wanted("one word of letters, digits, `_` and `-`, such as casual"));
    }
    let share = section.setting("share");
    let own = super::load::read_plan(&section, Scope::Scenario);
    if let (Some(share), Some(_)) = (&share, &own) {
        let title = format!("`{}` means nothing beside robots of its own", share.path);
        share.refuse(title, "a share of the run's robots, or robots of its own");
    }
    let part = match own {
        Some(plan) => Some(Part::Own(plan)),
        None => self::share(&section, share, run),
    };
    let list = |key, wanted: &str| section.setting(key).map(|setting| robot::names(&setting, wanted));
    let mods = list("mods", "names of mods, such as [\"role\", \"shop\"]");
    let tags = list("tags", robot::TAGS);
    let exclude_tags = list("exclude_tags", robot::TAGS);
    let wait = section.setting("wait").map(|setting| robot::wait(&setting));
    let tasks = section.optional_section("tasks").map_or_else(Vec::new, |section| tasks::read(&section));
    let task_rate = section.setting("task_rate").and_then(|setting| setting.rate(TASK_RATE));
    section.refuse_unknown();
    Some(Scenario {
        name: name.to_owned(),
        part: part?,
        mods,
        tags,
        exclude_tags,
        wait: wait.flatten(),
        tasks,
        task_rate,
        place: place.clone(),
    })
}

fn share(section: &Section<'_>, share: Option<Setting<'_>>, run: Run<'_>) -> Option<Part> {
    const SHARE: &str = "its part of the robots beside those of the other scenarios, a number above 0";
    let share = share.map_or(Some(1.0), |setting| setting.positive_number(SHARE));
    let session = section.setting("session").map(|setting| {
        // As that of `[load]`, it goes with a load that another layer has replaced.
        if !run.plan.has_sessions() && setting.place().rank() >= run.rank {
            let title = format!("`{}` means nothing beside the run's load", setting.path);
            setting.refuse(title, "a session where [load] has online or arrivals");
        }
        super::load::read_stay(&setting)
    });
    let session = session.flatten().filter(|_| run.plan.has_sessions());
    Some(Part::Share { share: share?, session })
}
