//! Freezing what many robots would share by accident.
//!
//! After load, [`freeze`] walks from the globals and what the host names to every table and script function
//! in reach.
//!
//! - A **table** is frozen by moving its contents to a hidden one that it reads through `__index`. Reading
//!   costs about 10 ns more; `pairs`, `ipairs`, `next`, `#` and the functions of `table` work as before, and
//!   a write raises at its line. Code that reads tables raw from Rust asks [`contents`] first. Metamethods
//!   stay in the table, because Lua looks for them nowhere else; to change one of those is the one write that
//!   goes unnoticed.
//! - A **captured variable** cannot be guarded where it is assigned: Lua has no hook for that, and rewriting
//!   scripts was rejected, because it moves them away from what the user wrote. So the functions' own code
//!   tells which captured variables are assigned at all, most often none, and [`Frozen::rebound`] compares
//!   those after each resume, gives them back their value, and names the line. A variable captured later, by
//!   a function that a robot's own code made, is that robot's and free.
//!
//! A **coroutine** at file level would go on from robot to robot, and what it holds could be neither frozen nor assigned to
//! one of them: [`Frozen::coroutine`] names one for the host to refuse.
//!
//! Not frozen: userdata held at file level, and tables beyond the first 10,000 in reach, the
//! nearest first: those are masses of constant data, and freezing doubles their memory.

mod code;
mod walk;

use std::fmt;

use mlua::{Function, Lua, LuaString, Table, Value};

use super::native::{frozen, upvalues};

/// Something whose reach is to be frozen, with the name that errors give it.
#[derive(Debug, Clone)]
pub struct Root {
    /// Such as `role`, or `lib.util`.
    pub name: String,
    /// A table, which is frozen itself, or a function. Others are passed over.
    pub value: Value,
}

/// The captured variables that could still change in a state whose tables are frozen.
#[derive(Debug)]
pub struct Frozen {
    suspects: Vec<Suspect>,
    coroutine: Option<SharedCoroutine>,
}

/// A coroutine that robots would share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedCoroutine {
    /// What holds it.
    pub name: String,
    /// The file whose function refers to it, as Lua shortens it, where that is how it was found.
    pub source: Option<String>,
}

#[derive(Debug)]
struct Suspect {
    function: Function,
    index: i32,
    value: Value,
    name: String,
    source: String,
    lines: Vec<u32>,
}

/// That a captured variable was assigned after load. It has its old value again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebound {
    /// The variable.
    pub name: String,
    /// The file, as Lua shortens it.
    pub source: String,
    /// The lines that assign it; which of them did is not known.
    pub lines: Vec<u32>,
}

/// Freezes the globals, the roots, and what both can reach. Functions of chunks whose name begins with `host`
/// are the host's own: what only they capture is left alone.
///
/// # Errors
///
/// When memory is short.
pub fn freeze(lua: &Lua, roots: &[Root], host: &str) -> mlua::Result<Frozen> {
    let mut walk = walk::Walk::new(lua, host)?;
    walk.globals()?;
    for root in roots {
        walk.root(&root.name, root.value.clone());
    }
    let (suspects, coroutine) = walk.finish()?;
    quicken_string_methods(lua)?;
    Ok(Frozen { suspects, coroutine })
}

/// The table that has what a frozen one seems to have, or the table itself.
#[must_use]
pub fn contents(table: &Table) -> Table {
    let contents =
        table.metatable().and_then(|metatable| metatable.raw_get::<Option<Table>>(frozen::mark()).ok()?);
    contents.unwrap_or_else(|| table.clone())
}

impl Frozen {
    /// Whether there is any variable to look at after a resume.
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// A coroutine in reach, if there is any.
    #[must_use]
    pub fn coroutine(&self) -> Option<&SharedCoroutine> {
        self.coroutine.as_ref()
    }

    /// A captured variable that was assigned since the last look, set back to what it was.
    ///
    /// # Errors
    ///
    /// When memory is short.
    pub fn rebound(&self, lua: &Lua) -> mlua::Result<Option<Rebound>> {
        let mut rebound = None;
        for suspect in &self.suspects {
            let Some(now) = upvalues::get(lua, &suspect.function, suspect.index)? else { continue };
            if !is_same(&now.value, &suspect.value) {
                upvalues::set(lua, &suspect.function, suspect.index, &suspect.value)?;
                rebound.get_or_insert_with(|| suspect.report());
            }
        }
        Ok(rebound)
    }
}

impl Suspect {
    fn report(&self) -> Rebound {
        Rebound { name: self.name.clone(), source: self.source.clone(), lines: self.lines.clone() }
    }
}

impl fmt::Display for Rebound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.source)?;
        for (nth, line) in self.lines.iter().enumerate() {
            let separator = if nth == 0 { "" } else { " or " };
            write!(f, "{separator}{line}")?;
        }
        write!(f, ": local '{}' is frozen after load: put it in self (in init)", self.name)
    }
}

/// Sameness of values as an assignment sees it, for which no number equals itself less than another.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.to_bits() == other.to_bits(),
        (Value::Number(_), Value::Integer(_)) | (Value::Integer(_), Value::Number(_)) => false,
        _ => one == other,
    }
}

/// Lets `("x"):find()` look into the contents of the frozen `string` at once.
fn quicken_string_methods(lua: &Lua) -> mlua::Result<()> {
    if let Some(metatable) = lua.type_metatable::<LuaString>()
        && let Value::Table(methods) = metatable.raw_get("__index")?
    {
        metatable.raw_set("__index", contents(&methods))?;
    }
    Ok(())
}
