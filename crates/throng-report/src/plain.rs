//! A run in one line every few seconds, for a pipe.

use throng_metrics::{Failing, Robots, Snapshot, units};

use crate::text::clean;

/// The moment in one line without colour: robots, the phase, messages, the slowest of the frequent requests, errors, lag, and what
/// will end the run.
pub fn plain_line(snapshot: &Snapshot) -> String {
    let (interval, robots) = (&snapshot.interval, &snapshot.robots);
    let mut parts = vec![format!("{:>7}", units::span(snapshot.elapsed.as_secs_f64())), robots_part(robots)];
    let plan = &snapshot.plan;
    parts.extend((!plan.phase_name.is_empty()).then(|| clean(&plan.phase_name).into_owned()));
    let (sent, received) = (units::rate(interval.messages_sent), units::rate(interval.messages_received));
    parts.push(format!("up {sent}/s down {received}/s"));
    if let Some(line) = snapshot.requests.iter().find(|line| line.p99_us.is_some()) {
        let time = |us: Option<u64>| us.map_or_else(|| "-".into(), units::time);
        let name = line.key.to_string();
        parts.push(format!("{} p50 {} p99 {}", clean(&name), time(line.p50_us), time(line.p99_us)));
    }
    parts.push(match snapshot.error_rate {
        Some(rate) if snapshot.errors > 0 => {
            format!("errors {} ({})", units::count(snapshot.errors), units::percent(rate))
        }
        _ => "errors 0".into(),
    });
    if let Some(lag) = &interval.lag {
        parts.push(format!("lag p99 {}", units::time(lag.p99)));
    }
    parts.extend(plan.failing.first().map(|failing| said_of(failing, plan.failing.len() - 1)));
    parts.join(" | ")
}

/// What will end the run soon, and how many thresholds besides.
pub(crate) fn said_of(failing: &Failing, others: usize) -> String {
    let Failing { key, condition, actual, since, after } = failing;
    let left = units::span(after.saturating_sub(*since).as_secs_f64());
    let others = if others > 0 { format!(", and {others} more") } else { String::new() };
    format!("ends in {left}: {} is {}, wanted {}{others}", clean(key), clean(actual), clean(condition))
}

fn robots_part(robots: &Robots) -> String {
    let mut part = format!("robots {} of {}", robots.alive, robots.planned.max(robots.alive));
    part += &format!(", {} ready", robots.ready);
    if robots.failed > 0 {
        part += &format!(", {} failed", robots.failed);
    }
    part
}
