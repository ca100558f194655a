//! A reading in Prometheus' words: names with units, and histograms that are classic and native at once.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NativeHistogram,
    NativeHistogramBuckets, NoLabelSet, prometheus_protobuf, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit as ClientUnit};

use super::accept::Format;
use crate::buckets::{Buckets, CLASSIC_US, SCALE};
use crate::reading::{Family, Label, Point, Points, Reading, Unit};

/// Below this a duration counts as none; it is the figure of Prometheus' own clients, and marks a histogram as a native one
/// also while it is empty.
const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// The body that is scraped.
pub(super) fn body(reading: &Arc<Reading>, format: Format) -> Vec<u8> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exposed(Arc::clone(reading))));
    match format {
        Format::Protobuf => {
            prometheus_protobuf::encode_to_vec(&registry).expect("bytes in memory can always be written")
        }
        Format::OpenMetrics => open_metrics(&registry).into_bytes(),
        Format::Text => older(&open_metrics(&registry)).into_bytes(),
    }
}

fn open_metrics(registry: &Registry) -> String {
    let mut out = String::new();
    text::encode(&mut out, registry).expect("a text in memory can always be written");
    out
}

/// OpenMetrics as the text before it: there the suffix of a counter belongs to its name, and there are no units and no end.
fn older(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    let mut suffix = "";
    while let Some(line) = lines.next() {
        if line.starts_with("# UNIT ") || line == "# EOF" {
            continue;
        }
        if line.starts_with("# HELP ") {
            let kind = lines.peek().and_then(|kind| kind.strip_prefix("# TYPE ")?.split(' ').nth(1));
            suffix = match kind {
                Some("counter") => "_total",
                Some("info") => "_info",
                _ => "",
            };
        }
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what), Some(name), Some(rest)) => {
                let rest = if (what, rest) == ("TYPE", "info") { "gauge" } else { rest };
                out.push_str(&format!("# {what} {name}{suffix} {rest}\n"));
            }
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

#[derive(Debug)]
struct Exposed(Arc<Reading>);

impl Collector for Exposed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut info =
            encoder.encode_descriptor("throng_run", "What is run, and where.", None, MetricType::Info)?;
        info.encode_info(&Labels(&self.0.run))?;
        self.0.families.iter().try_for_each(|family| encode(family, &mut encoder))
    }
}

fn encode(family: &Family, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let name = family.name.replace('.', "_");
    let unit = match family.unit {
        Unit::Seconds => Some(ClientUnit::Seconds),
        Unit::Bytes => Some(ClientUnit::Bytes),
        Unit::Ratio => Some(ClientUnit::Other("ratio".to_owned())),
        Unit::Of(_) => None,
    };
    let kind = match family.points {
        Points::Counter(_) => MetricType::Counter,
        Points::Gauge(_) => MetricType::Gauge,
        Points::Histogram(_) => MetricType::Histogram,
    };
    let mut metric = encoder.encode_descriptor(&name, family.help, unit.as_ref(), kind)?;
    match &family.points {
        Points::Counter(points) => each(&mut metric, points, |value, metric| {
            metric.encode_counter::<NoLabelSet, _, f64>(value, None)
        }),
        Points::Gauge(points) => each(&mut metric, points, |value, metric| metric.encode_gauge(value)),
        Points::Histogram(points) => each(&mut metric, points, encode_histogram),
    }
}

fn each<V>(
    metric: &mut MetricEncoder<'_>,
    points: &[Point<V>],
    mut encode: impl FnMut(&V, &mut MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    points.iter().try_for_each(|(labels, value)| match labels.is_empty() {
        // Or there would be braces without anything in them.
        true => encode(value, metric),
        false => encode(value, &mut metric.encode_family(&Labels(labels))?),
    })
}

fn encode_histogram(buckets: &Buckets, metric: &mut MetricEncoder<'_>) -> fmt::Result {
    let borders = CLASSIC_US.iter().map(|&us| us as f64 / 1e6).chain([f64::INFINITY]);
    let classic: Vec<(f64, u64)> = borders.zip(buckets.classic).collect();
    let (spans, deltas) = sparse(&buckets.exponential);
    let native = NativeHistogram {
        schema: SCALE,
        zero_threshold: ZERO_THRESHOLD,
        zero_count: buckets.zero,
        positive: NativeHistogramBuckets { spans: &spans, deltas: &deltas },
        negative: NativeHistogramBuckets { spans: &[], deltas: &[] },
        created: None,
    };
    metric.encode_histogram_with_native::<NoLabelSet>(buckets.sum, buckets.count, &classic, None, native)
}

/// Buckets as Prometheus has them: stretches of neighbours, each with its distance from the one before, and the difference
/// of each count to the one before. Its buckets are named by their upper border, ours by their lower one.
fn sparse(buckets: &[(i32, u64)]) -> (Vec<(i32, u32)>, Vec<i64>) {
    let (mut spans, mut deltas): (Vec<(i32, u32)>, Vec<i64>) =
        (Vec::new(), Vec::with_capacity(buckets.len()));
    let (mut next, mut before) = (0, 0);
    for &(index, count) in buckets {
        let index = index + 1;
        match spans.last_mut() {
            Some((_, length)) if index == next => *length += 1,
            _ => spans.push((index - next, 1)),
        }
        next = index + 1;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        deltas.push(count - before);
        before = count;
    }
    (spans, deltas)
}

#[derive(Debug)]
struct Labels<'a>(&'a [Label]);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, word)| (*name, word.as_str()).encode(encoder.encode_label()))
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::MetricFamily;
    use prost::Message;

    use super::*;
    use crate::testing::{moment, played};

    fn exposed(format: Format) -> Vec<u8> {
        body(&Arc::new(Reading::of(&played(), &moment())), format)
    }

    fn text(format: Format) -> String {
        String::from_utf8(exposed(format)).unwrap()
    }

    #[track_caller]
    fn has(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "no line {line} in\n{text}");
        }
    }

    #[test]
    fn open_metrics_has_names_with_units() {
        let text = text(Format::OpenMetrics);
        has(
            &text,
            &[
                "# TYPE throng_run info",
                "# TYPE throng_requests counter",
                "throng_requests_total{name=\"Echo\",connection=\"game\",outcome=\"ok\"} 3",
                "# UNIT throng_request_duration_seconds seconds",
                "throng_request_duration_seconds_count{name=\"Echo\",connection=\"game\"} 3",
                "throng_request_duration_seconds_bucket{le=\"0.001\",name=\"Echo\",connection=\"game\"} 1",
                "throng_request_duration_seconds_bucket{le=\"0.25\",name=\"Echo\",connection=\"game\"} 2",
                "throng_request_duration_seconds_bucket{le=\"+Inf\",name=\"Echo\",connection=\"game\"} 3",
                "throng_robots{state=\"ready\"} 1.0",
                "throng_network_io_bytes_total{direction=\"received\"} 200",
                "throng_generator_cpu_ratio 0.2",
                "throng_run_phase{phase=\"hold\"} 1.0",
                "throng_measure_duration_seconds_count{name=\"a \\\"quoted\\\"\\nname\"} 1",
            ],
        );
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_older_text_has_the_suffix_in_the_name() {
        let text = text(Format::Text);
        has(
            &text,
            &[
                "# TYPE throng_run_info gauge",
                "# TYPE throng_requests_total counter",
                "# HELP throng_requests_total Requests that are through: ok, cancelled, or the kind of their failure.",
                "# TYPE throng_request_duration_seconds histogram",
                "throng_requests_total{name=\"Echo\",connection=\"game\",outcome=\"timeout\"} 1",
            ],
        );
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"));
    }

    #[test]
    fn protobuf_has_native_and_classic_buckets() {
        let bytes = exposed(Format::Protobuf);
        let (mut rest, mut families) = (&bytes[..], Vec::new());
        while !rest.is_empty() {
            families.push(MetricFamily::decode_length_delimited(&mut rest).unwrap());
        }
        let family = families.iter().find(|family| family.name == "throng_request_duration_seconds").unwrap();
        let histogram = family.metric[0].histogram.as_ref().unwrap();
        assert_eq!((histogram.sample_count, histogram.schema), (3, SCALE));
        assert!((histogram.sample_sum - 0.303).abs() < 1e-9);
        assert_eq!(histogram.bucket.len(), CLASSIC_US.len() + 1);
        // 1, 2 and 300 ms: the first two lie one doubling apart, which is 2^SCALE buckets.
        let spans: Vec<_> = histogram.positive_span.iter().map(|span| (span.offset, span.length)).collect();
        assert_eq!(spans, [(-159, 1), (15, 1), (115, 1)]);
        assert_eq!(histogram.positive_delta, [1, 0, 0]);
        let counter = families.iter().find(|family| family.name == "throng_requests_total").unwrap();
        assert_eq!(counter.metric[0].counter.as_ref().unwrap().value, 3.0);
    }

    #[test]
    fn neighbours_share_a_span() {
        assert_eq!(sparse(&[(-5, 2), (-4, 7), (3, 1)]), (vec![(-4, 2), (6, 1)], vec![2, 5, -6]));
        assert_eq!(sparse(&[]), (vec![], vec![]));
    }
}
