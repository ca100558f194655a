//! The walk over everything scripts share, freezing tables and collecting functions as it comes to them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::c_void;

use mlua::{Function, Lua, Table, Value};

use super::{SharedCoroutine, Suspect, code};
use crate::sandbox::native::{frozen, upvalues};

/// Tables that are frozen at most, the nearest to the roots first.
const MAX_TABLES: usize = 10_000;
/// How long a name in an error may become, in bytes.
const MAX_NAME: usize = 60;

pub(super) struct Walk<'a> {
    lua: &'a Lua,
    host: &'a str,
    metamethods: frozen::Metamethods,
    seen: HashSet<*const c_void>,
    tables: usize,
    queue: VecDeque<(String, Value)>,
    /// By the identity of the variable.
    suspects: HashMap<*const c_void, Suspect>,
    coroutine: Option<SharedCoroutine>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(lua: &'a Lua, host: &'a str) -> mlua::Result<Walk<'a>> {
        Ok(Walk {
            lua,
            host,
            metamethods: frozen::Metamethods::new(lua)?,
            seen: HashSet::new(),
            tables: 0,
            queue: VecDeque::new(),
            suspects: HashMap::new(),
            coroutine: None,
        })
    }

    /// Freezes the globals, and walks on from them.
    pub(super) fn globals(&mut self) -> mlua::Result<()> {
        let globals = self.lua.globals();
        self.seen.insert(globals.to_pointer());
        self.children("", &globals)?;
        self.freeze(None, &globals)
    }

    pub(super) fn root(&mut self, name: &str, value: Value) {
        self.enqueue(name.to_owned(), value);
    }

    /// Walks to the end, and returns the captured variables that some function assigns, and a coroutine if there is one.
    pub(super) fn finish(mut self) -> mlua::Result<(Vec<Suspect>, Option<SharedCoroutine>)> {
        while let Some((name, value)) = self.queue.pop_front() {
            match value {
                Value::Table(table) => {
                    self.children(&name, &table)?;
                    self.freeze(Some(&name), &table)?;
                }
                Value::Function(function) => self.function(&name, &function)?,
                _ => {}
            }
        }
        Ok((self.suspects.into_values().collect(), self.coroutine))
    }

    fn enqueue(&mut self, name: String, value: Value) {
        match &value {
            Value::Table(_) if self.tables == MAX_TABLES => return,
            Value::Table(_) | Value::Function(_) => {}
            Value::Thread(_) => return self.note_coroutine(name, None),
            _ => return,
        }
        if self.seen.insert(value.to_pointer()) {
            self.tables += usize::from(value.is_table());
            self.queue.push_back((name, value));
        }
    }

    fn children(&mut self, name: &str, table: &Table) -> mlua::Result<()> {
        if let Some(metatable) = table.metatable() {
            self.enqueue(format!("metatable of {name}"), Value::Table(metatable));
        }
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            self.enqueue(child_name(name, &key), value);
            self.enqueue(format!("key of {name}"), key);
        }
        Ok(())
    }

    fn freeze(&self, name: Option<&str>, table: &Table) -> mlua::Result<()> {
        let contents = self.lua.create_table()?;
        frozen::move_contents(self.lua, table, &contents)?;
        let metatable = self.lua.create_table()?;
        let before = table.metatable();
        if let Some(before) = &before {
            for pair in super::contents(before).pairs::<Value, Value>() {
                let (key, value) = pair?;
                metatable.raw_set(key, value)?;
            }
        }
        match metatable.raw_get("__index")? {
            Value::Function(original) => {
                metatable.raw_set("__index", frozen::index(self.lua, &contents, &original)?)?;
            }
            original => {
                if !original.is_nil() {
                    let fallback = self.lua.create_table()?;
                    fallback.raw_set("__index", original)?;
                    contents.set_metatable(Some(fallback))?;
                }
                metatable.raw_set("__index", &contents)?;
            }
        }
        let default = |event: &str, value: Value| -> mlua::Result<()> {
            if metatable.raw_get::<Value>(event)?.is_nil() { metatable.raw_set(event, value) } else { Ok(()) }
        };
        default("__len", Value::Function(self.metamethods.length.clone()))?;
        default("__pairs", Value::Function(self.metamethods.pairs.clone()))?;
        default("__metatable", before.map_or(Value::Boolean(false), Value::Table))?;
        metatable.raw_set("__newindex", frozen::refusal(self.lua, name)?)?;
        metatable.raw_set(frozen::mark(), contents)?;
        table.set_metatable(Some(metatable))
    }

    fn note_coroutine(&mut self, name: String, source: Option<String>) {
        self.coroutine.get_or_insert(SharedCoroutine { name, source });
    }

    fn function(&mut self, name: &str, function: &Function) -> mlua::Result<()> {
        let info = function.info();
        let source = info.source.unwrap_or_default();
        if info.what == "C" {
            if is_coroutine(self.lua, &Value::Function(function.clone()))? {
                self.note_coroutine(name.to_owned(), None);
            }
            return Ok(());
        }
        if source.starts_with(self.host) {
            return Ok(());
        }
        let assigned = code::assignments(&function.dump(false)).unwrap_or_default();
        for index in 1.. {
            let Some(upvalue) = upvalues::get(self.lua, function, index)? else { break };
            let lines = assigned.iter().filter(|assigned| assigned.upvalue + 1 == index as usize);
            for line in lines.map(|assigned| assigned.line) {
                let suspect = self.suspects.entry(upvalue.identity).or_insert_with(|| Suspect {
                    function: function.clone(),
                    index,
                    value: upvalue.value.clone(),
                    name: upvalue.name.clone(),
                    source: info.short_src.clone().unwrap_or_default(),
                    lines: Vec::new(),
                });
                if let Err(place) = suspect.lines.binary_search(&line) {
                    suspect.lines.insert(place, line);
                }
            }
            if is_coroutine(self.lua, &upvalue.value)? {
                self.note_coroutine(upvalue.name.clone(), info.short_src.clone());
            }
            self.enqueue(upvalue.name, upvalue.value);
        }
        Ok(())
    }
}

/// Whether the value is a coroutine, or what `coroutine.wrap` returns, which has its coroutine as its variable.
fn is_coroutine(lua: &Lua, value: &Value) -> mlua::Result<bool> {
    match value {
        Value::Thread(_) => Ok(true),
        Value::Function(function) if function.info().what == "C" => {
            let variable = upvalues::get(lua, function, 1)?;
            Ok(variable.is_some_and(|variable| variable.value.is_thread()))
        }
        _ => Ok(false),
    }
}

fn child_name(parent: &str, key: &Value) -> String {
    let name = match key {
        Value::String(key) if parent.is_empty() => key.to_string_lossy(),
        Value::String(key) => format!("{parent}.{}", key.to_string_lossy()),
        Value::Integer(index) => format!("{parent}[{index}]"),
        _ => format!("{parent}[...]"),
    };
    if name.len() > MAX_NAME { parent.to_owned() } else { name }
}
