//! The bounded string functions against the originals, and against patterns that the originals do not
//! survive.

use std::time::{Duration, Instant};

use mlua::{Function, Lua, Value, Variadic};
use proptest::prelude::*;
use throng_lua::sandbox::{self, Limits};

/// Calls a string function in a protected call and shows all its results with their types. Callbacks and
/// iterators are driven to their ends; what a callback gets is part of the result.
const SHOW: &str = r#"
    local function show(...)
        local out = {}
        for i = 1, select('#', ...) do
            local value = select(i, ...)
            out[i] = math.type(value) or type(value)
            out[i] = out[i] .. ':' .. tostring(value)
        end
        return table.concat(out, ' ')
    end
    local calls = {
        find = function(s, p, init) return show(pcall(string.find, s, p, init)) end,
        plain = function(s, p, init) return show(pcall(string.find, s, p, init, true)) end,
        match = function(s, p, init) return show(pcall(string.match, s, p, init)) end,
        gmatch = function(s, p, init)
            local out = {}
            local ok, why = pcall(function()
                for a, b, c in string.gmatch(s, p, init) do out[#out + 1] = show(a, b, c) end
            end)
            return table.concat(out, '|') .. show(ok, ok or why:gsub('^[^ ]*:%d+: ', ''))
        end,
        text = function(s, p, _, with, n) return show(pcall(string.gsub, s, p, with, n)) end,
        table = function(s, p, _, with, n)
            return show(pcall(string.gsub, s, p, {a = with, b = false, [1] = 'one', [2] = 2, ab = 1.5}, n))
        end,
        callback = function(s, p, _, with, n)
            local seen = {}
            local result = show(pcall(string.gsub, s, p, function(...)
                seen[#seen + 1] = show(...)
                if #seen % 3 == 0 then return nil end
                return #seen % 3 == 1 and with or #seen
            end, n))
            return result .. '|' .. table.concat(seen, '|')
        end,
    }
    return function(call, ...) return calls[call](...) end
"#;

const CALLS: [&str; 7] = ["find", "plain", "match", "gmatch", "text", "table", "callback"];

struct Pair {
    original: Side,
    ours: Side,
}

struct Side {
    show: Function,
    // The function refers to its state weakly.
    lua: Lua,
}

impl Side {
    fn new(lua: Lua) -> Side {
        Side { show: lua.load(SHOW).eval().unwrap(), lua }
    }

    fn run(&self, call: &str, case: &Case<'_>) -> String {
        let subject = self.lua.create_string(case.subject).unwrap();
        let pattern = self.lua.create_string(case.pattern).unwrap();
        let shown: mlua::LuaString =
            self.show.call((call, subject, pattern, case.init, case.with, case.limit)).unwrap();
        shown.as_bytes().escape_ascii().to_string()
    }
}

#[derive(Clone, Copy)]
struct Case<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    init: Option<i64>,
    with: &'a str,
    limit: Option<i64>,
}

impl<'a> Case<'a> {
    fn new(subject: &'a [u8], pattern: &'a [u8]) -> Case<'a> {
        Case { subject, pattern, init: None, with: "<%0>", limit: None }
    }
}

impl Pair {
    fn new() -> Pair {
        let ours = Lua::new();
        sandbox::install(&ours, &Limits::default()).unwrap();
        Pair { original: Side::new(Lua::new()), ours: Side::new(ours) }
    }

    #[track_caller]
    fn check(&self, case: Case<'_>) {
        for call in CALLS {
            let Case { subject, pattern, init, with, limit } = case;
            let (subject, pattern) = (subject.escape_ascii(), pattern.escape_ascii());
            let described = format!("{call}(\"{subject}\", \"{pattern}\", {init:?}, {with:?}, {limit:?})");
            assert_eq!(self.original.run(call, &case), self.ours.run(call, &case), "{described}");
        }
    }
}

#[test]
fn known_cases_agree_with_the_originals() {
    let pair = Pair::new();
    let subjects: [&[u8]; 12] = [
        b"",
        b"a",
        b"hello world",
        b"key = value",
        b"((a)b)c",
        b"abababab",
        b"THE (quick) fox",
        b"a\0b\0",
        b"\xff\xfe1",
        b"f(a(b)c)d(e)",
        b"  trim  ",
        b"2024-01-31 10:20:30",
    ];
    let patterns: [&[u8]; 78] = [
        b"",
        b"a",
        b"^a",
        b"a$",
        b"$",
        b"^",
        b"^$",
        b".",
        b".*",
        b".-",
        b".+",
        b".?",
        b"%a+",
        b"%A+",
        b"%d",
        b"%D*",
        b"%s",
        b"%S+",
        b"%w+",
        b"%W",
        b"%x+",
        b"%X",
        b"%p",
        b"%P",
        b"%c",
        b"%C",
        b"%g+",
        b"%G",
        b"%l+",
        b"%L",
        b"%u+",
        b"%U",
        b"%z",
        b"%Z",
        b"()",
        b"()a()",
        b"(a)(b)",
        b"((a)(b))",
        b"(a*(.)%w(%s*))",
        b"(.)%1",
        b"%1",
        b"(a)%2",
        b"(a",
        b"a)",
        b"(()",
        b"%",
        b"a%",
        b"[a",
        b"[]",
        b"[^]",
        b"[]]",
        b"[^]]",
        b"[%a_][%w_]*",
        b"[a-z]+",
        b"[^a-z]+",
        b"[a-]",
        b"[%a-z]",
        b"[-a]",
        b"[a%]",
        b"[a%]]",
        b"%b()",
        b"%bxy",
        b"%b(",
        b"%b",
        b"%f[%a]%a+",
        b"%f[%A]",
        b"%f",
        b"%fa",
        b"%f[",
        b"^%s*(.-)%s*$",
        b"(%d+)-(%d+)-(%d+)",
        b"%.",
        b"%%",
        b"a**",
        b"a-b",
        b"()%1",
        b"%0",
        b"\0",
    ];
    for subject in subjects {
        for pattern in patterns {
            for init in [None, Some(0), Some(1), Some(3), Some(-2), Some(-100), Some(100)] {
                pair.check(Case { init, ..Case::new(subject, pattern) });
            }
            for (with, limit) in [
                ("%1", None),
                ("%2%1", None),
                ("%", None),
                ("%x", None),
                ("%%", Some(1)),
                ("", Some(0)),
                ("xyz", Some(-1)),
            ] {
                pair.check(Case { with, limit, ..Case::new(subject, pattern) });
            }
        }
    }
}

#[test]
fn deep_patterns_are_too_complex_as_they_are_for_the_original() {
    let pair = Pair::new();
    for depth in [10, 31, 32, 33, 190, 199, 200, 201, 250] {
        let subject = b"a".repeat(depth);
        let nested = [b"(".repeat(depth), b"a".to_vec(), b")".repeat(depth)].concat();
        for pattern in [b"a?".repeat(depth), b"()".repeat(depth), nested] {
            pair.check(Case::new(&subject, &pattern));
        }
    }
}

#[test]
fn long_subjects_agree_with_the_originals() {
    let pair = Pair::new();
    let mut subject = b"lorem ipsum ".repeat(500);
    subject.extend_from_slice(b"needle 42 needle");
    for pattern in
        [&b"needle"[..], b"n.-e %d+", b"%d", b"(%w+) needle$", b"m i", b"nothere", b"[^%w ]", b"%s%d%d%s"]
    {
        for init in [None, Some(10), Some(-5)] {
            pair.check(Case { init, ..Case::new(&subject, pattern) });
        }
    }
    pair.check(Case { with: &"x".repeat(300), ..Case::new(&subject, b"%w+") });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn random_patterns_agree_with_the_originals(
        subject in "[ab().%0-9x \\[\\]]{0,24}",
        pattern in "([ab.x]|%[adswbf1()%.]|\\[\\^?[ab%x-]{1,3}\\]|[()^$]|[ab.][*+?-]|[%\\[\\]*-]){0,8}",
        init in proptest::option::of(-8_i64..12),
        with in "([ab]|%[0-3%x]?){0,3}",
        limit in proptest::option::of(-1_i64..5),
    ) {
        let case = Case { subject: subject.as_bytes(), pattern: pattern.as_bytes(), init, with: &with, limit };
        PAIR.with(|pair| pair.check(case));
    }

    #[test]
    fn random_bytes_agree_with_the_originals(
        subject in proptest::collection::vec(any::<u8>(), 0..24),
        pattern in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        PAIR.with(|pair| pair.check(Case::new(&subject, &pattern)));
    }
}

thread_local! {
    static PAIR: Pair = Pair::new();
}

fn sandboxed() -> Lua {
    let lua = Lua::new();
    sandbox::install(&lua, &Limits::default()).unwrap();
    lua
}

#[track_caller]
fn error_of(lua: &Lua, source: &str) -> String {
    let source = format!("local ok, why = pcall(function() {source} end) return tostring(why)");
    lua.load(source).set_name("@mods/role.lua").eval().unwrap()
}

#[test]
fn a_pathological_match_is_given_up_in_good_time() {
    let lua = sandboxed();
    let started = Instant::now();
    for call in [
        "string.find(s, p)",
        "string.match(s, p)",
        "string.gsub(s, p, '')",
        "for _ in string.gmatch(s, p) do end",
        "s:find(p)",
    ] {
        let why = error_of(&lua, &format!("local s, p = ('a'):rep(3000), ('a-'):rep(20) .. 'b' {call}"));
        assert_eq!(
            why,
            "mods/role.lua:1: pattern match took too long: a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-b \
             against a subject of 3000 bytes"
        );
    }
    assert!(started.elapsed() < Duration::from_secs(120));
}

#[test]
fn errors_name_the_line_and_the_argument() {
    let lua = sandboxed();
    assert_eq!(error_of(&lua, "('x'):find('[a')"), "mods/role.lua:1: malformed pattern (missing ']')");
    assert_eq!(
        error_of(&lua, "('x'):gsub('x', true)"),
        "mods/role.lua:1: bad argument #2 to 'gsub' (string/function/table expected, got boolean)"
    );
    assert_eq!(
        error_of(&lua, "string.find('x')"),
        "mods/role.lua:1: bad argument #2 to 'find' (string expected, got no value)"
    );
}

#[test]
fn a_replacement_cannot_grow_beyond_the_limit() {
    let lua = sandboxed();
    let why = error_of(&lua, "local s = ('x'):rep(1 << 20) return s:gsub('x', s)");
    assert_eq!(why, "mods/role.lua:1: resulting string too large: the limit is 64 MiB");
}

#[test]
fn numbers_are_texts_to_match() {
    let lua = sandboxed();
    let found: Variadic<Value> = lua.load("return string.find(12345, 34)").eval().unwrap();
    assert_eq!(found.to_vec(), [Value::Integer(3), Value::Integer(4)]);
}
