//! Load models as they reach a server: arrivals, an online count, storms.

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

#[test]
fn a_storm_takes_connections_and_says_how_long_it_took_until_everyone_was_back() {
    let server = Server::start(ServerKind::Game, &[]);
    let load = "robots = 40\nspawn_rate = 1000\nrun_time = \"4s\"\n\
                storms = [{ at = \"1500ms\", drop = 0.5 }, { at = \"2500ms\", drop = \"25%\", how = \"close\" }]";
    let project = project(&server, load);
    let toml = std::fs::read_to_string(project.path().join("throng.toml")).unwrap();
    let project = project.file("throng.toml", &toml.replace("on_close = \"call\"", "on_close = \"restart\""));
    let played = project.run(&[]);
    let report = played.passed();
    let storm = |number: usize| report.value()["storms"][number].clone();
    assert_eq!([storm(0)["there"].as_u64(), storm(0)["hit"].as_u64()], [Some(40), Some(20)]);
    assert_eq!([storm(1)["there"].as_u64(), storm(1)["hit"].as_u64()], [Some(40), Some(10)]);
    for storm in [storm(0), storm(1)] {
        assert_eq!(storm["back"], storm["hit"]);
        // A pause of 50 to 100 ms, or twice that where a robot was hit again, and a login.
        let recovery = storm["recovery_us"].as_u64().unwrap();
        assert!((40_000..1_000_000).contains(&recovery), "{storm}");
    }
    assert_eq!(report.ended("game")["storm"], 30);
    assert_eq!(report.number("/robots/restarts"), 30);
    assert_eq!(report.number("/errors/count"), 0);
    assert!(played.said().contains("Storms"), "{}", played.stdout);
}
