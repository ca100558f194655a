//! The Lua host: mods become the behaviour of robots.
//!
//! A [`LuaProject`] says which files make up a robot project. [`LuaHost`] loads them into Lua states and stands behind the
//! engine's [`Host`](throng_engine::Host) border: the engine says when a function of a robot runs, and what it waited for.
//!
//! Start reading at [`LuaHost`], then `run` (functions begin, wait and end in pooled coroutines), `push` (who hears of a
//! message), `natives` with the Lua of `prelude` (what scripts can call), `codec` (messages from and to tables), `load`,
//! `own` (protocols in Lua), `control` (what scripts do once a run).
//!
//! What must not happen here: a value of mlua's kept for each robot (a state can hold about a million references; robots hang
//! off one Lua table), a borrow of the shared state while Lua runs, an error of a script's that stops anything but itself.

#[doc(hidden)]
pub mod bench;
mod bodies;
mod cipher;
mod codec;
mod control;
mod duration;
mod error;
mod fields;
mod greed;
mod host;
mod load;
mod natives;
mod own;
mod program;
mod project;
mod push;
mod raw;
mod run;
pub mod sandbox;
mod scenario;
mod state;
mod suggest;
pub mod testing;
mod values;
mod vm;

pub use control::{Control, Tick};
pub use error::LoadError;
pub use host::LuaHost;
pub use own::{OwnFunctions, OwnSource, own_functions};
pub use program::{Handler, Inventory, RunEvent, RunFunction};
pub use project::{Limits, LuaProject, OptionValue, ScenarioRules, StrayFields, TagFilter, TaskSetting};
