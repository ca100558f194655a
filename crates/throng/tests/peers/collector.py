"""An OpenTelemetry collector that takes metrics by OTLP/HTTP, on the official messages of the protocol.

It prints its port and serves until it is told to end by SIGTERM. Then it prints what it has as one line of JSON: how many pushes
came, what was wrong with them, and the last value of every series, histograms as their count, sum and buckets' sum.
"""

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE

lock = threading.Lock()
state = {"pushes": 0, "wrong": [], "resource": {}, "headers": {}, "series": {}, "units": {}}
begun = {}


def text_of(attributes):
    return ",".join(f"{a.key}={a.value.string_value}" for a in attributes)


def check(holds, what):
    if not holds:
        state["wrong"].append(what)


def take_point(series, point, value):
    """Counters never go down, and all points of a series count from the same moment."""
    check(point.time_unix_nano >= point.start_time_unix_nano > 0, f"{series}: times")
    check(begun.setdefault(series, point.start_time_unix_nano) == point.start_time_unix_nano, f"{series}: begin")
    before = state["series"].get(series)
    state["series"][series] = value
    return before


def take(metric):
    kind = metric.WhichOneof("data")
    state["units"][metric.name] = metric.unit
    check(metric.description != "", f"{metric.name}: no description")
    data = getattr(metric, kind)
    if kind != "gauge":
        check(data.aggregation_temporality == CUMULATIVE, f"{metric.name}: not cumulative")
    for point in data.data_points:
        series = f"{metric.name}{{{text_of(point.attributes)}}}"
        if kind == "gauge":
            take_point(series, point, point.as_double)
        elif kind == "sum":
            check(data.is_monotonic, f"{series}: not monotonic")
            before = take_point(series, point, point.as_int)
            check(before is None or before <= point.as_int, f"{series}: went down")
        elif kind == "exponential_histogram":
            buckets = point.zero_count + sum(point.positive.bucket_counts)
            check(buckets == point.count, f"{series}: buckets")
            before = take_point(series, point, {"count": point.count, "sum": point.sum, "buckets": buckets})
            check(before is None or before["count"] <= point.count, f"{series}: went down")
        elif kind == "histogram":
            buckets = sum(point.bucket_counts)
            check(buckets == point.count, f"{series}: buckets")
            check(len(point.bucket_counts) == len(point.explicit_bounds) + 1, f"{series}: bounds")
            take_point(series, point, {"count": point.count, "sum": point.sum, "buckets": buckets})


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = ExportMetricsServiceRequest()
        as_json = self.headers["Content-Type"] == "application/json"
        with lock:
            check(self.path == "/v1/metrics", f"path {self.path}")
            if as_json:
                json_format.Parse(body, request)
            else:
                request.ParseFromString(body)
            state["pushes"] += 1
            state["headers"] = {name.lower(): value for name, value in self.headers.items()}
            for resource in request.resource_metrics:
                state["resource"] = {a.key: a.value.string_value for a in resource.resource.attributes}
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        take(metric)
        answer = ExportMetricsServiceResponse()
        body = json_format.MessageToJson(answer).encode() if as_json else answer.SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", self.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
signal.sigwait([signal.SIGTERM])
with lock:
    print(json.dumps(state), flush=True)
