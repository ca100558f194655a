//! What robots do with their connections, and what connections do on their own: ends of every cause, heartbeats, limits.

use std::time::Duration;

use throng_demo::{DemoOptions, ServerKind};

use crate::play::{ANY_ERRORS, BATTLE, ECHO, GAME, Project, once, settings};
use crate::report::{Books, counts};
use crate::servers::Server;

fn battle(faults: &[&str]) -> Server {
    Server::with(DemoOptions::empty().heartbeat(Duration::from_secs(600)), ServerKind::Battle, faults)
}

fn answered(count: u64) -> Books {
    Books { count, ok: count, ..Books::default() }
}

#[test]
fn a_connection_can_be_closed_replaced_and_dropped() {
    let server = battle(&[]);
    let player = once(
        "for i = 1, 3 do self.robot:connect('closed', throng.host):close() end
         for i = 1, 3 do self.robot:connect('replaced', throng.host) end
         self.robot:connect('dropped', throng.host):drop()
         local ok, error = pcall(function() return self.robot.closed end)
         throng.check('gone', not ok and error.kind == 'not_connected')
         throng.check('the last one', self.robot.replaced:request('handshake', {}).msg ~= nil)",
    );
    let toml = settings(&server.url(), 5, &format!("{BATTLE}{ANY_ERRORS}"));
    let played = Project::new(&toml, &player).run(&[]);
    let report = played.passed();
    assert_eq!(report.ended("closed"), counts([("self", 15)]));
    assert_eq!(report.ended("replaced"), counts([("replaced", 10), ("run_end", 5)]));
    assert_eq!(report.ended("dropped"), counts([("dropped", 5)]));
    assert_eq!((report.check("gone"), report.check("the last one")), ((5, 0), (5, 0)));
    assert_eq!(report.errors(), counts([("not_connected", 5)]));
    assert_eq!(server.end().connections.accepted, 5 * 8);
}

#[test]
fn a_connection_that_is_not_measured_is_in_no_count() {
    let server = Server::start(ServerKind::Game, &[]);
    let player = once(
        "local quiet = self.robot:connect('quiet', throng.host, { measured = false })
         for i = 1, 5 do quiet:request('EchoRequest', { Text = 'unseen' }) end
         game:request('EchoRequest', { Text = 'seen' })",
    );
    let played = Project::new(&settings(&server.url(), 4, GAME), &player).run(&[]);
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), answered(4));
    assert!(report.rows("connections").iter().all(|row| row["name"] != "quiet"));
    assert_eq!(server.end().requests["EchoRequest"], 24);
}

#[test]
fn a_robot_whose_connection_is_lost_restarts_if_its_protocol_says_so() {
    let server = Server::start(ServerKind::Game, &["game.EchoRequest.reset=3"]);
    let toml = settings(&server.url(), 1, &GAME.replace("\"call\"", "\"restart\"")) + ANY_ERRORS;
    // The third login gets the value 75.
    let player = "
        local player = throng.mod()
        function player:start()
          local game = self.robot:connect('game', throng.host)
          self.value = game:request('LoginReuest', {}).MyValue
        end
        player:task('play', function(self)
          if self.value == 75 then self.robot:stop() end
          for i = 1, 3 do self.robot.game:request('EchoRequest', { Text = 'x' }) end
        end)
        function player:closed(connection, why) throng.count('lost by ' .. why.kind) end
        return player";
    let played = Project::new(&toml, player).run(&[]);
    let report = played.passed();
    assert_eq!((report.number("/robots/restarts"), report.number("/robots/started")), (2, 1));
    assert_eq!(report.counter("lost by reset"), 2);
    assert_eq!(report.books("EchoRequest"), Books { count: 6, ok: 4, failures: 2, ..Books::default() });
    assert_eq!(report.ended("game"), counts([("reset", 2), ("run_end", 1)]));
}

#[test]
fn heartbeats_are_sent_by_themselves_and_both_sides_count_them() {
    let server = battle(&[]);
    let toml =
        settings(&server.url(), 5, &format!("{BATTLE}heartbeat = {{ send = \"move\", every = \"50ms\" }}"));
    let played =
        Project::new(&toml, &once("self.robot:sleep('600ms') game:request('handshake', {})")).run(&[]);
    let report = played.passed();
    let sent = report.row("sends", "move")["count"].as_u64().unwrap();
    assert_eq!(sent, server.end().requests["move"]);
    // Twelve each, unless the machine stood still for a while.
    assert!((5 * 4..=5 * 60).contains(&sent), "{sent}");
}

#[test]
fn a_heartbeat_of_raw_bytes_is_sent_as_it_is_written() {
    let server = Server::start(ServerKind::Echo, &[]);
    let raw = ECHO.replace("reply = \"fifo\"", "reply = \"none\"");
    let protocol = format!("{raw}heartbeat = {{ send = '\\x00beat\\xff', every = \"50ms\" }}\n");
    let player = "
        local player = throng.mod()
        function player:start()
          self.robot:connect('game', throng.host)
          self.robot:sleep('600ms')
          self.robot:stop()
        end
        player:on('message', function(self, body) throng.check('echo', body == '\\0beat\\xff') end)
        return player";
    let played = Project::new(&settings(&server.url(), 3, &protocol), player).run(&[]);
    let report = played.passed();
    let sent = report.row("sends", "heartbeat")["count"].as_u64().unwrap();
    assert_eq!(sent, server.end().requests["echo"]);
    assert!((3 * 4..=3 * 60).contains(&sent), "{sent}");
    // The echoes of the last beats may come when their robot is gone.
    let (echoed, other) = report.check("echo");
    assert!((3..=sent).contains(&echoed) && other == 0, "{echoed} of {sent}, {other} others");
}

#[test]
fn a_frame_above_the_maximum_ends_its_connection_and_no_other() {
    let server = battle(&[]);
    let small = BATTLE.replace("length = \"u16be\"", "length = \"u16be\", max = 24");
    // What the handshake is answered by is longer than that; a `get` of nothing is not.
    let player = once(
        "throng.check('short', game:request('get', { what = 'x' }).result == nil)
         if self.robot.id == 0 then game:try_request('handshake', {}) end",
    );
    let toml = settings(&server.url(), 5, &format!("{small}{ANY_ERRORS}"));
    let played = Project::new(&toml, &player).run(&[]);
    let report = played.passed();
    assert_eq!(report.check("short"), (5, 0));
    assert_eq!(report.books("handshake"), Books { count: 1, failures: 1, ..Books::default() });
    assert_eq!(report.errors(), counts([("closed", 1), ("framing", 1)]));
    assert_eq!(report.ended("game"), counts([("protocol", 1), ("run_end", 4)]));
}

#[test]
fn a_server_that_does_not_read_brings_backpressure_and_nothing_is_lost_silently() {
    let server = Server::start(ServerKind::Mute, &[]);
    let player = once(
        "local big = ('x'):rep(60000)
         while true do
           local ok, error = pcall(game.send, game, 'echo', big)
           if not ok then
             throng.check('backpressure', error.kind == 'backpressure')
             break
           end
           throng.count('taken')
         end",
    );
    let toml = settings(&server.url(), 3, &format!("{ECHO}{ANY_ERRORS}"));
    let played = Project::new(&toml, &player).run(&[]);
    let report = played.passed();
    assert_eq!(report.check("backpressure"), (3, 0));
    assert_eq!(report.errors(), counts([("backpressure", 3)]));
    let taken = report.counter("taken");
    assert_eq!(report.row("sends", "echo")["count"], taken);
    // A mebibyte is kept for each.
    assert!((3 * 16..3 * 19).contains(&taken), "{taken}");
}

#[test]
fn a_name_with_several_addresses_is_tried_on_each() {
    let server = Server::start(ServerKind::Game, &[]);
    let url = server.url().replace("127.0.0.1", "localhost");
    let player = once("game:request('EchoRequest', { Text = 'x' })");
    let played = Project::new(&settings(&url, 5, GAME), &player).run(&[]);
    assert_eq!(played.passed().books("EchoRequest"), answered(5));
    assert_eq!(server.end().connections.accepted, 5);
}
