//! A run's figures at a moment, in no side's words: families of points, each with its labels.

use std::sync::Arc;
use std::time::SystemTime;

use crate::buckets::Buckets;

/// All figures of a run at a moment.
#[derive(Clone, Debug)]
pub struct Reading {
    /// When the run began.
    pub begun: SystemTime,
    /// The moment.
    pub at: SystemTime,
    /// What is told about the run itself.
    pub run: Vec<Label>,
    /// The figures, in a fixed order; a family without a point is left out.
    pub families: Vec<Family>,
}

/// Figures that mean the same, told apart by labels.
#[derive(Clone, Debug)]
pub struct Family {
    /// The name as OpenTelemetry has it, such as `throng.request.duration`; Prometheus' is made from it and the unit.
    pub name: &'static str,
    /// What the figures are in.
    pub unit: Unit,
    /// What they say, in one sentence.
    pub help: &'static str,
    /// The figures.
    pub points: Points,
}

/// Figures of one kind.
#[derive(Clone, Debug)]
pub enum Points {
    /// What only grows.
    Counter(Vec<Point<u64>>),
    /// What goes up and down.
    Gauge(Vec<Point<f64>>),
    /// Durations in seconds.
    Histogram(Vec<Point<Buckets>>),
}

/// A figure and its labels.
pub type Point<V> = (Vec<Label>, V);

/// A label's name and value.
pub type Label = (&'static str, Word);

/// A label's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// One of a closed list.
    Fixed(&'static str),
    /// A name that a run has given.
    Name(Arc<str>),
}

/// What figures are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share of one.
    Ratio,
    /// A number of things, which UCUM writes in braces, such as `{request}`.
    Of(&'static str),
}

impl Word {
    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Name(text) => text,
        }
    }
}

impl Unit {
    /// The unit in UCUM, which is OpenTelemetry's.
    pub fn ucum(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Bytes => "By",
            Self::Ratio => "1",
            Self::Of(things) => things,
        }
    }
}

impl Points {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Counter(points) => points.is_empty(),
            Self::Gauge(points) => points.is_empty(),
            Self::Histogram(points) => points.is_empty(),
        }
    }
}
