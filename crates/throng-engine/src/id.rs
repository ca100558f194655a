//! The names of things inside a run: run-wide robot ids, and generational keys that are a shard's own.

use std::num::NonZeroU32;

use slotmap::{Key, KeyData, new_key_type};

/// A robot's number over the whole run, from 0. It survives restarts, and decides the robot's random stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RobotId(pub u64);

new_key_type! {
    /// A robot that lives on this shard.
    pub struct RobotKey;
    /// A connection of a robot; stale once the connection has ended.
    pub struct ConnectionKey;
    /// Something a script waits for; stale once it has its outcome or was cancelled.
    pub struct OperationKey;
    /// A routine that the engine asked the host to run; stale once it has finished or was abandoned.
    pub struct ActivityKey;
}

/// A group that requests of this shard may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Group(pub(crate) NonZeroU32);

impl Group {
    /// The group as a number, for tables that know nothing of the engine.
    pub fn as_u32(self) -> u32 {
        self.0.get()
    }

    /// The group behind a number that [`Group::as_u32`] gave.
    pub fn from_u32(number: u32) -> Option<Group> {
        NonZeroU32::new(number).map(Group)
    }
}

impl OperationKey {
    /// The key as a number, for tables that know nothing of the engine.
    pub fn as_u64(self) -> u64 {
        self.data().as_ffi()
    }

    /// The key behind a number that [`OperationKey::as_u64`] gave.
    pub fn from_u64(number: u64) -> OperationKey {
        KeyData::from_ffi(number).into()
    }
}
