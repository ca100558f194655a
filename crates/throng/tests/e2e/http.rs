//! Logins over HTTP: what robots do beside their game connections, and what the server counted of it.

use throng_demo::{Demo, DemoOptions, ServerKind, TlsOptions};

use crate::play::{ANY_ERRORS, ECHO, Played, Project, settings};
use crate::report::{Books, counts};
use crate::servers::Server;

/// With it robot 0 draws a small number first, and a large one next.
const SEED: &str = "3";

/// Robots that run `start` once, with `site` as the demo's address, and stop.
fn play(server: &Server, robots: u64, extra: &str, start: &str) -> Played {
    project(&server.url(), robots, extra, start).run(&[])
}

fn project(url: &str, robots: u64, extra: &str, start: &str) -> Project {
    let player = format!(
        "local player = throng.mod()\nlocal site = '{url}'\nlocal http = throng.http\n\
         function player:start()\n{start}\nend\n\
         player:task('leave', function(self) self.robot:stop() end)\nreturn player\n"
    );
    let toml =
        settings("tcp://127.0.0.1:1", robots, ECHO).replace("spawn_rate = 1000", "spawn_rate = 100000");
    Project::new(&format!("{toml}{extra}"), &player)
}

#[test]
fn robots_log_in_at_once_each_with_its_own_cookie_and_connection() {
    let server = Server::start(ServerKind::Web, &["web.login.delay=5ms"]);
    let played = play(
        &server,
        300,
        "[http]\nconcurrency = 8\n",
        "local name = 'p' .. self.robot.id
         local reply = http.post(site .. '/login', nil, { form = { name = name }, query = { v = 1 } })
         throng.check('token', reply.status == 200 and reply.body:find('token-of-' .. name, 1, true))
         local me = http.get(site .. '/me')
         throng.check('own profile', me.body:find('\"' .. name .. '\"', 1, true))",
    );
    let report = played.passed();
    let all = Books { count: 300, ok: 300, ..Books::default() };
    assert_eq!((report.books("POST /login"), report.books("GET /me")), (all, all));
    assert_eq!((report.check("token"), report.check("own profile")), ((300, 0), (300, 0)));
    assert!(report.latency("POST /login", "min") >= 5000.0);
    let row = report.row("requests", "POST /login");
    assert_eq!(row["connection"], "http");
    let server = server.end();
    assert_eq!(
        (server.requests["login"], server.requests["me"], server.requests["profile"]),
        (300, 300, 300)
    );
    assert_eq!(server.connections.accepted, 300);
}

#[test]
fn requests_and_checks_in_a_group_are_measured_in_it_too() {
    let server = Server::start(ServerKind::Web, &[]);
    let played = play(
        &server,
        4,
        "[thresholds]\n\"request.entry::POST /login.ok\" = \"== 4\"\n\"check.entry::inside.rate\" = \">= 100%\"\n",
        "throng.group('entry', function()
             http.post(site .. '/login', nil, { form = { name = 'x' } })
             http.get(site .. '/me', { group = 'profile' })
             throng.check('inside', true)
         end)
         throng.check('inside', true)
         http.get(site .. '/me')",
    );
    let report = played.passed();
    let (entry, profile) = (report.row("groups", "entry"), report.row("groups", "profile"));
    let request = |group: &serde_json::Value| {
        (group["requests"][0]["name"].clone(), group["requests"][0]["ok"].clone())
    };
    assert_eq!(request(entry), ("POST /login".into(), 4.into()));
    assert_eq!(request(profile), ("GET /me".into(), 4.into()));
    assert_eq!(entry["checks"], serde_json::json!([{ "name": "inside", "passed": 4, "failed": 0 }]));
    assert_eq!((report.books("GET /me").ok, report.check("inside")), (8, (8, 0)));
    assert!(report.row("requests", "GET /me")["reply_bytes"].as_u64() > Some(0));
}

#[test]
fn what_goes_wrong_on_the_server_has_its_own_name() {
    let server =
        Server::start(ServerKind::Web, &["web.login.drop=4", "web.profile.reset=2", "web.me.half_close=1"]);
    let played = play(
        &server,
        8,
        ANY_ERRORS,
        "pcall(http.post, site .. '/login', nil, { form = { name = 'x' }, timeout = '3s' })
         http.get(site .. '/nowhere')
         http.get(site .. '/nowhere', { expect = { 404 }, name = 'expected' })
         pcall(http.post, site .. '/profile', 'x')
         pcall(http.post, site .. '/me', 'x')",
    );
    let report = played.report();
    assert_eq!(report.failures("POST /login"), counts([("timeout", 2)]));
    assert_eq!(report.failures("GET /nowhere"), counts([("rejected", 8)]));
    assert_eq!(report.books("expected"), Books { count: 8, ok: 8, ..Books::default() });
    assert_eq!(report.failures("POST /profile"), counts([("rejected", 4), ("reset", 4)]));
    assert_eq!(report.failures("POST /me"), counts([("closed", 8)]));
    assert_eq!(server.end().faults.dropped, 2);
}

#[test]
fn a_restarted_robot_has_neither_its_cookies_nor_its_connections() {
    let server = Server::start(ServerKind::Web, &[]);
    let start = "local first = http.get(site .. '/profile', { expect = { 401 } }).status
         http.post(site .. '/login', nil, { form = { name = 'ann' } })
         throng.check('known', http.get(site .. '/profile', { name = 'again' }).status == 200)
         throng.check('nobody at first', first == 401)
         -- With this seed it restarts once: its random stream goes on over its lives.
         if math.random() < 0.5 then self.robot:restart() end";
    let played = project(&server.url(), 1, "", start).run(&["--seed", SEED]);
    let report = played.passed();
    assert_eq!((report.check("nobody at first"), report.check("known")), ((2, 0), (2, 0)));
    assert_eq!(server.end().connections.accepted, 2);
}

#[test]
fn a_site_where_nobody_listens_refuses() {
    let server = Server::start(ServerKind::Refuse, &[]);
    let url = server.url().replace("tcp://", "http://");
    let played = play(
        &server,
        3,
        ANY_ERRORS,
        &format!(
            "local ok, failure = pcall(http.get, '{url}/')
             throng.check('refused', not ok and failure.kind == 'refused' and failure.connection == 'http')"
        ),
    );
    let report = played.report();
    assert_eq!(report.failures("GET /"), counts([("refused", 3)]));
    assert_eq!(report.check("refused"), (3, 0));
}

#[test]
fn targets_outside_are_not_asked() {
    let server = Server::start(ServerKind::Web, &[]);
    let played = play(&server, 1, ANY_ERRORS, "pcall(http.get, 'http://203.0.113.1/')");
    assert_eq!(played.report().failures("GET /"), counts([("forbidden", 1)]));
}

#[test]
fn a_response_beyond_the_setting_fails() {
    let server = Server::start(ServerKind::Web, &[]);
    let played = play(
        &server,
        1,
        &format!("[http]\nmax_response = 10\n{ANY_ERRORS}"),
        "pcall(http.get, site .. '/none')",
    );
    assert_eq!(played.report().failures("GET /none"), counts([("framing", 1)]));
}

#[test]
fn json_goes_out_and_comes_back() {
    let server = Server::start(ServerKind::Web, &[]);
    let played = play(
        &server,
        2,
        "",
        "local name = 'p' .. self.robot.id
         local reply = http.post(site .. '/login', { name = name })
         throng.check('json', reply.json.token == 'token-of-' .. name and reply.json == reply.json)
         throng.check('level', http.request('get', site .. '/me', {}).json.level == 7)",
    );
    let report = played.passed();
    assert_eq!((report.check("json"), report.check("level")), ((2, 0), (2, 0)));
}

#[test]
fn https_trusts_whom_the_settings_say() {
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Web).tls(TlsOptions::default())).unwrap();
    let url = demo.url(ServerKind::Web).unwrap();
    assert!(url.starts_with("https://"));
    let login = "http.post(site .. '/login', nil, { form = { name = 'ann' } }) http.get(site .. '/profile')";
    let authority = &demo.credentials().unwrap().authority;
    let trusting = project(&url, 5, "[tls]\nca = \"ca.pem\"\n", login).file("ca.pem", authority).run(&[]);
    let report = trusting.passed();
    let all = Books { count: 5, ok: 5, ..Books::default() };
    assert_eq!((report.books("POST /login"), report.books("GET /profile")), (all, all));
    let tried = format!("pcall(function() {login} end)");
    let stranger = project(&url, 5, ANY_ERRORS, &tried).run(&[]);
    assert_eq!(stranger.report().failures("POST /login"), counts([("tls", 5)]));
    let other = Demo::start(DemoOptions::empty().with(ServerKind::Web).tls(TlsOptions::default())).unwrap();
    let misled = project(&url, 5, &format!("{ANY_ERRORS}[tls]\nca = \"ca.pem\"\n"), &tried)
        .file("ca.pem", &other.credentials().unwrap().authority)
        .run(&[]);
    assert_eq!(misled.report().failures("POST /login"), counts([("tls", 5)]));
    let careless = project(&url, 5, "[tls]\ninsecure = true\n", login).run(&[]);
    assert_eq!(careless.passed().books("GET /profile"), all);
    demo.stop();
}

#[test]
fn a_web_server_that_misses_a_certificate_says_so() {
    let tls = TlsOptions::default().certified_clients();
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Web).tls(tls)).unwrap();
    let url = demo.url(ServerKind::Web).unwrap();
    let authority = &demo.credentials().unwrap().authority;
    let extra = format!("{ANY_ERRORS}[tls]\nca = \"ca.pem\"\n");
    let start = "pcall(http.get, site .. '/profile')";
    let played = project(&url, 10, &extra, start).file("ca.pem", authority).run(&[]);
    // In TLS 1.3 a client has long sent its request when the server looks at its certificate.
    let report = played.report();
    assert_eq!(report.failures("GET /profile"), counts([("tls", 10)]));
    assert_eq!(report.rows("failures")[0]["message"], "the server refused: certificate required");
    demo.stop();
}
