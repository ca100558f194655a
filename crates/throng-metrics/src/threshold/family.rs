//! What thresholds can speak of: the families, their metrics and units.

use crate::kinds::{EndCause, FailureKind, LagSource, WorkKind};
use crate::tally::Kind;

/// The first part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Request,
    Send,
    Push,
    Connect,
    Check,
    Work(WorkKind),
    Schedule,
    Measure,
    Count,
    Order,
    Delay,
    Gap,
    Errors,
    Robots,
    Scenario,
    Arrivals,
    Storm,
    Generator,
    Bytes,
    Messages,
}

/// What is read from the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Count,
    Ok,
    Failures,
    FailureRate,
    FailuresOf(FailureKind),
    Passed,
    PassRate,
    PerSecond,
    Cancelled,
    Late,
    Duplicate,
    Ambiguous,
    InFlight,
    Bytes,
    Handled,
    Opened,
    Orphans,
    Open,
    Ended,
    EndedBy(EndCause),
    Reconnects,
    Lifetime(Figure),
    Missing,
    Gaps,
    Doubled,
    Jitter(Figure),
    Floor(Figure),
    ClockSet,
    Planned,
    Due,
    Begun,
    Missed,
    Started,
    Ready,
    Stopped,
    Peak,
    Restarts,
    Alive,
    Dropped,
    There,
    Hit,
    Connections,
    Back,
    GoneBefore,
    RobotRate(Figure),
    Sent,
    Received,
    Time(Figure),
    Intended(Figure),
    Lag(Figure),
    LagOf(LagSource, Figure),
    LongestStall,
    Share,
    Cpu,
}

/// A prefix and the metric of a figure that stands behind it.
type Timed = (&'static str, fn(Figure) -> Metric);

/// A figure of a distribution of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Min,
    Mean,
    Max,
    /// In hundred-thousandths: `p99` is 99,000, `p999` is 99,900.
    Quantile(u32),
}

/// What a metric is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Time,
    Share,
    Number,
    PerSecond,
    Bytes,
}

impl Unit {
    /// The unit in words, and a value in it.
    pub(super) fn wanted(self) -> (&'static str, &'static str) {
        match self {
            Self::Time => ("a duration (seconds as a number, or us, ms, s, m, h)", "50ms"),
            Self::Share => ("a percentage, or a share from 0 to 1", "1%"),
            Self::Number => ("a number", "100"),
            Self::PerSecond => ("a number per second", "100"),
            Self::Bytes => ("a number of bytes (B, kB, MB, GB)", "10MB"),
        }
    }
}

impl Metric {
    pub(super) fn unit(self, family: Family) -> Unit {
        match self {
            Self::Time(_)
            | Self::Intended(_)
            | Self::Lifetime(_)
            | Self::Jitter(_)
            | Self::Floor(_)
            | Self::Lag(_)
            | Self::LagOf(..)
            | Self::LongestStall => Unit::Time,
            Self::FailureRate | Self::PassRate | Self::Share | Self::Cpu => Unit::Share,
            Self::PerSecond | Self::RobotRate(_) => Unit::PerSecond,
            Self::Bytes => Unit::Bytes,
            Self::Sent | Self::Received if family == Family::Bytes => Unit::Bytes,
            _ => Unit::Number,
        }
    }

    /// Whether the figures of several names add up to one; the others must hold for each name.
    pub(super) fn adds_up(self, family: Family) -> bool {
        matches!(self.unit(family), Unit::Number | Unit::PerSecond | Unit::Bytes)
    }
}

use Metric as M;

const WORK: &[(&str, Metric)] = &[
    ("count", M::Count),
    ("failures", M::Failures),
    ("failure_rate", M::FailureRate),
    ("rate", M::PerSecond),
];

impl Family {
    pub(super) const ALL: [(&'static str, Self); 24] = [
        ("request", Self::Request),
        ("send", Self::Send),
        ("push", Self::Push),
        ("connect", Self::Connect),
        ("check", Self::Check),
        ("task", Self::Work(WorkKind::Task)),
        ("sequence", Self::Work(WorkKind::Sequence)),
        ("step", Self::Work(WorkKind::Step)),
        ("start", Self::Work(WorkKind::Start)),
        ("group", Self::Work(WorkKind::Group)),
        ("schedule", Self::Schedule),
        ("measure", Self::Measure),
        ("count", Self::Count),
        ("order", Self::Order),
        ("delay", Self::Delay),
        ("gap", Self::Gap),
        ("errors", Self::Errors),
        ("robots", Self::Robots),
        ("scenario", Self::Scenario),
        ("arrivals", Self::Arrivals),
        ("storm", Self::Storm),
        ("generator", Self::Generator),
        ("bytes", Self::Bytes),
        ("messages", Self::Messages),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, family)| *family == self).map_or("", |(name, _)| name)
    }

    /// Whether its keys have a name between the family and the metric.
    pub(super) fn is_named(self) -> bool {
        !matches!(
            self,
            Self::Errors | Self::Robots | Self::Arrivals | Self::Generator | Self::Bytes | Self::Messages
        )
    }

    /// Its metrics other than figures of durations.
    pub(super) fn metrics(self) -> &'static [(&'static str, Metric)] {
        match self {
            Self::Request => &[
                ("count", M::Count),
                ("ok", M::Ok),
                ("failures", M::Failures),
                ("failure_rate", M::FailureRate),
                ("rate", M::PerSecond),
                ("cancelled", M::Cancelled),
                ("late", M::Late),
                ("duplicate", M::Duplicate),
                ("ambiguous", M::Ambiguous),
                ("in_flight", M::InFlight),
            ],
            Self::Send => &[("count", M::Count), ("bytes", M::Bytes), ("rate", M::PerSecond)],
            Self::Push => {
                &[("count", M::Count), ("bytes", M::Bytes), ("handled", M::Handled), ("rate", M::PerSecond)]
            }
            Self::Connect => &[
                ("count", M::Count),
                ("opened", M::Opened),
                ("failures", M::Failures),
                ("failure_rate", M::FailureRate),
                ("orphans", M::Orphans),
                ("open", M::Open),
                ("ended", M::Ended),
                ("reconnects", M::Reconnects),
                ("rate", M::PerSecond),
            ],
            Self::Check => &[
                ("count", M::Count),
                ("passed", M::Passed),
                ("failures", M::Failures),
                ("failure_rate", M::FailureRate),
                ("rate", M::PassRate),
            ],
            Self::Work(_) => WORK,
            Self::Schedule => &[("due", M::Due), ("begun", M::Begun), ("missed", M::Missed)],
            Self::Measure => &[("count", M::Count), ("rate", M::PerSecond)],
            Self::Count => &[("count", M::Count), ("rate", M::PerSecond)],
            Self::Order => &[
                ("count", M::Count),
                ("missing", M::Missing),
                ("gaps", M::Gaps),
                ("late", M::Late),
                ("doubled", M::Doubled),
                ("restarts", M::Restarts),
                ("rate", M::PerSecond),
            ],
            Self::Delay => &[("count", M::Count), ("clock_set", M::ClockSet), ("rate", M::PerSecond)],
            Self::Gap => &[("count", M::Count), ("rate", M::PerSecond)],
            Self::Errors => &[("rate", M::FailureRate), ("count", M::Failures)],
            Self::Robots => &[
                ("planned", M::Planned),
                ("started", M::Started),
                ("ready", M::Ready),
                ("failed", M::Failures),
                ("stopped", M::Stopped),
                ("peak", M::Peak),
                ("restarts", M::Restarts),
                ("alive", M::Alive),
            ],
            Self::Scenario => &[
                ("started", M::Started),
                ("ready", M::Ready),
                ("failed", M::Failures),
                ("stopped", M::Stopped),
                ("restarts", M::Restarts),
            ],
            Self::Arrivals => &[("due", M::Due), ("started", M::Started), ("dropped", M::Dropped)],
            Self::Storm => &[
                ("there", M::There),
                ("hit", M::Hit),
                ("connections", M::Connections),
                ("back", M::Back),
                ("gone", M::GoneBefore),
            ],
            Self::Generator => &[("longest_stall", M::LongestStall), ("share", M::Share), ("cpu", M::Cpu)],
            Self::Bytes | Self::Messages => &[("sent", M::Sent), ("received", M::Received)],
        }
    }

    /// The prefixes behind which a figure of durations may stand: `p99`, `intended.p99`, `lag.p99`.
    pub(super) fn timed(self) -> &'static [Timed] {
        match self {
            Self::Request | Self::Work(_) => &[("", M::Time), ("intended.", M::Intended)],
            Self::Connect => &[("", M::Time), ("lifetime.", M::Lifetime)],
            Self::Measure | Self::Gap => &[("", M::Time)],
            Self::Delay => &[("", M::Time), ("jitter.", M::Jitter), ("floor.", M::Floor)],
            Self::Robots => &[("rate.", M::RobotRate)],
            Self::Arrivals => &[("late.", M::Time)],
            Self::Storm => &[("back.", M::Time)],
            Self::Generator => &[
                ("lag.", M::Lag),
                ("lag.ready.", |figure| M::LagOf(LagSource::Ready, figure)),
                ("lag.timer.", |figure| M::LagOf(LagSource::Timer, figure)),
                ("lag.collector.", |figure| M::LagOf(LagSource::Collector, figure)),
            ],
            _ => &[],
        }
    }

    /// The metric of a name, if the family has it.
    pub(super) fn metric(self, name: &str) -> Option<Metric> {
        let plain = self.metrics().iter().find(|(known, _)| *known == name).map(|&(_, metric)| metric);
        plain.or_else(|| self.timed_metric(name)).or_else(|| self.kind(name))
    }

    /// Failures of one kind, or ends of one cause.
    fn kind(self, name: &str) -> Option<Metric> {
        let cause = name.strip_prefix("ended.").filter(|_| self == Self::Connect);
        let ended = || {
            let cause = EndCause::ALL.iter().find(|known| Some(known.name()) == cause)?;
            Some(M::EndedBy(*cause))
        };
        let failed = || {
            let kind = FailureKind::ALL.iter().find(|kind| kind.name() == name)?;
            Some(M::FailuresOf(*kind))
        };
        match self {
            Self::Errors | Self::Request => failed(),
            Self::Connect => failed().or_else(ended),
            _ => None,
        }
    }

    fn timed_metric(self, name: &str) -> Option<Metric> {
        self.timed().iter().find_map(|(prefix, metric)| {
            let figure = Figure::parse(name.strip_prefix(prefix)?)?;
            Some(metric(figure))
        })
    }

    /// Its metrics as a user may write them, for finding the nearest one.
    pub(super) fn candidates(self) -> Vec<String> {
        let figures = ["p50", "p90", "p95", "p99", "p999", "min", "mean", "max"];
        let timed =
            self.timed().iter().flat_map(|(prefix, _)| figures.map(|figure| format!("{prefix}{figure}")));
        let kinds = FailureKind::ALL.iter().map(|kind| kind.name().to_owned());
        let causes = EndCause::ALL.iter().map(|cause| format!("ended.{}", cause.name()));
        let others = kinds.chain(causes).filter(|name| self.kind(name).is_some());
        self.plain().chain(timed).chain(others).collect()
    }

    /// Its metrics in words.
    pub(super) fn wanted(self) -> String {
        let timed = self.timed().iter().map(|(prefix, _)| format!("{prefix}FIGURE"));
        let figures =
            if self.timed().is_empty() { "" } else { " (a FIGURE is p50, p99, p999 ..., min, mean or max)" };
        self.plain().chain(timed).collect::<Vec<_>>().join(", ") + figures + self.or_else()
    }

    fn plain(self) -> impl Iterator<Item = String> {
        let kinds = if self == Self::Errors { FailureKind::ALL } else { &[] };
        let kinds = kinds.iter().map(|kind| kind.name().to_owned());
        self.metrics().iter().map(|(name, _)| (*name).to_owned()).chain(kinds)
    }

    /// What may be written besides in a key of its, in words.
    fn or_else(self) -> &'static str {
        match self {
            Self::Request => ", or a kind of failure such as timeout",
            Self::Connect => {
                ", or a kind of failure such as refused, or ended. and a cause, as in ended.server"
            }
            _ => "",
        }
    }
}

impl Figure {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "min" => Some(Self::Min),
            "mean" => Some(Self::Mean),
            "max" => Some(Self::Max),
            _ => Self::quantile(text.strip_prefix('p')?),
        }
    }

    /// `50` is 50 %, `99` 99 %, `999` 99.9 %: the point stands behind the second digit.
    fn quantile(digits: &str) -> Option<Self> {
        if !(1..=5).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let value: u32 = digits.parse().ok()?;
        let scale = match digits.len() {
            1 => 1_000,
            len => 10u32.pow(5 - u32::try_from(len).ok()?),
        };
        Some(Self::Quantile(value * scale)).filter(|_| value > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_put_the_point_behind_the_second_digit() {
        for (text, wanted) in
            [("p5", 5_000), ("p50", 50_000), ("p99", 99_000), ("p999", 99_900), ("p99999", 99_999)]
        {
            assert_eq!(Figure::parse(text), Some(Figure::Quantile(wanted)), "{text}");
        }
        for text in ["p", "p0", "p999999", "p9x", "q99", ""] {
            assert_eq!(Figure::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_family_has_a_name_and_every_metric_is_found_by_its_own() {
        for (name, family) in Family::ALL {
            assert_eq!(family.name(), name);
            for wanted in family.candidates() {
                assert!(family.metric(&wanted).is_some(), "{name}.{wanted}");
            }
        }
    }
}
