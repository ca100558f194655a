//! Which exposition format a client takes best, by its `Accept` header.

/// A format of what is scraped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Delimited messages: the only format with native histograms.
    Protobuf,
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' older text, which everything can read, people and browsers too.
    Text,
}

impl Format {
    /// The first of the best that the header names, and text where it names none that is known.
    pub(crate) fn of(accept: &str) -> Format {
        let mut best = (Format::Text, 0.0);
        for range in accept.split(',') {
            let Some((format, weight)) = weighed(range) else { continue };
            if weight > best.1 {
                best = (format, weight);
            }
        }
        best.0
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The format of one range of the header and its weight, if we speak it.
fn weighed(range: &str) -> Option<(Format, f64)> {
    let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next()?;
    let parameters: Vec<String> = parts.map(|part| part.replace('"', "")).collect();
    let parameter = |name: &str| {
        let found = parameters.iter().find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        found.map(str::trim)
    };
    let weight = parameter("q").map_or(Some(1.0), |weight| weight.parse().ok())?;
    let format = match kind.as_str() {
        "application/vnd.google.protobuf" => {
            let ours = parameter("proto") == Some("io.prometheus.client.metricfamily")
                && parameter("encoding") == Some("delimited");
            ours.then_some(Format::Protobuf)?
        }
        "application/openmetrics-text" => Format::OpenMetrics,
        "text/plain" | "text/*" | "*/*" => Format::Text,
        _ => return None,
    };
    Some((format, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, wanted: Format) {
        assert_eq!(Format::of(accept), wanted, "{accept}");
    }

    #[test]
    fn the_best_format_that_is_known_is_chosen() {
        check("", Format::Text);
        check("*/*", Format::Text);
        check("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text);
        check("application/openmetrics-text", Format::OpenMetrics);
        check("text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.9", Format::OpenMetrics);
        check("application/openmetrics-text;q=0.1,text/plain;q=0.5", Format::Text);
        check("application/openmetrics-text;q=nonsense", Format::Text);
    }

    #[test]
    fn prometheus_gets_what_it_prefers() {
        check(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::OpenMetrics,
        );
        check(
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
             application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format::Protobuf,
        );
        check("application/vnd.google.protobuf;proto=another.Message;encoding=delimited", Format::Text);
    }
}
