//! How tests fail, and what is told then.

use super::project;
use std::time::Duration;

const PLAYER: &str = "
function a:start()
  self.robot:connect('game', throng.host):request('LoginRequest', { Name = 'bob', Password = 'pw' })
end";

#[test]
fn a_failed_assertion_is_shown_with_its_source_and_what_robots_did_last() {
    let failure = project(PLAYER)
        .test(
            "local server = world:server(throng.host)
             server:on('LoginRequest', function() return { MyValue = 9 }, '50ms' end)
             local robot = world:robot()
             world:advance('1s')
             assert(server:count('LoginRequest') == 2)",
        )
        .fails_at(5, "assertion failed!");
    assert_eq!(failure.place.expect("a place").source, "assert(server:count('LoginRequest') == 2)");
    assert_eq!(failure.seed, 7);
    let last: Vec<String> =
        failure.last.iter().map(|event| format!("{:?} {}", event.at, event.text)).collect();
    assert_eq!(
        last,
        [
            "0ns a.start begins",
            "0ns game: connects to ws://127.0.0.1:8765",
            "0ns game: open",
            "0ns game -> LoginRequest { Name = \"bob\", Password = *** }",
            "50ms game <- LoginResponse { MyValue = 9 } (reply after 50ms)",
            "50ms a.start ends after 50ms",
        ]
    );
}

#[test]
fn a_robot_s_uncaught_error_fails_the_test_unless_it_looks() {
    let broken = "function a:start() local x = nil\nreturn x.y end";
    let failure = project(broken).test("world:robot() world:advance(1)").fails();
    let place = failure.place.expect("a place");
    assert_eq!((place.file.as_str(), place.line, place.source.as_str()), ("mods/a.lua", 2, "return x.y end"));
    assert!(failure.message.contains("attempt to index a nil value"), "{}", failure.message);
    project(broken)
        .test(
            "world:robot() world:robot()
             world:advance(1)
             local errors = world:errors()
             assert(#errors == 1 and errors[1].count == 2 and errors[1].message:find('mods/a.lua:2') and errors[1].traceback ~= '')",
        )
        .passes();
    project(broken)
        .test("world:robot() world:advance(1) world:errors() world:robot() world:advance(1)")
        .fails();
}

#[test]
fn errors_and_missing_handlers_are_told_beside_a_failed_assertion() {
    let failure = project(&format!("{PLAYER} function a:init() self.robot.seat = 5 end"))
        .test("world:robot() world:advance(1)\nassert(false, 'mine')")
        .fails_at(2, "mine");
    assert_eq!(failure.script_errors.len(), 1, "{failure:#?}");
    let failure = project(PLAYER)
        .test(
            "world:server(throng.host) local robot = world:robot() world:advance('3s')\nassert(robot.ready)",
        )
        .fails_at(2, "assertion failed!");
    assert_eq!(failure.notes[0], "ws://127.0.0.1:8765: no handler for 'LoginRequest'");
    assert!(failure.notes[1].starts_with("failure timeout of LoginRequest"), "{:?}", failure.notes);
}

#[test]
fn a_runaway_test_or_handler_is_cut_off() {
    let cut = |body: &str| {
        let mut runaway = project(PLAYER).test(body);
        runaway.deadline = Duration::from_millis(5);
        let failure = runaway.fails();
        assert!(failure.message.contains("cut off"), "{failure:#?}");
        let place = failure.place.map(|place| (place.file, place.line));
        assert_eq!(place, Some(("tests/a_test.lua".to_owned(), 2)));
    };
    cut("\nwhile true do end");
    cut("local s = world:server(throng.host) s:on('LoginRequest', function()\nwhile true do pcall(error) end end)
         world:robot() world:advance(1)");
}

#[test]
fn objects_that_a_test_has_written_to_cannot_harm() {
    project(PLAYER)
        .test(
            "local server = world:server(throng.host)
             server[1], server.url = 99, nil
             local robot = world:robot()
             world:advance(1)
             local client = server:clients()[1]
             client.id = 99
             assert(client:is_open() and server:count() == 1)
             local forged = setmetatable({}, getmetatable(client))
             assert(not pcall(forged.close, forged))
             robot.id = 5
             assert(robot.state == 'stopped')",
        )
        .passes();
}

#[test]
fn a_test_ends_at_its_virtual_deadline() {
    project("")
        .test("\nwhile true do world:advance('10m') end")
        .fails_at(2, "more than 1h of its world's time");
}

#[test]
fn a_test_ends_at_its_real_deadline() {
    let mut slow = project("");
    slow.limits.real_time = Duration::from_millis(100);
    slow.test("\nwhile true do world:advance('1us') end").fails_at(2, "the test takes more than 100ms");
}

#[test]
fn an_exchange_without_end_at_one_moment_is_told() {
    project("function a:start() local g = self.robot:connect('g', throng.host) while true do g:request('EchoRequest', {}) end end")
        .test("world:server(throng.host):on('EchoRequest', function() return {} end)\nworld:robot() world:advance(1)")
        .fails_at(2, "time stands still");
}

#[test]
fn only_the_test_s_own_function_lets_time_pass() {
    project("function a:start() self.world.advance() end")
        .test(
            "local server = world:server(throng.host)
             server:on_message(function()
               world:advance(1)
             end)
             world:advance(0)",
        )
        .passes();
    project("function a:start() self.robot:connect('g', throng.host):send('Note', {}) end")
        .test("local s = world:server(throng.host) s:on_message(function()\nworld:advance(1) end) world:robot() world:advance(1)")
        .fails_at(2, "world:advance belongs in the test's own function");
    project("")
        .test("\ncoroutine.wrap(function() world:advance(1) end)()")
        .fails_at(2, "world:advance cannot be called here");
    project("")
        .test("\ntable.sort({ 1, 2 }, function() world:advance(1) end)")
        .fails_at(2, "world:advance cannot be called here");
    project("").test("\nworld:advance('soon')").fails_at(2, "a time is");
    project("").test("\nworld.advance(1)").fails_at(2, "write world:advance(...), with a colon");
    project("").test("\nthrong.test('x', function() end)").fails_at(2, "throng.test belongs at file level");
    project("").test("\nthrong.check('x', true)").fails_at(2, "for a robot's code");
}

#[test]
fn bytes_that_are_not_of_the_protocol_are_told() {
    let failure = project("function a:start() self.robot:connect('g', 'tcp://h:8767', { protocol = 'stream' }):write('\\0\\1x') end")
        .test("world:server('tcp://h:8767') world:robot() world:advance(1)\nassert(false)")
        .fails_at(2, "assertion failed!");
    assert!(
        failure.notes[0].starts_with("tcp://h:8767: what came is not of its protocol"),
        "{:?}",
        failure.notes
    );
}

#[test]
fn a_field_that_a_message_does_not_have_fails_the_test() {
    let says = |player: &str, server: &str, message: &str| {
        let failure = project(player)
            .test(&format!(
                "local server = world:server(throng.host)
                 {server}
                 world:robot()
                 world:advance('1s')"
            ))
            .fails();
        assert!(failure.message.contains(message), "{failure:#?}");
        failure.place
    };
    let silent = "server:on('LoginRequest', function() return { MyValue = 9 } end)";
    let slip = PLAYER.replace("Password", "Pasword");
    let place = says(&slip, silent, "LoginRequest has no field 'Pasword'; did you mean 'Password'?");
    let place = place.map(|place| (place.file, place.line));
    assert_eq!(place, Some(("mods/a.lua".to_owned(), 3)));
    let reply = "server:on('LoginRequest', function() return { MyVale = 9 } end)";
    says(PLAYER, reply, "LoginResponse has no field 'MyVale'; did you mean 'MyValue'?");
    let push = "server:on('LoginRequest', function(_, client) client:push('Note', { m = 9 }) end)";
    says(PLAYER, push, "Note has no field 'm'");
}
