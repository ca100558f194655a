//! TLS: runs over it count as runs without it do, and each way it can fail is an outcome of its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use throng_demo::{Credentials, Demo, DemoOptions, ServerKind, TlsOptions};

use crate::play::{ANY_ERRORS, ECHO, GAME, Played, Project, once, settings};
use crate::report::{Books, Report, counts};

/// A demo with one server that speaks TLS.
fn demo(kind: ServerKind, tls: TlsOptions) -> Demo {
    Demo::start(DemoOptions::empty().with(kind).tls(tls)).unwrap()
}

/// A project whose settings end with `[tls]` and `more`; the files of `credentials` lie in its folder.
fn project(
    url: &str,
    robots: u64,
    protocol: &str,
    more: &str,
    credentials: &Credentials,
    player: &str,
) -> Project {
    let toml = format!("{}{ANY_ERRORS}[tls]\n{more}", settings(url, robots, protocol));
    Project::new(&toml, player)
        .file("certs/ca.pem", &credentials.authority)
        .file("certs/robot.pem", &credentials.client)
        .file("certs/robot.key", &credentials.client_key)
}

const CA: &str = "ca = \"certs/ca.pem\"\n";

/// Ten robots that want an answer of an echo server with `tls`, and have `more` in `[tls]`.
fn echo(tls: TlsOptions, more: &str) -> Played {
    let demo = demo(ServerKind::Echo, tls);
    let url = demo.url(ServerKind::Echo).unwrap();
    let player = once("game:request('echo', 'x')");
    project(&url, 10, ECHO, more, demo.credentials().unwrap(), &player).run(&[])
}

/// Ten connects that failed as `tls`, all in one group that ends with `message`.
#[track_caller]
fn refused(played: &Played, message: &str) {
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    let report = played.report();
    let row = report.row("connections", "game");
    assert_eq!((row["opened"].as_u64(), row["failed"].as_u64()), (Some(0), Some(10)), "{row}");
    assert_eq!(row["failures_by_kind"]["tls"], 10, "{row}");
    assert_eq!(report.errors(), counts([("tls", 10)]));
    let groups = report.rows("failures");
    assert_eq!(groups.len(), 1, "{groups:?}");
    let said = groups[0]["message"].as_str().unwrap();
    assert!(said.ends_with(message), "{said}");
    assert!(played.said().contains("TLS"), "{}", played.stdout);
}

#[track_caller]
fn answered(played: &Played) -> &Report {
    let report = played.passed();
    assert_eq!(report.books("echo"), Books { count: 10, ok: 10, ..Books::default() });
    assert_eq!(report.errors(), counts([]));
    report
}

#[test]
fn frames_over_tls_are_counted_on_both_sides_alike() {
    let demo = demo(ServerKind::Echo, TlsOptions::default());
    let url = demo.url(ServerKind::Echo).unwrap();
    assert!(url.starts_with("tls://"));
    let player = once(
        "for i = 1, 50 do
           local body = ('%d/%d;'):format(self.robot.id, i):rep(i * 100)
           throng.check('own bytes', game:request('echo', body) == body)
         end",
    );
    let played = project(&url, 20, ECHO, CA, demo.credentials().unwrap(), &player).run(&[]);
    let report = played.passed();
    let server = demo.stop().servers.remove("echo").unwrap();
    assert_eq!(report.books("echo"), Books { count: 1000, ok: 1000, ..Books::default() });
    assert_eq!(report.check("own bytes"), (1000, 0));
    assert_eq!((server.requests["echo"], server.replies["echo"]), (1000, 1000));
    assert_eq!(report.ended("game"), counts([("run_end", 20)]));
    assert_eq!(server.connections.ended["client"], 20, "each robot says goodbye in TLS");
    assert_eq!(report.number("/bytes/sent"), server.bytes_received, "bytes are those at the socket");
    assert_eq!(report.number("/bytes/received"), server.bytes_sent);
    assert!(server.bytes_sent > 1000 * 22 + 20 * 500, "with records and handshakes");
    let row = report.row("connections", "game");
    assert!(row["connect_us"]["min"].as_f64().unwrap() > 100.0, "the handshake counts: {row}");
}

#[test]
fn envelopes_over_secure_websockets_are_counted_on_both_sides_alike() {
    let demo = demo(ServerKind::Game, TlsOptions::default());
    let url = demo.url(ServerKind::Game).unwrap();
    assert!(url.starts_with("wss://"));
    let player = once(
        "for i = 1, 25 do
           local reply = game:request('EchoRequest', { Text = 'x' .. i })
           throng.check('own reply', reply.Text == 'x' .. i .. ' from server')
         end",
    );
    // Its `hosts` say `ws://*`: what is spoken is the same.
    let played = project(&url, 20, GAME, CA, demo.credentials().unwrap(), &player).run(&[]);
    let report = played.passed();
    let server = demo.stop().servers.remove("game").unwrap();
    assert_eq!(report.books("EchoRequest"), Books { count: 500, ok: 500, ..Books::default() });
    assert_eq!(report.check("own reply"), (500, 0));
    assert_eq!((server.requests["EchoRequest"], server.replies["EchoResponse"]), (500, 500));
    assert_eq!(server.connections.ended["client"], 20);
    // Behind WebSocket's goodbye the server need not read TLS's.
    let unread = report.number("/bytes/sent") - server.bytes_received;
    assert!(unread <= 20 * 24, "{unread}");
}

#[test]
fn an_authority_nobody_named_is_not_trusted() {
    let played = echo(TlsOptions::default(), "");
    refused(&played, "the server's certificate is not signed by anybody we trust; `ca` can name its issuer");
}

#[test]
fn an_authority_that_did_not_sign_is_no_help() {
    let (right, wrong) =
        (demo(ServerKind::Echo, TlsOptions::default()), demo(ServerKind::Echo, TlsOptions::default()));
    let url = right.url(ServerKind::Echo).unwrap();
    let player = once("game:request('echo', 'x')");
    let played = project(&url, 10, ECHO, CA, wrong.credentials().unwrap(), &player).run(&[]);
    refused(
        &played,
        "the server's certificate is not signed by the authority it names; `ca` can name its issuer",
    );
}

#[test]
fn a_certificate_for_another_name_is_refused_unless_that_name_is_wanted() {
    let named = || TlsOptions::default().names(&["game.test", "*.eu.test"]);
    let played = echo(named(), CA);
    refused(&played, "the server's certificate is for game.test, *.eu.test, not for 127.0.0.1");
    let played = echo(named(), &format!("{CA}server_name = \"a.eu.test\"\n"));
    answered(&played);
}

#[test]
fn a_certificate_whose_time_is_over_is_refused() {
    let played = echo(TlsOptions::default().expired(), CA);
    refused(&played, "the server's certificate expired on 2001-12-31");
}

#[test]
fn a_server_that_wants_certificates_gets_the_robots() {
    let more = format!("{CA}certificate = \"certs/robot.pem\"\nkey = \"certs/robot.key\"\n");
    let played = echo(TlsOptions::default().certified_clients(), &more);
    answered(&played);
}

#[test]
fn a_server_that_misses_a_certificate_says_so() {
    let demo = demo(ServerKind::Echo, TlsOptions::default().certified_clients());
    let url = demo.url(ServerKind::Echo).unwrap();
    let player = once("game:try_request('echo', 'x')");
    let played = project(&url, 10, ECHO, CA, demo.credentials().unwrap(), &player).run(&[]);
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    let report = played.report();
    // In TLS 1.3 a client has long been open when the server looks at its certificate.
    assert_eq!(report.ended("game"), counts([("protocol", 10)]));
    let errors = report.errors();
    assert_eq!(errors["tls"], 10, "{errors:?}");
    let said = |row: &serde_json::Value| row["message"].as_str().unwrap().to_owned();
    let groups: Vec<String> = report.rows("failures").iter().map(said).collect();
    assert!(groups.iter().any(|group| group == "the server refused: certificate required"), "{groups:?}");
}

#[test]
fn insecure_takes_any_certificate_and_says_so_everywhere() {
    let unknown = || TlsOptions::default().expired().names(&["elsewhere.test"]);
    let played = echo(unknown(), "insecure = true\n");
    let report = answered(&played);
    assert_eq!(report.value()["warnings"][0], "certificates are not checked");
    assert!(played.said().contains("certificates are not checked"), "{}", played.stdout);
    assert!(played.stderr.contains("warning: certificates are not checked"), "{}", played.stderr);

    let demo = demo(ServerKind::Echo, unknown());
    let url = demo.url(ServerKind::Echo).unwrap();
    let player = once("game:request('echo', 'x')");
    let project = project(&url, 10, ECHO, "", demo.credentials().unwrap(), &player);
    assert_eq!(
        answered(&project.run(&["--insecure"])).value()["warnings"][0],
        "certificates are not checked"
    );
}

#[test]
fn sessions_are_resumed_only_when_that_is_wanted() {
    let bytes = |more: &str| {
        let demo = demo(ServerKind::Echo, TlsOptions::default());
        let url = demo.url(ServerKind::Echo).unwrap();
        // One robot after the other on the same shard.
        let player = once(
            "for i = 1, 10 do
               game:request('echo', 'x')
               game = self.robot:connect('game', throng.host)
             end",
        );
        let more = format!("{CA}{more}");
        project(&url, 1, ECHO, &more, demo.credentials().unwrap(), &player)
            .run(&[])
            .passed()
            .number("/bytes/received")
    };
    let (resumed, whole) = (bytes(""), bytes("resume = false\n"));
    assert!(resumed + 2_000 < whole, "a resumed handshake brings no certificates: {resumed} and {whole}");
}

#[test]
fn the_oldest_version_can_be_set() {
    let played = echo(TlsOptions::default(), &format!("{CA}min_version = \"1.3\"\n"));
    answered(&played);
}

/// A server that does with each connection what `play` does; its URL.
fn raw_server(scheme: &str, play: impl Fn(TcpStream) + Send + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || play(stream));
        }
    });
    url
}

fn play_raw(url: &str, protocol: &str, timeout: &str) -> Played {
    let connect = format!("connect('game', throng.host, {{ timeout = '{timeout}' }})");
    let player = once("").replace("connect('game', throng.host)", &connect);
    Project::new(&settings(url, 10, &format!("{protocol}{ANY_ERRORS}")), &player).run(&[])
}

#[test]
fn a_server_that_closes_within_the_handshake_is_said_to() {
    for scheme in ["tls", "wss"] {
        let url = raw_server(scheme, |mut stream| {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello);
            // The beginning of a record.
            let _ = stream.write_all(&[22, 3, 3]);
        });
        let protocol = if scheme == "wss" { GAME } else { ECHO };
        refused(&play_raw(&url, protocol, "1m"), "the server closed before the TLS handshake was done");
    }
}

#[test]
fn a_server_without_tls_is_said_to_have_none() {
    let url = raw_server("wss", |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    refused(&play_raw(&url, GAME, "1m"), "the server does not speak TLS");
}

#[test]
fn a_server_that_does_not_answer_the_handshake_is_a_time_out() {
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Mute)).unwrap();
    let url = demo.url(ServerKind::Mute).unwrap().replace("tcp://", "tls://");
    let played = play_raw(&url, ECHO, "2s");
    let report = played.report();
    assert_eq!(report.errors(), counts([("connect_timeout", 10)]));
    let said = report.rows("failures")[0]["message"].as_str().unwrap();
    assert!(said.ends_with("no end of the TLS handshake in time"), "{said}");
}

/// Carries bytes between a robot and `server`, and ends the robot's stream as a cut cable would when the server has been
/// silent for a while.
fn carry(robot: &TcpStream, server: &TcpStream) {
    let (mut from, mut to) = (robot.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    server.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let (mut from, mut to) = (server, robot);
    let mut bytes = [0; 4096];
    loop {
        match from.read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => to.write_all(&bytes[..count]).unwrap(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return drop(to.shutdown(Shutdown::Write));
            }
            Err(_) => return,
        }
    }
}

#[test]
fn a_stream_that_ends_without_tls_saying_so_is_truncated() {
    let demo = demo(ServerKind::Echo, TlsOptions::default());
    let server = demo.address(ServerKind::Echo).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tls://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for robot in listener.incoming().flatten() {
            thread::spawn(move || carry(&robot, &TcpStream::connect(server).unwrap()));
        }
    });
    let player = once(
        "game:request('echo', 'x')
         while game.is_open do self.robot:sleep('10ms') end",
    );
    let played = project(&url, 3, ECHO, CA, demo.credentials().unwrap(), &player).run(&[]);
    let report = played.report();
    assert_eq!(report.ended("game"), counts([("truncated", 3)]));
    assert_eq!(report.books("echo").ok, 3);
}

#[test]
fn a_server_that_says_goodbye_in_tls_has_closed_in_order() {
    let demo = Demo::start(
        DemoOptions::empty()
            .with(ServerKind::Echo)
            .tls(TlsOptions::default())
            .fault("echo.half_close=2")
            .unwrap(),
    )
    .unwrap();
    let url = demo.url(ServerKind::Echo).unwrap();
    let player = once(
        "game:request('echo', 'x')
         game:try_request('echo', 'y')",
    );
    let played = project(&url, 1, ECHO, CA, demo.credentials().unwrap(), &player).run(&[]);
    let ended = played.report().ended("game");
    assert!(!ended.contains_key("truncated") && ended.len() == 1, "{ended:?}");
}

#[test]
fn a_reset_under_tls_is_a_reset() {
    let options = DemoOptions::empty().with(ServerKind::Echo).tls(TlsOptions::default());
    let demo = Demo::start(options.fault("echo.reset=2").unwrap()).unwrap();
    let url = demo.url(ServerKind::Echo).unwrap();
    let player = once(
        "game:request('echo', 'x')
         game:try_request('echo', 'y')",
    );
    let played = project(&url, 1, ECHO, CA, demo.credentials().unwrap(), &player).run(&[]);
    assert_eq!(played.report().ended("game"), counts([("reset", 1)]));
}

#[track_caller]
fn wrong(more: &str, place: &str, words: &[&str]) {
    let demo = demo(ServerKind::Echo, TlsOptions::default());
    let played = project("tls://127.0.0.1:1", 1, ECHO, more, demo.credentials().unwrap(), &once("")).run(&[]);
    assert_eq!(played.code, Some(2), "{}{}", played.stdout, played.stderr);
    for word in [&[place], words].concat() {
        assert!(played.stderr.contains(word), "no {word:?} in:\n{}", played.stderr);
    }
}

#[test]
fn settings_that_do_not_fit_say_where_and_what_was_wanted() {
    let line = settings("", 1, ECHO).lines().count() + ANY_ERRORS.lines().count() + 2;
    let place = |column: usize| format!("throng.toml:{line}:{column}");
    wrong("ca = \"certs/ac.pem\"", &place(6), &["does not exist", "did you mean `certs/ca.pem`?"]);
    wrong("ca = \"certs\"", &place(6), &["is not a file"]);
    wrong("ca = \"certs/robot.key\"", &place(6), &["no certificate in it", "PEM file"]);
    wrong("key = \"certs/robot.key\"", &place(7), &["needs `tls.certificate` beside it"]);
    wrong(
        "certificate = \"certs/robot.pem\"\nkey = \"certs/ca.pem\"",
        "`tls.key` does not fit",
        &["no private key"],
    );
    wrong("certificate = \"certs/ca.pem\"\nkey = \"certs/robot.key\"", "`tls.key`", &["do not go together"]);
    wrong("server_name = \"a b\"", &place(15), &["neither a host name nor an address"]);
    wrong("min_version = \"1.1\"", &place(15), &["1.2", "1.3"]);
    wrong("insecur = true", &place(1), &["did you mean `insecure`?"]);
}
