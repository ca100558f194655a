//! Each fault of the battle server: Sproto RPC over TCP, where a reply names its request by a session.

use std::time::Duration;

use throng_demo::{DemoOptions, ServerKind, ServerReport};

use crate::play::{ANY_ERRORS, BATTLE, Played, Project, settings, through_a_stall};
use crate::report::{Books, counts};
use crate::servers::Server;

/// Plays `body` once on each of `robots` robots against a battle with `faults`.
fn play(robots: u64, faults: &[&str], timeout: &str, body: &str) -> (Played, ServerReport) {
    let options = DemoOptions::empty().heartbeat(Duration::from_secs(600));
    let server = Server::with(options, ServerKind::Battle, faults);
    let protocol = format!("{BATTLE}request_timeout = \"{timeout}\"\n{ANY_ERRORS}");
    let player = format!(
        "local player = throng.mod()
         function player:init() self.seen, self.joined = 0, 0 end
         function player:start()
           self.battle = self.robot:connect('battle', throng.host)
           self.battle:request('handshake', {{}})
         end
         player:on('moved', function(self) self.seen = self.seen + 1 end)
         player:on('joined', function(self) self.joined = self.joined + 1 end)
         player:task('play', function(self)
           local battle = self.battle
           {body}
           self.robot:stop()
         end)
         return player"
    );
    let played = Project::new(&settings(&server.url(), robots, &protocol), &player).run(&[]);
    (played, server.end())
}

/// `count` gets in a row; a connection that was lost is replaced. The handshake at the end brings in what comes late.
fn gets(count: u64, after_failure: &str) -> String {
    format!(
        "local key = 'key ' .. self.robot.id
         battle:send('set', {{ what = key, value = 'value of ' .. key }})
         for i = 1, {count} do
           if not battle.is_open then battle = self.robot:connect('battle', throng.host) end
           local reply = battle:try_request('get', {{ what = key }})
           if reply then throng.check('own value', reply.result == 'value of ' .. key)
           else {after_failure} end
         end
         if not battle.is_open then battle = self.robot:connect('battle', throng.host) end
         battle:request('handshake', {{}})"
    )
}

fn answered(count: u64) -> Books {
    Books { count, ok: count, ..Books::default() }
}

#[test]
fn without_faults_both_sides_count_the_same() {
    let (played, server) = play(20, &[], "5s", &gets(25, ""));
    let report = played.passed();
    assert_eq!((report.books("get"), report.books("handshake")), (answered(500), answered(40)));
    assert_eq!(report.check("own value"), (500, 0));
    let sends = report.row("sends", "set");
    assert_eq!((sends["count"].as_u64(), server.requests["set"]), (Some(20), 20));
    assert_eq!((server.requests["get"], server.replies["get"], server.undecodable), (500, 500, 0));
    // Each connection begins with a heartbeat.
    assert_eq!((report.push("heartbeat"), server.pushes["heartbeat"]), ((20, 0), 20));
    assert_eq!(report.number("/bytes/sent"), server.bytes_received);
    assert_eq!(report.number("/bytes/received"), server.bytes_sent);
    assert_eq!((report.number("/messages/sent"), report.number("/messages/received")), (560, 560));
    assert_eq!(report.ended("battle"), counts([("run_end", 20)]));
}

#[test]
fn pushes_reach_every_other_member_of_a_room() {
    let (played, server) = play(
        8,
        &[],
        "5s",
        "self.joined = self.joined + #battle:request('join', { room = 1, name = 'a' }).members
         while self.joined < 7 do self.robot:sleep('5ms') end
         for i = 1, 10 do battle:send('move', { x = i, y = i }) end
         while self.seen < 70 do self.robot:sleep('5ms') end
         battle:request('handshake', {})",
    );
    let report = played.passed();
    assert_eq!((report.push("moved"), server.pushes["moved"]), ((560, 560), 560));
    assert_eq!((report.push("joined"), server.pushes["joined"]), ((28, 28), 28));
    assert_eq!(server.pushes_lost, 0);
    assert_eq!(report.row("sends", "move")["count"], 80);
}

#[test]
fn delays_are_measured_as_they_were_given() {
    let (played, server) = play(5, &["battle.get.delay=100ms"], "5s", &gets(10, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), answered(50));
    let given = server.delays.unwrap();
    assert!(report.latency("get", "min") >= given.min_us.floor(), "{given:?}");
    let median = report.latency("get", "p50");
    assert!((given.p50_us * 0.999..given.p50_us + 400_000.0).contains(&median), "{median} {given:?}");
    assert!(report.latency("handshake", "p50") < median, "only `get` is slow");
}

#[test]
fn replies_with_jitter_find_their_requests_in_any_order() {
    let (played, server) = play(
        5,
        &["battle.get.jitter=50ms", "battle.handshake.jitter=50ms", "battle.join.jitter=50ms"],
        "5s",
        "for i = 1, 10 do
           local welcome, found, seat = self.robot:all(
             function() return battle:request('handshake', {}) end,
             function() return battle:request('get', { what = 'nothing' }) end,
             function() return battle:request('join', { room = self.robot.id }) end)
           throng.check('each its own', welcome.msg ~= nil and found.result == nil and seat.id > 0)
         end",
    );
    let report = played.passed();
    assert_eq!(report.check("each its own"), (50, 0));
    assert_eq!((report.books("get"), report.books("handshake")), (answered(50), answered(55)));
    assert_eq!(server.delays.unwrap().count, 155);
}

#[test]
fn a_dropped_reply_is_a_time_out_and_no_other_request_is_harmed() {
    let (played, server) = play(4, &["battle.get.drop=10"], "1s", &gets(20, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), Books { count: 80, ok: 72, failures: 8, ..Books::default() });
    assert_eq!(report.failures("get"), counts([("timeout", 8)]));
    assert_eq!(report.check("own value"), (72, 0));
    assert_eq!((server.faults.dropped, server.replies["get"]), (8, 72));
}

#[test]
fn a_late_reply_is_counted_as_late_however_late_it_is() {
    let body = format!(
        "for i = 1, 3 do battle:try_request('get', {{ what = 'x' }}) end {}",
        "self.robot:sleep('4s')"
    );
    let (played, server) =
        play(4, &["battle.get.delay=3s"], "1s", &format!("{body} battle:request('handshake', {{}})"));
    let report = played.passed();
    let books = Books { count: 12, failures: 12, late: 12, ..Books::default() };
    assert_eq!(report.books("get"), books);
    assert_eq!(report.failures("get"), counts([("timeout", 12)]));
    assert_eq!(server.replies["get"], 12);
}

#[test]
fn a_request_given_up_by_its_robot_is_cancelled_and_its_reply_late() {
    let (played, server) = play(
        4,
        &["battle.get.delay=2s"],
        "1m",
        "for i = 1, 3 do
           local asking = self.robot:spawn(function() battle:request('get', { what = 'x' }) end)
           self.robot:sleep('20ms')
           asking:cancel()
         end
         self.robot:sleep('4s')
         battle:request('handshake', {})",
    );
    let report = played.passed();
    assert_eq!(report.books("get"), Books { count: 12, cancelled: 12, late: 12, ..Books::default() });
    assert_eq!(report.errors(), counts([]));
    assert_eq!(server.replies["get"], 12);
}

#[test]
fn a_second_copy_is_a_duplicate() {
    let (played, server) = play(5, &["battle.get.double=3"], "5s", &gets(30, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), Books { duplicate: 50, ..answered(150) });
    assert_eq!(report.check("own value"), (150, 0));
    assert_eq!((server.replies["get"], server.faults.doubled), (150, 50));
    assert_eq!(report.number("/bytes/received"), server.bytes_sent);
}

#[test]
fn reordered_replies_find_their_requests() {
    let (played, server) = play(
        5,
        &["battle.get.reorder=1"],
        "5s",
        "battle:send('set', { what = 'a' .. self.robot.id, value = 'A' })
         battle:send('set', { what = 'b' .. self.robot.id, value = 'B' })
         local function get(what) return function() return battle:request('get', { what = what .. self.robot.id }).result end end
         for i = 1, 20 do
           local a, b = self.robot:all(get 'a', get 'b')
           throng.check('each its own', a == 'A' and b == 'B')
         end",
    );
    let report = played.passed();
    assert_eq!(report.books("get"), answered(200));
    assert_eq!(report.check("each its own"), (100, 0));
    assert_eq!(server.faults.reordered, 100);
}

#[test]
fn replies_in_single_bytes_are_whole() {
    let (played, server) = play(5, &["battle.single_bytes=1"], "5s", &gets(10, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), answered(50));
    assert_eq!(report.check("own value"), (50, 0));
    assert_eq!(server.faults.single_bytes, 60);
    assert_eq!(report.number("/bytes/received"), server.bytes_sent);
}

#[test]
fn a_reset_fails_what_waits_and_is_told_as_one() {
    let (played, server) = play(4, &["battle.get.reset=8"], "5s", &gets(10, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), Books { count: 40, ok: 35, failures: 5, ..Books::default() });
    assert_eq!(report.failures("get"), counts([("reset", 5)]));
    assert_eq!(report.ended("battle"), counts([("reset", 5), ("run_end", 4)]));
    assert_eq!((server.faults.resets, server.unanswered, server.connections.accepted), (5, 5, 9));
}

#[test]
fn a_half_closed_connection_fails_what_waits_as_closed() {
    let (played, server) = play(4, &["battle.get.half_close=8"], "5s", &gets(10, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), Books { count: 40, ok: 35, failures: 5, ..Books::default() });
    assert_eq!(report.failures("get"), counts([("closed", 5)]));
    assert_eq!(report.ended("battle"), counts([("half_closed", 5), ("run_end", 4)]));
    assert_eq!((server.faults.half_closed, server.unanswered), (5, 5));
}

#[test]
fn a_server_that_vanishes_is_a_time_out() {
    let (played, server) = play(4, &["battle.get.vanish=8"], "1s", &gets(10, "battle:drop()"));
    let report = played.passed();
    assert_eq!(report.books("get"), Books { count: 40, ok: 35, failures: 5, ..Books::default() });
    assert_eq!(report.failures("get"), counts([("timeout", 5)]));
    assert_eq!(report.ended("battle"), counts([("dropped", 5), ("run_end", 4)]));
    assert_eq!((server.faults.vanished, server.unanswered), (5, 5));
}

#[test]
fn a_stall_shorter_than_the_time_out_loses_nothing() {
    let body = through_a_stall("battle:request('get', { what = 'x' })");
    let (played, server) = play(5, &["battle.stall=after:3s,for:1s"], "1m", &body);
    let report = played.passed();
    assert_eq!(report.books("get"), answered(server.requests["get"]));
    let stall = server.stalls[0];
    let took = (stall.ended_s.unwrap() - stall.began_s) * 1e6;
    let longest = report.latency("get", "max");
    assert!((took * 0.4..took * 5.0).contains(&longest), "{longest} of {took}");
    assert!(report.latency("get", "p50") < longest / 2.0);
}

#[test]
fn garbage_is_counted_as_undecodable_and_the_connection_lives() {
    let (played, server) = play(4, &["battle.get.garbage=10"], "1s", &gets(20, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), Books { count: 80, ok: 72, failures: 8, ..Books::default() });
    assert_eq!(report.errors(), counts([("decode", 8), ("timeout", 8)]));
    assert_eq!((server.faults.garbage, server.replies["get"]), (8, 80));
    assert_eq!(report.ended("battle"), counts([("run_end", 4)]));
}

#[test]
fn a_garbage_body_fails_its_own_request() {
    let (played, server) = play(4, &["battle.get.garbage_body=10"], "5s", &gets(20, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), Books { count: 80, ok: 72, failures: 8, ..Books::default() });
    assert_eq!(report.failures("get"), counts([("decode", 8)]));
    assert_eq!(report.errors(), counts([("decode", 8)]));
    assert_eq!(server.faults.garbage, 8);
}

#[test]
fn a_reply_nobody_asked_for_is_an_orphan() {
    let (played, server) = play(4, &["battle.get.orphan=5"], "5s", &gets(10, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), answered(40));
    assert_eq!(report.row("connections", "battle")["orphans"], 8);
    assert_eq!(server.faults.orphans, 8);
    assert_eq!(report.number("/messages/received"), server.replies.values().sum::<u64>() + 8 + 4);
}

#[test]
fn pushes_of_an_unknown_tag_are_counted_without_being_decoded() {
    let (played, server) = play(4, &["battle.get.pushes=5"], "5s", &gets(10, ""));
    let report = played.passed();
    assert_eq!(report.books("get"), answered(40));
    assert_eq!(server.faults.unknown_pushes, 8);
    let unknown: Vec<_> = report.rows("pushes").iter().filter(|row| row["name"] != "heartbeat").collect();
    assert_eq!((unknown.len(), &unknown[0]["count"], &unknown[0]["handled"]), (1, &8.into(), &0.into()));
    assert_eq!(report.errors(), counts([]));
}

#[test]
fn a_server_that_says_goodbye_ends_the_connection_in_good_order() {
    let body = "battle:try_request('quit', {})
                while battle.is_open do self.robot:sleep('5ms') end";
    let (played, server) = play(5, &[], "5s", body);
    let report = played.passed();
    assert_eq!(report.ended("battle"), counts([("server", 5)]));
    assert_eq!((server.requests["quit"], server.connections.ended["quit"]), (5, 5));
    assert_eq!(report.books("quit"), answered(5));
}
