//! Load models as they reach a server: arrivals, an online count.

use throng_demo::ServerKind;

use crate::play::{GAME, Project, settings};
use crate::report::Report;
use crate::servers::Server;

/// Robots that log in and stay.
const PLAYER: &str = "local player = throng.mod()
    function player:start() self.robot:connect('game', throng.host) end
    player:task('play', { wait = '50ms' }, function(self) self.robot.game:request('EchoRequest', { Text = 'here' }) end)
    return player\n";

fn project(server: &Server, load: &str) -> Project {
    let toml =
        settings(&server.url(), 1, GAME).replace("robots = 1\nspawn_rate = 1000\nrun_time = \"30s\"", load);
    Project::new(&toml, PLAYER)
}

fn arrivals(report: &Report) -> [u64; 3] {
    ["due", "started", "dropped"].map(|field| report.number(&format!("/arrivals/0/{field}")))
}

#[test]
fn robots_arrive_at_their_rate_and_leave_after_their_session() {
    let server = Server::start(ServerKind::Game, &[]);
    let load = "arrivals = 50\nspacing = \"even\"\nsession = \"400ms\"\nrun_time = \"2s\"";
    let played = project(&server, load).run(&["--shards", "2"]);
    let report = played.passed();
    // The first comes at once, the last before two seconds are over; the run ends a moment after them.
    let [due, started, dropped] = arrivals(report);
    assert!((100..=104).contains(&due), "{due}");
    assert_eq!((started, dropped), (due, 0));
    assert_eq!(report.number("/robots/started"), due);
    assert_eq!(report.number("/robots/planned"), 20);
    // 50 a second that stay 0.4 s each.
    assert!((19..=26).contains(&report.number("/robots/peak")), "{}", report.value()["robots"]);
    assert!(report.value()["generator"]["lag_by_source"]["spawn"]["p50"].is_u64());
    assert!(played.said().contains("Arrivals"), "{}", played.stdout);
}

#[test]
fn arrivals_that_find_no_room_are_counted_and_said() {
    let server = Server::start(ServerKind::Game, &[]);
    let load = "arrivals = 40\nspacing = \"even\"\nmax_robots = 10\nrun_time = \"1s\"\n";
    let played = project(&server, load).run(&[]);
    let report = played.passed();
    let [due, started, dropped] = arrivals(report);
    assert!((40..=44).contains(&due), "{due}");
    assert_eq!((started, dropped), (10, due - 10));
    assert!(played.said().contains("were turned away"), "{}", played.stdout);
}

#[test]
fn a_number_of_players_is_held_by_new_ones() {
    let server = Server::start(ServerKind::Game, &[]);
    let played = project(&server, "robots = 1").run(&[
        "--online",
        "20",
        "--session",
        "300ms",
        "-r",
        "1000",
        "-t",
        "2s",
    ]);
    let report = played.passed();
    let started = report.number("/robots/started");
    // 20 robots that stay 0.3 s each, six times over, and the time between one and the next.
    assert!((100..=140).contains(&started), "{started}");
    assert_eq!(report.number("/robots/peak"), 20);
    assert_eq!(report.number("/robots/stopped"), started);
}
