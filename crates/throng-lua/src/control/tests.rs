//! Functions of a run, without any robots.

use super::Control;
use crate::project::{LuaProject, OptionValue};
use crate::{LoadError, LuaHost, RunEvent};
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use throng_engine::{Clock, LogLine};

fn project(files: &[(&str, &str)]) -> (TempDir, Arc<LuaProject>) {
    let folder = TempDir::new().expect("a folder for the test");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    let mut project = LuaProject::at(folder.path());
    project.host = "ws://127.0.0.1:8765".to_owned();
    project.options = vec![("level".to_owned(), OptionValue::Integer(3))];
    project.limits.deadline = Duration::from_millis(40);
    (folder, Arc::new(project))
}

fn load(files: &[(&str, &str)]) -> Result<Option<Control>, LoadError> {
    let (_folder, project) = project(files);
    Control::load(project, Clock::stopped(), 7)
}

/// The control state of a mod `a`, whose functions begin on line 2.
#[track_caller]
fn control(body: &str) -> Control {
    let text = format!("local a = throng.mod()\n{body}\nreturn a\n");
    load(&[("mods/a.lua", &text)]).expect("a right project").expect("functions of the run")
}

fn lines(control: &Control) -> Vec<String> {
    control.take_log().0.into_iter().map(|LogLine { module, text, .. }| format!("{module}: {text}")).collect()
}

#[test]
fn functions_are_called_in_load_order_and_know_the_project() {
    let control = load(&[
        (
            "mods/b.lua",
            "local words = require 'words'
             local b = throng.mod()
             print('loading')
             throng.run.on_start(function() print('b', throng.host, throng.options.level) end)
             throng.run.on_stop(function() throng.log.warn('b goes') end)
             return b",
        ),
        ("mods/a.lua", "local a = throng.mod() throng.run.on_start(function() print('a') end) return a"),
        ("lib/words.lua", "throng.run.on_start(function() print('words', throng.now(), throng.time()) end)"),
    ]);
    let control = control.expect("a right project").expect("functions of the run");
    assert_eq!(lines(&control), [""; 0]);
    control.start().expect("all functions return");
    assert_eq!(lines(&control), ["a: a", "words: words\t0.0\t0.0", "b: b\tws://127.0.0.1:8765\t3"]);
    assert_eq!(control.stop(), []);
    assert_eq!(lines(&control), ["b: b goes"]);
}

#[test]
fn a_project_without_such_functions_needs_no_control_state() {
    assert!(load(&[("mods/a.lua", "return throng.mod()")]).expect("a right project").is_none());
}

#[test]
fn what_only_functions_of_the_run_capture_is_theirs() {
    let control = control(
        "local began
         throng.run.on_start(function() began = throng.now() end)
         throng.run.on_stop(function() print('began', began) end)",
    );
    control.start().expect("the local is not shared with robots");
    assert_eq!(control.stop(), []);
    assert_eq!(lines(&control), ["a: began\t0.0"]);
}

#[test]
fn globals_and_the_mod_s_class_are_frozen_for_them_too() {
    let error = control("throng.run.on_start(function() token = 'x' end)").start().expect_err("a global");
    assert!(error.message.starts_with("mods/a.lua:2: "), "{}", error.message);
    let error = control("throng.run.on_start(function() a.token = 'x' end)").start().expect_err("the class");
    assert!(error.message.contains("frozen after load"), "{}", error.message);
}

#[test]
fn the_first_error_at_the_start_ends_it_and_names_the_line() {
    let control = control(
        "throng.run.on_start(function() print('first') end)
         throng.run.on_start(function() local x = nil
         return x.y end)
         throng.run.on_start(function() print('third') end)",
    );
    let error = control.start().expect_err("the second function fails");
    assert_eq!(error.message, "mods/a.lua:4: attempt to index a nil value (local 'x') (throng.run.on_start)");
    assert!(error.traceback.contains("mods/a.lua:4"), "{}", error.traceback);
    assert_eq!(lines(&control), ["a: first"]);
}

#[test]
fn an_error_at_the_stop_keeps_no_other_from_running() {
    let control = control(
        "throng.run.on_stop(function() error('no') end)
         throng.run.on_stop(function() print('second') end)",
    );
    let errors = control.stop();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "mods/a.lua:2: no (throng.run.on_stop)");
    assert_eq!(lines(&control), ["a: second"]);
}

#[test]
fn they_may_not_block_and_measure_nothing() {
    #[track_caller]
    fn says(body: &str, message: &str) {
        let error = control(&format!("throng.run.on_start(function() {body} end)")).start().expect_err(body);
        assert!(
            error.message.contains(message) && error.message.contains("mods/a.lua:2"),
            "{}",
            error.message
        );
    }
    says("coroutine.yield()", "coroutine.yield outside of a coroutine");
    for body in ["throng.check('x', true)", "throng.count('x')", "throng.record('x', 1)", "throng.fail('x')"]
    {
        says(body, "this is for a robot's code: the functions of throng.run have no robot");
    }
    says("throng.measure('x', function() end)", "the functions of throng.run have no robot");
    says("require 'new'", "require 'new' at file level");
    says("throng.run.on_stop(print)", "throng.run.on_stop belongs at file level");
}

#[test]
fn a_function_without_end_is_cut_off() {
    let control = control("throng.run.on_stop(function() while true do pcall(error) end end)");
    let errors = control.stop();
    assert!(errors[0].message.contains("cut off: ran for"), "{}", errors[0].message);
}

#[test]
fn only_so_many_lines_are_kept() {
    let control = control("throng.run.on_start(function() for i = 1, 1010 do print(i) end end)");
    control.start().expect("it returns");
    let (lines, dropped) = control.take_log();
    assert_eq!((lines.len(), dropped), (1_000, 10));
}

#[test]
fn random_numbers_come_from_the_run_s_seed() {
    let drawn = || {
        let control = control(
            "throng.run.on_start(function() print(math.random(1 << 40)) end)
             throng.run.on_stop(function() print(math.random(1 << 40)) end)",
        );
        control.start().expect("it returns");
        control.stop();
        lines(&control)
    };
    let first = drawn();
    assert_eq!(first, drawn());
    assert_ne!(first[0], first[1]);
}

#[test]
fn what_is_no_function_or_comes_too_late_is_refused() {
    let refused = |body: &str| {
        let text = format!("local a = throng.mod()\n{body}\nreturn a\n");
        load(&[("mods/a.lua", &text)]).err().expect("a mistake").to_string()
    };
    assert_eq!(
        refused("throng.run.on_start('x')"),
        "mods/a.lua:2: throng.run.on_start wants a function, not a string"
    );
    assert_eq!(
        refused("throng.run:on_stop(print)"),
        "mods/a.lua:2: throng.run.on_stop wants a function, not a table"
    );
}

#[test]
fn checking_a_project_lists_them() {
    let (_folder, project) = project(&[(
        "mods/a.lua",
        "local a = throng.mod()\nthrong.run.on_start(print)\nthrong.run.on_stop(print)\nreturn a",
    )]);
    let functions = LuaHost::check(project).expect("a right project").run_functions;
    let rows: Vec<_> = functions.iter().map(|f| (f.event, &*f.module, &*f.place.0, f.place.1)).collect();
    assert_eq!(rows, [(RunEvent::Start, "a", "mods/a.lua", 2), (RunEvent::Stop, "a", "mods/a.lua", 3)]);
}

/// The control state of a project with this shape.
fn shaped(shape: &str) -> Result<Control, LoadError> {
    let files = [
        ("mods/a.lua", "return throng.mod()"),
        ("lib/day.lua", "return { peak = 40 }"),
        ("shapes/evening.lua", shape),
    ];
    let (_folder, project) = project(&files);
    let project = LuaProject { shape: Some("shapes/evening.lua".into()), ..(*project).clone() };
    let control = Control::load(Arc::new(project), Clock::stopped(), 7)?;
    Ok(control.expect("a shape needs a control state"))
}

#[track_caller]
fn ticking(shape: &str) -> Control {
    shaped(shape).expect("a right shape")
}

#[test]
fn a_shape_says_how_many_robots_there_should_be_and_how_fast() {
    let control = ticking(
        "local day = require 'day'
         local asked = 0
         return function(run_time)
           asked = asked + 1
           if run_time >= 60 then return nil end
           print(asked, run_time, throng.options.level)
           if run_time > 5 then return 7.6, 0.5, { chat = 'casual' } end
           return day.peak, 10
         end",
    );
    let at = |seconds| control.tick(Duration::from_secs(seconds)).expect("an answer");
    let tick = |robots, spawn_rate, scenarios| Some(crate::Tick { robots, spawn_rate, scenarios });
    assert_eq!(at(0), tick(40, 10.0, None));
    assert_eq!(at(10), tick(8, 0.5, Some(vec!["casual".to_owned()])));
    assert_eq!(at(60), None);
    assert_eq!(lines(&control), ["evening: 1\t0.0\t3", "evening: 2\t10.0\t3"]);
}

#[test]
fn a_shape_that_is_none_is_told_with_its_place() {
    for (shape, wanted) in [
        ("return 5", "shapes/evening.lua:1: a shape's file returns the function"),
        ("local x =", "shapes/evening.lua:1: "),
        ("\nerror('no')", "shapes/evening.lua:2: no"),
    ] {
        let Err(error) = shaped(shape) else { panic!("{shape} is no shape") };
        assert!(error.to_string().starts_with(wanted), "{error}");
    }
}

#[test]
fn a_tick_that_fails_or_gives_nonsense_is_told_with_its_place() {
    for (body, wanted) in [
        ("return 5", "shapes/evening.lua:2: tick gives as its second result how many robots begin"),
        ("return -1, 1", "shapes/evening.lua:2: tick gives how many robots there should be"),
        ("return 0 / 0, 1", "shapes/evening.lua:2: tick gives how many robots"),
        ("return 1, 0", "shapes/evening.lua:2: tick gives as its second result"),
        ("return 'many', 1", "shapes/evening.lua:2: tick gives how many robots"),
        ("return 1, 1, 'casual'", "shapes/evening.lua:2: tick gives as its third result a list"),
        ("return 1, 1, { 5 }", "shapes/evening.lua:2: the scenarios that tick gives are names"),
        ("return nothing.at.all", "shapes/evening.lua:3: "),
        ("while true do end", "shapes/evening.lua:3: cut off"),
    ] {
        let control = ticking(&format!("\nreturn function()\n{body}\nend"));
        let error = control.tick(Duration::ZERO).expect_err(body);
        assert!(error.message.starts_with(wanted), "{body}: {}", error.message);
        assert!(control.tick(Duration::ZERO).is_err(), "it goes on to fail: {body}");
    }
}
