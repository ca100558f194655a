//! Each fault of the game server: envelopes over WebSocket, where replies are found by their names.

use std::time::Duration;

use throng_demo::{ServerKind, ServerReport};

use crate::play::{ANY_ERRORS, GAME, Played, Project, once, settings, through_a_stall};
use crate::report::{Books, counts};
use crate::servers::Server;

/// Plays `body` once on each of `robots` robots against a game with `faults`.
fn play(robots: u64, faults: &[&str], timeout: &str, player: &str) -> (Played, ServerReport) {
    let server = Server::start(ServerKind::Game, faults);
    let protocol = format!("{GAME}request_timeout = \"{timeout}\"\n{ANY_ERRORS}");
    let played = Project::new(&settings(&server.url(), robots, &protocol), player).run(&[]);
    (played, server.end())
}

/// `count` echoes; a connection that was lost is replaced, and after a failure comes a pause.
fn echoes(count: u64, after_failure: &str) -> String {
    once(&format!(
        "for i = 1, {count} do
           if not game.is_open then game = self.robot:connect('game', throng.host) end
           local text = 'robot ' .. self.robot.id .. ' says ' .. i
           local reply = game:try_request('EchoRequest', {{ Text = text }})
           if reply then throng.check('own reply', reply.Text == text .. ' from server')
           else {after_failure} end
         end
         if not game.is_open then game = self.robot:connect('game', throng.host) end
         game:request('LoginReuest', {{}})"
    ))
}

fn answered(count: u64) -> Books {
    Books { count, ok: count, ..Books::default() }
}

#[test]
fn without_faults_both_sides_count_the_same() {
    let (played, server) = play(20, &[], "5s", &echoes(25, ""));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), answered(500));
    assert_eq!(report.books("LoginReuest"), answered(20));
    assert_eq!(report.check("own reply"), (500, 0));
    assert_eq!((server.requests["EchoRequest"], server.replies["EchoResponse"]), (500, 500));
    assert_eq!((report.number("/messages/sent"), report.number("/messages/received")), (520, 520));
    assert_eq!(report.number("/bytes/sent"), server.bytes_received);
    // Also the echoes of the robots' close frames.
    assert_eq!(report.number("/bytes/received"), server.bytes_sent);
    assert_eq!(report.ended("game"), counts([("run_end", 20)]));
    assert_eq!(server.connections.ended["client"], 20);
    assert_eq!(report.errors(), counts([]));
    let robots = ["started", "ready", "stopped", "failed", "restarts"]
        .map(|field| report.number(&format!("/robots/{field}")));
    assert_eq!(robots, [20, 20, 20, 0, 0]);
}

#[test]
fn delays_are_measured_as_they_were_given() {
    let (played, server) = play(5, &["game.EchoRequest.delay=50ms"], "5s", &echoes(10, ""));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), answered(50));
    let given = server.delays.unwrap();
    assert_eq!(given.count, 50);
    assert!(report.latency("EchoRequest", "min") >= given.min_us.floor(), "{given:?}");
    let median = report.latency("EchoRequest", "p50");
    // Three digits of either side, and what the way there and back takes on a busy machine.
    assert!((given.p50_us * 0.999..given.p50_us + 400_000.0).contains(&median), "{median} {given:?}");
}

#[test]
fn jitter_is_measured_as_it_was_given() {
    let (played, server) = play(5, &["game.EchoRequest.jitter=60ms"], "5s", &echoes(20, ""));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), answered(100));
    let given = server.delays.unwrap();
    assert_eq!(given.count, 100);
    assert!(report.latency("EchoRequest", "min") >= given.min_us.floor(), "{given:?}");
    assert!(report.latency("EchoRequest", "max") >= given.max_us.floor(), "{given:?}");
    let mean = report.latency("EchoRequest", "mean");
    assert!((given.mean_us..given.mean_us + 400_000.0).contains(&mean), "{mean} {given:?}");
}

#[test]
fn a_dropped_reply_is_a_time_out() {
    let pause = "self.robot:sleep('1500ms')";
    let (played, server) = play(4, &["game.EchoRequest.drop=10"], "1s", &echoes(20, pause));
    let report = played.passed();
    let books = Books { count: 80, ok: 72, failures: 8, ..Books::default() };
    assert_eq!(report.books("EchoRequest"), books);
    assert_eq!(report.failures("EchoRequest"), counts([("timeout", 8)]));
    assert_eq!(report.errors(), counts([("timeout", 8)]));
    assert_eq!(report.check("own reply"), (72, 0));
    assert_eq!((server.faults.dropped, server.replies["EchoResponse"]), (8, 72));
    assert_eq!(report.ended("game"), counts([("run_end", 4)]));
}

#[test]
fn a_reply_behind_a_dropped_one_is_ambiguous_and_the_next_are_not() {
    let (played, server) = play(1, &["game.EchoRequest.drop=5"], "1s", &echoes(20, ""));
    let report = played.passed();
    // The 5th, 10th, 15th and 20th are dropped; the 6th, 11th and 16th meet the place of the one before them.
    let books = Books { count: 20, ok: 13, failures: 7, ambiguous: 3, ..Books::default() };
    assert_eq!(report.books("EchoRequest"), books);
    assert_eq!(report.failures("EchoRequest"), counts([("timeout", 7)]));
    assert_eq!(report.check("own reply"), (13, 0));
    assert_eq!((server.faults.dropped, server.replies["EchoResponse"]), (4, 16));
}

#[test]
fn a_second_copy_of_a_reply_is_a_push_that_can_be_watched() {
    let (played, server) = play(
        5,
        &["game.EchoRequest.double=1"],
        "5s",
        &once(
            "local copies = game:watch('EchoResponse')
             for i = 1, 20 do
               local reply = game:request('EchoRequest', { Text = 'text ' .. i })
               local copy = copies:next('5s')
               throng.check('own reply', reply.Text == 'text ' .. i .. ' from server')
               throng.check('its copy', copy.Text == reply.Text)
             end",
        ),
    );
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), answered(100));
    assert_eq!((report.check("own reply"), report.check("its copy")), ((100, 0), (100, 0)));
    assert_eq!(report.push("EchoResponse"), (100, 100));
    assert_eq!((server.replies["EchoResponse"], server.faults.doubled), (100, 100));
}

#[test]
fn a_second_copy_is_never_the_reply_of_the_next_request() {
    let (played, server) = play(10, &["game.EchoRequest.double=3"], "5s", &echoes(30, ""));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), answered(300));
    assert_eq!(report.check("own reply"), (300, 0));
    assert_eq!(report.push("EchoResponse"), (100, 0));
    assert_eq!(server.faults.doubled, 100);
    assert_eq!(report.number("/messages/received"), 300 + 100 + 10);
}

#[test]
fn replies_of_different_names_may_overtake_each_other() {
    let (played, server) = play(
        5,
        &["game.LoginReuest.reorder=1"],
        "5s",
        &once(
            "for i = 1, 10 do
               local login, echo = self.robot:all(
                 function() return game:request('LoginReuest', {}) end,
                 function() return game:request('EchoRequest', { Text = 'x' .. i }) end)
               throng.check('login', login.MyValue >= 1 and login.MyValue <= 100)
               throng.check('echo', echo.Text == 'x' .. i .. ' from server')
             end",
        ),
    );
    let report = played.passed();
    assert_eq!((report.books("LoginReuest"), report.books("EchoRequest")), (answered(50), answered(50)));
    assert_eq!((report.check("login"), report.check("echo")), ((50, 0), (50, 0)));
    assert_eq!(server.faults.reordered, 50);
}

#[test]
fn a_reply_behind_the_next_of_its_name_is_told_as_ambiguous() {
    let (played, server) = play(1, &["game.EchoRequest.reorder=5"], "1s", &echoes(12, ""));
    let report = played.passed();
    // The 5th is held back and times out; the 6th reply meets its place, and then the 5th reply comes: names tell no
    // more, so the 6th request gets it. It is why the report says `ambiguous`.
    let books = Books { count: 12, ok: 10, failures: 2, ambiguous: 2, ..Books::default() };
    assert_eq!(report.books("EchoRequest"), books);
    assert_eq!(report.check("own reply"), (8, 2));
    assert_eq!((server.faults.reordered, server.replies["EchoResponse"]), (2, 12));
}

#[test]
fn a_late_reply_is_counted_as_late() {
    let player = echoes(2, "self.robot:sleep('3s')");
    let (played, server) = play(3, &["game.EchoRequest.delay=3s"], "2s", &player);
    let report = played.passed();
    let books = Books { count: 6, failures: 6, late: 6, ..Books::default() };
    assert_eq!(report.books("EchoRequest"), books);
    assert_eq!(report.failures("EchoRequest"), counts([("timeout", 6)]));
    assert_eq!(server.replies["EchoResponse"], 6);
}

#[test]
fn a_reply_that_is_too_late_to_be_known_is_a_push() {
    let player = echoes(1, "self.robot:sleep('5s')");
    let (played, server) = play(3, &["game.EchoRequest.delay=3s"], "500ms", &player);
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), Books { count: 3, failures: 3, ..Books::default() });
    assert_eq!(report.push("EchoResponse"), (3, 0));
    assert_eq!(server.replies["EchoResponse"], 3);
}

#[test]
fn replies_in_single_bytes_are_whole() {
    let (played, server) = play(5, &["game.single_bytes=1"], "5s", &echoes(10, ""));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), answered(50));
    assert_eq!(report.check("own reply"), (50, 0));
    assert_eq!(server.faults.single_bytes, 55);
    assert_eq!(report.number("/bytes/received"), server.bytes_sent);
}

#[test]
fn a_reset_fails_what_waits_and_is_told_as_one() {
    let (played, server) = play(4, &["game.EchoRequest.reset=8"], "5s", &echoes(10, ""));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), Books { count: 40, ok: 35, failures: 5, ..Books::default() });
    assert_eq!(report.failures("EchoRequest"), counts([("reset", 5)]));
    assert_eq!(report.check("own reply"), (35, 0));
    assert_eq!(report.ended("game"), counts([("reset", 5), ("run_end", 4)]));
    assert_eq!((server.faults.resets, server.unanswered, server.connections.accepted), (5, 5, 9));
}

#[test]
fn an_end_without_goodbye_fails_what_waits_as_closed() {
    let (played, server) = play(4, &["game.EchoRequest.half_close=8"], "5s", &echoes(10, ""));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), Books { count: 40, ok: 35, failures: 5, ..Books::default() });
    assert_eq!(report.failures("EchoRequest"), counts([("closed", 5)]));
    // Nothing was cut off in its middle, so it counts as the server's wish, close frame or not.
    assert_eq!(report.ended("game"), counts([("half_closed", 5), ("run_end", 4)]));
    assert_eq!((server.faults.half_closed, server.unanswered), (5, 5));
}

#[test]
fn a_server_that_vanishes_is_a_time_out_and_the_connection_can_be_dropped() {
    let (played, server) = play(4, &["game.EchoRequest.vanish=8"], "1s", &echoes(10, "game:drop()"));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), Books { count: 40, ok: 35, failures: 5, ..Books::default() });
    assert_eq!(report.failures("EchoRequest"), counts([("timeout", 5)]));
    assert_eq!(report.ended("game"), counts([("dropped", 5), ("run_end", 4)]));
    assert_eq!((server.faults.vanished, server.unanswered), (5, 5));
}

#[test]
fn a_stall_is_in_the_latencies_of_those_who_waited() {
    let player = once(&through_a_stall("game:request('EchoRequest', { Text = 'hello' })"));
    let (played, server) = play(5, &["game.stall=after:3s,for:1s"], "1m", &player);
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), answered(server.requests["EchoRequest"]));
    let stall = server.stalls[0];
    let took = Duration::from_secs_f64(stall.ended_s.unwrap() - stall.began_s).as_micros() as f64;
    let longest = report.latency("EchoRequest", "max");
    // Robots ask every 20 ms or so; the one that asked first waited nearly all of it.
    assert!((took * 0.4..took * 5.0).contains(&longest), "{longest} of {took}");
    assert!(report.latency("EchoRequest", "p50") < longest / 2.0);
}

#[test]
fn garbage_is_counted_as_undecodable_and_the_connection_lives() {
    let pause = "self.robot:sleep('1500ms')";
    let (played, server) = play(4, &["game.EchoRequest.garbage=10"], "1s", &echoes(20, pause));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), Books { count: 80, ok: 72, failures: 8, ..Books::default() });
    assert_eq!(report.failures("EchoRequest"), counts([("timeout", 8)]));
    assert_eq!(report.errors(), counts([("decode", 8), ("timeout", 8)]));
    assert_eq!((server.faults.garbage, server.replies["EchoResponse"]), (8, 80));
    assert_eq!(report.ended("game"), counts([("run_end", 4)]));
}

#[test]
fn a_garbage_body_fails_its_own_request() {
    let (played, server) = play(4, &["game.EchoRequest.garbage_body=10"], "5s", &echoes(20, ""));
    let report = played.passed();
    assert_eq!(report.errors(), counts([("decode", 8)]));
    assert_eq!(report.failures("EchoRequest"), counts([("decode", 8)]));
    assert_eq!(report.books("EchoRequest"), Books { count: 80, ok: 72, failures: 8, ..Books::default() });
    assert_eq!(report.check("own reply"), (72, 0));
    assert_eq!(server.faults.garbage, 8);
}

#[test]
fn pushes_of_unheard_names_are_counted_by_name() {
    let (played, server) = play(4, &["game.EchoRequest.pushes=5"], "5s", &echoes(10, ""));
    let report = played.passed();
    assert_eq!(report.books("EchoRequest"), answered(40));
    assert_eq!(report.push("UnheardOfPush"), (8, 0));
    assert_eq!(server.faults.unknown_pushes, 8);
    assert_eq!(report.errors(), counts([]));
}

#[test]
fn a_kick_reaches_the_handler_and_a_robot_that_restarts_logs_in_anew() {
    let player = "
        local player = throng.mod()
        function player:start()
          local game = self.robot:connect('game', throng.host)
          self.last = game:request('LoginReuest', {}).MyValue == 75
        end
        player:on('KickNotify', function(self) self.robot:restart() end)
        player:task('play', function(self)
          local game = self.robot.game
          for i = 1, 10 do game:request('EchoRequest', { Text = 'x' }) end
          if self.last then self.robot:stop() end
          self.robot:sleep(30)
        end)
        return player";
    // The first three logins get the values 1, 38 and 75.
    let (played, server) = play(1, &["game.EchoRequest.kick=10"], "5s", player);
    let report = played.passed();
    assert_eq!(report.number("/robots/restarts"), 2);
    assert_eq!((report.number("/robots/started"), report.number("/robots/ready")), (1, 1));
    assert_eq!(report.books("LoginReuest"), answered(3));
    assert_eq!(server.requests["LoginReuest"], 3);
    assert_eq!(report.books("EchoRequest").count, server.requests["EchoRequest"]);
    // The last kick comes with the reply after which the robot ends.
    assert_eq!(server.pushes["KickNotify"], 3);
    assert_eq!(report.push("KickNotify"), (2, 2));
    assert_eq!(report.ended("game").values().sum::<u64>(), 3);
}

#[test]
fn notices_come_in_order_and_only_what_is_listened_to_is_decoded() {
    let player = once(
        "local watch = game:watch('NoticePush')
         for round = 1, 5 do
           local reply = game:request('NoticeRequest', { Count = 10, Text = 'rain' })
           for seq = 1, reply.Count do throng.check('in order', watch:next('5s').Seq == seq) end
         end
         watch:close()
         game:request('NoticeRequest', { Count = 4, Text = 'unheard' })
         game:request('LoginReuest', {})",
    );
    let (played, server) = play(4, &[], "5s", &player);
    let report = played.passed();
    assert_eq!(report.check("in order"), (200, 0));
    assert_eq!(report.push("NoticePush"), (216, 200));
    assert_eq!(server.pushes["NoticePush"], 216);
}
