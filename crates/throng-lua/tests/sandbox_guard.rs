//! Runaway scripts, each beside the question whether the host gets its thread back, and how soon.

use std::time::{Duration, Instant};

use mlua::{Function, Lua, Thread, Value};
use throng_lua::sandbox::{self, CutOff, Guard, Limits, Reason};

const LIMIT: Duration = Duration::from_millis(40);
/// Far above what a cut-off takes, far below what a machine under load may add.
const PATIENCE: Duration = Duration::from_secs(30);

fn sandboxed(memory_per_resume: usize) -> Lua {
    let lua = Lua::new();
    lua.set_memory_limit(256 << 20).unwrap();
    sandbox::install(&lua, &Limits { memory_per_resume }).unwrap();
    lua
}

/// How a coroutine is watched.
#[derive(Debug, Clone, Copy)]
enum Watched {
    /// As robots are: where the system has the signals, at full speed.
    BySignal,
    ByHook,
}

fn guard(watched: Watched, thread: &Thread) -> Guard<'_> {
    match watched {
        Watched::BySignal => Guard::of(thread, LIMIT),
        Watched::ByHook => Guard::enter(LIMIT),
    }
}

/// Runs `source` as a robot's coroutine under a guard.
fn run(lua: &Lua, source: &str) -> (Thread, mlua::Result<Value>, Option<CutOff>) {
    run_watched(Watched::BySignal, lua, source)
}

fn run_watched(watched: Watched, lua: &Lua, source: &str) -> (Thread, mlua::Result<Value>, Option<CutOff>) {
    if matches!(watched, Watched::BySignal) {
        // Signals are relied on only when the first has come.
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(12) {}
    }
    // By the end of the loop a hook that is not needed is off.
    let source = format!("for _ = 1, 2000 do end {source}");
    let body: Function = lua.load(source).set_name("@mods/role.lua").into_function().unwrap();
    let thread = lua.create_thread(body).unwrap();
    let (outcome, verdict) = {
        let guard = guard(watched, &thread);
        (thread.resume(()), guard.verdict())
    };
    (thread, outcome, verdict)
}

/// Asserts that `source` is cut off for `reason` in good time, that its coroutine can be got rid of, and that
/// the next script in the same state runs as if nothing had been.
#[track_caller]
fn check(reason: Reason, source: &str) -> CutOff {
    check_watched(Watched::ByHook, reason, source);
    check_watched(Watched::BySignal, reason, source)
}

#[track_caller]
fn check_watched(watched: Watched, reason: Reason, source: &str) -> CutOff {
    // A debug build takes its time to fill the usual limit.
    let lua = sandboxed(if reason == Reason::Memory { 4 << 20 } else { 128 << 20 });
    let started = Instant::now();
    let (thread, _, verdict) = run_watched(watched, &lua, source);
    let cut = verdict.expect("the script was not cut off");
    assert_eq!(cut.reason, reason, "{cut}");
    if cut.spares(&thread) {
        let _guard = guard(watched, &thread);
        // The outcome is that of the script's `<close>` handlers, which may be cut off as well.
        let _ = thread.reset(lua.create_function(|_, ()| Ok(())).unwrap());
    }
    let took = started.elapsed();
    assert!(took < PATIENCE, "the host had to wait {took:?}");
    assert_runs_normally(&lua);
    cut
}

#[track_caller]
fn assert_runs_normally(lua: &Lua) {
    let (_, outcome, verdict) = run(lua, "local n = 0 for i = 1, 10000 do n = n + i end return n");
    assert_eq!(verdict, None);
    assert_eq!(outcome.unwrap(), Value::Integer(50_005_000));
}

#[test]
fn an_empty_loop_is_cut_off_where_it_stands() {
    let cut = check(Reason::Deadline, "\n\nwhile true do end");
    assert_eq!(cut.place.as_deref(), Some("mods/role.lua:3"));
}

#[test]
fn a_script_within_its_limits_is_left_alone() {
    let lua = sandboxed(64 << 20);
    assert_runs_normally(&lua);
}

#[test]
fn pcall_in_a_loop_does_not_help() {
    check(Reason::Deadline, "while true do pcall(function() while true do end end) end");
    check(Reason::Deadline, "while true do pcall(error) end");
    check(
        Reason::Deadline,
        "local function f() while true do pcall(f) end end
         while true do xpcall(f, function() while true do end end) end",
    );
}

#[test]
fn a_message_handler_that_loops_is_cut_off() {
    check(Reason::Deadline, "while true do xpcall(error, function() while true do end end) end");
}

#[test]
fn coroutines_that_lost_their_hooks_are_cut_off() {
    // Each runs for long first, so that it is the signal that has to find it.
    let long = "local function long() for _ = 1, 5000 do end end\n";
    let sources = [
        "local co = coroutine.wrap(function() while true do long() coroutine.yield() end end) while true do co() end",
        "local co = coroutine.create(function() long() coroutine.yield() while true do end end)
         coroutine.resume(co) coroutine.resume(co)",
        "local co = coroutine.create(function()
             local x <close> = setmetatable({}, {__close = function() while true do end end})
             long() coroutine.yield()
         end)
         coroutine.resume(co) coroutine.close(co)",
        "local co = coroutine.wrap(function()
             local x <close> = setmetatable({}, {__close = function() while true do end end})
             long() error('x')
         end)
         pcall(co)",
        "coroutine.wrap(function() long() coroutine.wrap(function() long() coroutine.yield() end)() while true do end end)()",
        "pcall(coroutine.resume, coroutine.running()) pcall(coroutine.close, coroutine.running()) pcall(coroutine.resume, 1)
         while true do end",
        "local co = coroutine.create(function() long() end) coroutine.resume(co) coroutine.resume(co) while true do end",
    ];
    for source in sources {
        check(Reason::Deadline, &format!("{long}{source}"));
    }
}

#[test]
fn a_coroutine_that_lost_its_hook_gets_one_where_signals_do_not_watch() {
    let lua = sandboxed(64 << 20);
    let (_, outcome, _) = run(
        &lua,
        "co = coroutine.create(function() for _ = 1, 5000 do end coroutine.yield() while true do end end)
         return (coroutine.resume(co))",
    );
    assert_eq!(outcome.unwrap(), Value::Boolean(true));
    let (_, _, verdict) = run_watched(Watched::ByHook, &lua, "coroutine.resume(co)");
    assert_eq!(verdict.unwrap().reason, Reason::Deadline);
}

#[test]
fn coroutines_do_not_help() {
    check(Reason::Deadline, "coroutine.wrap(function() while true do end end)()");
    check(
        Reason::Deadline,
        "while true do pcall(coroutine.wrap(function() while true do pcall(function() while true do end end) end end)) end",
    );
    check(
        Reason::Deadline,
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    );
}

#[test]
fn short_coroutines_within_coroutines_are_cut_off() {
    check(
        Reason::Deadline,
        "local function burn(depth)
           for i = 1, 150 do if depth > 0 then coroutine.wrap(burn)(depth - 1) end end
         end
         while true do coroutine.wrap(burn)(40) end",
    );
}

#[test]
fn a_coroutine_with_pcall_within_a_comparator_is_cut_off() {
    check(
        Reason::Deadline,
        "local t = {} for i = 1, 100 do t[i] = i end
         while true do
           pcall(table.sort, t, function(a, b)
             coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()
             return a < b
           end)
         end",
    );
}

#[test]
fn a_comparator_is_cut_off() {
    check(Reason::Deadline, "table.sort({3, 2, 1}, function() while true do end end)");
    check(
        Reason::Deadline,
        "while true do pcall(table.sort, {3, 2, 1}, function() while true do end end) end",
    );
}

#[test]
fn callbacks_and_metamethods_are_cut_off() {
    check(Reason::Deadline, "string.gsub('aaa', 'a', function() while true do end end)");
    check(
        Reason::Deadline,
        "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
    );
    check(
        Reason::Deadline,
        "local t = setmetatable({}, {__tostring = function() while true do end end}) return tostring(t)",
    );
    check(
        Reason::Deadline,
        "local t = setmetatable({}, {__lt = function() while true do end end}) table.sort{t, t, t}",
    );
    check(Reason::Deadline, "for _ in function() while true do end end do end");
}

#[test]
fn close_handlers_are_cut_off() {
    check(
        Reason::Deadline,
        "do local x <close> = setmetatable({}, {__close = function() while true do end end}) end",
    );
    // Closed by the host, after the coroutine was cut off elsewhere.
    check(
        Reason::Deadline,
        "local x <close> = setmetatable({}, {__close = function() while true do end end})
         local y <close> = setmetatable({}, {__close = function() while true do pcall(function() while true do end end) end end})
         while true do end",
    );
    // Closed by the error raised where the script cannot yield.
    check(
        Reason::Deadline,
        "local x <close> = setmetatable({}, {__close = function() while true do end end})
         table.sort({3, 2, 1}, function() while true do end end)",
    );
}

#[test]
fn close_handlers_of_a_coroutine_that_was_cut_off_are_not_run_unwatched() {
    let dying = "local function dying()
        local x <close> = setmetatable({}, {__close = function() while true do end end})
        table.sort({3, 2, 1}, function() while true do end end)
    end\n";
    check(Reason::Deadline, &format!("{dying} coroutine.wrap(dying)()"));
    check(Reason::Deadline, &format!("{dying} while true do pcall(coroutine.wrap(dying)) end"));
    check(
        Reason::Deadline,
        &format!(
            "{dying} local co = coroutine.create(dying) pcall(coroutine.resume, co) coroutine.close(co)"
        ),
    );
    let lua = sandboxed(64 << 20);
    let (_, _, verdict) =
        run(&lua, &format!("{dying} self = coroutine.create(dying) coroutine.resume(self)"));
    assert_eq!(verdict.unwrap().reason, Reason::Deadline);
    let (_, outcome, verdict) =
        run(&lua, "local ok, why = coroutine.close(self) return tostring(ok) .. ' ' .. why");
    assert_eq!(verdict, None);
    assert_eq!(outcome.unwrap().to_string().unwrap(), "false cut off: ran too long without waiting");
}

#[test]
fn a_chunk_on_the_main_state_is_cut_off_too() {
    let lua = sandboxed(64 << 20);
    let guard = Guard::enter(LIMIT);
    let error = lua.load("while true do pcall(function() while true do end end) end").exec().unwrap_err();
    assert!(error.to_string().contains("cut off: ran too long"), "{error}");
    assert_eq!(guard.verdict().unwrap().reason, Reason::Deadline);
    drop(guard);
    assert_runs_normally(&lua);
}

#[test]
fn a_resume_that_grows_without_end_is_cut_off() {
    check(Reason::Memory, "local t = {} while true do t[#t + 1] = {} end");
    check(Reason::Memory, "local t = {} while true do pcall(function() t[#t + 1] = {} end) end");
}

#[test]
fn the_memory_limit_of_the_state_stops_what_grows_within_a_few_instructions() {
    let lua = sandboxed(64 << 20);
    let (_, outcome, _) = run(&lua, "local s = 'x' while true do s = s .. s end");
    assert!(matches!(outcome, Ok(Value::Nil) | Err(mlua::Error::MemoryError(_))), "{outcome:?}");
    assert_runs_normally(&lua);
}

#[test]
fn failing_for_want_of_memory_again_and_again_is_cut_off() {
    // Each attempt collects the whole of a state full of small things.
    let lua = sandboxed(usize::MAX);
    let lua_full = "kept = {} for i = 1, 400000 do kept[i] = { i } end";
    lua.load(lua_full).exec().unwrap();
    lua.set_memory_limit(lua.used_memory() + (4 << 20)).unwrap();
    for catching in ["pcall(f)", "xpcall(f, print)", "coroutine.resume(coroutine.create(f))"] {
        let source = format!(
            "local s = ('x'):rep(1500000) local function f() return s .. s end while true do {catching} end"
        );
        let started = Instant::now();
        let (_, _, verdict) = run(&lua, &source);
        assert_eq!(verdict.expect("the script was not cut off").reason, Reason::Deadline);
        assert!(started.elapsed() < PATIENCE, "{:?} in {catching}", started.elapsed());
    }
}

#[test]
fn what_cannot_be_resumed_is_refused_when_no_byte_is_free() {
    let coroutines = [
        ("coroutine.create(error) coroutine.resume(co)", "cannot resume dead coroutine"),
        // It resumes itself.
        ("coroutine.create(fill) coroutine.resume(co)", "cannot resume non-suspended coroutine"),
    ];
    for (coroutine, refusal) in coroutines {
        let lua = sandboxed(usize::MAX);
        // The text itself would keep one such string alive.
        let source = format!(
            "local co, said, kept, slots, count = nil, nil, nil, {{}}, 0
             for i = 1, 100 do slots[i] = false end
             local ways = {{
                 function() kept = {{ kept, ('x'):rep(10000) }} end,
                 function() kept = {{ kept }} end,
                 function() count = count + 1 slots[count] = 1000 + count .. '' end,
             }}
             local function fill()
                 for i = 1, 3 do while pcall(ways[i]) do end end
                 local _, why = coroutine.resume(co)
                 said = why
             end
             co = {coroutine} if not said then fill() end
             return #said"
        );
        lua.set_memory_limit(lua.used_memory() + (256 << 10)).unwrap();
        let (_, outcome, verdict) = run(&lua, &source);
        assert_eq!(verdict, None);
        assert_eq!(outcome.unwrap(), Value::Integer(refusal.len() as i64));
    }
}

#[test]
fn a_few_slow_instructions_are_noticed_by_the_collector() {
    check(Reason::Deadline, "local s = ('x'):rep(5 << 20) while true do local t = s .. 'y' end");
}

#[test]
fn what_was_cut_off_is_cut_off_again_when_resumed() {
    let lua = sandboxed(64 << 20);
    let (thread, _, verdict) = run(&lua, "while true do end");
    assert!(verdict.is_some() && thread.is_resumable());
    let guard = Guard::of(&thread, LIMIT);
    thread.resume::<()>(()).unwrap();
    assert_eq!(guard.verdict().unwrap().reason, Reason::Deadline);
    drop(guard);
    assert_runs_normally(&lua);
}

#[test]
fn a_thread_that_was_cut_off_serves_again_after_its_reset() {
    let lua = sandboxed(64 << 20);
    let (thread, _, verdict) = run(&lua, "while true do end");
    assert!(verdict.unwrap().spares(&thread));
    thread.reset(lua.load("return 'again'").into_function().unwrap()).unwrap();
    let guard = Guard::of(&thread, LIMIT);
    assert_eq!(thread.resume::<String>(()).unwrap(), "again");
    assert_eq!(guard.verdict(), None);
}

#[test]
fn a_thread_that_died_where_it_could_not_yield_is_not_spared() {
    let lua = sandboxed(64 << 20);
    let (thread, outcome, verdict) = run(&lua, "table.sort({3, 2, 1}, function() while true do end end)");
    assert!(outcome.is_err());
    assert!(!verdict.unwrap().spares(&thread));
}
