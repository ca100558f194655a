//! Worlds: time, options, what is counted, and what each test has for itself.

use super::super::TestError;
use super::project;
use std::time::Duration;

#[test]
fn time_passes_when_the_test_says_so() {
    let results = project(
        "function a:start() self.robot:every('1s', function() self.beats = (self.beats or 0) + 1 end) end",
    )
    .test(
        "local robot = world:robot()
             assert(world:now() == 0 and throng.now() == 0)
             world:advance('90s')
             assert(world:now() == 90 and robot.mods.a.beats == 90)
             world:advance(0.5)
             assert(world:now() == 90.5)
             world:advance('10m')
             assert(robot.mods.a.beats == 690)",
    )
    .passes();
    assert_eq!(results[0].virtual_time, Duration::from_millis(690_500));
    assert!(results[0].took < Duration::from_secs(29));
}

#[test]
fn each_test_has_a_fresh_world() {
    let results = project("function a:start() self.dice = math.random(1 << 40) end")
        .file(
            "tests/b_test.lua",
            "local before = 0
             local function test(world)
               before = before + 1
               local robot = world:robot()
               assert(before == 1 and world:now() == 0)
               world:advance(1)
               print(robot.mods.a.dice)
             end
             throng.test('one', test)
             throng.test('two', test)",
        )
        .passes();
    assert_eq!(results.iter().map(|result| result.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(results[0].log, results[1].log, "the seed is the same");
    assert_eq!(results[0].log.len(), 1);
}

#[test]
fn options_are_those_of_the_world_also_at_file_level() {
    project("local at_load = throng.options.level function a:start() self.level = at_load + throng.options.level end")
        .test(
            "world:options { level = 5, rate = 2, mode = 'hard', fast = true }
             world:options { mode = 'harder' }
             local robot = world:robot()
             world:advance(1)
             assert(robot.mods.a.level == 10)
             local o = throng.options
             assert(o.rate == 2.0 and o.mode == 'harder' and o.fast == true)",
        )
        .passes();
    let refused =
        |body: &str, message: &str| drop(project("").test(&format!("\n{body}")).fails_at(2, message));
    refused("world:options { levle = 5 }", "unknown option 'levle'; did you mean 'level'?");
    refused("world:options { level = 'high' }", "option 'level' is a whole number, not a string");
    refused("world:options { fast = 1 }", "option 'fast' is true or false");
    refused("world:robot() world:options { level = 5 }", "world:options comes first");
    refused("world:options(5)", "options wants a table");
}

#[test]
fn checks_and_failures_are_counted_and_visible() {
    project("a:task('x', function(self) throng.check('even', self.robot.id % 2 == 1) throng.check('true', true) throng.fail('f') end)")
        .test(
            "world:robot()
             world:advance('5500ms')
             local checks = world:checks()
             assert(checks.even.failed >= 5 and checks.even.passed == 0 and checks['true'].passed == checks.even.failed)
             local kinds = {}
             for _, failure in ipairs(world:failures()) do kinds[failure.kind .. ' ' .. failure.name] = failure.count end
             assert(kinds['check even'] == checks.even.failed and kinds['fail f'] == checks.even.failed)
             assert(#world:errors() == 0)",
        )
        .passes();
    project("function a:start() assert(self.seat, 'no seat') end")
        .test(
            "world:robot()
             world:advance(1)
             local failure = world:failures()[1]
             assert(failure.kind == 'script' and failure.message:find('no seat') and #world:errors() == 1)",
        )
        .passes();
}

#[test]
fn what_robots_and_tests_log_is_kept() {
    let results = project("function a:start() print('from the robot', 1) end")
        .test("print('from the test') world:robot() world:advance(1) assert(world:log()[2] == 'from the robot\\t1')")
        .passes();
    assert_eq!(results[0].log, ["from the test", "from the robot\t1"]);
}

#[test]
fn tests_find_mods_the_library_and_files_of_their_own() {
    project("local list = require 'list' function a:start() self.n = #list end")
        .file("lib/list.lua", "return { 1, 2, 3 }")
        .file("lib/unused.lua", "return 'unused'")
        .file("tests/stage.lua", "return { list = require 'list', count = (throng.options.level) }")
        .test(
            "local stage = require 'stage'
             assert(stage.list == require('list') and #stage.list == 3 and require('unused') == 'unused' and stage.count == 1)
             assert(stage == require 'stage' and type(require 'a') == 'table')
             local ok, err = pcall(require, 'lits')
             assert(not ok and err:find(\"unknown module 'lits'\"))",
        )
        .passes();
}

#[test]
fn only_the_tests_that_are_asked_for_run() {
    let mut some = project("").file(
        "tests/x_test.lua",
        "throng.test('logs in', function() end) throng.test('plays', function() error('no') end)",
    );
    some.only = Some("log".to_owned());
    let results = some.passes();
    assert_eq!((results.len(), results[0].file.as_str(), results[0].line), (1, "tests/x_test.lua", 1));
}

#[test]
fn a_file_that_does_not_load_keeps_all_tests_from_running() {
    let refused = |text: &str, message: &str| {
        let error = project("").file("tests/x_test.lua", text).run().expect_err("a load error");
        assert!(matches!(error, TestError::Load(_)) && error.to_string().starts_with(message), "{error}");
    };
    refused("local x =\n\nend", "tests/x_test.lua:3: unexpected symbol");
    refused("\nerror('no')", "tests/x_test.lua:2: no");
    refused("throng.test(5)", "tests/x_test.lua:1: throng.test wants a name, not a number");
    refused("throng.test('x')", "tests/x_test.lua:1: throng.test wants a function, not nil");
    refused(
        "throng.test('x', function() end)\nthrong.test('x', function() end)",
        "tests/x_test.lua:2: there is a test 'x' already, at line 1",
    );
    let error = project("local x = nil + 1").test("").run().expect_err("a load error");
    assert!(error.to_string().starts_with("mods/a.lua:1: "), "{error}");
}

#[test]
fn a_project_without_tests_has_no_results() {
    assert!(project("").run().expect("nothing is wrong").is_empty());
}

#[test]
fn a_world_is_a_run_with_its_functions() {
    let functions = "
        throng.run.on_start(function() print('on', throng.now(), throng.options.level) end)
        throng.run.on_stop(function() print('off', throng.now()) end)
        function a:start() print('robot') end";
    let results = project(functions)
        .test(
            "world:options { level = 5 }
             world:robot() world:robot()
             assert(#world:log() == 0)
             world:advance(2) world:advance(1)
             assert(table.concat(world:log(), ';') == 'on\\t0.0\\t5;robot;robot')",
        )
        .passes();
    assert_eq!(results[0].log.last().map(String::as_str), Some("off\t3.0"));
    let results = project(functions).test("assert(world:now() == 0)").passes();
    assert_eq!(results[0].log, [""; 0], "no time has passed: there was no run");
}

#[test]
fn an_error_in_a_function_of_the_run_fails_the_test() {
    let functions = "throng.run.on_start(function() error('no stock') end)
        throng.run.on_stop(function() error('never began') end)
        function a:start() print('robot') end";
    let failure = project(functions).test("world:robot() world:advance(1)").fails();
    assert_eq!(failure.script_errors, [""; 0]);
    assert!(failure.message.contains("no stock (throng.run.on_start)"), "{failure:#?}");
    assert_eq!(failure.place.expect("a place").file, "mods/a.lua");
    let failure = project("throng.run.on_stop(function() error('left over') end)")
        .test("world:robot() world:advance(1)")
        .fails();
    assert!(failure.message.contains("left over (throng.run.on_stop)"), "{failure:#?}");
}
