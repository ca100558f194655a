//! A run that a real Prometheus scrapes: what it can be asked afterwards is what the report says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use throng_demo::{Demo, DemoOptions, ServerKind};

use crate::play::{ECHO, Project, once, settings, wait_until};
use crate::server::{Server, free_address};

/// Requests before the first scrape and after it, a failing check, a count, a measure whose name has to be escaped.
const ASK: &str = "for i = 1, 20 do game:request('echo', 'number ' .. i) end
     self.robot:sleep(6)
     for i = 1, 30 do game:request('echo', 'number ' .. i) end
     throng.check('holds', true)
     throng.count('gold', 7)
     throng.record('a \"quoted\" \\\\ name', 0.01)";

const ROBOTS: u64 = 4;
const REQUESTS: u64 = ROBOTS * 50;

struct Prometheus {
    _server: Server,
    _dir: TempDir,
    address: SocketAddr,
    /// What it scrapes.
    target: SocketAddr,
}

impl Prometheus {
    /// One that scrapes a target which is not there yet.
    fn start(flags: &[&str]) -> Prometheus {
        let missing =
            "set PEERS_PROMETHEUS to the program of the package prometheus, or install it, as ./test does";
        let dir = tempfile::tempdir().unwrap();
        let (address, target) = (free_address(), free_address());
        let config = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
             scrape_configs:\n- job_name: throng\n  static_configs:\n  - targets: [\"{target}\"]\n"
        );
        std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
        let program = std::env::var_os("PEERS_PROMETHEUS").unwrap_or_else(|| "prometheus".into());
        let mut command = Command::new(program);
        command.arg("--config.file").arg(dir.path().join("prometheus.yml"));
        command.arg("--storage.tsdb.path").arg(dir.path().join("data"));
        command.arg(format!("--web.listen-address={address}")).args(["--log.level", "warn"]).args(flags);
        let server = Server::start(command, missing);
        let prometheus = Prometheus { _server: server, _dir: dir, address, target };
        // It takes some seconds before it looks at its targets for the first time.
        wait_until("Prometheus scrapes", || {
            prometheus.get("/api/v1/query?query=up").is_some_and(|text| text.contains("throng"))
        });
        prometheus
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// What an expression has as its one result; `more` are further words of the query.
    #[track_caller]
    fn ask(&self, expression: &str, more: &str) -> Value {
        let encoded: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let text = self.get(&format!("/api/v1/query?query={encoded}{more}")).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        let answer: Value = serde_json::from_str(body).unwrap();
        let result = &answer["data"]["result"];
        assert_eq!(result.as_array().map(Vec::len), Some(1), "{expression}: {answer}");
        result[0].clone()
    }

    /// The last value of a series before its target went away.
    #[track_caller]
    fn last(&self, series: &str) -> f64 {
        figure(&self.ask(&format!("last_over_time({series}[5m])"), "")["value"][1])
    }
}

/// A number as Prometheus writes it.
#[track_caller]
fn figure(value: &Value) -> f64 {
    value.as_str().unwrap_or_else(|| panic!("no number: {value}")).parse().unwrap()
}

/// Lets it scrape a run to its end, and gives what the run's report says.
fn scraped(prometheus: &Prometheus) -> Value {
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Echo)).unwrap();
    let project = Project::new(&settings(&demo.url(ServerKind::Echo).unwrap(), ROBOTS, ECHO), &once(ASK));
    let played = project.run(&["--prometheus", &prometheus.target.to_string()]);
    assert!(played.stderr.contains("waiting up to 15 s"), "it was not scraped: {}", played.stderr);
    let report = played.passed();
    assert_eq!(report.books("echo").ok, REQUESTS);
    report.value().clone()
}

#[track_caller]
fn counters_are_exact(prometheus: &Prometheus, report: &Value) {
    let n = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap();
    for (series, wanted) in [
        (r#"throng_requests_total{name="echo",connection="game",outcome="ok"}"#, REQUESTS as f64),
        (r#"throng_requests_total{name="echo",connection="game",outcome="cancelled"}"#, 0.0),
        (r#"throng_network_io_bytes_total{direction="sent"}"#, n("/bytes/sent")),
        (r#"throng_network_io_bytes_total{direction="received"}"#, n("/bytes/received")),
        (r#"throng_checks_total{name="holds",outcome="passed"}"#, ROBOTS as f64),
        (r#"throng_counts_total{name="gold"}"#, ROBOTS as f64 * 7.0),
        (r#"throng_robots{state="stopped"}"#, ROBOTS as f64),
        (r#"throng_connects_total{connection="game",outcome="ok"}"#, ROBOTS as f64),
        (r#"throng_connections_open{connection="game"}"#, 0.0),
        (r#"throng_run_phase{phase="stop"}"#, 1.0),
    ] {
        assert_eq!(prometheus.last(series), wanted, "{series}");
    }
}

/// Microseconds of a figure of the echo's latency in the report.
fn latency(report: &Value, figure: &str) -> f64 {
    let rows = report["requests"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "echo").unwrap();
    row["latency_us"][figure].as_f64().unwrap()
}

#[test]
fn a_prometheus_that_reads_text_has_classic_histograms() {
    let prometheus = Prometheus::start(&[]);
    let report = scraped(&prometheus);
    counters_are_exact(&prometheus, &report);
    let echo = r#"{name="echo",connection="game"}"#;
    let count = prometheus.last(&format!("throng_request_duration_seconds_count{echo}"));
    assert_eq!(count, REQUESTS as f64);
    let all = r#"throng_request_duration_seconds_bucket{name="echo",connection="game",le="+Inf"}"#;
    assert_eq!(prometheus.last(all), REQUESTS as f64);
    let sum = prometheus.last(&format!("throng_request_duration_seconds_sum{echo}"));
    let wanted = latency(&report, "mean") * REQUESTS as f64 / 1e6;
    assert!((sum - wanted).abs() <= 1e-7 * REQUESTS as f64, "{sum} for {wanted}");
    // What was recorded as 10 ms is at most 10 ms, and its name came through as it is.
    let measure = r#"throng_measure_duration_seconds_bucket{name="a \"quoted\" \\ name",le="0.01"}"#;
    assert_eq!(prometheus.last(measure), ROBOTS as f64);
}

#[test]
fn a_prometheus_that_reads_protobuf_has_native_histograms() {
    let prometheus = Prometheus::start(&["--enable-feature=native-histograms"]);
    let report = scraped(&prometheus);
    counters_are_exact(&prometheus, &report);
    let series = r#"throng_request_duration_seconds{name="echo",connection="game"}"#;
    let scraped = prometheus.ask(&format!("{series}[5m]"), "");
    let last = scraped["histograms"].as_array().and_then(|all| all.last()).expect("native histograms");
    assert_eq!(figure(&last[1]["count"]), REQUESTS as f64);
    let (sum, wanted) = (figure(&last[1]["sum"]), latency(&report, "mean") * REQUESTS as f64 / 1e6);
    assert!((sum - wanted).abs() <= 1e-7 * REQUESTS as f64, "{sum} for {wanted}");
    for (quantile, name) in [(0.5, "p50"), (0.9, "p90")] {
        // At the moment of the last scrape: a moment later the target was gone.
        let moment = format!("&time={}", last[0]);
        let seen = prometheus.ask(&format!("histogram_quantile({quantile}, {series})"), &moment);
        let (seen, wanted) = (figure(&seen["value"][1]) * 1e6, latency(&report, name));
        // A bucket is 4.4 % wide, and its neighbour is the most that a rank's rounding makes of it.
        assert!((seen / wanted - 1.0).abs() < 0.1, "{name}: {seen} for {wanted}");
    }
}
