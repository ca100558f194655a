//! Two runs beside each other.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::blocks::{Blocks, Estimate, cut, exchangeable};
use crate::correlation::inflation;
use crate::family::{Contrast, bound};
use crate::metric::Metric;
use crate::series::Series;

/// Runs with fewer seconds than this can be compared, but little will be seen.
pub const LEAST_SECONDS: f64 = 20.0;

/// With fewer stretches nothing is compared.
const LEAST_STRETCHES: usize = 10;
const FEWEST_BLOCKS: usize = 6;
/// In how many of its blocks a message has replies that comes all the time.
const BUSY: f64 = 0.9;
/// Of so many replies it is noticed that they do not come.
const ENOUGH_REPLIES: f64 = 100.0;
/// What is less by more than this share is not only slower.
const SILENCE: f64 = 0.5;
const MOST_BLOCKS: usize = 24;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The probability that anything at all is called different in two runs that are alike.
    pub level: f64,
    /// The change, as a share, that is of no interest: what is called different lies beyond it with its whole interval.
    pub smallest: f64,
    /// The difference of two error rates that is of no interest.
    pub smallest_error_rate: f64,
    /// How many permutations are drawn.
    pub permutations: usize,
    /// What they are drawn from.
    pub seed: u64,
}

impl Default for Question {
    fn default() -> Self {
        Self { level: 0.05, smallest: 0.01, smallest_error_rate: 0.001, permutations: 1_999, seed: 1 }
    }
}

/// What to make of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The second run is worse, and that is no noise.
    Worse,
    /// The second run is better, and that is no noise.
    Better,
    /// What is seen may be noise, or is too small to matter.
    NoDifferenceSeen,
    /// Too little was recorded in one of the runs to say anything.
    TooLittle,
}

impl Finding {
    /// What a person reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::NoDifferenceSeen => "no difference seen",
            Self::TooLittle => "too little data",
        }
    }

    /// Whether the runs differ.
    pub fn is_difference(self) -> bool {
        matches!(self, Self::Worse | Self::Better)
    }
}

/// From the first run to the second: a share of the first run's value, or of error rates the plain difference.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Change {
    /// The change.
    pub by: f64,
    /// Its interval's lower end; the intervals of all rows hold together.
    pub low: f64,
    /// Its interval's upper end.
    pub high: f64,
}

/// One metric of one message.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The message, with its connection.
    pub message: String,
    /// What is compared.
    pub metric: Metric,
    /// Its value in the first run, if it has one.
    pub a: Option<f64>,
    /// Its value in the second run.
    pub b: Option<f64>,
    /// From one to the other, if that can be said.
    pub change: Option<Change>,
    /// What to make of it.
    pub finding: Finding,
}

/// Two runs beside each other.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// How many seconds of each run were compared.
    pub seconds: [f64; 2],
    /// Into how many blocks each run was cut.
    pub blocks: usize,
    /// How many standard errors each interval reaches to both sides, before what dependent blocks add.
    pub bound: Option<f64>,
    /// Each metric of each message: differences first, the worse before the better, then by message.
    pub rows: Vec<Row>,
}

impl Comparison {
    /// Comparisons of several parts of two runs as one. Each part has a name, which stands behind those of its messages; the level of
    /// each has to be its share of the level of all.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = (&'a str, Comparison)>) -> Comparison {
        let mut whole = Comparison { seconds: [0.0; 2], blocks: 0, bound: None, rows: Vec::new() };
        for (name, part) in parts {
            whole.seconds.iter_mut().zip(part.seconds).for_each(|(all, of_part)| *all += of_part);
            whole.blocks += part.blocks;
            whole.bound = [whole.bound, part.bound].into_iter().flatten().reduce(f64::max);
            let named = |row: Row| Row { message: format!("{}@{name}", row.message), ..row };
            whole.rows.extend(part.rows.into_iter().map(named));
        }
        whole.rows.sort_by_key(|row| row.finding);
        whole
    }

    /// How many rows have that finding.
    pub fn count(&self, finding: Finding) -> usize {
        self.rows.iter().filter(|row| row.finding == finding).count()
    }
}

/// A row before the bound of the family is known, and what it is judged by.
struct Open {
    row: Row,
    evidence: Option<Evidence>,
}

struct Evidence {
    /// The blocks that may change places.
    places: Contrast,
    /// The values of the metric in its scale, block by block.
    values: Contrast,
    /// How many times larger standard errors are, because blocks depend on each other.
    factor: f64,
}

/// How the second run differs from the first.
pub fn compare(a: &Series, b: &Series, question: &Question) -> Comparison {
    let stretches = a.len().min(b.len());
    // Blocks grow with the run as well as their number: they must outlast what seconds remember, and be many.
    let blocks = ((1.25 * (stretches as f64).sqrt()).round() as usize).clamp(FEWEST_BLOCKS, MOST_BLOCKS);
    let messages: BTreeSet<&String> = a.messages.keys().chain(b.messages.keys()).collect();
    let mut open = Vec::new();
    for message in messages {
        let cut = cut([a, b], message, blocks);
        for metric in Metric::ALL {
            let mut row = opened(message, metric, cut.each_ref(), blocks, stretches >= LEAST_STRETCHES);
            if metric == Metric::Throughput && stretches >= LEAST_STRETCHES {
                look_for_silence(&mut row, cut.each_ref(), question);
            }
            open.push(row);
        }
    }
    let usual = Metric::ALL.map(|metric| usual_factor(&open, metric));
    let evidence = open.iter().filter_map(|open| open.evidence.as_ref());
    let contrasts: Vec<&Contrast> = evidence.map(|evidence| &evidence.places).collect();
    let bound = bound(&contrasts, question.level, question.permutations, question.seed);
    let judged = open.into_iter().map(|Open { mut row, evidence }| {
        if let Some(mut evidence) = evidence {
            // Of many messages some look less dependent than they are, and those would be called different.
            evidence.factor = evidence.factor.max(usual[row.metric as usize]);
            judge(&mut row, &evidence, bound, question);
        }
        row
    });
    let mut rows: Vec<Row> = judged.collect();
    rows.sort_by_key(|row| row.finding);
    Comparison {
        seconds: [a.seconds(), b.seconds()],
        blocks,
        bound: bound.is_finite().then_some(bound),
        rows,
    }
}

fn opened(message: &str, metric: Metric, runs: [&Blocks; 2], blocks: usize, long_enough: bool) -> Open {
    let found = runs.map(|run| run.estimate(metric));
    let [a, b] = found.each_ref().map(|found| found.as_ref().map(|found| found.value));
    let evidence = match &found {
        [
            Some(Estimate { value: a, by_block: Some(by_a) }),
            Some(Estimate { value: b, by_block: Some(by_b) }),
        ] if long_enough => exchangeable(runs, metric).map(|[places_a, places_b]| Evidence {
            places: Contrast::new(&places_a, &places_b),
            values: Contrast::new(by_a, by_b),
            factor: inflation(&runs[0].by_stretch(metric, *a), &runs[1].by_stretch(metric, *b), blocks),
        }),
        _ => None,
    };
    let row = Row { message: message.to_owned(), metric, a, b, change: None, finding: Finding::TooLittle };
    Open { row, evidence }
}

/// Replies that came all the time in the first run and stopped in the second leave too few blocks to be compared, and are the
/// greatest difference that there can be.
fn look_for_silence(open: &mut Open, runs: [&Blocks; 2], question: &Question) {
    let [(was, was_seconds, was_busy), (is, is_seconds, is_busy)] = runs.map(Blocks::replies);
    let expected = was * is_seconds / was_seconds;
    // A message of a moment, such as a login, may be in other seconds without being less.
    let came_all_the_time = was_busy >= BUSY && was.min(expected) >= ENOUGH_REPLIES;
    let comparable = open.evidence.is_some() && is_busy >= 1.0 - SILENCE;
    if !came_all_the_time || comparable {
        return;
    }
    let change = |replies: f64| replies / expected - 1.0;
    // Three standard errors of a count, which also hold where it is 0.
    let high = change((is.sqrt() + 3.0).powi(2));
    if high < -question.smallest.max(SILENCE) {
        open.row.change = Some(Change { by: change(is), low: -1.0, high });
        open.row.finding = Finding::Worse;
        open.evidence = None;
    }
}

/// The mean over all messages.
fn usual_factor(open: &[Open], metric: Metric) -> f64 {
    let of_metric = open.iter().filter(|open| open.row.metric == metric);
    let factors: Vec<f64> =
        of_metric.filter_map(|open| open.evidence.as_ref()).map(|evidence| evidence.factor).collect();
    factors.iter().sum::<f64>() / factors.len().max(1) as f64
}

/// Sets the change and the finding of a row.
fn judge(row: &mut Row, evidence: &Evidence, bound: f64, question: &Question) {
    let metric = row.metric;
    let bound = bound * evidence.factor;
    let (difference, error) = evidence.values.difference();
    let (moved, noise) = evidence.places.difference();
    let mut reach = bound * error;
    if moved.abs() <= bound * noise {
        // The permutation is exact and the jackknife is not: what the one takes for noise includes zero.
        reach = reach.max(difference.abs());
    }
    let shown = |scaled: f64| if metric.is_relative() { scaled.exp_m1() } else { scaled };
    let change =
        Change { by: shown(difference), low: shown(difference - reach), high: shown(difference + reach) };
    let smallest = if metric.is_relative() { question.smallest } else { question.smallest_error_rate };
    row.finding = if change.low > smallest {
        if metric.more_is_better() { Finding::Better } else { Finding::Worse }
    } else if change.high < -smallest {
        if metric.more_is_better() { Finding::Worse } else { Finding::Better }
    } else {
        Finding::NoDifferenceSeen
    };
    row.change = Some(change);
}
