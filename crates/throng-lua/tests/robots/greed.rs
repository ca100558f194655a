//! Greedy scripts, each in one Lua state with a hundred robots that behave: those never hear of it.

use crate::world::{Plan, World, plan, text_of};
use std::time::Duration;
use throng_metrics::FailureKind;

const NEIGHBOURS: u64 = 100;

/// The last of the robots does something greedy in each run of its task; the others churn through memory of their own, keep
/// some of it, and ask the server.
fn greedy(prepare: &str, greed: &str) -> Plan {
    let mut plan = plan(&format!(
        "function a:init() self.runs, self.kept = 0, {{}} end
         function a:start()
             self.robot:connect('game', 'tcp://127.0.0.1:4000')
             print(self.robot.id, 'starts')
             {prepare}
         end
         a:task('t', {{ wait = '50ms' }}, function(self)
             self.runs = self.runs + 1
             if self.robot.id == {NEIGHBOURS} then {greed} return end
             local churn = {{}}
             for i = 1, 100 do churn[i] = {{ ('x'):rep(i) .. self.runs }} end
             self.kept[self.runs % 20 + 1] = churn[100][1]
             local text = self.robot.game:request('EchoRequest', {{ Text = churn[99][1] }}).Text
             assert(text == ('x'):rep(99) .. self.runs and self.runs < 1000)
             throng.count('ran')
         end)"
    ));
    plan.change = Box::new(|project| {
        project.limits.memory = 16 << 20;
        project.limits.memory_per_resume = 4 << 20;
        // Memory is what these are cut off for, however slow the machine is.
        project.limits.deadline = Duration::from_secs(600);
    });
    plan
}

#[track_caller]
fn only_the_greedy_one_is_cut_off(world: World) {
    let lives = play(world);
    assert!(lives >= 2, "the greedy one began anew");
}

/// Plays, asserts that the neighbours did not notice, and tells how often the greedy one began its life.
#[track_caller]
fn play(mut world: World) -> usize {
    world.want(NEIGHBOURS + 1);
    world.advance(5_000);
    let failures = world.totals.failures();
    assert!(failures.iter().all(|group| group.kind == FailureKind::ScriptMemory), "{failures:?}");
    assert!(world.failures(FailureKind::ScriptMemory) >= 1);
    let starts =
        |lines: &[String], id: u64| lines.iter().filter(|line| **line == format!("{id}\tstarts")).count();
    let told = world.told();
    assert!((0..NEIGHBOURS).all(|id| starts(&told, id) == 1), "the others did not");
    let ran = world.totals.counters().find("", "ran").map_or(0, |row| row.counts.value);
    assert!((NEIGHBOURS * 75..=NEIGHBOURS * 100).contains(&ran), "{ran} runs");
    assert_eq!(world.shard.host_mut().states(), 1);
    starts(&told, NEIGHBOURS)
}

#[test]
fn a_table_that_grows_slowly() {
    only_the_greedy_one_is_cut_off(
        greedy("", "for i = 1, 10000 do self.kept[#self.kept + 1] = { i } end").echo(),
    );
}

#[test]
fn strings_that_pile_up() {
    only_the_greedy_one_is_cut_off(
        greedy("", "self.kept[#self.kept + 1] = ('x'):rep(600000) .. self.runs").echo(),
    );
}

#[test]
fn closures_that_pile_up() {
    let greed =
        "for i = 1, 10000 do local before = self.last self.last = function() return before, i end end";
    only_the_greedy_one_is_cut_off(greedy("", greed).echo());
}

#[test]
fn a_blocked_function_that_holds_more_and_more() {
    let prepare = format!(
        "if self.robot.id == {NEIGHBOURS} then
             self.robot:spawn(function()
                 local hoard = {{}}
                 while true do
                     for i = 1, 10000 do hoard[#hoard + 1] = {{}} end
                     self.robot:sleep('50ms')
                 end
             end)
         end"
    );
    only_the_greedy_one_is_cut_off(greedy(&prepare, "").echo());
}

#[test]
fn functions_that_pile_up() {
    let greed = "for i = 1, 80 do
                     local s = ('x'):rep(9000) .. i
                     self.robot:spawn(function() self.robot:sleep(1000) return s end)
                 end";
    only_the_greedy_one_is_cut_off(greedy("", greed).echo());
}

#[test]
fn messages_that_nobody_fetches() {
    let prepare = "self.watch = self.robot.id == 100 and self.robot.game:watch('EchoResponse')";
    let greed = "for i = 1, 20 do self.robot.game:send('SlowRequest', { Text = 'x' }) end";
    let mut sent = 0;
    let world = greedy(prepare, greed).serve(move |peer, name, body| match name {
        "SlowRequest" => {
            sent += 1;
            peer.echo(&"x".repeat(20_000 + sent));
        }
        _ => peer.echo(&text_of(body, "Text")),
    });
    only_the_greedy_one_is_cut_off(world);
}

/// Decodes, in each run of the task, a list of so many booleans, by a type that was used before.
fn decoding(count: usize, what: &str) -> World {
    let greed = format!(
        "self.sp = self.sp or require 'sproto'.parse '.List {{ flags 0 : *boolean }}'
         self.sp:decode('List', '\\0\\0')
         local bytes = '\\1\\0\\0\\0' .. string.pack('<I4', {count}) .. ('\\1'):rep({count})
         {what}"
    );
    greedy("", &greed).echo()
}

#[test]
fn messages_that_are_decoded_and_kept() {
    only_the_greedy_one_is_cut_off(decoding(
        50_000,
        "self.kept[#self.kept + 1] = self.sp:decode('List', bytes)",
    ));
}

#[test]
fn a_message_that_memory_does_not_suffice_for() {
    play(decoding(1_500_000, "self.sp:decode('List', bytes)"));
}

#[test]
fn one_that_catches_what_it_is_told() {
    let greed = "for i = 1, 10 do
                     pcall(function() self.s = (self.s or 'x'):rep(2) end)
                     pcall(function() for i = 1, 2000 do self.kept[#self.kept + 1] = { i } end end)
                 end";
    only_the_greedy_one_is_cut_off(greedy("", greed).echo());
}

#[test]
fn one_that_grows_quickly_until_it_is_cut_off() {
    let greed = "while true do pcall(function() while true do self.kept[#self.kept + 1] = {} end end) end";
    only_the_greedy_one_is_cut_off(greedy("", greed).echo());
}

#[test]
fn one_that_doubles_beyond_what_there_is() {
    let greed = "local s = 'x' while true do pcall(function() s = s .. s end) end";
    assert_eq!(play(greedy("", greed).echo()), 1, "what it is cut off from is garbage: it lives on");
}

#[test]
fn a_start_that_is_too_greedy_ends_its_robot() {
    let mut plan = plan(
        "function a:start() self.kept = {} for i = 1, 300 do self.kept[i] = ('x'):rep(50000) .. i self.robot:sleep('1ms') end end",
    );
    plan.change = Box::new(|project| project.limits.memory = 8 << 20);
    let mut world = plan.echo();
    world.advance(1000);
    assert_eq!(world.failures(FailureKind::ScriptMemory), 1);
    assert_eq!(world.shard.host_mut().live_robots(), 0, "as with any failed start");
    world.expect_error("cut off: held ", "");
}

#[test]
fn a_leak_that_all_share_costs_some_robots_their_life_and_the_state_stays_within_its_limit() {
    let mut plan = plan(
        "a:task('t', { wait = '50ms' }, function(self)
             self.kept = self.kept or {}
             self.kept[#self.kept + 1] = ('x'):rep(3000) .. #self.kept
             throng.count('ran')
         end)",
    );
    plan.change = Box::new(|project| project.limits.memory = 16 << 20);
    let mut world = plan.echo();
    world.want(NEIGHBOURS);
    let mut most = 0;
    for second in 1..20 {
        world.advance(second * 1000);
        most = most.max(throng_engine::Host::memory(world.shard.host()).used);
    }
    assert!(most < 18 << 20, "{most} bytes");
    let failures = world.totals.failures();
    assert!(failures.iter().all(|group| group.kind == FailureKind::ScriptMemory), "{failures:?}");
    let ran = world.totals.counters().find("", "ran").map_or(0, |row| row.counts.value);
    assert!(ran > NEIGHBOURS * 300, "{ran} runs");
}
