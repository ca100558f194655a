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
    says(
        "self.robot.mods.x = 5",
        "mods/a.lua:3: 'x' cannot be set: robot.mods holds the robot's mods and nothing else",
    );
    says("self.robot.mods.a = nil", "'a' cannot be set");
    for word in ["id", "name", "mods", "connections"] {
        says(
            &format!("local _ = self.robot.{word} self.robot.{word} = 5"),
            &format!("'{word}' of a robot cannot be set"),
        );
    }
    says("self.robot.connect = 5", "'connect' of a robot cannot be set");
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

#[test]
fn what_lua_notices_in_the_host_s_code_is_told_with_the_user_s_line() {
    says(
        "local game = self.robot:connect('game', 'tcp://127.0.0.1:4000') game.request()",
        "mods/a.lua:3: write connection:request(...)",
    );
    says(
        "local game = self.robot:connect('game', 'tcp://127.0.0.1:4000') game.request(5)",
        "mods/a.lua:3: write connection:request(...)",
    );
    says(
        "throng.log.info(setmetatable({}, { __tostring = function() return {} end }))",
        "mods/a.lua:3: '__tostring' must return a string",
    );
}

#[test]
fn objects_are_used_with_a_colon() {
    says("local h = self.robot:spawn(print) h.wait()", "write handle:wait(...), with a colon");
    says("local h = self.robot:spawn(print) h.cancel()", "write handle:cancel(...), with a colon");
    says("local t = self.robot:every(1, print) t.cancel()", "write timer:cancel(), with a colon");
    let watch = "local w = self.robot:connect('game', 'tcp://127.0.0.1:4000'):watch('Note')";
    says(&format!("{watch} w.next()"), "write watch:next(...), with a colon");
    says(&format!("{watch} w.close()"), "write watch:close(...), with a colon");
    let game = "local game = self.robot:connect('game', 'tcp://127.0.0.1:4000')";
    says(&format!("{game} game:watch('Note', {{ were = print }})"), "did you mean 'where'?");
    says(&format!("{game} game:watch('Note', 5)"), "watch wants its options as a table, not a number");
    says(&format!("{game} game:expect({{}})"), "expect wants the name of a message or a list of names");
    says(&format!("{game} game:expect('EchoReqest')"), "unknown message 'EchoReqest'");
    says(&format!("{game} game:request(5)"), "request wants the name of a message, not a number");
    says(&format!("{game} game:request('EchoRequest', {{}}, 5)"), "request wants its options as a table");
    says(
        &format!("{game} game:request('EchoRequest', {{}}, {{ timeout = 'soon' }})"),
        "'timeout': a time is",
    );
}

#[test]
fn globals_classes_libraries_and_captured_tables_are_frozen_for_all() {
    let mut world = plan(
        "local lib, captured = require 'lib', { 1, deep = {} }
         function a:start()
             local function try(fn) print((select(2, pcall(fn)):gsub('^.-: ', ''))) end
             try(function() x = 1 end)
             try(function() string.x = 1 end)
             try(function() lib.x = 1 end)
             try(function() lib.list[1] = 2 end)
             try(function() captured.deep.x = 1 end)
             try(function() captured[2] = 1 end)
             try(function() table.insert(captured, 5) end)
             try(function() rawset(captured, 'x', 1) end)
             try(function() a.start = 5 end)
             try(function() throng.options.x = 5 end)
             try(function() math.random = 5 end)
             print(lib.list[1], #captured, captured.deep.x)
         end",
    )
    .file("lib/lib.lua", "return { list = { 1 } }")
    .echo();
    world.advance(1);
    let told = world.told();
    assert_eq!(told.len(), 12, "{told:?}");
    assert!(told[..11].iter().all(|line| line.contains("frozen")), "{told:#?}");
    assert_eq!(told[11], "1\t1\tnil");
}

#[test]
fn the_mods_of_a_robot_are_found_by_name_and_listed_in_load_order() {
    let mut world = plan(
        "function a:start()
             local names = {}
             for name, object in pairs(self.robot.mods) do
                 names[#names + 1] = name
                 assert(object == self.robot.mods[name] and object.robot == self.robot)
             end
             print(table.concat(names, ' '), self.robot.mods.a == self, self.robot.id, self.robot.name)
         end",
    )
    .file("mods/b.lua", "return throng.mod()")
    .echo();
    world.advance(1);
    world.expect(&["a b\ttrue\t0\trobot-0"]);
}

#[test]
fn strange_fields_are_dropped_in_a_run_and_warned_of_once_when_asked() {
    let body = "function a:start()
         local game = self.robot:connect('game', 'tcp://127.0.0.1:4000')
         for i = 1, 2 do print(game:request('EchoRequest', { Text = 'x', Txet = 'y' }).Text) end
     end";
    let mut world = plan(body).echo();
    world.advance(100);
    world.expect(&["x", "x"]);
    let mut warned = plan(body);
    warned.change = Box::new(|project| project.stray_fields = throng_lua::StrayFields::Warn);
    let mut world = warned.echo();
    world.advance(100);
    world.expect(&[
        "mods/a.lua:3: EchoRequest has no field 'Txet'; did you mean 'Text'? (it is not sent)",
        "x",
        "x",
    ]);
}
