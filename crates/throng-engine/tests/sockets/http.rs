//! HTTP requests: what servers get, what robots are told, and what the books say.

use crate::play::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use throng_engine::HttpRequest;
use throng_metrics::rows::RequestCounts;
use throng_metrics::{FailureKind, Totals};

/// Tells that a script has come to its end.
const END: Act = Act::Sleep(Duration::from_millis(1));

/// What came, and on which connection, counted from 0.
#[derive(Clone)]
struct Heard {
    connection: usize,
    head: String,
    body: String,
}

/// A web server that answers by a rule; an empty answer closes the connection.
struct Site {
    address: SocketAddr,
    heard: Receiver<Heard>,
}

impl Site {
    fn open(answer: impl Fn(&Heard) -> String + Send + Sync + 'static) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (teller, heard) = channel();
        let (answer, connections) = (Arc::new(answer), AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, teller) = (Arc::clone(&answer), teller.clone());
                let connection = connections.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || serve(stream, connection, &*answer, &teller));
            }
        });
        Site { address, heard }
    }

    fn url(&self, path: &str) -> Box<str> {
        format!("http://{}{path}", self.address).into()
    }

    fn get(&self, path: &str) -> HttpRequest {
        HttpRequest {
            method: "GET".into(),
            url: self.url(path),
            redirects: 5,
            cookies: true,
            ..HttpRequest::default()
        }
    }

    /// The next request that came.
    #[track_caller]
    fn next(&self) -> Heard {
        self.heard.recv_timeout(PATIENCE).expect("a request")
    }
}

fn serve(stream: TcpStream, connection: usize, answer: &dyn Fn(&Heard) -> String, teller: &Sender<Heard>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(reader.read_line(&mut head), Ok(1..)) {
                return;
            }
        }
        let length = head.to_lowercase().split_once("content-length: ").map_or(0, |(_, rest)| {
            rest.split("\r\n").next().and_then(|length| length.parse().ok()).expect("a length")
        });
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let heard = Heard { connection, head, body: String::from_utf8(body).expect("text") };
        // A test that has seen enough listens no more.
        let _ = teller.send(heard.clone());
        let answer = answer(&heard);
        let written = reader.get_mut().write_all(answer.as_bytes());
        if answer.is_empty() || answer.contains("connection: close") || written.is_err() {
            return;
        }
    }
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn play(script: Vec<Act>) -> Game {
    Game::play(&settings(), script)
}

#[track_caller]
fn counts<'a>(totals: &'a Totals, name: &str) -> &'a RequestCounts {
    let found = totals.requests().iter().find(|(key, _)| *key.name == *name && *key.connection == *"http");
    let (_, row) = found.unwrap_or_else(|| panic!("no requests {name}"));
    &row.counts
}

#[test]
fn a_response_comes_with_its_status_and_body_and_is_booked_by_method_and_path() {
    let site = Site::open(|_| response("201 Created", "", "made"));
    let request = HttpRequest {
        method: "POST".into(),
        query: vec![("a".into(), "1".into())],
        headers: vec![("x-game".into(), b"chess".to_vec())],
        body: b"name=ann".to_vec(),
        ..site.get("/login?v=2")
    };
    let mut game = play(vec![Act::Http(request)]);
    game.hear("201 made");
    let heard = site.next();
    assert!(heard.head.starts_with("POST /login?v=2&a=1 HTTP/1.1\r\n"), "{}", heard.head);
    for line in ["x-game: chess\r\n", &format!("host: {}\r\n", site.address), "user-agent: throng/"] {
        assert!(heard.head.contains(line), "{}", heard.head);
    }
    assert_eq!(heard.body, "name=ann");
    let totals = game.end();
    let counts = counts(&totals, "POST /login");
    assert_eq!((counts.issued, counts.ok), (1, 1));
    assert_eq!(totals.requests().iter().next().expect("a row").1.latency().count(), 1);
    let traffic = totals.traffic();
    assert!(traffic.bytes_sent > 100 && traffic.bytes_received > 40, "{traffic:?}");
}

#[test]
fn a_robot_keeps_its_connection_and_its_cookies() {
    let site = Site::open(|heard| {
        let cookie = if heard.head.contains("/in ") { "set-cookie: session=7; Path=/\r\n" } else { "" };
        response("200 OK", cookie, &heard.connection.to_string())
    });
    let mut game = play(vec![Act::Http(site.get("/in")), Act::Http(site.get("/on"))]);
    assert!(!site.next().head.contains("cookie"));
    let second = site.next();
    assert!(second.head.contains("cookie: session=7\r\n"), "{}", second.head);
    assert_eq!(second.connection, 0);
    game.hear("200 0");
    game.end();
}

#[test]
fn what_a_server_closes_meanwhile_is_asked_again_on_another_connection() {
    let site = Site::open(|heard| match (heard.connection, heard.head.contains("/two ")) {
        (0, true) => String::new(),
        _ => response("200 OK", "", &heard.connection.to_string()),
    });
    let mut game = play(vec![Act::Http(site.get("/one")), Act::Http(site.get("/two"))]);
    game.hear("200 0");
    game.hear("200 1");
    assert_eq!(counts(&game.end(), "GET /two").ok, 1);
}

#[test]
fn a_post_is_never_sent_twice() {
    let site = Site::open(|heard| match heard.head.contains("POST") {
        true => String::new(),
        false => response("200 OK", "", ""),
    });
    let post = HttpRequest { method: "POST".into(), body: b"buy".to_vec(), ..site.get("/buy") };
    let mut game = play(vec![Act::Http(site.get("/shop")), Act::Http(post)]);
    game.hear("failed closed");
    site.next();
    site.next();
    assert_eq!(counts(&game.end(), "POST /buy").failures.of(FailureKind::Closed), 1);
    assert!(site.heard.try_recv().is_err());
}

#[test]
fn redirects_are_followed_to_their_end() {
    let site = Site::open(|heard| match heard.head.contains("POST") {
        true => response("303 See Other", "location: /done\r\n", ""),
        false => response("200 OK", "", "done"),
    });
    let post = HttpRequest { method: "POST".into(), body: b"x".to_vec(), ..site.get("/begin") };
    let mut game = play(vec![Act::Http(post)]);
    game.hear("200 done");
    site.next();
    let last = site.next();
    assert!(last.head.starts_with("GET /done ") && last.body.is_empty(), "{}", last.head);
    assert_eq!(counts(&game.end(), "POST /begin").ok, 1);
}

#[test]
fn a_redirect_in_a_circle_ends_as_protocol() {
    let site = Site::open(|_| response("302 Found", "location: /again\r\n", ""));
    let mut game = play(vec![Act::Http(site.get("/again"))]);
    game.hear("failed protocol");
    assert_eq!(counts(&game.end(), "GET /again").failures.of(FailureKind::Protocol), 1);
}

#[test]
fn without_redirects_the_redirect_is_the_response() {
    let site = Site::open(|_| response("302 Found", "location: /again\r\n", "over there"));
    let mut game = play(vec![Act::Http(HttpRequest { redirects: 0, ..site.get("/") })]);
    game.hear("302 over there");
    game.end();
}

#[test]
fn targets_outside_are_forbidden_also_behind_a_redirect() {
    let site = Site::open(|_| response("302 Found", "location: http://203.0.113.9/\r\n", ""));
    let mut game = play(vec![Act::Http(site.get("/"))]);
    game.hear("failed forbidden");
    game.end();
    let outside = HttpRequest { url: "http://203.0.113.9/".into(), ..site.get("/") };
    let mut game = play(vec![Act::Http(outside)]);
    game.hear("failed forbidden");
    game.end();
}

#[test]
fn a_refusal_is_rejected_with_its_latency_unless_it_is_expected() {
    let site = Site::open(|_| response("404 Not Found", "", "no such player"));
    let expected = HttpRequest { expect: vec![404], name: Some("look".into()), ..site.get("/player") };
    let quiet = HttpRequest { quiet: true, name: Some("quiet".into()), ..site.get("/player") };
    let script = vec![Act::Http(site.get("/player")), Act::Http(expected), Act::Http(quiet), END];
    let mut game = play(script);
    game.hear("elapsed");
    let totals = game.end();
    let rejected = counts(&totals, "GET /player");
    assert_eq!((rejected.issued, rejected.ok, rejected.failures.of(FailureKind::Rejected)), (1, 0, 1));
    assert_eq!(counts(&totals, "look").ok, 1);
    assert_eq!(
        (counts(&totals, "quiet").ok, counts(&totals, "quiet").failures.of(FailureKind::Rejected)),
        (0, 1)
    );
    assert!(totals.requests().iter().all(|(_, row)| row.latency().count() == 1));
    let groups = totals.failures();
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!((&*groups[0].message, groups[0].sample.as_deref()), ("status 404", Some("no such player")));
}

#[test]
fn a_sample_shows_no_secrets() {
    let site = Site::open(|_| response("401 Unauthorized", "", "{\"access_token\": \"7ab\"}"));
    let mut game = play(vec![Act::Http(site.get("/")), END]);
    game.hear("elapsed");
    assert_eq!(game.end().failures()[0].sample, None);
}

#[test]
fn a_port_where_nobody_listens_refuses_http_too() {
    let (_taken, address) = nobody_listens();
    let url = format!("http://{address}/");
    let request = HttpRequest { method: "GET".into(), url: url.into(), ..HttpRequest::default() };
    let mut game = play(vec![Act::Http(request)]);
    game.hear("failed refused");
    assert_eq!(counts(&game.end(), "GET /").failures.of(FailureKind::Refused), 1);
}

#[test]
fn a_server_that_keeps_silent_times_out() {
    let (release, held) = channel::<()>();
    let held = std::sync::Mutex::new(held);
    let site = Site::open(move |_| {
        // Until the test is over.
        let _ = held.lock().map(|held| held.recv());
        String::new()
    });
    let request = HttpRequest { timeout: Some(Duration::from_millis(30)), ..site.get("/") };
    let mut game = play(vec![Act::Http(request)]);
    game.hear("failed timeout");
    assert_eq!(counts(&game.end(), "GET /").failures.of(FailureKind::Timeout), 1);
    drop(release);
}

#[test]
fn a_response_beyond_the_limit_fails() {
    let site = Site::open(|_| response("200 OK", "", &"x".repeat(2000)));
    let mut settings = settings();
    settings.http.response_limit = 1999;
    let mut game = Game::play(&settings, vec![Act::Http(site.get("/"))]);
    game.hear("failed framing");
    assert_eq!(counts(&game.end(), "GET /").failures.of(FailureKind::Framing), 1);
}

#[test]
fn what_is_no_http_breaks_the_protocol_and_what_ends_early_is_closed() {
    let site = Site::open(|_| "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned());
    let mut game = play(vec![Act::Http(site.get("/"))]);
    game.hear("failed protocol");
    game.end();
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nhalf";
    let site = Site::open(|_| half.to_owned());
    let mut game = play(vec![Act::Http(site.get("/"))]);
    game.hear("failed closed");
    assert_eq!(counts(&game.end(), "GET /").ok, 0);
}

#[test]
fn a_request_under_way_at_the_end_is_cancelled() {
    let (release, held) = channel::<()>();
    let held = std::sync::Mutex::new(held);
    let site = Site::open(move |_| {
        // Until the test is over.
        let _ = held.lock().map(|held| held.recv());
        String::new()
    });
    let game = play(vec![Act::Http(site.get("/"))]);
    site.next();
    let totals = game.end();
    let counts = counts(&totals, "GET /");
    assert_eq!((counts.issued, counts.cancelled), (1, 1));
    drop(release);
}

#[test]
fn waiting_for_a_turn_is_the_generators() {
    const HELD: Duration = Duration::from_millis(60);
    let site = Site::open(|heard| {
        if heard.head.contains("/slow ") {
            std::thread::sleep(HELD);
            return response("200 OK", "", "slow");
        }
        response("200 OK", "", "fast")
    });
    let mut settings = settings();
    settings.http.concurrency = 1;
    let script = vec![Act::AskHttp(site.get("/slow")), Act::Http(site.get("/fast"))];
    let mut game = Game::play(&settings, script);
    game.hear("200 fast");
    let totals = game.end();
    let fast = counts(&totals, "GET /fast");
    assert!(fast.generator_us >= HELD.as_micros() as u64 * 9 / 10, "{fast:?}");
}

/// What the requests of a script that went wrong are told to have failed of, by kind.
#[track_caller]
fn told(request: HttpRequest, kind: FailureKind) -> String {
    let mut game = play(vec![Act::Http(request)]);
    game.hear(&format!("failed {kind}"));
    let totals = game.end();
    let groups = totals.failures();
    assert_eq!((groups.len(), groups[0].kind), (1, kind), "{groups:?}");
    groups[0].message.to_string()
}

#[test]
fn a_redirect_that_leads_nowhere_is_told_without_its_secrets() {
    let location = "location: http://ann:pass@a.test:99999/p?token=1\r\n";
    let site = Site::open(move |_| response("302 Found", location, ""));
    let said = told(site.get("/"), FailureKind::Protocol);
    assert_eq!(said, "a redirect: `http://a.test:99999/p`: invalid port number");
}

#[test]
fn a_server_without_tls_is_told_as_one_over_http_too() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 1000]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let request = HttpRequest { method: "GET".into(), url: url.into(), ..HttpRequest::default() };
    assert_eq!(told(request, FailureKind::Tls), "the server does not speak TLS");
}

#[test]
fn a_redirect_to_another_host_takes_no_secrets_along() {
    let other = Site::open(|_| response("200 OK", "", "there"));
    let away = other.url("/away");
    let site = Site::open(move |heard| match heard.head.contains("/here ") {
        true => response("307 Temporary Redirect", "location: /near\r\n", ""),
        false => response("307 Temporary Redirect", &format!("location: {away}\r\n"), ""),
    });
    let secrets = ["authorization", "cookie", "proxy-authorization", "x-api-key"];
    let named = |name: &str| (name.to_owned(), b"mine".to_vec());
    let headers = secrets.into_iter().chain(["host", "x-game"]).map(named).collect();
    let mut game = play(vec![Act::Http(HttpRequest { headers, ..site.get("/here") })]);
    game.hear("200 there");
    game.end();
    for _ in 0..2 {
        let near = site.next().head;
        assert!(secrets.iter().all(|name| near.contains(&format!("{name}: mine"))), "{near}");
    }
    let away = other.next().head;
    assert!(secrets.iter().all(|name| !away.contains(name)), "{away}");
    assert!(away.contains(&format!("host: {}", other.address)) && away.contains("x-game: mine"), "{away}");
}
