//! Durations and sizes as users write them: `"500ms"`, `"1m30s"`, `90`, `"64KB"`.

use std::time::Duration;

/// The longest duration a setting may have: a year, far below where deadlines would overflow.
pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a duration setting accepts, in words.
pub const DURATION_FORMS: &str =
    "seconds as a number, or a text such as \"500ms\", \"90s\", \"10m\", \"1h30m\"";

/// What a size setting accepts, in words.
pub const SIZE_FORMS: &str = "bytes as a whole number, or a text such as \"512\", \"64KB\", \"16MB\"";

/// Units of time, longest first: the order in which a composed duration names them.
const TIME_UNITS: [(&str, f64); 6] =
    [("d", 86_400.0), ("h", 3_600.0), ("m", 60.0), ("s", 1.0), ("ms", 1e-3), ("us", 1e-6)];

const SIZE_UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("b", 1),
    ("kb", 1 << 10),
    ("kib", 1 << 10),
    ("mb", 1 << 20),
    ("mib", 1 << 20),
    ("gb", 1 << 30),
    ("gib", 1 << 30),
];

/// Why a text is not a duration or a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// There is no number where one must be.
    #[error("there is no number in it")]
    NoNumber,
    /// The text behind a number is no unit.
    #[error("{0:?} is not a unit")]
    UnknownUnit(String),
    /// In a composed duration each number needs its unit.
    #[error("its last number has no unit")]
    NoUnit,
    /// Units must go from long to short, each at most once.
    #[error("{0:?} comes after a shorter or equal unit")]
    UnitOrder(String),
    /// Durations and sizes are never negative.
    #[error("it is negative")]
    Negative,
    /// The value is larger than any setting allows.
    #[error("it is too large")]
    TooLarge,
}

/// A duration from a number of seconds.
///
/// # Errors
/// When it is negative, not finite, or longer than [`LONGEST`].
pub fn seconds(value: f64) -> Result<Duration, UnitError> {
    if value < 0.0 {
        return Err(UnitError::Negative);
    }
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(UnitError::TooLarge),
    }
}

/// A duration from text: parts of a number and a unit (`d`, `h`, `m`, `s`, `ms`, `us`), longest first; a number alone is seconds.
///
/// # Errors
/// When the text is anything else, or out of range.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(UnitError::Negative);
    }
    let (first, unit_and_rest) = leading_number(text)?;
    if unit_and_rest.is_empty() {
        return seconds(first);
    }
    let mut rest = text;
    let mut total = 0.0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let (number, behind) = leading_number(rest)?;
        let unit_end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, after) = behind.split_at(unit_end);
        let index = TIME_UNITS
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(|| unknown_unit(unit, behind))?;
        if index < next_unit {
            return Err(UnitError::UnitOrder(unit.to_owned()));
        }
        next_unit = index + 1;
        total += number * TIME_UNITS[index].1;
        rest = after;
    }
    seconds(total)
}

/// A size in bytes from text: a number and a unit (`B`, `KB`, `MB`, `GB`, each 1024 of the one before; `KiB` is the same as `KB`).
///
/// # Errors
/// When the text is anything else, or the size does not fit 64 bits.
pub fn size(text: &str) -> Result<u64, UnitError> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(UnitError::Negative);
    }
    let (number, unit) = leading_number(text)?;
    let lower = unit.trim().to_ascii_lowercase();
    let (_, factor) = SIZE_UNITS
        .iter()
        .find(|(name, _)| *name == lower)
        .ok_or_else(|| UnitError::UnknownUnit(unit.trim().to_owned()))?;
    let bytes = number * *factor as f64;
    if bytes > (1u64 << 52) as f64 {
        return Err(UnitError::TooLarge);
    }
    Ok(bytes.round() as u64)
}

/// A duration the way a user would write it, for messages: `1m30s`, `500ms`, `2.5s`.
pub fn display(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.is_zero() {
        return "0s".to_owned();
    }
    if seconds == 0 {
        return match duration.subsec_micros() {
            micros if micros % 1_000 == 0 => format!("{}ms", micros / 1_000),
            micros => format!("{micros}us"),
        };
    }
    if duration.subsec_nanos() > 0 && seconds < 60 {
        return format!("{}s", duration.as_secs_f64());
    }
    [("h", seconds / 3_600), ("m", seconds % 3_600 / 60), ("s", seconds % 60)]
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(unit, count)| format!("{count}{unit}"))
        .collect()
}

/// Splits `text` behind its leading decimal number.
fn leading_number(text: &str) -> Result<(f64, &str), UnitError> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text[..end].parse().map_err(|_| UnitError::NoNumber)?;
    Ok((number, &text[end..]))
}

/// A unit that is not made of letters is called by all that stands there.
fn unknown_unit(unit: &str, behind: &str) -> UnitError {
    match (unit, behind) {
        ("", "") => UnitError::NoUnit,
        ("", behind) => UnitError::UnknownUnit(behind.to_owned()),
        (unit, _) => UnitError::UnknownUnit(unit.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Duration, UnitError>) {
        assert_eq!(duration(text), expected, "{text:?}");
    }

    #[test]
    fn durations_are_read_in_every_form() {
        check("500ms", Ok(Duration::from_millis(500)));
        check("90s", Ok(Duration::from_secs(90)));
        check("10m", Ok(Duration::from_secs(600)));
        check("1h", Ok(Duration::from_secs(3_600)));
        check("1m30s", Ok(Duration::from_secs(90)));
        check("1h0m5s", Ok(Duration::from_secs(3_605)));
        check("250us", Ok(Duration::from_micros(250)));
        check("0.5s", Ok(Duration::from_millis(500)));
        check("2", Ok(Duration::from_secs(2)));
        check(" 1d ", Ok(Duration::from_secs(86_400)));
        check("0", Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_reason() {
        check("", Err(UnitError::NoNumber));
        check("soon", Err(UnitError::NoNumber));
        check("1.2.3s", Err(UnitError::NoNumber));
        check("5 minutes", Err(UnitError::UnknownUnit(" minutes".to_owned())));
        check("5min", Err(UnitError::UnknownUnit("min".to_owned())));
        check("30s1m", Err(UnitError::UnitOrder("m".to_owned())));
        check("1s1s", Err(UnitError::UnitOrder("s".to_owned())));
        check("-1s", Err(UnitError::Negative));
        check("9999999h", Err(UnitError::TooLarge));
        check("1m30", Err(UnitError::NoUnit));
    }

    #[test]
    fn seconds_that_are_no_time_are_refused() {
        assert_eq!(seconds(-0.1), Err(UnitError::Negative));
        assert_eq!(seconds(f64::NAN), Err(UnitError::TooLarge));
        assert_eq!(seconds(f64::INFINITY), Err(UnitError::TooLarge));
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(size("64KB"), Ok(65_536));
        assert_eq!(size("64 KiB"), Ok(65_536));
        assert_eq!(size("512"), Ok(512));
        assert_eq!(size("1.5mb"), Ok(1_572_864));
        assert_eq!(size("1GB"), Ok(1 << 30));
        assert_eq!(size("big"), Err(UnitError::NoNumber));
        assert_eq!(size("1XB"), Err(UnitError::UnknownUnit("XB".to_owned())));
        assert_eq!(size("-1KB"), Err(UnitError::Negative));
        assert_eq!(size("99999999999GB"), Err(UnitError::TooLarge));
    }

    #[test]
    fn durations_are_shown_as_they_are_written() {
        for text in ["1h", "1m30s", "500ms", "2.5s", "250us", "1h5s", "0s"] {
            assert_eq!(display(duration(text).unwrap()), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC*") {
            let _ = duration(&text);
            let _ = size(&text);
        }

        #[test]
        fn whole_seconds_survive_display_and_reading(seconds in 0u64..30_000_000) {
            let original = Duration::from_secs(seconds);
            prop_assert_eq!(duration(&display(original)).unwrap(), original);
        }
    }
}
