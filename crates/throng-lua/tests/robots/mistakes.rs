//! Mistakes in scripts, and what is said about them.

use crate::world::plan;

#[track_caller]
fn says(body: &str, message: &str) {
    let mut world = plan(&format!("\nfunction a:start()\n{body}\nend")).echo();
    world.advance(100);
    world.expect_error(message, "mods/a.lua:3");
}

#[test]
fn what_lua_cannot_wait_in_may_not_block() {
    says(
        "table.sort({ 1, 2 }, function() self.robot:sleep(1) end)",
        "mods/a.lua:3: may not block here, in a function that Lua's library called",
    );
    says("('x'):gsub('x', function() self.robot:sleep(1) end)", "may not block here, in a function");
    says(
        "coroutine.wrap(function() self.robot:sleep(1) end)()",
        "may not block here, in a coroutine of the script's own",
    );
}

#[test]
fn a_script_may_use_coroutines_of_its_own() {
    let mut world = plan(
        "function a:start()
             local next = coroutine.wrap(function() for i = 1, 2 do coroutine.yield(i) end end)
             print(next(), next())
         end",
    )
    .echo();
    world.advance(1);
    world.expect(&["1\t2"]);
}

#[test]
fn a_stray_yield_ends_its_function_alone() {
    let mut world = plan("function a:start() coroutine.yield(1, 2) end").echo();
    world.advance(1);
    world.expect_error("coroutine.yield outside", "");
}

#[test]
fn arguments_are_checked() {
    says("self.robot:sleep('soon')", "mods/a.lua:3: a time is seconds as a number");
    says("self.robot.sleep(1)", "write robot:sleep(...), with a colon");
    says("self.robot:connect(5)", "connect wants a name for the connection, not a number");
    says("self.robot:connect('game')", "connect wants an address");
    says("self.robot:connect('sleep', 'tcp://127.0.0.1:4000')", "'sleep' cannot name a connection");
    says("self.robot:connect('g', 'tcp://127.0.0.1:4000', { retries = 1 })", "did you mean 'retry'?");
    says("self.robot:spawn(5)", "spawn wants a function, not a number");
    says("self.robot:every(0, print)", "every wants a time above 0");
    says("self.robot.level = 5", "put it in self");
    says("throng.check()", "check wants a name, not nil");
    says("throng.record('x', {})", "a time is");
    says("require 'new'", "require 'new' at file level");
    says("a:task('x', function() end)", "belongs at file level");
    says("a.x = 5", "mods/a.lua:3: 'a.x' is frozen after load: put it in self (in init)");
    says("level = 5", "mods/a.lua:3: global 'level' is frozen after load");
    says("throng.x = 5", "is frozen after load");
    says("getmetatable(self).__index = 5", "");
    says("local r = self.robot.mods.c", "unknown mod 'c'");
}

#[test]
fn a_missing_connection_is_told_with_the_nearest() {
    let mut world = plan(
        "function a:start()
             self.robot:connect('lobby', 'tcp://127.0.0.1:4000')
             local ok, err = pcall(function() return self.robot.loby end)
             print(err.kind, err.name, err)
             print(select(2, pcall(function() return self.robot.connections.x end)).kind)
         end",
    )
    .echo();
    world.advance(1);
    world.expect(&[
        "not_connected\tloby\tmods/a.lua:3: loby: there was no open connection of that name: did you mean 'lobby'?",
        "not_connected",
    ]);
}
