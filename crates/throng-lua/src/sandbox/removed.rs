//! The parts of the standard library that robots do without, and what to use instead.

use mlua::{Lua, StdLib, Table};

use super::native;

/// Global functions that are refused, with the reason.
const FUNCTIONS: [(&str, &str); 4] = [
    ("dofile", "dofile is not available to robots: use require for a file in lib"),
    ("loadfile", "loadfile is not available to robots: use require for a file in lib"),
    ("require", "require is not available here: it finds files in lib and mods while a project is loaded"),
    ("warn", "warn is not available to robots: use throng.log"),
];

/// Libraries that are refused whole.
const LIBRARIES: [(&str, &str); 3] = [
    ("io", "io is not available to robots: use throng.log to write, require for files in lib"),
    ("package", "package is not available to robots: use require for a file in lib"),
    (
        "debug",
        "debug is not available to robots, but for debug.traceback: throng try shows where a robot stands",
    ),
];

/// Functions of libraries that are refused.
const MEMBERS: [(&str, &str, &str); 9] = [
    ("os", "execute", "os.execute is not available to robots: they have no processes"),
    ("os", "exit", "os.exit is not available to robots: use self.robot:stop()"),
    (
        "os",
        "getenv",
        "os.getenv is not available to robots: use throng.options, which the environment can set",
    ),
    ("os", "remove", "os.remove is not available to robots: they have no files"),
    ("os", "rename", "os.rename is not available to robots: they have no files"),
    ("os", "setlocale", "os.setlocale is not available to robots: the locale is the program's"),
    ("os", "tmpname", "os.tmpname is not available to robots: they have no files"),
    ("string", "dump", "string.dump is not available to robots: a function cannot leave its state"),
    (
        "math",
        "randomseed",
        "math.randomseed is not available to robots: use --seed, which gives each robot its stream",
    ),
];

/// Puts the refusals in place, and returns the table that stands for `debug`, for its one function.
pub(super) fn install(lua: &Lua) -> mlua::Result<Table> {
    // Its harmless half stays, so it has to be there.
    lua.load_std_libs(StdLib::OS)?;
    let globals = lua.globals();
    for (name, message) in FUNCTIONS {
        globals.raw_set(name, native::refused::function(lua, message)?)?;
    }
    for (library, name, message) in MEMBERS {
        let library: Table = globals.raw_get(library)?;
        library.raw_set(name, native::refused::function(lua, message)?)?;
    }
    for (name, message) in LIBRARIES {
        globals.raw_set(name, refused_library(lua, message)?)?;
    }
    globals.raw_get("debug")
}

/// A table whose every field is an error.
fn refused_library(lua: &Lua, message: &str) -> mlua::Result<Table> {
    let refusal = native::refused::function(lua, message)?;
    let metatable = lua.create_table()?;
    for event in ["__index", "__newindex", "__call"] {
        metatable.raw_set(event, &refusal)?;
    }
    metatable.raw_set("__metatable", false)?;
    let library = lua.create_table()?;
    library.set_metatable(Some(metatable))?;
    Ok(library)
}
