//! Keys and conditions as the user types them.

use super::{Comparison, Family, Metric, Threshold, ThresholdError, Unit};
use crate::nearest;

impl Threshold {
    /// Reads a key such as `request.EchoRequest.p99` or `request.EchoRequest.p99@hold`, and a condition such as `< 50ms`.
    ///
    /// # Errors
    /// When the key names nothing that is measured, or the condition is no comparison with a value of its unit.
    pub fn parse(key: &str, condition: &str) -> Result<Self, ThresholdError> {
        let (what, phase) = phase(key);
        let (family, rest) = family(what)?;
        let (pattern, metric) =
            if family.is_named() { named(family, what, rest)? } else { ("", metric(family, rest)?) };
        let (comparison, limit) = condition_of(condition, metric.unit(family))?;
        Ok(Self {
            key: key.to_owned(),
            condition: condition.trim().to_owned(),
            family,
            pattern: pattern.to_owned(),
            metric,
            comparison,
            limit,
            phase: phase.map(str::to_owned),
            abort_after: None,
        })
    }
}

/// What is compared, and in which phase. A name may hold an `@` itself; behind that the metric follows with its point.
fn phase(key: &str) -> (&str, Option<&str>) {
    match key.rsplit_once('@') {
        Some((what, phase)) if !phase.contains('.') => (what, Some(phase)),
        _ => (key, None),
    }
}

fn family(key: &str) -> Result<(Family, &str), ThresholdError> {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    let names = Family::ALL.map(|(name, _)| name);
    let known = Family::ALL.iter().find(|(name, _)| *name == first);
    let Some(&(_, family)) = known else {
        let nearest = nearest(first, names).map(str::to_owned);
        return Err(ThresholdError::Family { found: first.to_owned(), wanted: names.join(", "), nearest });
    };
    if rest.is_empty() {
        let wanted = format!("{first}.{}METRIC", if family.is_named() { "NAME." } else { "" });
        return Err(ThresholdError::Incomplete { key: key.to_owned(), wanted });
    }
    Ok((family, rest))
}

/// A name may hold points itself, so the metric is what follows the last one.
fn named<'a>(family: Family, key: &str, rest: &'a str) -> Result<(&'a str, Metric), ThresholdError> {
    if family == Family::Count {
        // A counter has one figure, so its key may end with its name.
        let split = rest.rsplit_once('.').and_then(|(name, last)| Some((name, family.metric(last)?)));
        return Ok(split.unwrap_or((rest, Metric::Count)));
    }
    match rest.rsplit_once('.') {
        Some((name, last)) if !name.is_empty() => {
            // Some metrics have a point of their own: `intended.p99`.
            let longer = name.rsplit_once('.').filter(|(name, _)| !name.is_empty());
            let longer = longer.and_then(|(name, _)| Some((name, family.metric(&rest[name.len() + 1..])?)));
            longer.map_or_else(|| Ok((name, metric(family, last)?)), Ok)
        }
        _ => {
            let (name, last) = (family.name(), rest.trim_start_matches('.'));
            let example = match family.metric(last) {
                Some(_) => format!("{name}.*.{last}"),
                None => format!("{name}.{last}.count"),
            };
            let wanted = format!("{name}.NAME.METRIC, as in `{example}`");
            Err(ThresholdError::Incomplete { key: key.to_owned(), wanted })
        }
    }
}

fn metric(family: Family, name: &str) -> Result<Metric, ThresholdError> {
    family.metric(name).ok_or_else(|| {
        let candidates = family.candidates();
        ThresholdError::Metric {
            family: family.name(),
            found: name.to_owned(),
            nearest: nearest(name, candidates.iter().map(String::as_str)).map(str::to_owned),
            wanted: family.wanted(),
        }
    })
}

fn condition_of(text: &str, unit: Unit) -> Result<(Comparison, f64), ThresholdError> {
    let text = text.trim();
    let (wanted, example) = unit.wanted();
    let comparison = Comparison::ALL.iter().find_map(|&(sign, c)| Some((c, text.strip_prefix(sign)?)));
    let Some((comparison, value)) = comparison else {
        return Err(ThresholdError::Comparison { found: text.to_owned(), example: format!("< {example}") });
    };
    let value = value.trim();
    let limit = limit(value, unit).filter(|limit| limit.is_finite() && *limit >= 0.0);
    limit.map(|limit| (comparison, limit)).ok_or_else(|| ThresholdError::Value {
        found: value.to_owned(),
        wanted,
        example,
    })
}

/// The value in microseconds, bytes, shares of one, or plain.
fn limit(value: &str, unit: Unit) -> Option<f64> {
    let units: &[(&str, f64)] = match unit {
        Unit::Time => {
            &[("us", 1.0), ("µs", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 60e6), ("h", 3_600e6), ("", 1e6)]
        }
        Unit::Share => &[("%", 0.01), ("", 1.0)],
        Unit::Number => &[("k", 1e3), ("M", 1e6), ("", 1.0)],
        Unit::PerSecond => &[("/s", 1.0), ("k", 1e3), ("k/s", 1e3), ("", 1.0)],
        Unit::Bytes => {
            &[("B", 1.0), ("KB", 1e3), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("", 1.0)]
        }
    };
    let end = value.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(value.len());
    let (number, suffix) = value.split_at(end);
    let &(_, scale) = units.iter().find(|(known, _)| *known == suffix.trim())?;
    let number: f64 = number.replace('_', "").parse().ok()?;
    let scaled = number * scale;
    // 50ms is 50,000 us and not 50,000.000000000007.
    Some(if unit == Unit::Time { scaled.round() } else { scaled })
        .filter(|_| unit != Unit::Share || scaled <= 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::family::Figure;
    use super::*;

    #[track_caller]
    fn parsed(key: &str, condition: &str) -> (String, Metric, Comparison, f64) {
        let t = Threshold::parse(key, condition).unwrap();
        (t.pattern, t.metric, t.comparison, t.limit)
    }

    #[test]
    fn keys_and_conditions_of_every_family_are_read() {
        use Comparison as C;
        use Metric as M;
        let p99 = Figure::Quantile(99_000);
        let cases: &[(&str, &str, &str, Metric, Comparison, f64)] = &[
            ("request.EchoRequest.p99", "< 50ms", "EchoRequest", M::Time(p99), C::Less, 50_000.0),
            ("request.game/LoginReuest.failures", "== 0", "game/LoginReuest", M::Failures, C::Equal, 0.0),
            ("request.battle.move.intended.p99", "<0.05", "battle.move", M::Intended(p99), C::Less, 50_000.0),
            ("request.*.rate", ">= 1k/s", "*", M::PerSecond, C::AtLeast, 1_000.0),
            ("generator.lag.p99", "< 5ms", "", M::Lag(p99), C::Less, 5_000.0),
            (
                "generator.lag.collector.max",
                "<= 1s",
                "",
                M::LagOf(crate::LagSource::Collector, Figure::Max),
                C::AtMost,
                1e6,
            ),
            ("errors.rate", "< 1%", "", M::FailureRate, C::Less, 0.01),
            ("errors.script", "== 0", "", M::FailuresOf(crate::FailureKind::Script), C::Equal, 0.0),
            ("check.echo is right.rate", "> 99.5%", "echo is right", M::PassRate, C::Greater, 0.995),
            ("task.role.chat.p99", "< 2m", "role.chat", M::Time(p99), C::Less, 120e6),
            ("task.role.chat.intended.p99", "< 2m", "role.chat", M::Intended(p99), C::Less, 120e6),
            ("schedule.pacing.missed", "== 0", "pacing", M::Missed, C::Equal, 0.0),
            ("push.KickNotify.count", "!= 0", "KickNotify", M::Count, C::Unequal, 0.0),
            ("count.gold", "> 1_000", "gold", M::Count, C::Greater, 1_000.0),
            ("count.shop.gold.rate", "> 1", "shop.gold", M::PerSecond, C::Greater, 1.0),
            ("connect.game.p99", "< 1s", "game", M::Time(p99), C::Less, 1e6),
            ("robots.ready", ">= 500", "", M::Ready, C::AtLeast, 500.0),
            ("bytes.received", "> 10MB", "", M::Received, C::Greater, 10e6),
        ];
        for &(key, condition, pattern, metric, comparison, limit) in cases {
            let (found, m, c, l) = parsed(key, condition);
            assert_eq!((found.as_str(), m, c), (pattern, metric, comparison), "{key}");
            assert!((l - limit).abs() < 1e-9, "{key}: {l}");
        }
    }

    #[test]
    fn a_phase_stands_behind_the_key() {
        let phase = |key| {
            let threshold = Threshold::parse(key, "< 1").unwrap();
            (threshold.pattern.clone(), threshold.phase().map(str::to_owned))
        };
        let of = |pattern: &str, phase: Option<&str>| (pattern.to_owned(), phase.map(str::to_owned));
        assert_eq!(phase("request.Echo.p99@hold"), of("Echo", Some("hold")));
        assert_eq!(phase("errors.rate@ramp_up"), of("", Some("ramp_up")));
        assert_eq!(phase("request.mail@home.p99"), of("mail@home", None));
        assert_eq!(phase("request.mail@home.p99@hold"), of("mail@home", Some("hold")));
        assert_eq!(phase("count.mail@home"), of("mail", Some("home")));
        assert_eq!(phase("count.mail@home.count"), of("mail@home", None));
    }

    #[test]
    fn a_phase_that_the_plan_does_not_have_is_refused() {
        let said = |key| {
            let threshold = Threshold::parse(key, "< 1").unwrap();
            threshold.check_phase(&["ramp_up", "hold"]).map_err(|error| error.to_string())
        };
        assert_eq!(said("errors.rate@hold"), Ok(()));
        assert_eq!(said("errors.rate"), Ok(()));
        let wanted = "wanted one of ramp_up, hold";
        let error = format!("the plan has no phase `hodl`; {wanted}; did you mean `hold`?");
        assert_eq!(said("errors.rate@hodl"), Err(error));
        assert_eq!(said("errors.rate@"), Err(format!("the plan has no phase ``; {wanted}")));
    }

    #[test]
    fn what_cannot_be_read_says_what_was_wanted() {
        let said = |key, condition| Threshold::parse(key, condition).unwrap_err().to_string();
        let said = [
            said("requst.Echo.p99", "< 1s"),
            said("zzz", "< 1s"),
            said("request", "< 1s"),
            said("request.Echo", "< 1s"),
            said("request.p99", "< 1s"),
            said("request.Echo.p9x", "< 1s"),
            said("request.Echo.failure", "== 0"),
            said("generator.lag", "< 1s"),
            said("errors.timeouts", "== 0"),
            said("request.Echo.p99", "50ms"),
            said("request.Echo.p99", "= 50ms"),
            said("request.Echo.p99", "< 50 parsecs"),
            said("request.Echo.p99", "<"),
            said("errors.rate", "< 300%"),
            said("request.Echo.count", "> many"),
            said("bytes.sent", "> 1 mile"),
        ];
        insta::assert_snapshot!(said.join("\n"));
    }

    proptest! {
        #[test]
        fn no_text_panics(key in ".{0,40}", condition in ".{0,20}") {
            let _ = Threshold::parse(&key, &condition);
            let _ = Threshold::parse(&format!("request.{key}"), &format!("< {condition}"));
        }
    }
}
