//! Times as users write them: `"50ms"`, `"1.5s"`, `"2m"`, or a number of seconds.

use std::time::Duration;

/// The time `text` stands for; none if it is not one.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * factor;
    // Rounded to whole nanoseconds, so that 50ms is exactly 50 ms.
    Duration::try_from_secs_f64(seconds).ok().filter(|time| *time <= LONGEST)
}

/// A year: nothing here lasts longer, and adding it to a point in time is safe.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// `time` in the largest unit that shows it without a fraction.
pub(crate) fn text(time: Duration) -> String {
    if time.subsec_nanos() == 0 {
        format!("{}s", time.as_secs())
    } else if time.subsec_nanos().is_multiple_of(1_000_000) {
        format!("{}ms", time.as_millis())
    } else {
        format!("{}us", time.as_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_or_are_seconds() {
        assert_eq!(parse("50ms"), Some(Duration::from_millis(50)));
        assert_eq!(parse("0.1"), Some(Duration::from_millis(100)));
        assert_eq!(parse("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(parse("250us"), Some(Duration::from_micros(250)));
        assert_eq!(parse("2m"), Some(Duration::from_secs(120)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "s", "-1s", "1 week", "1.2.3s", "99999999999h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_shown_in_whole_units() {
        assert_eq!(text(Duration::from_secs(3)), "3s");
        assert_eq!(text(Duration::from_millis(1500)), "1500ms");
        assert_eq!(text(Duration::from_micros(250)), "250us");
    }
}
