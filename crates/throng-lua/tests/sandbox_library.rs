//! The standard library robots get: bounded, without what could harm, and otherwise as it was.

use std::time::{Duration, Instant};

use mlua::{Function, Lua, Value};
use throng_lua::sandbox::random::{self, Stream};
use throng_lua::sandbox::{self, Guard, Limits, Reason};

const LIMIT: Duration = Duration::from_millis(40);
const PATIENCE: Duration = Duration::from_secs(30);

fn sandboxed() -> Lua {
    let lua = Lua::new();
    lua.set_memory_limit(256 << 20).unwrap();
    sandbox::install(&lua, &Limits::default()).unwrap();
    lua
}

#[track_caller]
fn eval(lua: &Lua, source: &str) -> Value {
    lua.load(source).set_name("@mods/role.lua").eval().unwrap()
}

#[track_caller]
fn assert_true(source: &str) {
    assert_eq!(eval(&sandboxed(), source), Value::Boolean(true), "{source}");
}

/// Asserts the message of the error that `source` ends with.
#[track_caller]
fn assert_error(source: &str, message: &str) {
    let lua = sandboxed();
    let wrapped = format!("local ok, why = pcall(function() {source} end) return tostring(why)");
    let why = eval(&lua, &wrapped).to_string().unwrap();
    assert_eq!(why, format!("mods/role.lua:1: {message}"), "{source}");
}

/// Asserts that a script that gets nowhere without executing instructions is cut off.
#[track_caller]
fn assert_cut_off(source: &str) {
    let lua = sandboxed();
    let body: Function = lua.load(source).into_function().unwrap();
    let thread = lua.create_thread(body).unwrap();
    let started = Instant::now();
    let guard = Guard::enter(LIMIT);
    let outcome = thread.resume::<Value>(());
    let took = started.elapsed();
    assert_eq!(guard.verdict().map(|cut| cut.reason), Some(Reason::Deadline), "{source}: {outcome:?}");
    assert!(took < PATIENCE, "{source} took {took:?}");
}

#[test]
fn what_is_removed_names_the_alternative() {
    assert_error(
        "io.write('x')",
        "io is not available to robots: use throng.log to write, require for files in lib",
    );
    assert_error("os.exit()", "os.exit is not available to robots: use self.robot:stop()");
    assert_error(
        "os.getenv('HOME')",
        "os.getenv is not available to robots: use throng.options, which the environment can set",
    );
    assert_error("os.execute('ls')", "os.execute is not available to robots: they have no processes");
    assert_error("dofile('x')", "dofile is not available to robots: use require for a file in lib");
    assert_error("loadfile('x')", "loadfile is not available to robots: use require for a file in lib");
    assert_error(
        "string.dump(print)",
        "string.dump is not available to robots: a function cannot leave its state",
    );
    assert_error(
        "math.randomseed(1)",
        "math.randomseed is not available to robots: use --seed, which gives each robot its stream",
    );
    assert_error(
        "return package.loaded",
        "package is not available to robots: use require for a file in lib",
    );
    assert_error("package.path = ''", "package is not available to robots: use require for a file in lib");
    assert_error(
        "debug.sethook()",
        "debug is not available to robots, but for debug.traceback: throng try shows where a robot stands",
    );
    assert_error(
        "collectgarbage()",
        "collectgarbage is available to robots for \"count\" only: the collector is shared",
    );
}

#[test]
fn what_is_harmless_stays() {
    assert_true(
        "return os.time() > 0 and os.clock() >= 0 and type(os.date()) == 'string' and os.difftime(2, 1) == 1",
    );
    assert_true("return collectgarbage('count') > 1");
    assert_true("return debug.traceback('here'):find('^here\\nstack traceback:\\n\\t') ~= nil");
    assert_true("local t = {} return debug.traceback(t) == t");
    assert_true(
        "local co = coroutine.create(function() coroutine.yield() end) coroutine.resume(co)
                 return debug.traceback(co):find('yield') ~= nil",
    );
}

#[test]
fn finalizers_are_refused() {
    let message = "__gc is not available to robots: use a local variable with <close>";
    assert_error("setmetatable({}, {__gc = function() end})", message);
    assert_error("setmetatable({}, {__gc = true})", message);
}

#[test]
fn a_finalizer_that_comes_to_its_metatable_later_is_never_called() {
    let lua = sandboxed();
    let source = "called = false
        local metatable = {}
        setmetatable({}, metatable)
        metatable.__gc = function() called = true end
        for i = 1, 100 do local t = {} end";
    lua.load(source).exec().unwrap();
    lua.gc_collect().unwrap();
    lua.gc_collect().unwrap();
    assert_eq!(eval(&lua, "return called"), Value::Boolean(false));
    assert_error(
        "local metatable = {} setmetatable({}, metatable) metatable.__gc = print setmetatable({}, metatable)",
        "__gc is not available to robots: use a local variable with <close>",
    );
}

#[test]
fn metatables_work_as_they_did() {
    assert_true("local t = setmetatable({}, {__index = function(_, k) return k end}) return t.x == 'x'");
    assert_true("local m = {} return getmetatable(setmetatable({}, m)) == m");
    assert_true("return setmetatable(setmetatable({}, {}), nil) ~= nil");
    assert_error(
        "setmetatable({}, 1)",
        "bad argument #2 to 'setmetatable' (nil or table expected, got number)",
    );
    assert_error(
        "setmetatable(setmetatable({}, {__metatable = 1}), {})",
        "cannot change a protected metatable",
    );
}

#[test]
fn the_metatable_of_strings_is_out_of_reach() {
    assert_true("return getmetatable('') == false");
}

#[test]
fn huge_strings_are_refused() {
    let message = "resulting string too large: the limit is 64 MiB";
    assert_error("('x'):rep(1 << 30)", message);
    assert_error("('x'):rep(1 << 60)", message);
    assert_error("('x'):rep(1 << 20, ('y'):rep(100))", message);
    assert_error("string.pack('c1000000000', 'x')", message);
    assert_error(
        "local s = ('x'):rep(1 << 20) local t = {} for i = 1, 100 do t[i] = s end table.concat(t)",
        message,
    );
}

#[test]
fn string_functions_work_as_they_did() {
    assert_true("return ('ab'):rep(3, '-') == 'ab-ab-ab' and ('x'):rep(0) == '' and ('x'):rep(-1) == ''");
    assert_true("return string.pack('<i4c4', 1, 'ab') == '\\1\\0\\0\\0ab\\0\\0'");
    assert_true(
        "return utf8.len('h\u{e9}llo') == 5 and utf8.offset('h\u{e9}l', 3) == 4 and utf8.codepoint('h', 1) == 104",
    );
    assert_error("('x'):rep()", "bad argument #1 to 'rep' (number expected, got no value)");
}

#[test]
fn table_functions_work_as_they_did() {
    assert_true(
        "local t = {1, 2, 3} table.insert(t, 4) table.insert(t, 1, 0) return table.concat(t, ',') == '0,1,2,3,4'",
    );
    assert_true(
        "local t = {1, 2, 3} return table.remove(t) == 3 and table.remove(t, 1) == 1 and #t == 1 and t[1] == 2",
    );
    assert_true(
        "local t = {} return table.remove(t) == nil and table.remove(t, 0) == nil and table.remove(t, #t + 1) == nil",
    );
    assert_true("local t = table.move({1, 2, 3}, 1, 3, 2) return table.concat(t, ',') == '1,1,2,3'");
    assert_true("local t = table.move({1, 2, 3}, 2, 3, 1) return table.concat(t, ',') == '2,3,3'");
    assert_true(
        "local t = table.move({1, 2, 3}, 1, 3, 3, {9, 9}) return table.concat(t, ',') == '9,9,1,2,3'",
    );
    assert_true("local a, b, c = table.unpack({1, 2, 3}, 2) return a == 2 and b == 3 and c == nil");
    assert_true(
        "return select('#', table.unpack({}, 1, 3)) == 3 and select('#', table.unpack({}, 3, 1)) == 0",
    );
    assert_true("return table.concat({1, 2.5, 'x'}, ', ', 2, 3) == '2.5, x' and table.concat({}) == ''");
    assert_true(
        "local t = {} for i = 1, 5000 do t[i] = (i * 7919) % 5003 end table.sort(t)
                 for i = 2, #t do if t[i - 1] > t[i] then return false end end return true",
    );
    assert_true(
        "local t = {} for i = 1, 2000 do t[i] = i end table.sort(t, function(a, b) return a > b end) return t[1] == 2000",
    );
    assert_true("local seen = {} local t = setmetatable({}, {__newindex = function(t, k, v) seen[#seen + 1] = k rawset(t, k, v) end})
                 table.insert(t, 'x') return seen[1] == 1");
    assert_error("table.insert({1, 2}, 9, 0)", "bad argument #2 to 'insert' (position out of bounds)");
    assert_error("table.insert({1, 2})", "wrong number of arguments to 'insert'");
    assert_error("table.remove({1, 2}, 9)", "bad argument #2 to 'remove' (position out of bounds)");
    assert_error("table.concat({1, {}, 3})", "invalid value (table) at index 2 in table for 'concat'");
    assert_error("table.concat(1)", "bad argument #1 to 'concat' (table expected, got number)");
    assert_error("table.unpack({}, 1, 1e8)", "too many results to unpack");
    assert_error(
        "table.move({}, 1, math.maxinteger, 2)",
        "bad argument #4 to 'move' (destination wrap around)",
    );
    assert_error("table.sort({3, 2, 1}, 1)", "bad argument #2 to 'sort' (function expected, got number)");
}

#[test]
fn tables_that_claim_a_length_are_cut_off() {
    let claims =
        "local events = { __len = function() return 1 << 40 end, __index = tostring, __newindex = type }
        local t = setmetatable({}, events)
        local empty = setmetatable({}, { __len = events.__len, __index = function() return '' end })";
    for call in [
        "table.insert(t, 1, 0)",
        "table.remove(t, 1)",
        "table.move(t, 1, 1 << 50, 2)",
        "table.move(t, 1, 1 << 50, 1, {})",
        "table.concat(empty)",
    ] {
        assert_cut_off(&format!("{claims} while true do pcall(function() {call} end) end"));
    }
}

#[test]
fn sorting_without_a_script_function_is_cut_off() {
    assert_cut_off("local t = {} for i = 1, 60000 do t[i] = i end while true do table.sort(t) end");
    assert_cut_off(
        "local t = {} for i = 1, 60000 do t[i] = function() while true do end end end
         while true do pcall(table.sort, t, pcall) end",
    );
}

#[test]
fn replacing_with_a_protected_call_is_cut_off() {
    assert_cut_off("local s = ('x'):rep(1 << 20) while true do s:gsub('x', pcall) end");
}

#[test]
fn load_takes_texts_of_bounded_length_only() {
    assert_true("return load('return 1 + 1')() == 2");
    assert_true("local f, why = load('return +') return f == nil and why:find('unexpected symbol') ~= nil");
    assert_true("return load('return x', 'chunk', 't', {x = 5})() == 5");
    assert_true(
        "local parts = {'return ', '4', '2'} local i = 0
                 return load(function() i = i + 1 return parts[i] end)() == 42",
    );
    assert_true("local f, why = load('\\27Lua') return f == nil and why:find('binary chunk') ~= nil");
    assert_true(
        "local f, why = load('\\27Lua', 'x', 'b') return f == nil and why:find('binary chunk') ~= nil",
    );
    let refusal = "chunk too long: the limit of load is 256 KiB, use require for a file in lib";
    let long = format!("local f, why = load(('x'):rep(1 << 20)) return f == nil and why == '{refusal}'");
    assert_true(&long);
    let endless =
        format!("local f, why = load(function() return '--' end) return f == nil and why == '{refusal}'");
    assert_true(&endless);
    assert_error("load(function() return {} end)", "reader function must return a string");
}

#[test]
fn xpcall_works_as_it_did() {
    assert_true(
        "local ok, why = xpcall(error, function(e) return e .. '!' end, 'x') return not ok and why == 'x!'",
    );
    assert_true(
        "local ok, a, b = xpcall(function(...) return ... end, print, 1, 2) return ok and a == 1 and b == 2",
    );
    assert_true(
        "local ok, why = xpcall(error, debug.traceback, 'x') return why:find('^x\\nstack traceback') ~= nil",
    );
}

#[test]
fn coroutines_work_as_they_did() {
    assert_true(
        "local next = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end)
                 return next(1) == 2 and next(5) == 10",
    );
    assert_true("local co = coroutine.create(function() error({}) end)
                 local ok, why = coroutine.resume(co) return not ok and type(why) == 'table' and coroutine.status(co) == 'dead'");
    assert_true("local closed local co = coroutine.create(function()
                   local x <close> = setmetatable({}, {__close = function() closed = true end}) coroutine.yield() end)
                 coroutine.resume(co) return coroutine.close(co) and closed");
    assert_true("local closed local f = coroutine.wrap(function()
                   local x <close> = setmetatable({}, {__close = function() closed = true end}) error('x') end)
                 return not pcall(f) and closed");
    assert_error("coroutine.wrap(error)('x')", "x");
    assert_error("coroutine.wrap(function() error('x', 0) end)()", "x");
    assert_error("coroutine.resume(1)", "bad argument #1 to 'resume' (thread expected, got number)");
}

/// What a plain state draws after `math.randomseed(seed, robot)`.
const DRAWS: &str = "local out = {}
    for i = 1, 20 do
        out[#out + 1] = math.random()
        out[#out + 1] = math.random(0)
        out[#out + 1] = math.random(6)
        out[#out + 1] = math.random(-5, 1000)
        out[#out + 1] = math.random(math.mininteger, math.maxinteger)
        out[#out + 1] = math.random(3, 3)
    end
    return table.concat(out, ' ')";

#[test]
fn a_robot_draws_what_lua_would_draw_from_the_same_seeds() {
    let plain = Lua::new();
    plain.load("math.randomseed(42, 7)").exec().unwrap();
    let lua = sandboxed();
    random::swap(&mut Stream::new(42, 7));
    assert_eq!(
        eval(&lua, DRAWS),
        Value::String(lua.create_string(plain.load(DRAWS).eval::<String>().unwrap()).unwrap())
    );
}

#[test]
fn robots_do_not_draw_from_each_others_streams() {
    let lua = sandboxed();
    let draw = |mut stream| {
        random::swap(&mut stream);
        let drawn: i64 = lua.load("return math.random(1 << 40)").eval().unwrap();
        random::swap(&mut stream);
        (drawn, stream)
    };
    let (first, rest) = draw(Stream::new(1, 1));
    let (_, _) = draw(Stream::new(1, 2));
    let (second, _) = draw(rest);
    let (again, rest) = draw(Stream::new(1, 1));
    assert_eq!((again, draw(rest).0), (first, second));
}

#[test]
fn empty_intervals_are_refused() {
    assert_error("math.random(0, -1)", "bad argument #1 to 'random' (interval is empty)");
    assert_error("math.random(-1)", "bad argument #1 to 'random' (interval is empty)");
    assert_error("math.random(1, 2, 3)", "wrong number of arguments");
}
