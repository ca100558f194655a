//! Raw frames, answered in the order they were asked: what can be told there when replies go astray.

use throng_demo::{ServerKind, ServerReport};

use crate::play::{ANY_ERRORS, ECHO, Played, Project, once, settings};
use crate::report::{Books, counts};
use crate::servers::Server;

fn play(kind: ServerKind, robots: u64, faults: &[&str], timeout: &str, body: &str) -> (Played, ServerReport) {
    let server = Server::start(kind, faults);
    let protocol = match kind {
        // A WebSocket message is a frame.
        ServerKind::EchoWs => ECHO.replace("framing = { length = \"u16be\" }\n", ""),
        _ => ECHO.to_owned(),
    };
    let protocol = format!("{protocol}request_timeout = \"{timeout}\"\n{ANY_ERRORS}");
    let played = Project::new(&settings(&server.url(), robots, &protocol), &once(body)).run(&[]);
    (played, server.end())
}

/// `count` echoes of different bytes in a row.
fn echoes(count: u64, after_failure: &str) -> String {
    format!(
        "for i = 1, {count} do
           if not game.is_open then game = self.robot:connect('game', throng.host) end
           local body = ('\\0\\xff%d/%d'):format(self.robot.id, i):rep(i)
           local reply = game:try_request('echo', body)
           if reply then throng.check('own bytes', reply == body) else {after_failure} end
         end"
    )
}

fn answered(count: u64) -> Books {
    Books { count, ok: count, ..Books::default() }
}

#[test]
fn without_faults_both_sides_count_the_same() {
    for kind in [ServerKind::Echo, ServerKind::EchoWs] {
        let (played, server) = play(kind, 10, &[], "5s", &echoes(50, ""));
        let report = played.passed();
        assert_eq!(report.books("echo"), answered(500));
        assert_eq!(report.check("own bytes"), (500, 0));
        assert_eq!((server.requests["echo"], server.replies["echo"]), (500, 500));
        assert_eq!(report.number("/bytes/sent"), server.bytes_received);
        assert_eq!(report.number("/bytes/received"), server.bytes_sent);
    }
}

#[test]
fn a_hundred_requests_in_flight_are_answered_in_order() {
    let body = "local asks = {}
        for i = 1, 100 do
          asks[i] = function() throng.check('own bytes', game:request('echo', 'number ' .. i) == 'number ' .. i) end
        end
        self.robot:all(table.unpack(asks))";
    for kind in [ServerKind::Echo, ServerKind::EchoWs] {
        let (played, server) = play(kind, 5, &[], "5s", body);
        let report = played.passed();
        assert_eq!((report.books("echo"), report.check("own bytes")), (answered(500), (500, 0)));
        assert_eq!(server.requests["echo"], 500);
    }
}

#[test]
fn replies_in_single_bytes_are_whole() {
    for kind in [ServerKind::Echo, ServerKind::EchoWs] {
        let fault = format!("{kind}.single_bytes=2");
        let (played, server) = play(kind, 4, &[&fault], "5s", &echoes(10, ""));
        let report = played.passed();
        assert_eq!((report.books("echo"), report.check("own bytes")), (answered(40), (40, 0)));
        assert_eq!(server.faults.single_bytes, 20);
    }
}

#[test]
fn a_second_copy_is_an_orphan() {
    // One robot, and no copy of its last reply, which might come when it is gone.
    let (played, server) = play(ServerKind::Echo, 1, &["echo.double=3"], "5s", &echoes(31, ""));
    let report = played.passed();
    assert_eq!((report.books("echo"), report.check("own bytes")), (answered(31), (31, 0)));
    assert_eq!(report.row("connections", "game")["orphans"], 10);
    assert_eq!(server.faults.doubled, 10);
}

#[test]
fn a_dropped_reply_makes_one_more_ambiguous_and_then_order_is_found_again() {
    let (played, server) = play(ServerKind::Echo, 1, &["echo.drop=5"], "1s", &echoes(19, ""));
    let report = played.passed();
    // The 5th, 10th and 15th are dropped; the 6th, 11th and 16th meet the place of the one before them.
    let books = Books { count: 19, ok: 13, failures: 6, ambiguous: 3, ..Books::default() };
    assert_eq!(report.books("echo"), books);
    assert_eq!(report.check("own bytes"), (13, 0));
    assert_eq!(server.faults.dropped, 3);
}

#[test]
fn a_late_reply_is_counted_as_late() {
    let body = "for i = 1, 2 do game:try_request('echo', 'x') self.robot:sleep('3s') end";
    let (played, _) = play(ServerKind::EchoWs, 3, &["echo-ws.delay=3s"], "2s", body);
    let books = Books { count: 6, failures: 6, late: 6, ..Books::default() };
    assert_eq!(played.passed().books("echo"), books);
}

#[test]
fn resets_and_ends_are_told_apart() {
    let (played, server) = play(ServerKind::Echo, 1, &["echo.reset=8"], "5s", &echoes(40, ""));
    let report = played.passed();
    assert_eq!(report.books("echo"), Books { count: 40, ok: 35, failures: 5, ..Books::default() });
    assert_eq!(report.failures("echo"), counts([("reset", 5)]));
    // The last of the 40 requests is answered by a reset, and the robot does not come back.
    assert_eq!(report.ended("game"), counts([("reset", 5)]));
    assert_eq!((server.faults.resets, server.connections.accepted), (5, 5));

    let (played, server) = play(ServerKind::EchoWs, 1, &["echo-ws.half_close=8"], "5s", &echoes(40, ""));
    let report = played.passed();
    assert_eq!(report.books("echo"), Books { count: 40, ok: 35, failures: 5, ..Books::default() });
    assert_eq!(report.failures("echo"), counts([("closed", 5)]));
    assert_eq!(report.ended("game"), counts([("half_closed", 5)]));
    assert_eq!(server.faults.half_closed, 5);
}
