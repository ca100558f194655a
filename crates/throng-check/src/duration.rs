//! Durations as users write them: seconds as a number, or a number and a unit.

/// Units as they follow each other in a composed duration.
const UNITS: [&str; 6] = ["d", "h", "m", "s", "ms", "us"];

/// Whether a string reads as a duration, as it does in a project's settings: `500ms`, `90s`, `1m30s`, or bare seconds.
pub(crate) fn is_valid(text: &str) -> bool {
    let mut rest = text.trim();
    if split_number(rest).is_some_and(|(_, unit)| unit.is_empty()) {
        return true;
    }
    let mut units = UNITS.iter();
    while let Some((_, behind)) = split_number(rest) {
        let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, after) = behind.split_at(end);
        if !units.any(|known| *known == unit) {
            return false;
        }
        if after.is_empty() {
            return true;
        }
        rest = after;
    }
    false
}

/// What was most likely meant by a string that is no duration: `5 sec` is `5s`.
pub(crate) fn suggestion(text: &str) -> Option<String> {
    let (number, unit) = split_number(text.trim())?;
    let unit = match unit.trim().trim_end_matches('.').to_lowercase().as_str() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "ms" | "msec" | "msecs" | "milli" | "millis" | "millisecond" | "milliseconds" => "ms",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "us" | "usec" | "usecs" | "microseconds" => "us",
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

fn split_number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    number.parse::<f64>().ok().map(|_| (number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_durations() {
        for text in ["500ms", "90s", "10m", "1.5s", "2h", "5", "1m30s", "1h0m5s", " 1d "] {
            assert!(is_valid(text), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for text in
            ["", "5 sec", "5 s", "3 min", "five", "s", "5x", "-1s", "30s1m", "1s1s", "1m30", "1s 2", "1.2.3s"]
        {
            assert!(!is_valid(text), "{text}");
        }
    }

    #[test]
    fn words_for_units_are_understood() {
        assert_eq!(suggestion("5 sec").as_deref(), Some("5s"));
        assert_eq!(suggestion("10 minutes").as_deref(), Some("10m"));
        assert_eq!(suggestion("soon"), None);
    }
}
