//! Requests, their replies and their failures.

use crate::world::plan;
use std::time::Duration;
use throng_metrics::FailureKind;
use throng_sproto::Value;

const CONNECT: &str = "local game = self.robot:connect('game', 'tcp://127.0.0.1:4000') ";

#[test]
fn a_start_runs_in_straight_lines() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT}
             local reply = game:request('EchoRequest', {{ Text = 'hello' }})
             self.robot:sleep('500ms')
             print(reply.Text, throng.now(), self.robot.game == game, self.robot.connections.game == game)
         end"
    ))
    .echo();
    world.advance(600);
    world.expect(&["hello\t0.5\ttrue\ttrue"]);
}

#[test]
fn every_kind_of_field_goes_there_and_back() {
    let mut world = plan(&format!(
        "local SHARED = {{ id = 9, name = 'shared' }}
         function a:start() {CONNECT}
             local r = game:request('AllRequest', {{ n = -5, f = 1.25, d = 0.5, b = true, s = 'x\\0y', list = {{ 3, 1 << 40 }},
                 items = {{ {{ id = 7, name = 'seven' }}, {{ id = 8 }} }}, item = SHARED, words = {{ 'a', 'b' }} }})
             print(r.n, r.f, r.d, r.b, #r.s, r.list[1], r.list[2], #r.list, r.items[7].name, r.items[8].id, r.item.name, r.words[2])
             print(math.type(r.n), math.type(r.list[2]), r.missing)
         end"
    ))
    .echo();
    world.advance(1);
    world.expect(&[
        "-5\t1.25\t0.5\ttrue\t3\t3\t1099511627776\t2\tseven\t8\tshared\tb",
        "integer\tinteger\tnil",
    ]);
}

#[test]
fn a_large_reply_is_not_held_against_the_script() {
    let mut plan = plan(&format!(
        "function a:start() {CONNECT}
             local words = game:request('AllRequest').words
             -- So much work is a check of the guard's.
             for _ = 1, 10 do table.move(words, 1, #words, 1) end
             print(#words)
         end"
    ));
    plan.change = Box::new(|project| project.limits.memory_per_resume = 256 << 10);
    let mut world = plan.serve(|peer, _, _| {
        let words = (0..7_000).map(|n| Value::from(format!("{n}").as_str())).collect();
        peer.send("AllResponse", &Value::structure([("words", Value::Array(words))]));
    });
    world.advance(1);
    world.expect(&["7000"]);
}

#[test]
fn an_encode_error_names_the_field_and_the_line() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT}
             local ok, err = pcall(game.request, game, 'AllRequest', {{ n = 'five' }})
             print(ok, err.kind, err)
             game:send('AllRequest', {{ items = {{ {{ id = 1.5 }} }} }})
         end"
    ))
    .echo();
    world.advance(1);
    let told = world.told();
    assert!(told[0].starts_with("false\tencode\tmods/a.lua:2: AllRequest on game: "), "{told:?}");
    assert!(told[0].contains("AllRequest.n is not an integer (it is a string)"), "{told:?}");
    assert_eq!(world.failures(FailureKind::Encode), 2);
    assert!(world.totals.script_errors().is_empty(), "counted once");
}

#[test]
fn a_time_out_fails_the_request_and_the_connection_lives() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT}
             local reply, err = game:try_request('SlowRequest', {{}}, {{ timeout = '300ms' }})
             print(reply, err.kind, err.name, err.connection, err.elapsed, err.where)
             print(game:request('EchoRequest', {{ Text = 'after' }}).Text, game.is_open)
             local ok, err = pcall(function() game:request('SlowRequest', {{}}) end)
             print(ok, tostring(err), throng.now())
         end"
    ))
    .echo();
    world.advance(3000);
    world.expect(&[
        "nil\ttimeout\tSlowRequest\tgame\t0.3\tmods/a.lua:2",
        "after\ttrue",
        "false\tmods/a.lua:5: SlowRequest on game: no reply in time\t2.3",
    ]);
    assert_eq!(world.failures(FailureKind::Timeout), 2);
}

#[test]
fn an_unknown_message_is_told_with_the_nearest() {
    let mut world =
        plan(&format!("function a:start() {CONNECT}\ngame:request('EchoReqest', {{}})\nend")).echo();
    world.advance(1);
    world.expect_error(
        "mods/a.lua:2: unknown message 'EchoReqest'; did you mean 'EchoRequest'?",
        "mods/a.lua:2",
    );
}

#[test]
fn several_requests_are_in_flight_at_once() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT}
             local function ask(text) return function() return game:request('EchoRequest', {{ Text = text }}).Text end end
             print(self.robot:all(ask 'one', ask 'two', ask 'three'))
         end"
    ))
    .echo();
    world.advance(1);
    world.expect(&["one\ttwo\tthree"]);
}

#[test]
fn the_first_error_of_all_cancels_the_rest() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT}
             local ok, err = pcall(self.robot.all, self.robot,
                 function() local x <close> = setmetatable({{}}, {{ __close = function() print('closed') end }}); self.robot:sleep(9) print('never') end,
                 function() game:request('SlowRequest', {{}}, {{ timeout = 1 }}) end)
             print(ok, err.kind, throng.now())
         end"
    ))
    .echo();
    world.advance(20_000);
    world.expect(&["closed", "false\ttimeout\t1.0"]);
}

#[test]
fn an_error_inside_all_keeps_its_place() {
    let mut world = plan(
        "function a:start()
             local function deep() error('broken') end
             self.robot:all(function() self.robot:sleep(1) end, function() deep() end)
         end",
    )
    .echo();
    world.advance(2000);
    world.expect_error("mods/a.lua:2: broken", "mods/a.lua:3");
    assert_eq!(world.failures(FailureKind::Script), 1, "counted once");
}

#[test]
fn a_name_for_the_measure_and_quiet_failures() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT}
             game:request('EchoRequest', {{}}, {{ as = 'hello' }})
             print((game:try_request('SlowRequest', {{}}, {{ timeout = 1, quiet = true }})))
             local ok, err = pcall(game.request, game, 'EchoRequest', {{}}, {{ tiemout = 1 }})
             print(err)
         end"
    ))
    .echo();
    world.advance(2000);
    world.expect(&["nil", "mods/a.lua:4: request: unknown option 'tiemout'; did you mean 'timeout'?"]);
    assert_eq!(world.totals.requests().find("game", "hello").map(|row| row.counts.ok), Some(1));
    assert_eq!(world.failures(FailureKind::Timeout), 0);
}

#[test]
fn a_raw_body_is_a_string_of_bytes() {
    let mut world = plan(
        "function a:start()
             local raw = self.robot:connect('raw', 'tcp://127.0.0.1:4001')
             print(raw:request('move', 'bytes\\0!') == 'bytes\\0!', raw:request('move', nil) == '')
             print(pcall(raw.request, raw, 'move', {}))
         end",
    )
    .echo();
    world.advance(1);
    let told = world.told();
    assert_eq!(told[0], "true\ttrue");
    assert!(told[1].contains("the body is a string of bytes, not a table"), "{told:?}");
}

#[test]
fn a_reply_that_does_not_fit_its_schema_is_a_failure() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT}
             local _, err = game:try_request('EchoRequest', {{}})
             print(err.kind)
             print(game.is_open)
         end"
    ))
    .serve(|peer, _, _| {
        // EchoResponse whose body claims more fields than it has.
        let mut payload = vec![2, 0, 0, 0, 0, 0];
        payload.extend([12, 0, 0, 0]);
        payload.extend(b"EchoResponse");
        payload.extend([2, 0, 0, 0, 9, 9]);
        peer.bytes(&crate::world::frame(&payload));
    });
    world.advance(1000);
    world.expect(&["decode", "true"]);
    assert_eq!(world.failures(FailureKind::Decode), 1);
}

#[test]
fn a_task_that_takes_too_long_is_dropped() {
    let mut plan = plan(&format!(
        "function a:start() {CONNECT} end
         a:task('slow', {{ timeout = 1 }}, function(self)
             local x <close> = setmetatable({{}}, {{ __close = function() print('closed') end }})
             while true do pcall(function() self.robot.game:request('SlowRequest', {{}}) end) end
         end)"
    ));
    plan.settings.wait = throng_engine::Wait::Constant(Duration::from_secs(1));
    let mut world = plan.echo();
    world.advance(2500);
    world.expect(&["closed"]);
    assert_eq!(world.failures(FailureKind::TaskTimeout), 1);
}

#[test]
fn what_an_abandoned_task_waited_for_is_cancelled_in_the_books() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT} end
         a:task('slow', {{ timeout = '500ms', wait = 100 }}, function(self)
             self.robot:all(
                 function() self.robot.game:request('SlowRequest', {{}}, {{ timeout = 50 }}) end,
                 function() self.robot.game:request('SlowRequest', {{}}, {{ timeout = 50 }}) end)
         end)"
    ))
    .echo();
    world.advance(100_000);
    let row =
        world.totals.requests().find("game", "SlowRequest").map(|row| row.counts.clone()).expect("asked");
    assert_eq!((row.issued, row.ok, row.cancelled, row.failures.total()), (2, 0, 2, 0));
    world.expect(&[]);
}

#[test]
fn what_the_rest_of_all_waited_for_is_cancelled_in_the_books() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT}
             pcall(self.robot.all, self.robot,
                 function() game:request('SlowRequest', {{}}, {{ timeout = 50 }}) end,
                 function() self.robot:sleep(1) error('no') end)
         end"
    ))
    .echo();
    world.advance(3000);
    let row =
        world.totals.requests().find("game", "SlowRequest").map(|row| row.counts.clone()).expect("asked");
    assert_eq!((row.issued, row.cancelled), (1, 1));
}

#[test]
fn values_at_the_ends_of_their_kinds_go_there_and_back() {
    let mut world = plan(&format!(
        "function a:start() {CONNECT}
             local lowest, highest = math.mininteger, math.maxinteger
             local r = game:request('AllRequest', {{ n = lowest, d = 0x1p-1074, b = false, s = '你好，世界\\0\\xff',
                 list = {{ highest, lowest, 0, -1, 1 << 31, -(1 << 31) - 1 }}, words = {{ '', '字' }}, f = -0.01,
                 items = {{ [highest] = {{ id = highest, name = '名' }} }} }})
             print(r.n == lowest, r.d == 0x1p-1074, r.b, r.s == '你好，世界\\0\\xff', math.type(r.list[3]), r.f)
             print(table.concat(r.list, ' '), #r.words, r.words[1] == '', r.words[2], r.items[highest].name, r.item)
             local huge = game:request('AllRequest', {{ d = -math.huge, n = 3.0, list = {{}} }})
             print(huge.d, huge.n, math.type(huge.n), huge.list and #huge.list)
             print(game:request('EchoRequest', {{ Text = ('中'):rep(20000) }}).Text == ('中'):rep(20000))
         end"
    ))
    .echo();
    world.advance(10);
    world.expect(&[
        "true\ttrue\tfalse\ttrue\tinteger\t-0.01",
        "9223372036854775807 -9223372036854775808 0 -1 2147483648 -2147483649\t2\ttrue\t字\t名\tnil",
        "-inf\t3\tinteger\t0",
        "true",
    ]);
}
