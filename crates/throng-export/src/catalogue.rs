//! What is exported, under which name, with which labels: the one list of it.
//!
//! Labels are bounded: connections, requests and the rest have at most as many names as the run's limits allow
//! ([`throng_metrics::Limits`]), outcomes and causes are closed lists, and texts that a server or a script chooses (messages
//! of failures, samples) are no labels at all.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use throng_metrics::table::Key;
use throng_metrics::{Histogram, Kind, LagSource, Ledger, Robots, Tally, Totals, WorkKind};

use crate::buckets::Buckets;
use crate::reading::{Family, Label, Point, Points, Reading, Unit, Word};

/// What a reading says beside the ledger's figures.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The project's name.
    pub project: Arc<str>,
    /// Where the robots play.
    pub target: Arc<str>,
    /// When the run began.
    pub begun: SystemTime,
    /// How long ago that is, by the run's clock.
    pub elapsed: Duration,
    /// What the plan does now, in one word.
    pub phase: Arc<str>,
    /// How many robots the plan wants now, where it says so.
    pub wanted: Option<u64>,
}

impl Reading {
    /// The run's figures at a moment.
    pub fn of(ledger: &Ledger, moment: &Moment) -> Reading {
        let mut sheet = Sheet { families: Vec::with_capacity(40) };
        let totals = ledger.totals();
        sheet.run(moment);
        sheet.robots(&totals.robots(), moment.wanted);
        sheet.requests(totals);
        sheet.groups(totals);
        sheet.messages(totals);
        sheet.connections(totals);
        sheet.scripts(totals);
        sheet.generator(totals, ledger.last_second());
        let run = vec![
            ("project", Word::Name(Arc::clone(&moment.project))),
            ("target", Word::Name(Arc::clone(&moment.target))),
            ("version", Word::Fixed(env!("CARGO_PKG_VERSION"))),
        ];
        // The run's clock and not the wall's, which may be set while the run goes on.
        Reading { begun: moment.begun, at: moment.begun + moment.elapsed, run, families: sheet.families }
    }
}

struct Sheet {
    families: Vec<Family>,
}

impl Sheet {
    fn run(&mut self, moment: &Moment) {
        self.gauge(
            "throng.run.elapsed",
            Unit::Seconds,
            "How long the run has been going on.",
            [(vec![], moment.elapsed.as_secs_f64())],
        );
        let phase = vec![("phase", Word::Name(Arc::clone(&moment.phase)))];
        self.gauge(
            "throng.run.phase",
            Unit::Of("{phase}"),
            "1 for what the plan does now: ramp_up, hold, ramp_down, storm, stop, or the name that a stage was given.",
            [(phase, 1.0)],
        );
    }

    fn robots(&mut self, robots: &Robots, wanted: Option<u64>) {
        let by_state = [
            ("connecting", robots.connecting),
            ("logging_in", robots.logging_in),
            ("ready", robots.ready),
            ("failed", robots.failed),
            ("stopped", robots.stopped),
        ];
        self.gauge(
            "throng.robots",
            Unit::Of("{robot}"),
            "Robots by state; failed and stopped ones have ended.",
            by_state.map(|(state, count)| (vec![("state", Word::Fixed(state))], count as f64)),
        );
        self.gauge(
            "throng.robots.wanted",
            Unit::Of("{robot}"),
            "Robots that the plan wants now.",
            wanted.map(|count| (vec![], count as f64)),
        );
        self.counter(
            "throng.robots.started",
            Unit::Of("{robot}"),
            "Robots that were started.",
            [(vec![], robots.started)],
        );
        self.counter(
            "throng.robot.restarts",
            Unit::Of("{restart}"),
            "How often a robot was restarted.",
            [(vec![], robots.restarts)],
        );
    }

    fn requests(&mut self, totals: &Totals) {
        let rows = || totals.requests().iter();
        let outcomes = rows().flat_map(|(key, row)| {
            let done = [("ok", row.counts.ok), ("cancelled", row.counts.cancelled)];
            outcomes(named(key), done, &row.counts.failures)
        });
        self.counter(
            "throng.requests",
            Unit::Of("{request}"),
            "Requests that are through: ok, cancelled, or the kind of their failure.",
            outcomes,
        );
        self.gauge(
            "throng.requests.in_flight",
            Unit::Of("{request}"),
            "Requests that wait for their reply.",
            rows().map(|(key, row)| (named(key), row.counts.in_flight() as f64)),
        );
        self.histogram(
            "throng.request.duration",
            "From just before the write that took a request's last byte to the receipt of its reply.",
            rows().map(|(key, row)| (named(key), row.latency())),
        );
        self.histogram(
            "throng.request.intended.duration",
            "From a request's intended start, where the work is scheduled, to the receipt of its reply.",
            rows().map(|(key, row)| (named(key), row.intended())).filter(|(_, times)| times.count() > 0),
        );
        let stray = rows().flat_map(|(key, row)| {
            let counts = &row.counts;
            let kinds =
                [("late", counts.late), ("duplicate", counts.duplicate), ("ambiguous", counts.ambiguous)];
            kinds.map(|(kind, count)| (with(named(key), "kind", kind), count))
        });
        let orphans = totals.connections().iter().map(|(key, row)| {
            (
                with(vec![("connection", Word::Name(Arc::clone(&key.name)))], "kind", "orphan"),
                row.counts.orphans,
            )
        });
        self.counter(
            "throng.replies.stray",
            Unit::Of("{reply}"),
            "Replies that were late, came twice, fit several requests, or none.",
            stray.chain(orphans).filter(|(_, count)| *count > 0),
        );
    }

    /// Requests of groups, which are among all requests too.
    fn groups(&mut self, totals: &Totals) {
        // Without a group is only what says that some were left out.
        let rows = || totals.grouped().iter().filter(|(key, _)| !key.connection.is_empty());
        let rows = || rows().map(|(key, row)| (of_group(key), row));
        self.counter(
            "throng.group.requests",
            Unit::Of("{request}"),
            "Requests of groups that are through: ok, cancelled, or the kind of their failure.",
            rows().flat_map(|(labels, row)| {
                let done = [("ok", row.counts.ok), ("cancelled", row.counts.cancelled)];
                outcomes(labels, done, &row.counts.failures)
            }),
        );
        self.histogram(
            "throng.group.request.duration",
            "From just before the write that took the last byte of a group's request to the receipt of its reply.",
            rows().map(|(labels, row)| (labels, row.latency())),
        );
    }

    fn messages(&mut self, totals: &Totals) {
        let traffic = totals.traffic();
        let directions = |sent, received| {
            [("sent", sent), ("received", received)]
                .map(|(direction, count)| (vec![("direction", Word::Fixed(direction))], count))
        };
        self.counter(
            "throng.messages",
            Unit::Of("{message}"),
            "Messages of all kinds.",
            directions(traffic.messages_sent, traffic.messages_received),
        );
        self.counter(
            "throng.network.io",
            Unit::Bytes,
            "Bytes that sockets took and gave.",
            directions(traffic.bytes_sent, traffic.bytes_received),
        );
        let sends = || totals.sends().iter();
        self.counter(
            "throng.sends",
            Unit::Of("{message}"),
            "Messages that expect no reply.",
            sends().map(|(key, row)| (named(key), row.counts.count)),
        );
        self.counter(
            "throng.send.size",
            Unit::Bytes,
            "Bytes of messages that expect no reply.",
            sends().map(|(key, row)| (named(key), row.counts.bytes)),
        );
        let pushes = || totals.pushes().iter();
        self.counter(
            "throng.pushes",
            Unit::Of("{message}"),
            "Messages that the server sent by itself.",
            pushes().map(|(key, row)| (named(key), row.counts.count)),
        );
        self.counter(
            "throng.push.size",
            Unit::Bytes,
            "Bytes of messages that the server sent by itself.",
            pushes().map(|(key, row)| (named(key), row.counts.bytes)),
        );
        self.counter(
            "throng.pushes.handled",
            Unit::Of("{message}"),
            "Pushes that a handler, a watch or an expect got.",
            pushes().map(|(key, row)| (named(key), row.counts.handled)),
        );
    }

    fn connections(&mut self, totals: &Totals) {
        let rows = || {
            let rows = totals.connections().iter();
            rows.map(|(key, row)| (vec![("connection", Word::Name(Arc::clone(&key.name)))], row))
        };
        self.gauge(
            "throng.connections.open",
            Unit::Of("{connection}"),
            "Connections that are open.",
            rows().map(|(labels, row)| (labels, row.counts.open() as f64)),
        );
        self.counter(
            "throng.connects",
            Unit::Of("{connect}"),
            "Connects that are through: ok, or the kind of their failure.",
            rows().flat_map(|(labels, row)| {
                outcomes(labels, [("ok", row.counts.opened)], &row.counts.failures)
            }),
        );
        self.histogram(
            "throng.connect.duration",
            "From the begin of a connect to the open connection.",
            rows().map(|(labels, row)| (labels, row.connect_time())),
        );
        self.counter(
            "throng.connections.ended",
            Unit::Of("{connection}"),
            "Open connections that ended, by cause.",
            rows().flat_map(|(labels, row)| tally(&labels, "cause", &row.counts.ended)),
        );
        self.counter(
            "throng.reconnects",
            Unit::Of("{connection}"),
            "Connects that succeeded of robots that had had such a connection before.",
            rows().map(|(labels, row)| (labels, row.counts.reconnects)),
        );
        self.histogram(
            "throng.connection.lifetime",
            "From the open connection to its end, of those that ended before their robot or the run did.",
            rows().map(|(labels, row)| (labels, row.lifetime())),
        );
    }

    fn scripts(&mut self, totals: &Totals) {
        let checks = totals.checks().iter().flat_map(|(key, row)| {
            [("passed", row.counts.passed), ("failed", row.counts.failed)]
                .map(|(outcome, count)| (with(named(key), "outcome", outcome), count))
        });
        self.counter("throng.checks", Unit::Of("{check}"), "Checks, passed and failed.", checks);
        let work = || {
            WorkKind::ALL.iter().flat_map(|&kind| {
                let rows = totals.work(kind).iter();
                rows.map(move |(key, row)| (with(named(key), "kind", kind.name()), row))
            })
        };
        self.counter(
            "throng.work.failed",
            Unit::Of("{run}"),
            "Tasks, sequences, steps and starts that failed.",
            work().map(|(labels, row)| (labels, row.counts.failed)),
        );
        self.histogram(
            "throng.work.duration",
            "From the first instruction of a task, sequence, step or start to its end, failed ones included.",
            work().map(|(labels, row)| (labels, row.duration())),
        );
        self.histogram(
            "throng.measure.duration",
            "What scripts measured and recorded.",
            totals.measures().iter().map(|(key, row)| (named(key), row.values())),
        );
        self.counter(
            "throng.counts",
            Unit::Of("{count}"),
            "What scripts counted.",
            totals.counters().iter().map(|(key, row)| (named(key), row.counts.value)),
        );
        let schedules = totals.schedules().iter().flat_map(|(key, row)| {
            // Not what has begun: that is what came due less what was missed, and what waits at the end of a run is missed then.
            [("due", row.counts.due), ("missed", row.counts.missed)]
                .map(|(kind, count)| (with(named(key), "kind", kind), count))
        });
        self.counter(
            "throng.schedule.times",
            Unit::Of("{time}"),
            "Times at which something should begin: all that came due, and those at which nothing began.",
            schedules,
        );
        self.streams(totals);
        self.counter(
            "throng.errors",
            Unit::Of("{error}"),
            "Failures that count as errors, each one once, by kind.",
            tally(&[], "kind", totals.errors()),
        );
    }

    /// What scripts look at in what servers send again and again.
    fn streams(&mut self, totals: &Totals) {
        let orders = totals.orders().iter().flat_map(|(key, row)| {
            let counts = &row.counts;
            let kinds = [
                ("came", counts.count),
                ("skipped", counts.skipped),
                ("late", counts.late),
                ("doubled", counts.doubled),
            ];
            kinds.map(|(kind, count)| (with(named(key), "kind", kind), count))
        });
        self.counter(
            "throng.order.numbers",
            Unit::Of("{number}"),
            "Numbers that a server counts up: all that came, those skipped, those after a higher one, those that came again.",
            orders,
        );
        self.histogram(
            "throng.delay.duration",
            "How much longer messages took than the fastest, by the time that they carry.",
            totals.delays().iter().map(|(key, row)| (named(key), row.delay())),
        );
        self.histogram(
            "throng.gap.duration",
            "The time between two of what comes again and again.",
            totals.gaps().iter().map(|(key, row)| (named(key), row.gap())),
        );
    }

    fn generator(&mut self, totals: &Totals, second: &Totals) {
        let lag = LagSource::ALL
            .iter()
            .map(|&source| (vec![("source", Word::Fixed(source.name()))], totals.generator().lag_of(source)));
        self.histogram(
            "throng.generator.lag",
            "How late throng itself was: with ready sockets, with timers, and by the script's collector.",
            lag,
        );
        let recent = second.generator();
        self.gauge(
            "throng.generator.stall",
            Unit::Seconds,
            "The longest time in the last second for which a shard did not look at its sockets.",
            [(vec![], recent.longest_stall_us() as f64 / 1e6)],
        );
        self.gauge(
            "throng.generator.cpu",
            Unit::Ratio,
            "The share of a core that the busiest shard's thread used in the last second.",
            recent.busiest_share().map(|share| (vec![], share)),
        );
    }
}

impl Sheet {
    fn counter(
        &mut self,
        name: &'static str,
        unit: Unit,
        help: &'static str,
        points: impl IntoIterator<Item = Point<u64>>,
    ) {
        self.family(name, unit, help, Points::Counter(points.into_iter().collect()));
    }

    fn gauge(
        &mut self,
        name: &'static str,
        unit: Unit,
        help: &'static str,
        points: impl IntoIterator<Item = Point<f64>>,
    ) {
        self.family(name, unit, help, Points::Gauge(points.into_iter().collect()));
    }

    fn histogram<'a>(
        &mut self,
        name: &'static str,
        help: &'static str,
        points: impl IntoIterator<Item = Point<&'a Histogram>>,
    ) {
        let points = points.into_iter().map(|(labels, histogram)| (labels, Buckets::of(histogram)));
        self.family(name, Unit::Seconds, help, Points::Histogram(points.collect()));
    }

    fn family(&mut self, name: &'static str, unit: Unit, help: &'static str, points: Points) {
        if !points.is_empty() {
            self.families.push(Family { name, unit, help, points });
        }
    }
}

/// The labels of a row; a row of no connection has no label for it.
fn named(key: &Key) -> Vec<Label> {
    let mut labels = vec![("name", Word::Name(Arc::clone(&key.name)))];
    if !key.connection.is_empty() {
        labels.push(("connection", Word::Name(Arc::clone(&key.connection))));
    }
    labels
}

/// The labels of a request of a group, whose key has the group in place of the connection.
fn of_group(key: &Key) -> Vec<Label> {
    let (connection, name) = key.name.split_once('/').unwrap_or(("", &key.name));
    vec![
        ("group", Word::Name(Arc::clone(&key.connection))),
        ("name", Word::Name(name.into())),
        ("connection", Word::Name(connection.into())),
    ]
}

fn with(mut labels: Vec<Label>, name: &'static str, word: &'static str) -> Vec<Label> {
    labels.push((name, Word::Fixed(word)));
    labels
}

/// What went well from the beginning, also where it is 0 as yet, and those failures that there were.
fn outcomes<K: Kind, const N: usize>(
    labels: Vec<Label>,
    done: [(&'static str, u64); N],
    failures: &Tally<K>,
) -> Vec<Point<u64>> {
    let done = done.map(|(outcome, count)| (with(labels.clone(), "outcome", outcome), count));
    done.into_iter().chain(tally(&labels, "outcome", failures)).collect()
}

fn tally<K: Kind>(labels: &[Label], name: &'static str, tally: &Tally<K>) -> Vec<Point<u64>> {
    tally.iter().map(|(kind, count)| (with(labels.to_vec(), name, kind.name()), count)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use throng_metrics::Recorder;

    use super::*;
    use crate::testing::{moment, played};

    fn counter(reading: &Reading, name: &str, labels: &str) -> u64 {
        let family = reading.families.iter().find(|family| family.name == name).unwrap();
        let Points::Counter(points) = &family.points else { panic!("{name} is no counter") };
        let found = points.iter().find(|(found, _)| text(found) == labels);
        found.unwrap_or_else(|| panic!("{name} has no {labels}: {points:?}")).1
    }

    fn text(labels: &[Label]) -> String {
        let labels: Vec<String> =
            labels.iter().map(|(name, word)| format!("{name}={}", word.as_str())).collect();
        labels.join(",")
    }

    #[test]
    fn every_outcome_of_a_request_is_counted_once() {
        let reading = Reading::of(&played(), &moment());
        assert_eq!(counter(&reading, "throng.requests", "name=Echo,connection=game,outcome=ok"), 3);
        assert_eq!(counter(&reading, "throng.requests", "name=Echo,connection=game,outcome=timeout"), 1);
        assert_eq!(counter(&reading, "throng.requests", "name=Echo,connection=game,outcome=cancelled"), 0);
        assert_eq!(counter(&reading, "throng.replies.stray", "connection=game,kind=orphan"), 1);
        assert_eq!(counter(&reading, "throng.errors", "kind=timeout"), 1);
        assert_eq!(counter(&reading, "throng.counts", "name=gold"), 7);
    }

    #[test]
    fn no_two_points_have_the_same_name_and_labels() {
        let reading = Reading::of(&played(), &moment());
        let mut seen = HashSet::new();
        for family in &reading.families {
            let labels: Vec<String> = match &family.points {
                Points::Counter(points) => points.iter().map(|(labels, _)| text(labels)).collect(),
                Points::Gauge(points) => points.iter().map(|(labels, _)| text(labels)).collect(),
                Points::Histogram(points) => points.iter().map(|(labels, _)| text(labels)).collect(),
            };
            for labels in labels {
                assert!(seen.insert((family.name, labels.clone())), "{} {labels}", family.name);
            }
        }
        assert!(seen.len() > 40, "{}", seen.len());
    }

    fn counters(reading: &Reading) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        for family in &reading.families {
            let Points::Counter(points) = &family.points else { continue };
            all.extend(
                points.iter().map(|(labels, value)| (format!("{} {}", family.name, text(labels)), *value)),
            );
        }
        all
    }

    #[test]
    fn no_counter_goes_down_when_what_waited_is_missed() {
        let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
        let rate = recorder.schedule("task_rate");
        recorder.due(rate, 5);
        ledger.merge(&recorder.take());
        let before = counters(&Reading::of(&ledger, &moment()));
        recorder.missed(rate, 3);
        ledger.merge(&recorder.take());
        let after = Reading::of(&ledger, &moment());
        for (name, value) in before {
            let now = counters(&after).into_iter().find(|(known, _)| *known == name);
            assert!(now.as_ref().is_some_and(|(_, now)| *now >= value), "{name}: {value} and then {now:?}");
        }
        assert_eq!(counter(&after, "throng.schedule.times", "name=task_rate,kind=missed"), 3);
    }

    #[test]
    fn requests_of_groups_are_told_apart() {
        let (mut recorder, mut ledger) = (Recorder::default(), Ledger::default());
        let echo = recorder.request_in("shop", "Echo", "game");
        recorder.issued(echo);
        recorder.cancelled(echo);
        ledger.merge(&recorder.take());
        let reading = Reading::of(&ledger, &moment());
        let labels = "group=shop,name=Echo,connection=game,outcome=cancelled";
        assert_eq!(counter(&reading, "throng.group.requests", labels), 1);
        assert_eq!(counter(&reading, "throng.requests", "name=Echo,connection=game,outcome=cancelled"), 1);
    }

    #[test]
    fn a_run_that_has_done_nothing_yet_can_be_read() {
        let reading = Reading::of(&Ledger::default(), &moment());
        assert!(reading.families.iter().any(|family| family.name == "throng.robots"));
        assert!(!reading.families.iter().any(|family| family.name == "throng.requests"));
    }
}
