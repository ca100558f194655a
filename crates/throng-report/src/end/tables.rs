//! The parts of the end report that are figures in columns.

use throng_metrics::{Bin, DelaySummary, GapSummary, RequestSummary, Spread, Summary, WorkSummary, units};

use crate::grid::{Column, Grid};
use crate::paint::{Tone, Word, Words};
use crate::spark::sparkline;
use crate::text::{clean, width};

/// A sparkline takes at least and at most so many cells.
const SPARK: std::ops::RangeInclusive<usize> = 6..=12;
/// What stands above sparklines that are wide enough for it.
const SPARK_TITLE: &str = "fast → slow";
/// A name keeps at least so many cells; a sparkline goes before that.
const NAME: usize = 18;
/// Below this width what was answered, which the other counts tell, and the 90th percentile give way to names and sparklines.
const ALL_COLUMNS: usize = 92;
/// No more lines than this in one table; the JSON report has all of them.
const MOST_LINES: usize = 40;

/// A line of a table of durations.
struct Timed<'a> {
    name: String,
    count: u64,
    /// How many were well, and how many failed, of what can fail.
    outcome: Option<(u64, u64)>,
    rate: Option<f64>,
    times: Option<&'a Spread>,
    /// From the intended start, where they tell another story.
    intended: Option<&'a Spread>,
    bins: &'a [Bin],
    notes: Vec<Words>,
}

/// Requests, tasks, sequences, steps, starts and measures in one set of columns.
pub(super) fn timed(summary: &Summary, cells: usize) -> Vec<Words> {
    let work = |work| of_work(work, summary.duration_s);
    let measures = summary.measures.iter().map(|measure| Timed {
        name: clean(&measure.name).into_owned(),
        count: measure.count,
        outcome: None,
        rate: rate(measure.count, summary.duration_s),
        times: measure.value_us.as_ref(),
        intended: None,
        bins: &measure.histogram,
        notes: Vec::new(),
    });
    let sections = [
        ("Requests", most_frequent(summary.requests.iter().map(of_request).collect())),
        ("Tasks", most_frequent(summary.tasks.iter().map(work).collect())),
        ("Sequences", most_frequent(summary.sequences.iter().map(work).collect())),
        ("Steps", most_frequent(summary.steps.iter().map(work).collect())),
        ("Starts", most_frequent(summary.starts.iter().map(work).collect())),
        ("Groups", groups(summary)),
        ("Measures", most_frequent(measures.collect())),
        ("Delays", most_frequent(summary.delays.iter().map(|delay| of_delay(delay, summary)).collect())),
        ("Gaps", most_frequent(summary.gaps.iter().map(|gap| of_gap(gap, summary)).collect())),
    ];
    let narrow = grid(&sections, cells, 0);
    let left = cells.saturating_sub(narrow.fixed_width() + 2);
    let spark = match left.saturating_sub(narrow.first_width()).clamp(*SPARK.start(), *SPARK.end()) {
        spark if left < NAME + spark => 0,
        spark => spark,
    };
    grid(&sections, cells, spark).lines(cells, false)
}

/// The lines to show, and how many are left out.
type Shown<'a> = (Vec<Timed<'a>>, usize);

/// Each group, and under it the requests that were made in it.
fn groups(summary: &Summary) -> Shown<'_> {
    let mut lines = Vec::new();
    for group in &summary.groups {
        lines.push(Timed {
            name: clean(&group.name).into_owned(),
            count: group.count,
            outcome: Some((group.count.saturating_sub(group.failed), group.failed)),
            rate: rate(group.count, summary.duration_s),
            times: group.duration_us.as_ref(),
            intended: None,
            bins: &group.histogram,
            notes: Vec::new(),
        });
        let request = |request| {
            let line: Timed<'_> = of_request(request);
            Timed { name: format!("  {}", line.name), notes: Vec::new(), ..line }
        };
        lines.extend(group.requests.iter().map(request));
    }
    let left_out = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    (lines, left_out)
}

fn most_frequent(mut lines: Vec<Timed<'_>>) -> Shown<'_> {
    lines.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    let left_out = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    (lines, left_out)
}

fn grid(sections: &[(&str, Shown<'_>)], cells: usize, spark: usize) -> Grid {
    let all_columns = cells >= ALL_COLUMNS;
    let all = ["count", "ok", "fail", "/s", "p50", "p90", "p99", "max"];
    let titles: Vec<&str> =
        all.into_iter().filter(|title| all_columns || !matches!(*title, "ok" | "p90")).collect();
    let mut columns = vec![Column::left()];
    columns.extend(titles.iter().map(|_| Column::right(4)));
    if spark > 0 {
        columns.push(Column { at_least: spark, ..Column::left() });
    }
    let mut grid = Grid::new(columns);
    for (title, (lines, left_out)) in sections.iter().filter(|(_, (lines, _))| !lines.is_empty()) {
        if !grid.is_empty() {
            grid.note(Words::default());
        }
        let mut heading = vec![Word::new(*title, Tone::Strong)];
        let can_fail = lines.iter().any(|line| line.outcome.is_some());
        let said = |title: &&str| can_fail || !matches!(*title, "ok" | "fail");
        heading.extend(titles.iter().map(|title| Word::dim(if said(title) { title } else { "" })));
        heading.extend((spark >= width(SPARK_TITLE)).then(|| Word::dim(SPARK_TITLE)));
        grid.row(heading);
        for line in lines {
            grid.row(row(line, all_columns, spark));
            grid.rows(line.intended.map(|times| intended_row(line, times, all_columns)));
            line.notes.iter().for_each(|note| grid.note(note.clone()));
        }
        say_left_out(&mut grid, *left_out);
    }
    grid
}

fn row(line: &Timed<'_>, all_columns: bool, spark: usize) -> Vec<Word> {
    let mut words = vec![Word::plain(format!("  {}", line.name)), Word::plain(units::count(line.count))];
    words.extend(
        all_columns.then(|| line.outcome.map_or_else(Word::default, |(ok, _)| Word::plain(units::count(ok)))),
    );
    words.extend([
        line.outcome.map_or_else(Word::default, |(_, failed)| Word::bad_count(failed)),
        line.rate.map_or_else(|| Word::dim("-"), |rate| Word::plain(units::rate(rate))),
    ]);
    words.extend(figures(line.times, all_columns, Tone::Plain));
    if spark > 0 {
        words.push(Word::new(sparkline(line.bins, spark), Tone::Accent));
    }
    words
}

/// The figures of a line's times from the intended start, under those from the real one.
fn intended_row(line: &Timed<'_>, times: &Spread, all_columns: bool) -> Vec<Word> {
    let indent = if line.name.starts_with(' ') { "      " } else { "    " };
    let mut words = vec![Word::new(format!("{indent}intended start"), Tone::Warn)];
    words.extend(vec![Word::default(); if all_columns { 4 } else { 3 }]);
    words.extend(figures(Some(times), all_columns, Tone::Warn));
    words
}

fn figures(times: Option<&Spread>, all_columns: bool, tone: Tone) -> Vec<Word> {
    let shown = |times: &Spread| match all_columns {
        true => vec![times.p50, times.p90, times.p99, times.max],
        false => vec![times.p50, times.p99, times.max],
    };
    match times {
        Some(times) => shown(times).into_iter().map(|us| Word::new(units::time(us), tone)).collect(),
        None => vec![Word::dim("-"); if all_columns { 4 } else { 3 }],
    }
}

fn of_request(request: &RequestSummary) -> Timed<'_> {
    Timed {
        name: named(&request.connection, &request.name),
        count: request.count,
        outcome: Some((request.ok, request.failures)),
        rate: request.rate_per_s,
        times: request.latency_us.as_ref(),
        intended: other_story(request.latency_us.as_ref(), request.intended_us.as_ref()),
        bins: &request.histogram,
        notes: notes(request),
    }
}

fn of_work(work: &WorkSummary, seconds: f64) -> Timed<'_> {
    Timed {
        name: clean(&work.name).into_owned(),
        count: work.count,
        outcome: Some((work.count.saturating_sub(work.failed), work.failed)),
        rate: rate(work.count, seconds),
        times: work.duration_us.as_ref(),
        intended: other_story(work.duration_us.as_ref(), work.intended_us.as_ref()),
        bins: &work.histogram,
        notes: Vec::new(),
    }
}

fn of_gap<'a>(gap: &'a GapSummary, summary: &Summary) -> Timed<'a> {
    Timed {
        name: clean(&gap.name).into_owned(),
        count: gap.count,
        outcome: None,
        rate: rate(gap.count, summary.duration_s),
        times: gap.gap_us.as_ref(),
        intended: None,
        bins: &gap.histogram,
        notes: Vec::new(),
    }
}

fn of_delay<'a>(delay: &'a DelaySummary, summary: &Summary) -> Timed<'a> {
    let fastest = match delay.fastest_at_most_us {
        Some(us) => format!("    above the fastest, which took at most {}", units::time(us)),
        None => "    above the fastest".to_owned(),
    };
    let mut notes = vec![Words::of([Word::dim(fastest)])];
    let mut parts = Vec::new();
    if let Some(floor) = delay.floor_us {
        parts.push(format!("floor p50 {}", units::time(floor.p50)));
    }
    if let Some(jitter) = delay.jitter_us {
        parts.push(format!("jitter p50 {}, p99 {}", units::time(jitter.p50), units::time(jitter.p99)));
    }
    if !parts.is_empty() {
        notes.push(Words::of([Word::dim(format!("    {}", parts.join(", ")))]));
    }
    if delay.clock_set > 0 {
        let text = format!("    the server's clock was set {} times", units::count(delay.clock_set));
        notes.push(Words::of([Word::new(text, Tone::Warn)]));
    }
    Timed {
        name: named(&delay.connection, &delay.name),
        count: delay.count,
        outcome: None,
        rate: rate(delay.count, summary.duration_s),
        times: delay.delay_us.as_ref(),
        intended: None,
        bins: &delay.histogram,
        notes,
    }
}

/// What the columns have no place for: what balances the books.
fn notes(request: &RequestSummary) -> Vec<Words> {
    let mut notes = Vec::new();
    let counted = [
        (request.cancelled, "cancelled"),
        (request.in_flight, "in flight"),
        (request.late, "late"),
        (request.duplicate, "duplicate"),
        (request.ambiguous, "ambiguous"),
    ];
    let parts: Vec<String> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", units::count(*count)))
        .collect();
    if !parts.is_empty() {
        notes.push(Words::of([Word::dim(format!("    {}", parts.join(", ")))]));
    }
    notes
}

/// The times from the intended start, where they tell another story.
fn other_story<'a>(real: Option<&Spread>, intended: Option<&'a Spread>) -> Option<&'a Spread> {
    intended.filter(|intended| real.is_some_and(|real| differs(real, intended)))
}

/// Whether the latency from the intended start tells another story than the one from the real start.
fn differs(real: &Spread, intended: &Spread) -> bool {
    let more = |real: u64, intended: u64| intended > real + real / 10 + 100;
    more(real.p50, intended.p50) || more(real.p99, intended.p99) || more(real.max, intended.max)
}

/// Pushes and messages sent without a reply.
pub(super) fn pushes_and_sends(summary: &Summary, cells: usize) -> Vec<Words> {
    let mut grid =
        Grid::new([Column::left(), Column::right(5), Column::right(5), Column::right(5), Column::right(7)]);
    if !summary.pushes.is_empty() {
        grid.row(heading("Pushes", &["count", "/s", "bytes", "handled"]));
        let (pushes, left_out) = most(&summary.pushes, |push| push.count);
        for push in pushes {
            grid.row(vec![
                Word::plain(format!("  {}", named(&push.connection, &push.name))),
                Word::plain(units::count(push.count)),
                push.rate_per_s.map_or_else(|| Word::dim("-"), |rate| Word::plain(units::rate(rate))),
                Word::plain(units::bytes(push.bytes)),
                Word::plain(units::count(push.handled)),
            ]);
        }
        say_left_out(&mut grid, left_out);
    }
    if !summary.sends.is_empty() {
        if !grid.is_empty() {
            grid.note(Words::default());
        }
        grid.row(heading("Sends", &["count", "/s", "bytes", ""]));
        let (sends, left_out) = most(&summary.sends, |send| send.count);
        for send in sends {
            let rate = rate(send.count, summary.duration_s);
            grid.row(vec![
                Word::plain(format!("  {}", named(&send.connection, &send.name))),
                Word::plain(units::count(send.count)),
                rate.map_or_else(|| Word::dim("-"), |rate| Word::plain(units::rate(rate))),
                Word::plain(units::bytes(send.bytes)),
            ]);
        }
        say_left_out(&mut grid, left_out);
    }
    grid.lines(cells, false)
}

/// Numbers that servers count up.
pub(super) fn orders(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.orders.is_empty() {
        return Vec::new();
    }
    let titles = ["count", "missing", "doubled", "late", "restarts"];
    let mut columns = vec![Column::left()];
    columns.extend(titles.iter().map(|_| Column::right(5)));
    let mut grid = Grid::new(columns);
    grid.row(heading("Order", &titles));
    let (orders, left_out) = most(&summary.orders, |order| order.count);
    for order in orders {
        grid.row(vec![
            Word::plain(format!("  {}", clean(&order.name))),
            Word::plain(units::count(order.count)),
            Word::bad_count(order.missing),
            Word::bad_count(order.doubled),
            Word::bad_count(order.late),
            Word::plain(units::count(order.restarts)),
        ]);
    }
    say_left_out(&mut grid, left_out);
    grid.lines(cells, false)
}

/// Checks and custom counters.
pub(super) fn checks_and_counters(summary: &Summary, cells: usize) -> Vec<Words> {
    let mut grid = Grid::new([Column::left(), Column::right(6), Column::right(6), Column::right(6)]);
    if !summary.checks.is_empty() {
        grid.row(heading("Checks", &["passed", "failed", "rate"]));
        let (checks, left_out) = most(&summary.checks, |check| check.passed.saturating_add(check.failed));
        let checks = checks.into_iter().map(|check| (String::new(), check));
        let inside = summary.groups.iter().flat_map(|group| {
            let name = format!("{}::", clean(&group.name));
            group.checks.iter().map(move |check| (name.clone(), check))
        });
        for (group, check) in checks.chain(inside.take(MOST_LINES)) {
            let asked = check.passed.saturating_add(check.failed);
            let share = check.passed as f64 / asked.max(1) as f64;
            grid.row(vec![
                Word::plain(format!("  {group}{}", clean(&check.name))),
                Word::plain(units::count(check.passed)),
                Word::bad_count(check.failed),
                Word::plain(units::percent(share)),
            ]);
        }
        say_left_out(&mut grid, left_out);
    }
    if !summary.counters.is_empty() {
        if !grid.is_empty() {
            grid.note(Words::default());
        }
        grid.row(heading("Counters", &["value", "/s", ""]));
        let (counters, left_out) = most(&summary.counters, |counter| counter.value);
        for counter in counters {
            let rate = rate(counter.value, summary.duration_s);
            grid.row(vec![
                Word::plain(format!("  {}", clean(&counter.name))),
                Word::plain(units::count(counter.value)),
                rate.map_or_else(|| Word::dim("-"), |rate| Word::plain(units::rate(rate))),
            ]);
        }
        say_left_out(&mut grid, left_out);
    }
    grid.lines(cells, false)
}

/// What had times at which it should begin, and how much of it began.
pub(super) fn schedules(summary: &Summary, cells: usize) -> Vec<Words> {
    if summary.schedules.is_empty() {
        return Vec::new();
    }
    let mut grid = Grid::new([Column::left(), Column::right(6), Column::right(6), Column::right(6)]);
    grid.row(heading("Schedules", &["due", "begun", "missed"]));
    let (schedules, left_out) = most(&summary.schedules, |schedule| schedule.due);
    for schedule in schedules {
        grid.row(vec![
            Word::plain(format!("  {}", clean(&schedule.name))),
            Word::plain(units::count(schedule.due)),
            Word::plain(units::count(schedule.begun)),
            Word::bad_count(schedule.missed),
        ]);
    }
    say_left_out(&mut grid, left_out);
    grid.lines(cells, false)
}

pub(super) fn heading(title: &str, columns: &[&str]) -> Vec<Word> {
    let columns = columns.iter().map(|column| Word::dim(*column));
    std::iter::once(Word::new(title, Tone::Strong)).chain(columns).collect()
}

/// The rows to show, and how many are left out.
pub(super) fn most<S>(rows: &[S], count: impl Fn(&S) -> u64) -> (Vec<&S>, usize) {
    let mut rows: Vec<&S> = rows.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(count(row)));
    let left_out = rows.len().saturating_sub(MOST_LINES);
    rows.truncate(MOST_LINES);
    (rows, left_out)
}

/// Says that rows are left out, if any are.
pub(super) fn say_left_out(grid: &mut Grid, left_out: usize) {
    if left_out > 0 {
        grid.note(Words::of([Word::dim(format!("  and {left_out} more, less frequent"))]));
    }
}

fn named(connection: &str, name: &str) -> String {
    let text = if connection.is_empty() { name.to_owned() } else { format!("{connection}/{name}") };
    clean(&text).into_owned()
}

fn rate(count: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| count as f64 / seconds)
}
