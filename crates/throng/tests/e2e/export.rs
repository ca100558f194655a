//! A run's figures for others: what is scraped is what the report says, and a collector that is away holds up nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use throng_demo::ServerKind;

use crate::play::{ECHO, Played, Project, once, settings};
use crate::servers::Server;

/// Robots that ask before they are scraped and after it.
const ASK: &str = "for i = 1, 20 do game:request('echo', 'number ' .. i) end
     self.robot:sleep(4)
     for i = 1, 30 do game:request('echo', 'number ' .. i) end";

/// A run that says where it is scraped; it does not outlive this.
struct Scraped {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    address: SocketAddr,
}

impl Scraped {
    fn start(mut command: Command) -> Scraped {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let address = line.strip_prefix("Prometheus scrapes http://").and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("no address: {line}")).parse().unwrap();
        Scraped { child, stderr, address }
    }

    fn scrape(&self) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        text
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// The next line it says that has this in it.
    fn until(&mut self, wanted: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it never said {wanted}");
            if line.contains(wanted) {
                return line;
            }
        }
    }

    fn code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Scraped {
    fn drop(&mut self) {
        // Ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
fn value(text: &str, series: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let value: f64 = line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap();
    value as u64
}

fn project(server: &Server) -> Project {
    let linger = format!("[export]\nlinger = \"1m\"\n{ECHO}");
    Project::new(&settings(&server.url(), 4, &linger), &once(ASK))
}

#[test]
fn what_is_scraped_is_what_the_report_says() {
    let server = Server::start(ServerKind::Echo, &[]);
    let project = project(&server);
    let mut run = Scraped::start(project.command(&["--prometheus", "0"]));
    assert!(run.address.ip().is_loopback());
    let early = run.scrape();
    assert!(early.contains("throng_robots{state="), "{early}");
    run.until("waiting up to 60 s for the last scrape");
    let late = run.scrape();
    assert_eq!(run.code(), Some(0));
    let played = project.played(Command::new("true").output().unwrap());
    let report = played.report();
    let echo = r#"{name="echo",connection="game""#;
    assert_eq!(report.books("echo").ok, 200);
    assert_eq!(value(&late, &format!(r#"throng_requests_total{echo},outcome="ok"}}"#)), 200);
    assert_eq!(value(&late, &format!("throng_request_duration_seconds_count{echo}}}")), 200);
    let all = r#"throng_request_duration_seconds_bucket{le="+Inf",name="echo",connection="game"}"#;
    assert_eq!(value(&late, all), 200);
    for (path, direction) in [("/bytes/sent", "sent"), ("/bytes/received", "received")] {
        let series = format!(r#"throng_network_io_bytes_total{{direction="{direction}"}}"#);
        assert_eq!(value(&late, &series), report.number(path));
    }
    assert_eq!(value(&late, r#"throng_robots{state="stopped"}"#), 4);
    assert_eq!(value(&late, r#"throng_connections_ended_total{connection="game",cause="run_end"}"#), 4);
    assert_eq!(value(&late, r#"throng_run_phase{phase="stop"}"#), 1);
}

#[test]
fn a_run_that_nobody_scraped_waits_for_no_scrape() {
    let server = Server::start(ServerKind::Echo, &[]);
    let played = project(&server).run(&["--prometheus", "0"]);
    played.passed();
    assert!(!played.stderr.contains("waiting"), "{}", played.stderr);
}

#[test]
fn ctrl_c_ends_the_wait_for_the_last_scrape() {
    let server = Server::start(ServerKind::Echo, &[]);
    let project = project(&server);
    let mut run = Scraped::start(project.command(&["--prometheus", "localhost:0"]));
    run.scrape();
    run.until("waiting");
    run.signal(Signal::SIGINT);
    assert_eq!(run.code(), Some(0), "the run itself was over");
}

#[test]
fn an_interrupted_run_does_not_wait() {
    let server = Server::start(ServerKind::Echo, &[]);
    let project = project(&server);
    let run = Scraped::start(project.command(&["--prometheus", "0"]));
    run.scrape();
    run.signal(Signal::SIGINT);
    let begun = Instant::now();
    assert_eq!(run.code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(50));
}

#[test]
fn a_port_in_use_ends_the_run_before_it_begins() {
    let server = Server::start(ServerKind::Echo, &[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let played = project(&server).run(&["--prometheus", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(played.code, Some(2));
    assert!(played.stderr.contains("for Prometheus: Address already in use"), "{}", played.stderr);
    assert!(!played.has_report());
}

fn pushed_to(collector: &str, more: &str) -> (Played, Duration) {
    let server = Server::start(ServerKind::Echo, &[]);
    let otlp =
        format!("[export.otlp]\nendpoint = \"http://{collector}\"\nevery = 0.5\ntimeout = 0.3\n{more}{ECHO}");
    let project = Project::new(&settings(&server.url(), 4, &otlp), &once(ASK));
    let begun = Instant::now();
    let played = project.run(&[]);
    (played, begun.elapsed())
}

#[test]
fn a_collector_that_never_answers_holds_up_nothing() {
    // Connections are accepted by the system, and nobody reads.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (played, took) = pushed_to(&silent.local_addr().unwrap().to_string(), "");
    assert_eq!(played.passed().books("echo").ok, 200);
    assert!(took < Duration::from_secs(60), "{took:?}");
    let once = "a push to the collector failed, and the run goes on: no answer in time";
    assert_eq!(played.stderr.matches(once).count(), 1, "{}", played.stderr);
    assert!(played.stderr.contains(" pushes to the collector failed"), "{}", played.stderr);
}

#[test]
fn a_collector_that_is_away_is_told_of() {
    // The address is taken, so that nobody else gets it, and nobody listens there.
    let away = Server::start(ServerKind::Refuse, &[]);
    let (played, _) = pushed_to(away.url().trim_start_matches("tcp://"), "protocol = \"http/json\"\n");
    played.passed();
    assert!(played.stderr.contains("no connection"), "{}", played.stderr);
}
