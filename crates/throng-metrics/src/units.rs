//! Numbers as a person reads them: `1.2k`, `3.4 MB`, `12.3 ms`. Never more than three or four digits.

/// A duration given in microseconds: `850 µs`, `12.3 ms`, `1.25 s`, `2m 05s`.
pub fn time(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..999_500 => format!("{} ms", digits(us as f64 / 1e3)),
        999_500..59_950_000 => format!("{} s", digits(us as f64 / 1e6)),
        _ => span(us as f64 / 1e6),
    }
}

/// A duration given in seconds, for clocks and progress: `8s`, `2m 05s`, `1h 02m`.
pub fn span(seconds: f64) -> String {
    let whole = if seconds.is_finite() { seconds.max(0.0).round() as u64 } else { 0 };
    match whole {
        0..60 => format!("{whole}s"),
        60..3_600 => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!("{}h {:02}m", whole / 3_600, whole / 60 % 60),
    }
}

/// A whole number: `9187` is still exact, then `34.5k`, `6.7M`.
pub fn count(n: u64) -> String {
    if n < 10_000 { n.to_string() } else { scaled(n as f64, &["", "k", "M", "G", "T", "P", "E"], "") }
}

/// A number per second or another that need not be whole: `0`, `0.25`, `12.3`, `4.5k`.
pub fn rate(n: f64) -> String {
    let n = if n.is_finite() { n.max(0.0) } else { 0.0 };
    if n == 0.0 { "0".into() } else { scaled(n, &["", "k", "M", "G", "T", "P", "E"], "") }
}

/// A number of bytes in decimal units: `512 B`, `3.4 MB`.
pub fn bytes(n: u64) -> String {
    if n < 1_000 {
        format!("{n} B")
    } else {
        scaled(n as f64, &["B", "kB", "MB", "GB", "TB", "PB", "EB"], " ")
    }
}

/// A share of one as a percentage: `0%`, `0.04%`, `12.3%`, `100%`. Neither end is reached by rounding.
pub fn percent(share: f64) -> String {
    let percent = if share.is_finite() { (share * 100.0).clamp(0.0, 100.0) } else { 0.0 };
    if percent > 0.0 && percent < 0.01 {
        return "<0.01%".into();
    }
    let text =
        if percent < 10.0 { trimmed(format!("{percent:.2}")) } else { trimmed(format!("{percent:.1}")) };
    match text.as_str() {
        "100" if percent < 100.0 => ">99.9%".into(),
        _ => text + "%",
    }
}

fn scaled(n: f64, suffixes: &[&str], space: &str) -> String {
    let (mut n, mut step) = (n, 0);
    // 999.5 would be shown as 1000 of the smaller unit.
    while n >= 999.5 && step + 1 < suffixes.len() {
        n /= 1_000.0;
        step += 1;
    }
    format!("{}{space}{}", digits(n), suffixes[step])
}

/// Three significant digits, without a trailing zero after the point.
fn digits(n: f64) -> String {
    let decimals = match n {
        n if n >= 99.95 => 0,
        n if n >= 9.995 => 1,
        _ => 2,
    };
    if decimals == 0 { format!("{n:.0}") } else { trimmed(format!("{n:.decimals$}")) }
}

fn trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T>(show: fn(T) -> String, cases: Vec<(T, &str)>) {
        for (value, wanted) in cases {
            assert_eq!(show(value), wanted);
        }
    }

    #[test]
    fn times_have_the_unit_that_fits() {
        check(
            time,
            vec![
                (0, "0 µs"),
                (999, "999 µs"),
                (1_000, "1 ms"),
                (12_340, "12.3 ms"),
                (999_499, "999 ms"),
                (999_500, "1 s"),
                (1_250_000, "1.25 s"),
                (59_949_000, "59.9 s"),
                (125_000_000, "2m 05s"),
                (3_600_000_000, "1h 00m"),
            ],
        );
    }

    #[test]
    fn counts_and_rates_have_three_digits() {
        check(
            count,
            vec![
                (0, "0"),
                (999, "999"),
                (9_999, "9999"),
                (12_345, "12.3k"),
                (999_600, "1M"),
                (u64::MAX, "18.4E"),
            ],
        );
        check(
            rate,
            vec![(0.0, "0"), (0.254, "0.25"), (12.34, "12.3"), (f64::NAN, "0"), (f64::INFINITY, "0")],
        );
        check(bytes, vec![(512, "512 B"), (3_400_000, "3.4 MB"), (999_999, "1 MB")]);
    }

    #[test]
    fn percentages_do_not_round_to_an_end() {
        check(
            percent,
            vec![
                (0.0, "0%"),
                (0.000_01, "<0.01%"),
                (0.0123, "1.23%"),
                (0.84, "84%"),
                (0.9999, ">99.9%"),
                (1.0, "100%"),
                (f64::NAN, "0%"),
            ],
        );
    }

    #[test]
    fn clocks_show_two_units() {
        check(span, vec![(8.4, "8s"), (125.0, "2m 05s"), (3_720.0, "1h 02m"), (f64::NAN, "0s")]);
    }
}
