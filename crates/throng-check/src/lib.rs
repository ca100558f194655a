//! Checks the mods of a robot project without running them.
//!
//! [`check`] reads Lua, never executes it, and reports what cannot be right: a message no protocol has, a field no
//! message has, a method no object has, state that robots would share by accident. What is made at run time is let
//! through: a finding is worth reading only if it is never wrong.
//!
//! Start reading at [`check`]; a file becomes a `lua::Chunk`, a chunk becomes a `model::File`, and each module of
//! `rules` goes over the files on its own. [`api`] is the one table of names, from which [`editor`] writes the
//! annotations for editors. Nothing here prints, or reads a file.

pub mod api;
pub mod editor;

mod check;
mod draft;
mod duration;
mod finding;
mod infer;
mod lua;
mod messages;
mod model;
mod nearest;
mod project;
mod rules;

pub use check::{CheckError, check};
pub use finding::{Colour, Finding, Severity};
pub use messages::{
    Body, Codec, Direction, EnumType, FieldType, Message, Messages, ProtocolMessages, Shape, StructType,
};
pub use project::{Project, Role, Settings, Source, TaskKey};
