//! A reading in OpenTelemetry's words.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets as Positive;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::{Encoding, Histograms, OtlpSettings};
use crate::buckets::{Buckets, CLASSIC_US, SCALE};
use crate::reading::{Family, Label, Points, Reading};

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// The body of a push.
pub(super) fn written(reading: &Reading, settings: &OtlpSettings) -> Vec<u8> {
    let request = request(reading, settings);
    match settings.encoding {
        Encoding::Protobuf => request.encode_to_vec(),
        Encoding::Json => serde_json::to_vec(&request).expect("such messages are always JSON"),
    }
}

fn request(reading: &Reading, settings: &OtlpSettings) -> ExportMetricsServiceRequest {
    let span = Span { begun: nanos(reading.begun), at: nanos(reading.at) };
    let metrics = reading.families.iter().map(|family| span.metric(family, settings.histograms)).collect();
    let scope = InstrumentationScope {
        name: "throng".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let resource =
        Resource { attributes: resource(reading, span.begun, &settings.resource), ..Resource::default() };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }],
            ..ResourceMetrics::default()
        }],
    }
}

/// What pushes: a run of its own, whatever other runs push to the same collector. The user's word beats ours.
fn resource(reading: &Reading, begun: u64, own: &[(String, String)]) -> Vec<KeyValue> {
    let mut attributes = vec![
        attribute("service.name", "throng"),
        attribute("service.version", env!("CARGO_PKG_VERSION")),
        attribute("service.instance.id", &format!("{begun:x}-{:x}", std::process::id())),
    ];
    attributes
        .extend(reading.run.iter().map(|(name, word)| attribute(&format!("throng.{name}"), word.as_str())));
    attributes.retain(|attribute| own.iter().all(|(name, _)| *name != attribute.key));
    attributes.extend(own.iter().map(|(name, value)| attribute(name, value)));
    attributes
}

/// The time that figures are of, in nanoseconds since 1970.
#[derive(Clone, Copy)]
struct Span {
    begun: u64,
    at: u64,
}

impl Span {
    fn metric(self, family: &Family, histograms: Histograms) -> Metric {
        let data = match (&family.points, histograms) {
            (Points::Counter(points), _) => Data::Sum(Sum {
                data_points: points
                    .iter()
                    .map(|(labels, value)| {
                        let value = i64::try_from(*value).unwrap_or(i64::MAX);
                        self.number(labels, number_data_point::Value::AsInt(value))
                    })
                    .collect(),
                aggregation_temporality: CUMULATIVE,
                is_monotonic: true,
            }),
            (Points::Gauge(points), _) => Data::Gauge(Gauge {
                data_points: points
                    .iter()
                    .map(|(labels, value)| self.number(labels, number_data_point::Value::AsDouble(*value)))
                    .collect(),
            }),
            (Points::Histogram(points), Histograms::Exponential) => {
                Data::ExponentialHistogram(ExponentialHistogram {
                    data_points: points
                        .iter()
                        .map(|(labels, buckets)| self.exponential(labels, buckets))
                        .collect(),
                    aggregation_temporality: CUMULATIVE,
                })
            }
            (Points::Histogram(points), Histograms::Explicit) => Data::Histogram(Histogram {
                data_points: points.iter().map(|(labels, buckets)| self.explicit(labels, buckets)).collect(),
                aggregation_temporality: CUMULATIVE,
            }),
        };
        Metric {
            name: family.name.to_owned(),
            description: family.help.to_owned(),
            unit: family.unit.ucum().to_owned(),
            data: Some(data),
            ..Metric::default()
        }
    }

    fn number(self, labels: &[Label], value: number_data_point::Value) -> NumberDataPoint {
        NumberDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: self.begun,
            time_unix_nano: self.at,
            value: Some(value),
            ..NumberDataPoint::default()
        }
    }

    fn exponential(self, labels: &[Label], buckets: &Buckets) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: self.begun,
            time_unix_nano: self.at,
            count: buckets.count,
            sum: Some(buckets.sum),
            scale: SCALE,
            zero_count: buckets.zero,
            positive: Some(dense(&buckets.exponential)),
            min: buckets.min,
            max: buckets.max,
            ..ExponentialHistogramDataPoint::default()
        }
    }

    fn explicit(self, labels: &[Label], buckets: &Buckets) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: self.begun,
            time_unix_nano: self.at,
            count: buckets.count,
            sum: Some(buckets.sum),
            bucket_counts: buckets.classic.to_vec(),
            explicit_bounds: CLASSIC_US.iter().map(|&us| us as f64 / 1e6).collect(),
            min: buckets.min,
            max: buckets.max,
            ..HistogramDataPoint::default()
        }
    }
}

/// Every bucket from the first to the last, which are 600 at most.
fn dense(buckets: &[(i32, u64)]) -> Positive {
    let (Some(&(first, _)), Some(&(last, _))) = (buckets.first(), buckets.last()) else {
        return Positive::default();
    };
    let mut counts = vec![0; (last - first + 1) as usize];
    for &(index, count) in buckets {
        counts[(index - first) as usize] = count;
    }
    Positive { offset: first, bucket_counts: counts }
}

fn attributes(labels: &[Label]) -> Vec<KeyValue> {
    labels.iter().map(|(name, word)| attribute(name, word.as_str())).collect()
}

fn attribute(name: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: name.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{moment, played};

    fn settings() -> OtlpSettings {
        OtlpSettings::to("http://127.0.0.1:4318".parse().unwrap())
    }

    fn metrics(settings: &OtlpSettings) -> Vec<Metric> {
        let bytes = written(&Reading::of(&played(), &moment()), settings);
        let request = ExportMetricsServiceRequest::decode(&bytes[..]).unwrap();
        request.resource_metrics[0].scope_metrics[0].metrics.clone()
    }

    #[track_caller]
    fn found(metrics: &[Metric], name: &str) -> Metric {
        metrics.iter().find(|metric| metric.name == name).unwrap().clone()
    }

    #[test]
    fn counters_are_cumulative_sums_from_the_runs_begin() {
        let metric = found(&metrics(&settings()), "throng.requests");
        let Some(Data::Sum(sum)) = metric.data else { panic!("{metric:?}") };
        assert_eq!(
            (metric.unit.as_str(), sum.is_monotonic, sum.aggregation_temporality),
            ("{request}", true, 2)
        );
        let point = &sum.data_points[0];
        assert_eq!(point.value, Some(number_data_point::Value::AsInt(3)));
        assert_eq!(
            (point.start_time_unix_nano, point.time_unix_nano),
            (1_000_000_000_000, 1_002_500_000_000)
        );
    }

    #[test]
    fn durations_are_in_exponential_buckets() {
        let metric = found(&metrics(&settings()), "throng.request.duration");
        let Some(Data::ExponentialHistogram(histogram)) = metric.data else { panic!("{metric:?}") };
        let point = &histogram.data_points[0];
        assert_eq!((metric.unit.as_str(), point.count, point.scale), ("s", 3, SCALE));
        let positive = point.positive.as_ref().unwrap();
        assert_eq!((positive.offset, positive.bucket_counts[0], positive.bucket_counts[16]), (-160, 1, 1));
        assert_eq!(positive.bucket_counts.iter().sum::<u64>(), 3);
        assert_eq!((point.min, point.max), (Some(0.001), Some(0.3)));
    }

    #[test]
    fn durations_are_in_fixed_buckets_where_that_is_wanted() {
        let settings = OtlpSettings { histograms: Histograms::Explicit, ..settings() };
        let metric = found(&metrics(&settings), "throng.request.duration");
        let Some(Data::Histogram(histogram)) = metric.data else { panic!("{metric:?}") };
        let point = &histogram.data_points[0];
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert_eq!(point.bucket_counts.iter().sum::<u64>(), 3);
    }

    #[test]
    fn json_has_the_same_figures() {
        let settings = OtlpSettings { encoding: Encoding::Json, ..settings() };
        let bytes = written(&Reading::of(&played(), &moment()), &settings);
        let read: ExportMetricsServiceRequest = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read, request(&Reading::of(&played(), &moment()), &settings));
        assert!(String::from_utf8(bytes).unwrap().contains("\"resourceMetrics\""));
    }

    #[test]
    fn what_the_user_says_of_the_resource_beats_ours() {
        let settings =
            OtlpSettings { resource: vec![("service.name".into(), "nightly".into())], ..settings() };
        let request = request(&Reading::of(&played(), &moment()), &settings);
        let attributes = &request.resource_metrics[0].resource.as_ref().unwrap().attributes;
        let names: Vec<_> = attributes.iter().filter(|attribute| attribute.key == "service.name").collect();
        assert_eq!(names, [&attribute("service.name", "nightly")]);
        assert!(attributes.contains(&attribute("throng.project", "my_game")));
    }
}
