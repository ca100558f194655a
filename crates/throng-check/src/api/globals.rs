//! The globals of a script: Lua 5.4's, without what would let a script out of its robot.

/// The globals that are not libraries.
pub const GLOBALS: &[&str] = &[
    "_G",
    "_ENV",
    "_VERSION",
    "assert",
    "error",
    "getmetatable",
    "ipairs",
    "load",
    "next",
    "pairs",
    "pcall",
    "print",
    "rawequal",
    "rawget",
    "rawlen",
    "rawset",
    "require",
    "select",
    "setmetatable",
    "throng",
    "tonumber",
    "tostring",
    "type",
    "xpcall",
];

/// Lua's libraries and what they hold.
pub const LIBRARIES: &[(&str, &[&str])] = &[
    ("coroutine", &["close", "create", "isyieldable", "resume", "running", "status", "wrap", "yield"]),
    (
        "math",
        &[
            "abs",
            "acos",
            "asin",
            "atan",
            "ceil",
            "cos",
            "deg",
            "exp",
            "floor",
            "fmod",
            "huge",
            "log",
            "max",
            "maxinteger",
            "min",
            "mininteger",
            "modf",
            "pi",
            "rad",
            "random",
            "sin",
            "sqrt",
            "tan",
            "tointeger",
            "type",
            "ult",
        ],
    ),
    ("os", &["clock", "date", "difftime", "time"]),
    (
        "string",
        &[
            "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize",
            "rep", "reverse", "sub", "unpack", "upper",
        ],
    ),
    ("table", &["concat", "insert", "move", "pack", "remove", "sort", "unpack"]),
    ("utf8", &["char", "charpattern", "codepoint", "codes", "len", "offset"]),
];

/// What is kept from scripts, and what to use instead.
pub const REMOVED: &[(&str, &str)] = &[
    (
        "io",
        "use `throng.log` or `print` to write, and `[options]` or a module in lib/ for what a script reads",
    ),
    ("debug", "only `debug.traceback` is there: use `throng.log` or `print` to look inside"),
    ("os.execute", "a robot runs no programs: prepare what it needs before the run"),
    ("os.getenv", "use `throng.options`, which the environment can set"),
    ("os.remove", "a robot has no files"),
    ("os.rename", "a robot has no files"),
    ("os.setlocale", "the locale is the program's"),
    ("os.tmpname", "a robot has no files"),
    ("os.exit", "use `self.robot:stop()` to end a robot, `throng.fail(...)` to fail a task"),
    ("dofile", "put the file in lib/ and use `require`"),
    ("loadfile", "put the file in lib/ and use `require`"),
    ("loadlib", "robots load no C libraries: put Lua in lib/ and use `require`"),
    ("package", "put Lua in lib/ and use `require`; robots load no C libraries"),
    ("math.randomseed", "`math.random` is already the robot's own stream, seeded by `--seed`"),
    ("collectgarbage", "only `collectgarbage(\"count\")` is there: the collector is shared"),
    ("string.dump", "a function cannot leave its robot"),
    ("warn", "use `throng.log.warn(...)`"),
];

/// What older Luas had, and what Lua 5.4 has instead.
pub const OLD: &[(&str, &str)] = &[
    ("unpack", "it is `table.unpack` in Lua 5.4"),
    ("loadstring", "it is `load` in Lua 5.4"),
    ("setfenv", "Lua 5.4 has no function environments"),
    ("getfenv", "Lua 5.4 has no function environments"),
    ("module", "Lua 5.4 has no `module`: return a table"),
    ("math.pow", "Lua writes `x ^ y`"),
    ("math.mod", "Lua writes `x % y`"),
    ("math.log10", "Lua 5.4 writes `math.log(x, 10)`"),
    ("math.atan2", "Lua 5.4 writes `math.atan(y, x)`"),
    ("table.getn", "Lua writes `#list`"),
    ("table.maxn", "Lua writes `#list`"),
    ("table.foreach", "Lua writes `for key, value in pairs(list) do`"),
    ("string.gfind", "it is `string.gmatch` in Lua 5.4"),
];

/// The names that a connection cannot have, because the robot has them.
pub const RESERVED_CONNECTION_NAMES: &[&str] = &[
    "id",
    "name",
    "mods",
    "connect",
    "connections",
    "ready",
    "restart",
    "stop",
    "sleep",
    "every",
    "spawn",
    "all",
];
