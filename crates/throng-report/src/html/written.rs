//! A timeline as the page reads it: columns of whole numbers, one value for each stretch, `null` where there is none.
//!
//! `web/src/report/model.ts` has the same shapes for the page.

use std::collections::BTreeMap;

use serde::Serialize;
use throng_metrics::table::Key;

use super::message::{Messages, Names, Piece};
use super::point::Point;
use super::shape::Shape;
use super::timeline::{Grid, Timeline};

/// Rows of the whole run's heat map in a doubling of the latency.
const ROWS: u32 = 8;
/// Rows of a message's heat map in a doubling.
const MESSAGE_ROWS: u32 = 4;
/// How shades are written, from none to the most; a step is a third more.
const SHADES: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

#[derive(Serialize)]
pub(super) struct WrittenTimeline<'a> {
    phases: Vec<(&'a str, u64, u64)>,
    at: Vec<u64>,
    took: Vec<u64>,
    robots: WrittenRobots,
    traffic: BTreeMap<&'static str, Vec<u64>>,
    errors: BTreeMap<&'static str, Vec<u64>>,
    latency: Option<Figures>,
    intended: Option<Figures>,
    lag: Option<Figures>,
    stall: Vec<u64>,
    /// In thousandths of a core.
    cpu: Vec<u64>,
    heat: WrittenHeat,
    messages: WrittenMessages<'a>,
}

#[derive(Serialize)]
struct WrittenRobots {
    wanted: Vec<Option<u64>>,
    connecting: Vec<u64>,
    logging_in: Vec<u64>,
    ready: Vec<u64>,
    failed: Vec<u64>,
    open: Vec<u64>,
}

/// Latencies over time, in microseconds.
#[derive(Serialize)]
struct Figures {
    p50: Vec<Option<u64>>,
    p90: Vec<Option<u64>>,
    p99: Vec<Option<u64>>,
    max: Vec<Option<u64>>,
}

/// Each stretch is the lowest row in use and the counts from there on.
#[derive(Serialize)]
struct WrittenHeat {
    per_doubling: u32,
    columns: Vec<(u32, Vec<u64>)>,
}

#[derive(Serialize)]
struct WrittenMessages<'a> {
    at: &'a [(u64, u64)],
    per_doubling: u32,
    requests: Vec<WrittenRequest<'a>>,
    pushes: Vec<WrittenPush<'a>>,
}

#[derive(Serialize)]
struct WrittenRequest<'a> {
    connection: &'a str,
    name: &'a str,
    ok: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<Vec<u64>>,
    p50: Vec<Option<u64>>,
    p99: Vec<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intended: Option<Vec<Option<u64>>>,
    /// Each stretch is its lowest row in use and the shades from there on.
    heat: Vec<(u32, String)>,
}

#[derive(Serialize)]
struct WrittenPush<'a> {
    connection: &'a str,
    name: &'a str,
    count: Vec<u64>,
}

impl<'a> WrittenTimeline<'a> {
    pub(super) fn of(timeline: &'a Timeline) -> Self {
        let points = &timeline.points;
        let column = |value: fn(&Point) -> u64| points.values.iter().map(value).collect::<Vec<_>>();
        Self {
            phases: timeline
                .phases
                .iter()
                .map(|span| (span.phase.as_str(), span.from_ms, span.to_ms))
                .collect(),
            at: points.at.iter().map(|&(from_ms, _)| from_ms).collect(),
            took: points.at.iter().map(|&(_, took_ms)| took_ms).collect(),
            robots: WrittenRobots {
                wanted: points.values.iter().map(|point| point.robots.wanted).collect(),
                connecting: column(|point| point.robots.connecting),
                logging_in: column(|point| point.robots.logging_in),
                ready: column(|point| point.robots.ready),
                failed: column(|point| point.robots.failed),
                open: column(|point| point.open),
            },
            traffic: BTreeMap::from([
                ("sent", column(|point| point.counts.sent)),
                ("received", column(|point| point.counts.received)),
                ("bytes_sent", column(|point| point.counts.bytes_sent)),
                ("bytes_received", column(|point| point.counts.bytes_received)),
                ("replies", column(|point| point.counts.replies)),
                ("pushes", column(|point| point.counts.pushes)),
                ("opened", column(|point| point.counts.opened)),
                ("ended", column(|point| point.counts.ended)),
            ]),
            errors: errors(points),
            latency: figures(points, |point| &point.latency),
            intended: figures(points, |point| &point.intended),
            lag: figures(points, |point| &point.lag),
            stall: column(|point| point.stall_us),
            cpu: column(|point| (point.cpu_share() * 1e3).round() as u64),
            heat: WrittenHeat {
                per_doubling: ROWS,
                columns: points.values.iter().map(|point| point.latency.rows(ROWS)).collect(),
            },
            messages: messages(&timeline.messages),
        }
    }
}

/// A column for each kind that occurred.
fn errors(points: &Grid<Point>) -> BTreeMap<&'static str, Vec<u64>> {
    let mut columns: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
    for (at, point) in points.values.iter().enumerate() {
        for (&kind, &count) in &point.errors {
            columns.entry(kind).or_insert_with(|| vec![0; points.values.len()])[at] = count;
        }
    }
    columns
}

/// Nothing where nothing was ever measured.
fn figures(points: &Grid<Point>, shape: fn(&Point) -> &Shape) -> Option<Figures> {
    let shapes = || points.values.iter().map(shape);
    let column = |quantile| shapes().map(|shape| shape.quantile_us(quantile)).collect();
    shapes().any(|shape| shape.count() > 0).then(|| Figures {
        p50: column(0.5),
        p90: column(0.9),
        p99: column(0.99),
        max: shapes().map(Shape::max_us).collect(),
    })
}

fn messages(messages: &Messages) -> WrittenMessages<'_> {
    WrittenMessages {
        at: &messages.grid.at,
        per_doubling: MESSAGE_ROWS,
        requests: keys(&messages.requests).map(|(place, key)| request(messages, place, key)).collect(),
        pushes: keys(&messages.pushes)
            .map(|(place, key)| WrittenPush {
                connection: &key.connection,
                name: &key.name,
                count: messages
                    .grid
                    .values
                    .iter()
                    .map(|slice| slice.pushes.get(&place).copied().unwrap_or(0))
                    .collect(),
            })
            .collect(),
    }
}

fn keys(names: &Names) -> impl Iterator<Item = (usize, &Key)> {
    names.keys.iter().enumerate()
}

fn request<'a>(messages: &'a Messages, place: usize, key: &'a Key) -> WrittenRequest<'a> {
    let pieces: Vec<Option<&Piece>> =
        messages.grid.values.iter().map(|slice| slice.requests.get(&place)).collect();
    let count = |value: fn(&Piece) -> u64| -> Vec<u64> {
        pieces.iter().map(|piece| piece.map_or(0, value)).collect()
    };
    let figure = |quantile, shape: fn(&Piece) -> &Shape| -> Vec<Option<u64>> {
        pieces.iter().map(|piece| shape((*piece)?).quantile_us(quantile)).collect()
    };
    let failed = count(|piece| piece.failed);
    let has_intended = pieces.iter().flatten().any(|piece| piece.intended.count() > 0);
    WrittenRequest {
        connection: &key.connection,
        name: &key.name,
        ok: count(|piece| piece.ok),
        failed: failed.iter().any(|&count| count > 0).then_some(failed),
        p50: figure(0.5, |piece| &piece.latency),
        p99: figure(0.99, |piece| &piece.latency),
        intended: has_intended.then(|| figure(0.99, |piece| &piece.intended)),
        heat: pieces
            .iter()
            .map(|piece| piece.map_or((0, Vec::new()), |piece| piece.latency.rows(MESSAGE_ROWS)))
            .map(|(first, rows)| (first, rows.iter().map(|&count| shade(count)).collect()))
            .collect(),
    }
}

/// A count as one letter: a colour needs no more.
fn shade(count: u64) -> char {
    let step = if count == 0 { 0.0 } else { 1.0 + (count as f64).ln() / (4.0_f64 / 3.0).ln() };
    char::from(SHADES[(step.round() as usize).min(SHADES.len() - 1)])
}
