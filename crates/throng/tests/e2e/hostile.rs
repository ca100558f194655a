//! Scripts that run wild on one robot: the hundred beside it play on as if it were not there, and it is counted.

use throng_demo::ServerKind;

use crate::play::{ANY_ERRORS, GAME, Played, Project, settings};
use crate::report::{Books, Report, counts};
use crate::servers::Server;

const ROBOTS: u64 = 101;
/// How often robot 0 runs wild before it ends.
const TIMES: u64 = 3;
/// How often each of the others asks before it ends, at ten a second.
const ECHOES: u64 = 20;

/// A hundred robots that echo, and robot 0, whose task is `body`. The run is over when all of them have done what they had to:
/// how long that takes is the machine's affair.
fn play(body: &str, limits: &str) -> Played {
    let server = Server::start(ServerKind::Game, &[]);
    let player = format!(
        "local player = throng.mod {{ wait = {{ pacing = '100ms' }} }}
        function player:init() self.left = {ECHOES} end
        function player:start() self.robot:connect('game', throng.host, {{ timeout = '2m' }}) end
        player:task('echo', {{ when = function(self) return self.robot.id ~= 0 end }}, function(self)
          local reply = self.robot.game:request('EchoRequest', {{ Text = 'hello' }})
          throng.check('own reply', reply.Text == 'hello from server')
          self.left = self.left - 1
          if self.left == 0 then self.robot:stop() end
        end)
        return player"
    );
    let times = format!(
        "self.times = (self.times or 0) + 1 if self.times > {TIMES} then self.robot:stop() return end"
    );
    let hostile = format!(
        "local hostile = throng.mod {{ wait = '200ms' }}\n\
         hostile:task('run', {{ when = function(self) return self.robot.id == 0 end }}, function(self) {times}\n\
         {body}\n\
         end)\n\
         return hostile\n"
    );
    let limits = format!("ready_timeout = \"2m\"\n{limits}");
    let protocol = format!("{GAME}request_timeout = \"2m\"\n{ANY_ERRORS}");
    let toml = settings(&server.url(), ROBOTS, &protocol).replace("wait = 0", &limits);
    Project::new(&toml, &player).file("mods/hostile.lua", &hostile).run(&[])
}

/// They play on to their end, and every one of their requests is answered. How late the hostile one makes them is the bench's to
/// say.
#[track_caller]
fn assert_undisturbed(report: &Report) {
    let echoes = (ROBOTS - 1) * ECHOES;
    assert_eq!(report.books("EchoRequest"), Books { count: echoes, ok: echoes, ..Books::default() });
    assert_eq!(report.check("own reply"), (echoes, 0));
    assert_eq!((report.number("/robots/failed"), report.number("/robots/stopped")), (0, ROBOTS));
}

/// The hundred play on beside `body`, which is cut off as `kind` on one of its lines, the third of the file being its first.
#[track_caller]
fn check(body: &str, limits: &str, kind: &str, lines: &[u32]) {
    let played = play(body, limits);
    let report = played.passed();
    assert_undisturbed(report);
    assert_eq!(report.errors(), counts([(kind, TIMES)]));
    for error in report.rows("script_errors") {
        let traceback = error["traceback"].as_str().unwrap();
        let named = lines.iter().any(|line| traceback.contains(&format!("mods/hostile.lua:{line}")));
        assert!(named, "none of {lines:?} in {traceback}");
    }
    assert!(!report.rows("script_errors").is_empty());
}

const BRIEFLY: &str = "wait = 0\nscript_deadline = \"20ms\"";

#[test]
fn an_empty_loop() {
    check("while true do end", BRIEFLY, "script_deadline", &[3]);
}

#[test]
fn a_loop_inside_pcall_in_a_loop() {
    check("while true do pcall(function() while true do end end) end", BRIEFLY, "script_deadline", &[3]);
}

#[test]
fn a_loop_inside_coroutine_wrap() {
    let body = "while true do pcall(coroutine.wrap(function() while true do end end)) end";
    check(body, BRIEFLY, "script_deadline", &[3]);
}

#[test]
fn a_loop_in_a_comparator() {
    let body = "table.sort({ 3, 2, 1, 5, 4 }, function(a, b) while true do end end)";
    check(body, BRIEFLY, "script_deadline", &[3]);
}

#[test]
fn a_pattern_that_backtracks_for_ever() {
    // A match has a bound of its own, which a script may catch; only one that catches it again and again is cut off.
    let find = "local function find() return ('a'):rep(100000):find(('a*'):rep(50) .. 'b') end";
    check(&format!("{find}\nfind()"), "wait = 0", "script", &[3]);
    check(&format!("{find}\nwhile true do pcall(find) end"), BRIEFLY, "script_deadline", &[3, 4]);
}

#[test]
fn a_table_that_grows_without_end_until_its_time_is_up() {
    check("local t = {}\nwhile true do t[#t + 1] = {} end", BRIEFLY, "script_deadline", &[4]);
}

#[test]
fn a_table_that_grows_without_end_until_memory_is_up() {
    let limits = "wait = 0\nscript_deadline = \"5s\"\nscript_memory = \"24MB\"";
    let body = "local t = {}\nwhile true do t[#t + 1] = ('x'):rep(100000) .. #t end";
    check(body, limits, "script_memory", &[4]);
}

#[test]
fn a_string_of_a_gigabyte() {
    let played = play("local text = ('x'):rep(1 << 30)", "wait = 0\nscript_memory = \"64MB\"");
    let report = played.passed();
    assert_undisturbed(report);
    let errors = report.errors();
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["script"]);
    let error = &report.rows("script_errors")[0];
    assert!(error["message"].as_str().unwrap().contains("resulting string too large"), "{error}");
    assert!(error["traceback"].as_str().unwrap().contains("mods/hostile.lua:3"), "{error}");
}

#[test]
fn a_finalizer_is_refused() {
    let body = "setmetatable({}, { __gc = function() while true do end end })\ncollectgarbage()";
    let played = play(body, "wait = 0");
    let report = played.passed();
    assert_undisturbed(report);
    let error = &report.rows("script_errors")[0];
    assert!(error["message"].as_str().unwrap().contains("__gc"), "{error}");
    assert!(error["traceback"].as_str().unwrap().contains("mods/hostile.lua:3"), "{error}");
}
