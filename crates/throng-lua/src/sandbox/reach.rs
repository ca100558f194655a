//! How much memory values hold: what they reach, and nothing that is shared reaches.
//!
//! Lua does not know who made an object, and neither does the allocator: the share of one among many in a state can only be
//! found by following references. That takes about a tenth of a microsecond for each object, so it is asked for when the
//! memory limit is reached, and not before.

use mlua::{Lua, Table, Value};

use super::native::reach::{Seen, Walk};

/// What all share, and so nobody holds.
#[derive(Debug)]
pub struct Reach<'lua> {
    lua: &'lua Lua,
    shared: Seen,
}

impl<'lua> Reach<'lua> {
    /// Shared is what `shared` reaches without going through `borders`.
    #[must_use]
    pub fn new(lua: &'lua Lua, shared: &[Value], borders: &[Table]) -> Reach<'lua> {
        let mut seen: Seen = borders.iter().map(Table::to_pointer).collect();
        let mut walk = Walk { foreign: &Seen::new(), seen: &mut seen, enough: usize::MAX, bytes: 0 };
        walk.from(lua, shared);
        Reach { lua, shared: seen }
    }

    /// Bytes that `roots` hold, about; counting ends when it is `enough`.
    #[must_use]
    pub fn bytes(&self, roots: &[Value], enough: usize) -> usize {
        let mut walk = Walk { foreign: &self.shared, seen: &mut Seen::new(), enough, bytes: 0 };
        walk.from(self.lua, roots);
        walk.bytes
    }
}
