//! How much memory values are found to hold.

use mlua::{Lua, Table, Thread, Value};
use throng_lua::sandbox::reach::Reach;

/// Bytes that the value of `source` holds beside the globals.
fn held(source: &str) -> usize {
    let lua = Lua::new();
    let value: Value = lua.load(source).eval().unwrap();
    Reach::new(&lua, &[Value::Table(lua.globals())], &[]).bytes(&[value], usize::MAX)
}

#[track_caller]
fn check(source: &str, about: usize) {
    let found = held(source);
    assert!(
        (about * 9 / 10..about * 11 / 10 + 100).contains(&found),
        "{found} is not about {about}: {source}"
    );
}

#[test]
fn what_is_reached_is_counted_once() {
    check("return ('x'):rep(10000)", 10_000);
    check("local s = ('x'):rep(10000) return { s, s, { s }, [s] = s }", 10_000 + 250);
    check("local t = {} t.t = t for i = 1, 1000 do t[i] = {} end return t", 1000 * (56 + 16) + 100);
    check("local t = {} for i = 1, 1000 do t[('key %d'):format(i)] = i end return t", 1000 * (36 + 33));
}

#[test]
fn what_functions_and_coroutines_capture_is_counted() {
    check("local s = ('x'):rep(10000) return function() return s end", 10_000);
    check(
        "local s = ('x'):rep(10000) return setmetatable({}, { __index = function() return s end })",
        10_100,
    );
    check("return coroutine.create(function(s) end)", 1_000);
    check(
        "local c = coroutine.create(function(...) local s = ('x'):rep(10000) coroutine.yield() return s end)
         coroutine.resume(c, ('y'):rep(10000)) return c",
        21_000,
    );
    check(
        "local function deep(n, s) if n == 0 then coroutine.yield(s) end return deep(n - 1, s) + 1 end
         local c = coroutine.create(pcall) coroutine.resume(c, deep, 3, ('x'):rep(10000)) return { c }",
        11_000,
    );
}

#[test]
fn what_is_shared_belongs_to_nobody() {
    check("shared = { ('x'):rep(10000), {} } return { shared, shared[2], string }", 56 + 3 * 16);
}

#[test]
fn borders_are_not_crossed() {
    let lua = Lua::new();
    let robots: Table = lua.load("robots = { { ('x'):rep(10000) } } return robots").eval().unwrap();
    let robot: Value = robots.get(1).unwrap();
    let reach = Reach::new(&lua, &[Value::Table(lua.globals())], &[robots]);
    assert!(reach.bytes(&[robot], usize::MAX) > 10_000);
}

#[test]
fn counting_ends_when_it_is_enough() {
    let lua = Lua::new();
    let long = lua.load("local t for i = 1, 300000 do t = { t } end return t").eval().unwrap();
    let wide = lua.load("local t = {} for i = 1, 1100000 do t[i] = {} end return t").eval().unwrap();
    let reach = Reach::new(&lua, &[], &[]);
    assert!((1_000..2_000).contains(&reach.bytes(&[long, Value::Nil], 1_000)));
    assert!((1_000..2_000).contains(&reach.bytes(std::slice::from_ref(&wide), 1_000)));
    // More than Lua's stack holds at once is taken for as much as was asked about.
    assert_eq!(reach.bytes(&[wide], usize::MAX), usize::MAX);
}

#[test]
fn a_coroutine_is_as_it_was_after_it_was_looked_into() {
    let lua = Lua::new();
    let source = "return coroutine.create(function(a, ...) local b = a + 1 local c = coroutine.yield(b) return a, b, c, ... end)";
    let coroutine: Thread = lua.load(source).eval().unwrap();
    let reach = Reach::new(&lua, &[], &[]);
    let look = || reach.bytes(&[Value::Thread(coroutine.clone())], usize::MAX);
    look();
    assert_eq!(coroutine.resume::<i64>((1, 7, 8)).unwrap(), 2);
    look();
    assert_eq!(coroutine.resume::<(i64, i64, i64, i64, i64)>(3).unwrap(), (1, 2, 3, 7, 8));
    look();
}
