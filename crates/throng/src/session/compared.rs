//! Two runs that were kept, compared: which of their seconds, and what makes the figures doubtful. Start reading at [`compared`].

use std::collections::HashSet;
use std::time::Duration;

use throng_metrics::{RunRecord, Totals, units};
use throng_stats::{Comparison, LEAST_SECONDS, Question, Series, compare};
use throng_store::{RunId, RunState, Store, StoreError, StoredRun};

/// The last second of a run is often a part of one, and its rates say nothing.
const SHORTEST_STRETCH: Duration = Duration::from_millis(500);

/// Phases in which the load moves, or that are no part of the plan: unless nothing else is there, they are not compared.
const MOVING: [&str; 4] = ["ramp_up", "ramp_down", "storm", STOP];
/// The phase of which nothing is ever compared.
const STOP: &str = "stop";

/// Two runs that were kept, compared.
pub(crate) struct Compared {
    pub(crate) comparison: Comparison,
    pub(crate) question: Question,
    /// The phases that were compared.
    pub(crate) phases: Vec<String>,
    /// Which seconds these are, in words.
    pub(crate) which: String,
    /// What a reader must know to trust the figures.
    pub(crate) warnings: Vec<String>,
}

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    /// The samples of a run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A run has not the phase that is asked for.
    #[error("run {run} has no phase '{wanted}': it has {}", known.join(", "))]
    Phase {
        /// The run.
        run: RunId,
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: Vec<String>,
    },
}

/// Compares `b` with `a`, in one phase or in those in which both plans held; `smallest` is the share below which a change does
/// not matter.
///
/// # Errors
/// The samples of a run cannot be read, or it has not that phase.
pub(crate) fn compared(
    store: &Store,
    [a, b]: [&StoredRun; 2],
    smallest: f64,
    phase: Option<&str>,
) -> Result<Compared, CompareError> {
    let runs = [Played::read(store, a)?, Played::read(store, b)?];
    let runs = runs.each_ref();
    let choice = match phase {
        Some(phase) => Choice::Asked(phase.to_owned()),
        None => Choice::of(runs),
    };
    let mut warnings = facts(runs);
    warnings.extend(doubts(runs, &choice));
    let phases = choice.phases(runs)?;
    let question = Question { smallest, ..Question::default() };
    let comparison = choice.compare(runs, &question);
    if comparison.seconds.iter().any(|&seconds| seconds < LEAST_SECONDS) {
        warnings
            .push(format!("fewer than {LEAST_SECONDS} seconds of a run: only large differences can be seen"));
    }
    Ok(Compared { comparison, question, which: choice.said(), phases, warnings })
}

/// Which seconds are compared.
enum Choice {
    /// Those of these phases in which the number of robots stayed, each phase with itself.
    Held(Vec<String>),
    /// Those of the phase that was asked for.
    Asked(String),
    /// All but the stop: there is too little of anything else.
    Played,
}

impl Choice {
    /// The phases in which both plans held, where there is enough of one.
    fn of(runs: [&Played<'_>; 2]) -> Choice {
        let enough = |name: &String| runs.iter().all(|run| run.held(name) >= LEAST_SECONDS);
        let phases: Vec<String> = runs[0].names().into_iter().filter(enough).collect();
        if phases.is_empty() { Choice::Played } else { Choice::Held(phases) }
    }

    /// Phases differ in their load, so that their seconds cannot change places: each is compared by itself.
    fn compare(&self, runs: [&Played<'_>; 2], question: &Question) -> Comparison {
        let of = |wanted: &dyn Fn(&Span) -> bool, question: &Question| {
            let [a, b] = runs.map(|run| run.part(wanted));
            compare(&a, &b, question)
        };
        match self {
            Choice::Held(phases) => {
                let level = question.level / phases.len() as f64;
                let question = Question { level, ..*question };
                let one = |phase: &String| of(&|span| span.held && span.name == *phase, &question);
                match phases.as_slice() {
                    [phase] => one(phase),
                    phases => Comparison::of_parts(phases.iter().map(|phase| (phase.as_str(), one(phase)))),
                }
            }
            Choice::Asked(phase) => of(&|span| span.name == *phase, question),
            Choice::Played => of(&|_| true, question),
        }
    }

    /// The phases that are compared.
    fn phases(&self, runs: [&Played<'_>; 2]) -> Result<Vec<String>, CompareError> {
        match self {
            Choice::Held(phases) => Ok(phases.clone()),
            Choice::Asked(phase) => match runs.into_iter().find(|run| !run.names().contains(phase)) {
                Some(run) => {
                    Err(CompareError::Phase { run: run.run.id, wanted: phase.clone(), known: run.names() })
                }
                None => Ok(vec![phase.clone()]),
            },
            Choice::Played => {
                let [mut names, others] = runs.map(Played::names);
                let more: Vec<String> = others.into_iter().filter(|name| !names.contains(name)).collect();
                names.extend(more);
                Ok(names)
            }
        }
    }

    fn said(&self) -> String {
        match self {
            Choice::Held(phases) if *phases == ["hold"] => "in which the plan held".to_owned(),
            Choice::Held(phases) => format!("in which the plan held ({})", phases.join(", ")),
            Choice::Asked(phase) => format!("of the phase {phase}"),
            Choice::Played => "all but the stop".to_owned(),
        }
    }
}

/// A run with what was recorded in it.
struct Played<'a> {
    run: &'a StoredRun,
    /// All but the seconds in which it stopped, each of the kind that its span has as its place.
    series: Series,
    spans: Vec<Span>,
    /// Why the generator was the limit, if it was.
    limited: bool,
}

/// The seconds of one phase, in which the number of robots that were wanted stayed or not.
#[derive(PartialEq)]
struct Span {
    name: String,
    held: bool,
}

impl Played<'_> {
    fn read<'a>(store: &Store, run: &'a StoredRun) -> Result<Played<'a>, StoreError> {
        let (mut series, mut spans): (Series, Vec<Span>) = Default::default();
        let (mut totals, mut wanted) = (Totals::default(), Some(0));
        store.samples(run.id, |stored| {
            totals.absorb(&stored.sample);
            if stored.phase == STOP || stored.took < SHORTEST_STRETCH {
                return;
            }
            let mut stretch = Totals::default();
            stretch.absorb(&stored.sample);
            // A stage that has a name may be a ramp all the same.
            let now = stretch.robots().wanted;
            let stays = std::mem::replace(&mut wanted, now) == now;
            let held = !MOVING.contains(&stored.phase.as_str()) && (stays || stored.phase == "hold");
            let span = Span { name: stored.phase, held };
            let kind = spans.iter().position(|known| *known == span).unwrap_or_else(|| {
                spans.push(span);
                spans.len() - 1
            });
            series.push_totals(u32::try_from(kind).unwrap_or(u32::MAX), stored.took, &stretch);
        })?;
        // A record that another version wrote may be unreadable here, and then the usual bounds will do.
        let record: RunRecord = serde_json::from_str(&run.begun.record).unwrap_or_default();
        let limited = !record.bounds.judge(totals.generator()).is_empty();
        Ok(Played { run, series, spans, limited })
    }

    /// How many seconds the spans that are wanted took.
    fn seconds(&self, wanted: impl Fn(&Span) -> bool) -> f64 {
        let spans = (0..).zip(&self.spans).filter(|(_, span)| wanted(span));
        spans.map(|(kind, _)| self.series.seconds_of(kind)).sum()
    }

    /// Its phases, in the order in which they first came.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.spans.iter().map(|span| span.name.clone()).collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// For how many seconds the number of robots stayed in a phase.
    fn held(&self, name: &str) -> f64 {
        self.seconds(|span| span.held && span.name == *name)
    }

    /// What was recorded in the spans that are wanted.
    fn part(&self, wanted: &dyn Fn(&Span) -> bool) -> Series {
        self.series.only(|kind| self.spans.get(kind as usize).is_some_and(wanted))
    }
}

/// In what the runs differ besides, and what is wrong with each.
fn facts(runs: [&Played<'_>; 2]) -> Vec<String> {
    let [was, is] = runs.map(|run| &run.run.begun);
    let robots = [was, is].map(|run| run.robots.to_string());
    let facts = [
        ("the projects", &was.project, &is.project),
        ("the targets", &was.target, &is.target),
        ("the numbers of robots", &robots[0], &robots[1]),
        ("the machines that drove the robots", &was.host, &is.host),
        ("the versions of throng", &was.version, &is.version),
    ];
    let differ = facts.iter().filter(|(_, was, is)| was != is);
    let mut warnings: Vec<String> =
        differ.map(|(what, was, is)| format!("{what} differ: {was} and {is}")).collect();
    for run in runs {
        if run.limited {
            warnings.push(format!(
                "run {} was limited by the generator: its figures say little about the server",
                run.run.id
            ));
        }
        if run.run.state != RunState::Ended {
            warnings.push(format!("run {} has no end: it is {}", run.run.id, run.run.state.name()));
        }
    }
    warnings
}

/// What makes the choice of seconds doubtful.
fn doubts(runs: [&Played<'_>; 2], choice: &Choice) -> Vec<String> {
    let phases = match choice {
        Choice::Held(phases) => phases,
        Choice::Asked(_) => return Vec::new(),
        Choice::Played => {
            let played = runs.into_iter().all(|run| run.seconds(|_| true) >= LEAST_SECONDS);
            let ramps = format!(
                "ramps are compared too, because no phase of both runs held for {LEAST_SECONDS} seconds"
            );
            return if played { vec![ramps] } else { Vec::new() };
        }
    };
    let [mut left_out, others] = runs.map(|run| {
        let names = run.names().into_iter();
        names.filter(|name| run.held(name) > 0.0 && !phases.contains(name)).collect::<Vec<String>>()
    });
    left_out.extend(others);
    left_out.sort();
    left_out.dedup();
    let said = |name: &String| {
        let [a, b] = runs.map(|run| units::span(run.held(name)));
        format!("the phase {name} is not compared: it held for {a} and {b}")
    };
    left_out.iter().map(said).collect()
}
