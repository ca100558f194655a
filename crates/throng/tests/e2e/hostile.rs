//! Scripts that run wild on one robot: the hundred beside it play on as if it were not there, and it is counted.

use std::sync::OnceLock;

use throng_demo::ServerKind;

use crate::play::{GAME, Played, Project, settings};
use crate::report::Report;
use crate::servers::Server;

const ROBOTS: u64 = 101;

/// A hundred robots that echo at ten a second, and robot 0, whose task is `body`.
fn play(body: &str, limits: &str) -> Played {
    let server = Server::start(ServerKind::Game, &[]);
    let player = "
        local player = throng.mod { wait = { pacing = '100ms' } }
        function player:start() self.robot:connect('game', throng.host) end
        player:task('echo', { when = function(self) return self.robot.id ~= 0 end }, function(self)
          local reply = self.robot.game:request('EchoRequest', { Text = 'hello' })
          throng.check('own reply', reply.Text == 'hello from server')
        end)
        return player";
    let hostile = format!(
        "local hostile = throng.mod {{ wait = '800ms' }}\n\
         hostile:task('run', {{ when = function(self) return self.robot.id == 0 end }}, function(self)\n\
         {body}\n\
         end)\n\
         return hostile\n"
    );
    let toml = settings(&server.url(), ROBOTS, GAME).replace("wait = 0", limits)
        + "[thresholds]\n\"errors.rate\" = \"<= 100%\"\n";
    Project::new(&toml, player).file("mods/hostile.lua", &hostile).run_alone(None, &["-t", "2s"])
}

/// What the hundred do when nobody is hostile.
fn undisturbed() -> u64 {
    static UNDISTURBED: OnceLock<u64> = OnceLock::new();
    *UNDISTURBED.get_or_init(|| {
        let played = play("self.robot:sleep(10)", "wait = 0");
        let report = played.passed();
        assert_eq!(report.errors().values().sum::<u64>(), 0);
        report.books("EchoRequest").ok
    })
}

/// They go on playing: what they lose is the time the hostile one is given before it is cut off. How much that is, is the
/// bench's to say; here it is less than most of it, also on a machine that does other work.
#[track_caller]
fn assert_undisturbed(report: &Report) {
    let (echoes, whole) = (report.books("EchoRequest").ok, undisturbed());
    assert!(echoes * 4 >= whole, "{echoes} echoes of {whole}");
}

/// The hundred play on beside `body`, which is cut off as `kind` on one of its lines, the third of the file being its first.
#[track_caller]
fn check(body: &str, limits: &str, kind: &str, lines: &[u32]) {
    check_at_least(2, body, limits, kind, lines);
}

#[track_caller]
fn check_at_least(least: u64, body: &str, limits: &str, kind: &str, lines: &[u32]) {
    let played = play(body, limits);
    let report = played.passed();
    let books = report.books("EchoRequest");
    assert_eq!((books.ok, books.failures), (books.count - books.cancelled, 0), "{books:?}");
    assert_undisturbed(report);
    assert_eq!(report.check("own reply"), (books.ok, 0));

    let errors = report.errors();
    assert!(errors.get(kind).is_some_and(|count| *count >= least), "{least} times or more: {errors:?}");
    assert_eq!(errors.len(), 1, "nothing but {kind}: {errors:?}");
    assert_eq!(report.number("/robots/failed"), 0);
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
    // Even the first match may take most of the run where the machine does other work.
    check_at_least(1, &format!("{find}\nwhile true do pcall(find) end"), BRIEFLY, "script_deadline", &[3, 4]);
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
