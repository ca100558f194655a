//! The life of a robot: starts, tasks, spawned functions, timers, its end.

use crate::world::plan;
use std::time::Duration;
use throng_metrics::{FailureKind, WorkKind};

#[test]
fn each_robot_has_objects_of_its_own_for_its_life() {
    let mut world = plan(
        "function a:init() self.count = 0 end
         function a:start() self.count = self.count + 1 end
         a:task('x', function(self) self.count = self.count + 1 print(self.robot.id, self.count, self.robot.mods.b.a == self, self.robot.name) end)",
    )
    .file("mods/b.lua", "local b = throng.mod { needs = 'a' }\nfunction b:start() self.a = self.robot.mods.a end\nreturn b")
    .echo();
    world.want(2);
    world.advance(2100);
    let mut told = world.told();
    told.sort();
    assert_eq!(told[0], "0\t2\ttrue\trobot-0");
    assert_eq!(told.last().map(String::as_str), Some("1\t3\ttrue\trobot-1"));
}

#[test]
fn tasks_begin_when_every_start_has_returned() {
    let mut world = plan("function a:start() self.robot:sleep(3) print('started') end a:task('t', function() print('task') end)")
        .file("mods/b.lua", "local b = throng.mod() function b:start() print('b') end return b")
        .echo();
    world.advance(2900);
    world.expect(&["b"]);
    world.advance(4100);
    world.expect(&["started", "task"]);
}

#[test]
fn ready_opens_the_gate_early() {
    let mut world = plan(
        "function a:start() self.robot:ready() self.robot:ready() self.robot:sleep(9) end
         a:task('t', { wait = 1 }, function() print('task') end)",
    )
    .echo();
    world.advance(2500);
    assert!(world.told().contains(&"task".to_owned()));
}

#[test]
fn a_task_is_asked_whether_it_may_run() {
    let mut world = plan(
        "a:task('never', { when = function(self) return false end }, function() print('never') end)
         a:task('broken', { when = function(self) return self.no.such end }, function() print('never') end)
         a:task('waits', { when = function(self) self.robot:sleep(1) end }, function() print('never') end)
         a:task('always', { when = function(self) return 1 end }, function() print('always') end)",
    )
    .echo();
    world.advance(1500);
    let told = world.told();
    assert!(!told.is_empty() && told.iter().all(|line| line == "always"), "{told:?}");
    world.expect_error("attempt to index a nil value (field 'no')", "mods/a.lua:2");
    world.expect_error("may not block here, in init, when", "mods/a.lua:3");
}

#[test]
fn a_sequence_runs_its_steps_and_ends_at_a_failed_one() {
    let mut world = plan(
        "function a:one() print('one') end function a:two() self.n = (self.n or 0) + 1 if self.n == 2 then error('no') end print('two') end
         function a:three() print('three') end
         a:sequence('s', { steps = { 'one', 'two', 'three' }, wait = '100ms' })",
    )
    .echo();
    world.advance(3000);
    assert_eq!(world.told()[..4], ["one", "two", "three", "one"]);
    world.expect_error("mods/a.lua:1: no", "mods/a.lua:1: in function");
    assert!(world.totals.work(WorkKind::Sequence).iter().next().is_some());
}

#[test]
fn an_uncaught_error_is_counted_with_its_traceback() {
    let mut world = plan("\nlocal function deep(x) return x.y.z end\na:task('t', { wait = 100 }, function(self)\nlocal v = deep({})\nend)").echo();
    world.advance(100_000);
    world.expect_error("mods/a.lua:2: attempt to index a nil value (field 'y')", "mods/a.lua:4: in function");
    assert_eq!(world.failures(FailureKind::Script), 1);
}

#[test]
fn errors_that_are_no_strings_are_told_too() {
    let mut world = plan("a:task('t', { wait = '10ms' }, function() error({ code = 5 }) end) a:task('u', function() error() end)").echo();
    world.advance(3_000);
    world.expect_error("error with a table: { code = 5 }", "mods/a.lua:1");
    world.expect_error("error with nil", "mods/a.lua:1");
}

#[test]
fn a_spawned_function_runs_beside_and_is_waited_for() {
    let mut world = plan(
        "function a:start()
             local h = self.robot:spawn(function() self.robot:sleep(2) print('spawned') return 'x', nil, 'y' end)
             print('begun')
             print(pcall(h.wait, h, 1))
             print(h:wait())
             print(h:wait())
             local e = self.robot:spawn(function() error('bad') end)
             print(pcall(e.wait, e))
         end",
    )
    .echo();
    world.advance(5000);
    let told = world.told();
    assert_eq!(told[0], "begun");
    assert_eq!(told[1], "false\tmods/a.lua:4: wait: no reply in time");
    assert_eq!(told[2..5], ["spawned", "x\tnil\ty", "x\tnil\ty"]);
    assert!(told[5].starts_with("false\t") && told[5].ends_with("mods/a.lua:7: bad"), "{told:?}");
    assert_eq!(world.failures(FailureKind::Script), 1, "counted once, where it happened");
}

#[test]
fn a_timer_beats_until_it_is_cancelled() {
    let mut world = plan(
        "function a:start()
             local n, timer = 0
             timer = self.robot:every('100ms', function()
                 n = n + 1 print(n)
                 if n == 2 then self.robot:sleep('250ms') end
                 if n == 4 then timer:cancel() end
             end)
         end",
    )
    .echo();
    world.advance(2000);
    world.expect(&["1", "2", "3", "4"]);
}

#[test]
fn restart_never_returns_and_begins_anew() {
    let mut world = plan(
        "function a:init() print('init') end
         function a:start()
             local x <close> = setmetatable({}, { __close = function() print('closed', pcall(self.robot.sleep, self.robot, 1)) end })
             self.robot:spawn(function() self.robot:sleep(1) print('never 1') end)
             self.robot:every(1, function() print('never 2') end)
             self.robot:sleep('500ms')
             pcall(function() self.robot:restart() end)
             print('never')
         end",
    )
    .echo();
    world.advance(600);
    let told = world.told();
    assert_eq!(told[0], "init");
    assert!(told[1].starts_with("closed\tfalse\t") && told[1].contains("may not block here"), "{told:?}");
    assert_eq!(told.len(), 2);
    world.advance(5000);
    let told = world.told();
    assert!(!told.contains(&"never".to_owned()) && told[0] == "init", "{told:?}");
}

#[test]
fn stop_runs_the_stops_and_ends_the_robot() {
    let mut world = plan(
        "function a:start() self.robot:connect('game', 'tcp://127.0.0.1:4000') end
         a:task('t', function(self) self.robot:stop() print('never') end)
         function a:stop() print(self.robot.game:request('EchoRequest', { Text = 'bye' }).Text) end",
    )
    .echo();
    world.advance(3000);
    world.expect(&["bye"]);
    assert_eq!(world.shard.host_mut().live_robots(), 0);
}

#[test]
fn a_run_that_ends_stops_robots_in_good_order() {
    let mut world = plan("function a:stop() print('bye') end").echo();
    world.advance(100);
    world.stop();
    world.advance(200);
    world.expect(&["bye"]);
}

#[test]
fn measures_checks_and_counters_are_recorded() {
    let mut world = plan(
        "function a:start()
             print(throng.measure('m', function(...) self.robot:sleep(2) return 1, nil, 3 end))
             throng.record('r', '5ms') throng.count('c') throng.count('c', 4)
             print(throng.check('ok', 5), throng.check('no', nil))
             print(throng.version ~= nil, throng.host, throng.options.level, throng.time() > 0)
         end",
    );
    world.change = Box::new(|project| {
        project.host = "ws://here".to_owned();
        project.options.push(("level".to_owned(), throng_lua::OptionValue::Integer(3)));
    });
    let mut world = world.echo();
    world.advance(3000);
    world.expect(&["1\tnil\t3", "5\tnil", "true\tws://here\t3\ttrue"]);
    let measure = |name: &str| world.totals.measures().find("", name).and_then(|row| row.values().max_us());
    assert!(measure("m").is_some_and(|us| (1_990_000..2_010_000).contains(&us)));
    assert!(measure("r").is_some_and(|us| (4_990..5_010).contains(&us)));
    assert_eq!(world.totals.counters().find("", "c").map(|row| row.counts.value), Some(5));
    assert_eq!(world.failures(FailureKind::Check), 1);
}

#[test]
fn fail_ends_the_task_and_redacts_secrets() {
    let mut world = plan(
        "a:task('t', { wait = 100 }, function(self)
             throng.fail('echo is wrong', { text = 'x', Password = 'hunter2', deep = { token = 5 } })
             print('never')
         end)",
    )
    .echo();
    world.advance(100_000);
    world.expect(&[]);
    let failures = world.totals.failures();
    let failure = failures.iter().find(|group| group.kind == FailureKind::Fail).expect("a failure");
    assert_eq!((&*failure.message, failure.count), ("echo is wrong", 1));
    let sample = failure.sample.as_deref().expect("a sample");
    assert!(
        sample.contains("text = \"x\"") && !sample.contains("hunter2") && !sample.contains('5'),
        "{sample}"
    );
}

#[test]
fn a_runaway_loop_is_cut_off_and_the_robot_goes_on() {
    let mut plan = plan(
        "a:task('t', { wait = '100ms' }, function(self)
             self.n = (self.n or 0) + 1
             if self.n == 1 then while true do pcall(function() while true do end end) end end
             print(self.n)
         end)",
    );
    plan.change = Box::new(|project| project.limits.deadline = Duration::from_millis(20));
    let mut world = plan.echo();
    world.advance(400);
    assert_eq!(world.told().first().map(String::as_str), Some("2"));
    assert_eq!(world.failures(FailureKind::ScriptDeadline), 1);
}

#[test]
fn a_captured_variable_that_is_assigned_is_an_error() {
    let mut world = plan(
        "local shared, options = 0, { retry = { first = 1 }, timeout = 5 }
         local body = { Text = 'frozen' }
         function a:start()
             local game = self.robot:connect('game', 'tcp://127.0.0.1:4000', options)
             print(game:request('EchoRequest', body, { timeout = 1 }).Text)
             shared = shared + 1
         end",
    )
    .echo();
    world.advance(10);
    assert_eq!(world.told(), ["frozen"]);
    world.expect_error("mods/a.lua:6: local 'shared' is frozen after load: put it in self", "");
}

#[test]
fn random_numbers_are_the_robots_own() {
    let told = |robots: u64| {
        let mut world = plan(
            "function a:start() print(self.robot.id, math.random(1000), math.random(1000))
                 self.robot:sleep(1) if not self.robot.id == 0 then return end self.robot:restart() end",
        )
        .echo();
        world.want(robots);
        world.advance(20_000);
        let mine = world.told().into_iter().filter(|line| line.starts_with('0'));
        mine.take(2).collect::<Vec<String>>()
    };
    let alone = told(1);
    assert_eq!(alone, told(3), "whoever else plays");
    assert_ne!(alone[0], alone[1], "the stream goes on after a restart");
}

#[test]
fn too_many_spawned_functions_are_refused() {
    let mut plan = plan(
        "function a:start()
             local handles = {}
             for i = 1, 9 do handles[i] = self.robot:spawn(function() self.robot:sleep(1) end) end
             local ok, err = pcall(self.robot.spawn, self.robot, print)
             for i = 1, 9 do handles[i]:wait() end
             print(ok, err.kind, pcall(self.robot.spawn, self.robot, print))
         end",
    );
    plan.change = Box::new(|project| project.limits.functions_per_vm = 10);
    let mut world = plan.echo();
    world.advance(1500);
    assert!(world.told()[0].starts_with("false\toverflow\ttrue"));
}

#[test]
fn a_function_may_be_cancelled_but_not_by_itself() {
    let mut world = plan(
        "function a:start()
             local h h = self.robot:spawn(function() print(pcall(h.cancel, h)) self.robot:sleep(5) print('never') end)
             self.robot:sleep(1)
             h:cancel()
             print(select(2, pcall(h.wait, h)).kind)
             self.robot:sleep(9)
         end",
    )
    .echo();
    world.advance(20_000);
    let told = world.told();
    assert!(
        told[0].contains("a function cannot cancel itself") && told[1] == "closed" && told.len() == 2,
        "{told:?}"
    );
}

#[test]
fn a_robot_can_be_looked_into() {
    let mut world = plan("function a:init() self.level, self.password = 5, 'x' end").echo();
    world.advance(10);
    let robot = slotmap::KeyData::from_ffi((1 << 32) | 1).into();
    assert_eq!(world.shard.host_mut().inspect(robot).len(), 1);
    let text = world.shard.host_mut().inspect(robot).remove(0).1;
    assert!(
        text.contains("level = 5") && text.contains("password = ***") && !text.contains("robot"),
        "{text}"
    );
}

#[test]
fn what_doubles_is_stopped_by_the_memory_limit() {
    let mut plan = plan(
        "a:task('t', { wait = '10ms' }, function(self)
             if not self.grown then self.grown = true local s = 'x' while true do s = s .. s end end
             throng.count('after')
         end)",
    );
    plan.change = Box::new(|project| project.limits.memory = 16 << 20);
    let mut world = plan.echo();
    world.advance(1500);
    assert_eq!(world.failures(FailureKind::ScriptMemory), 1);
    assert!(world.totals.counters().find("", "after").is_some_and(|row| row.counts.value > 0));
}

#[test]
fn slow_growth_beyond_the_memory_limit_is_counted() {
    let mut plan = plan(
        "a:task('t', { wait = '10ms' }, function(self)
             self.hoard = self.hoard or {}
             self.hoard[#self.hoard + 1] = ('x'):rep(1 << 20) .. #self.hoard
         end)",
    );
    plan.change = Box::new(|project| project.limits.memory = 16 << 20);
    let mut world = plan.echo();
    world.advance(1500);
    assert!(world.failures(FailureKind::ScriptMemory) >= 1);
}

#[test]
fn a_robot_that_does_not_become_ready_tells_where_it_waits() {
    let mut plan = plan(
        "function a:start()
             self.robot:connect('game', 'tcp://127.0.0.1:4000')
             self.robot.game:request('SlowRequest', {}, { timeout = 60 })
         end",
    );
    plan.settings.ready_timeout = Duration::from_secs(3);
    let mut world = plan.echo();
    world.advance(3500);
    let failures = world.totals.failures();
    let late = failures.iter().find(|group| group.kind == FailureKind::ReadyTimeout).expect("a failure");
    let text = format!("{} {}", late.message, late.sample.as_deref().unwrap_or_default());
    assert!(text.contains("mods/a.lua:3: request SlowRequest"), "{text}");
}

#[test]
fn robots_beyond_the_limit_get_another_state() {
    let mut plan = plan("a:task('t', { wait = 1 }, function(self) throng.count('ran') end)");
    plan.change = Box::new(|project| project.limits.robots_per_vm = 3);
    let mut world = plan.echo();
    world.want(10);
    world.advance(3000);
    assert_eq!(world.shard.host_mut().states(), 4);
    let ran = world.totals.counters().find("", "ran").map(|row| row.counts.value);
    assert!(ran.is_some_and(|ran| ran >= 20), "{ran:?}");
}

#[test]
fn a_restart_asked_for_keeps_what_was_about_to_begin_from_it() {
    let closed =
        "closed(connection, why) print(self.robot.id, why.kind) self.robot:restart() print('never') end";
    let mut world = plan(&format!(
        "function a:start() self.robot:connect('game', 'tcp://127.0.0.1:4000'):close() self.robot:sleep(9) end
         function a:{closed}"
    ))
    .file("mods/b.lua", &format!("local b = throng.mod() function b:{closed} return b"))
    .echo();
    world.advance(10);
    world.expect(&["0\tself"]);
}

#[test]
fn a_stop_in_a_stop_is_its_end() {
    let mut world = plan(
        "a:task('t', function(self) self.robot:stop() end)
         function a:stop() print('a') self.robot:stop() print('never') end",
    )
    .file(
        "mods/b.lua",
        "local b = throng.mod()
         function b:stop() local ok = pcall(self.robot.restart, self.robot) print('never', ok) end return b",
    )
    .file(
        "mods/c.lua",
        "local c = throng.mod() function c:stop() self.robot:sleep('5ms') print('c') end return c",
    )
    .echo();
    world.advance(1100);
    world.expect(&["a", "c"]);
    assert_eq!(world.shard.host_mut().live_robots(), 0, "long before the time for stops is over");
}

#[test]
fn nothing_begins_in_a_life_that_ends() {
    let mut world = plan(
        "function a:start()
             local x <close> = setmetatable({}, { __close = function()
                 print(pcall(self.robot.spawn, self.robot, print))
                 print(pcall(self.robot.every, self.robot, 1, print))
             end })
             self.robot:restart()
         end",
    )
    .echo();
    world.advance(10);
    let told = world.told();
    assert!(
        told.len() == 2 && told.iter().all(|line| line.contains("the robot's life is ending")),
        "{told:?}"
    );
}

#[test]
fn close_variables_of_what_is_dropped_belong_to_their_robot() {
    let told = |deadline: u64| {
        let mut plan = plan(
            "a:task('t', { timeout = '100ms' }, function(self)
                 local x <close> = setmetatable({}, { __close = function()
                     print(self.robot.id, throng.now() < 20, math.random(1000000))
                     throng.count('closed')
                 end })
                 if self.robot.id == 0 then while true do end end
                 self.robot:sleep(1)
             end)",
        );
        plan.change = Box::new(move |project| project.limits.deadline = Duration::from_millis(deadline));
        let mut world = plan.echo();
        world.want(2);
        world.advance(1500);
        assert!(world.totals.counters().find("", "closed").is_some_and(|row| row.counts.value >= 2));
        assert!(world.totals.script_errors().iter().all(|error| error.message.contains("cut off")));
        let mut told = world.told();
        told.sort();
        told.dedup();
        told
    };
    assert_eq!(told(10)[0], told(20)[0], "from the robot's own stream");
}

#[test]
fn a_coroutine_serves_the_next_function_as_if_it_were_new() {
    let mut world = plan(
        "function a:start()
             local weak = setmetatable({}, { __mode = 'v' })
             local function run(fn) return pcall(function() return self.robot:spawn(fn):wait() end) end
             run(function() local t = {} weak[1] = t return t end)
             run(function() local t = {} weak[2] = t error(t) end)
             run(function() local t = {} weak[3] = t self.robot:sleep('1ms') local _ <const> = t error('x') end)
             run(function() local t <close> = setmetatable({}, { __close = function() error('in close') end }) weak[4] = t end)
             local h = self.robot:spawn(function() local t = {} weak[5] = t self.robot:sleep(9) return t end)
             self.robot:sleep('1ms') h:cancel() h = nil
             self.robot:sleep('1ms')
             for i = 1, 20 do self.robot:spawn(function() print(i) end):wait() end
             -- Growth makes the collector look through everything, the old as well.
             for round = 1, 6 do
                 local grown = {}
                 for i = 1, 30000 * round do grown[i] = {} end
                 self.robot:sleep('1ms')
             end
             print(next(weak))
         end",
    )
    .echo();
    world.advance(100);
    let told = world.told();
    assert_eq!(told.len(), 21, "{:?}", world.totals.script_errors());
    assert_eq!(told[20], "nil", "nothing of the old functions lives on");
}

#[test]
fn the_host_s_coroutines_are_not_for_scripts() {
    let mut world = plan(
        "function a:start()
             local co, main = coroutine.running()
             print(main, coroutine.status(co), (coroutine.resume(co)), (pcall(coroutine.close, co)))
             print(coroutine.wrap(function() local own, is_main = coroutine.running() return is_main, coroutine.status(own) end)())
         end",
    )
    .echo();
    world.advance(1);
    world.expect(&["true\tdead\tfalse\ttrue", "false\trunning"]);
}

#[test]
fn a_robot_has_so_many_timers_and_functions() {
    let mut world = plan(
        "function a:start()
             local timers = {}
             for i = 1, 256 do timers[i] = self.robot:every(1000, print) end
             print(pcall(self.robot.every, self.robot, 1000, print))
             timers[7]:cancel()
             self.robot:every(1000, print)
             for i = 1, 4094 do self.robot:spawn(function() self.robot:sleep(1) end) end
             print(pcall(self.robot.all, self.robot, print, print, print))
         end",
    )
    .echo();
    world.advance(100);
    let told = world.told();
    assert!(told[0].contains("a robot has at most 256 timers"), "{told:?}");
    assert!(told[1].contains("too many functions run beside each other"), "{told:?}");
    assert_eq!(told.len(), 2, "nothing of the refused `all` ran");
    assert_eq!(world.failures(FailureKind::Overflow), 1);
}

#[test]
fn all_errors_of_functions_beside_each_other_are_counted() {
    let mut world = plan(
        "function a:start()
             print(pcall(self.robot.all, self.robot, function() error('one') end, function() error('two') end))
         end",
    )
    .echo();
    world.advance(10);
    let told = world.told();
    assert!(told[0].contains("mods/a.lua:2: one"), "{told:?}");
    world.expect_error("mods/a.lua:2: two", "mods/a.lua:2");
    assert_eq!(world.failures(FailureKind::Script), 1, "one was caught");
}

#[test]
fn an_error_that_was_caught_is_not_taken_for_a_later_one() {
    let mut world = plan(
        "a:task('t', { wait = 100 }, function(self)
             pcall(self.robot.all, self.robot, function() error('same', 0) end)
             self.robot:spawn(function()
                 error('same', 0)
             end)
         end)",
    )
    .echo();
    world.advance(100_000);
    world.expect_error("same", "mods/a.lua:4");
}

#[test]
fn what_is_no_text_can_be_printed_and_named() {
    let mut world = plan(
        "function a:start()
             print('\\xffbytes', '中文')
             throng.log.warn('\\xfe')
             throng.count('\\xff') throng.check('\\xff', true)
             print(pcall(throng.fail, '\\xff', { text = '\\xff' }))
             print(pcall(function() return self.robot['\\xff'] end))
             self.robot:connect('\\xff', 'tcp://127.0.0.1:4001')
         end",
    )
    .echo();
    world.advance(10);
    let told = world.told();
    assert_eq!(told[..2], ["\u{fffd}bytes\t中文", "\u{fffd}"]);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(world.totals.script_errors().is_empty(), "{:?}", world.totals.script_errors());
}
