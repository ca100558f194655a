//! Rows of counters and histograms under interned names, bounded in number.
//!
//! A name is looked up once and becomes an [`Id`]; a record is then an index. Names above the cap share one row called
//! [`OTHER`], so what a server or a script calls things can never exhaust memory.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::histogram::Histogram;
use crate::tally::Counts;

/// The name of the row that takes what no longer fits.
pub const OTHER: &str = "_other";

/// Marks places in the table of what belongs to groups; caps keep tables far below so many rows.
const GROUPED: u32 = 1 << 31;

/// Names longer than this many bytes are cut.
pub(crate) const LONGEST_NAME: usize = 120;

/// What a row is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The connection's name, empty for rows that belong to none.
    pub connection: Arc<str>,
    /// The row's own name.
    pub name: Arc<str>,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.connection.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.connection, self.name)
        }
    }
}

/// A row's place in the recorder that gave it out; it means nothing to another recorder.
pub struct Id<C>(u32, PhantomData<fn() -> C>);

impl<C> Id<C> {
    pub(crate) fn at(place: u32) -> Self {
        Self(place, PhantomData)
    }

    pub(crate) fn place(self) -> u32 {
        self.0
    }

    /// The same place in the table of what belongs to groups.
    pub(crate) fn grouped(self) -> Self {
        Self::at(self.0 | GROUPED)
    }

    /// The place in the table of what belongs to groups, if it is one.
    pub(crate) fn in_groups(self) -> Option<Self> {
        (self.0 & GROUPED != 0).then(|| Self::at(self.0 & !GROUPED))
    }
}

impl<C> Clone for Id<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Id<C> {}

impl<C> PartialEq for Id<C> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<C> Eq for Id<C> {}

impl<C> fmt::Debug for Id<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Counters and `N` histograms of one name.
#[derive(Clone, Debug)]
pub struct Row<C, const N: usize> {
    /// The counters.
    pub counts: C,
    times: [Histogram; N],
}

impl<C, const N: usize> Row<C, N> {
    pub(crate) fn time(&self, index: usize) -> &Histogram {
        &self.times[index]
    }

    pub(crate) fn time_mut(&mut self, index: usize) -> &mut Histogram {
        &mut self.times[index]
    }
}

impl<C: Default, const N: usize> Default for Row<C, N> {
    fn default() -> Self {
        Self { counts: C::default(), times: std::array::from_fn(|_| Histogram::default()) }
    }
}

/// What changed in one row since the last take.
pub(crate) struct Change<C, const N: usize> {
    key: Key,
    counts: C,
    times: [Histogram; N],
}

/// A row that was written down. What is not there is empty, so that rows can get further fields.
#[derive(Deserialize)]
pub(crate) struct WrittenRow<C> {
    #[serde(default)]
    connection: String,
    name: String,
    counts: C,
    #[serde(default = "Vec::new")]
    times: Vec<Histogram>,
}

/// A row to be written down.
#[derive(Serialize)]
struct RowToWrite<'a, C> {
    #[serde(skip_serializing_if = "str::is_empty")]
    connection: &'a str,
    name: &'a str,
    counts: &'a C,
    #[serde(skip_serializing_if = "<[Histogram]>::is_empty")]
    times: &'a [Histogram],
}

impl<C: Serialize, const N: usize> Serialize for Table<C, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.slots.iter().map(|slot| RowToWrite {
            connection: &slot.key.connection,
            name: &slot.key.name,
            counts: &slot.row.counts,
            times: &slot.row.times,
        }))
    }
}

struct Slot<C, const N: usize> {
    key: Key,
    row: Row<C, N>,
    changed: bool,
}

/// Rows by name: in a recorder those of one shard, in the totals those of all.
pub struct Table<C, const N: usize> {
    // Two levels, so that looking a pair of names up needs no allocation.
    index: HashMap<Arc<str>, HashMap<Arc<str>, u32>>,
    slots: Vec<Slot<C, N>>,
    changed: Vec<u32>,
    cap: usize,
}

impl<C: Counts, const N: usize> Table<C, N> {
    pub(crate) fn new(cap: usize) -> Self {
        Self { index: HashMap::new(), slots: Vec::new(), changed: Vec::new(), cap: cap.max(1) }
    }

    /// All rows in the order in which their names were first seen.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Row<C, N>)> {
        self.slots.iter().map(|slot| (&slot.key, &slot.row))
    }

    /// The row of `name` on `connection` (empty where there is none).
    pub fn find(&self, connection: &str, name: &str) -> Option<&Row<C, N>> {
        let place = *self.index.get(connection)?.get(name)?;
        Some(&self.slots[place as usize].row)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The place of a name, which is made when it is new; above the cap, that of [`OTHER`].
    pub(crate) fn intern(&mut self, connection: &str, name: &str) -> Id<C> {
        let name = truncated(name, LONGEST_NAME);
        let connection = truncated(connection, LONGEST_NAME);
        if let Some(&place) = self.index.get(connection).and_then(|names| names.get(name)) {
            return Id(place, PhantomData);
        }
        if self.slots.len() >= self.cap && (connection, name) != ("", OTHER) {
            return self.intern("", OTHER);
        }
        let key = Key { connection: connection.into(), name: name.into() };
        let place = u32::try_from(self.slots.len()).expect("the cap keeps tables far below 4 billion rows");
        self.index.entry(key.connection.clone()).or_default().insert(key.name.clone(), place);
        self.slots.push(Slot { key, row: Row::default(), changed: false });
        Id(place, PhantomData)
    }

    /// The place of a name that fits as it is: none where it is too long, or new while the table is full.
    pub(crate) fn intern_whole(&mut self, connection: &str, name: &str) -> Option<Id<C>> {
        let fits = name.len() <= LONGEST_NAME && connection.len() <= LONGEST_NAME;
        let room = self.slots.len() < self.cap || self.find(connection, name).is_some();
        (fits && room).then(|| self.intern(connection, name))
    }

    /// Whether names share [`OTHER`], because there were more than are kept apart, here or by whoever gave the names.
    pub(crate) fn is_crowded(&self) -> bool {
        self.slots.iter().any(|slot| &*slot.key.name == OTHER)
    }

    /// Whether a row is [`OTHER`].
    pub(crate) fn is_other(&self, id: Id<C>) -> bool {
        &*self.key(id).name == OTHER
    }

    /// Says that names were left out.
    pub(crate) fn mark_crowded(&mut self) {
        let other = self.intern("", OTHER);
        self.row(other);
    }

    /// How many names it keeps apart.
    pub(crate) fn cap(&self) -> usize {
        self.cap
    }

    /// The row of an id, which from now on counts as changed.
    pub(crate) fn row(&mut self, id: Id<C>) -> &mut Row<C, N> {
        let slot = &mut self.slots[id.0 as usize];
        if !slot.changed {
            slot.changed = true;
            self.changed.push(id.0);
        }
        &mut slot.row
    }

    pub(crate) fn key(&self, id: Id<C>) -> &Key {
        &self.slots[id.0 as usize].key
    }

    /// Empties the rows that changed and gives what they held.
    pub(crate) fn take(&mut self) -> Vec<Change<C, N>> {
        let mut changes = Vec::with_capacity(self.changed.len());
        for place in self.changed.drain(..) {
            let slot = &mut self.slots[place as usize];
            slot.changed = false;
            let counts = std::mem::take(&mut slot.row.counts);
            let times = slot.row.times.each_mut().map(Histogram::take);
            changes.push(Change { key: slot.key.clone(), counts, times });
        }
        changes
    }

    /// Keeps only so many significant bits of each duration.
    pub(crate) fn coarsen(&mut self, bits: u32) {
        let times = self.slots.iter_mut().flat_map(|slot| &mut slot.row.times);
        times.for_each(|times| times.coarsen(bits));
    }

    /// Adds rows that were written down, matched by name.
    pub(crate) fn absorb_written(&mut self, rows: &[WrittenRow<C>]) {
        for written in rows {
            self.add_row(&written.connection, &written.name, &written.counts, &written.times);
        }
    }

    /// Adds what another table's rows held, matched by name.
    pub(crate) fn absorb(&mut self, changes: &[Change<C, N>]) {
        for Change { key, counts, times } in changes {
            self.add_row(&key.connection, &key.name, counts, times);
        }
    }

    /// Adds what another table's rows held to rows of other names, which `names` makes of theirs.
    pub(crate) fn absorb_as(&mut self, changes: &[Change<C, N>], names: fn(&str) -> (&str, &str)) {
        // What only says that something was left out is nothing to be added.
        let is_mark = |key: &Key| (&*key.connection, &*key.name) == ("", OTHER);
        for Change { key, counts, times } in changes.iter().filter(|change| !is_mark(&change.key)) {
            let (connection, name) = names(&key.name);
            self.add_row(connection, name, counts, times);
        }
    }

    /// Adds another table's rows, matched by name.
    pub(crate) fn add(&mut self, other: &Self) {
        for Slot { key, row, .. } in &other.slots {
            self.add_row(&key.connection, &key.name, &row.counts, &row.times);
        }
    }

    fn add_row(&mut self, connection: &str, name: &str, counts: &C, times: &[Histogram]) {
        let id = self.intern(connection, name);
        let row = &mut self.slots[id.0 as usize].row;
        row.counts.add(counts);
        for (mine, theirs) in row.times.iter_mut().zip(times) {
            mine.absorb(theirs);
        }
    }
}

impl<C: fmt::Debug, const N: usize> fmt::Debug for Table<C, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.slots.iter().map(|slot| (slot.key.to_string(), &slot.row))).finish()
    }
}

/// The longest beginning of `text` that has at most `longest` bytes and ends between characters.
pub(crate) fn truncated(text: &str, longest: usize) -> &str {
    if text.len() <= longest {
        return text;
    }
    let end = (0..=longest).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(cap: usize, names: &[&str]) -> Table<u64, 1> {
        let mut table = Table::new(cap);
        for name in names {
            let id = table.intern("game", name);
            table.row(id).counts += 1;
        }
        table
    }

    #[test]
    fn names_above_the_cap_share_one_row() {
        let table = filled(2, &["a", "b", "c", "d", "a"]);
        assert_eq!(table.len(), 3);
        assert_eq!(table.find("game", "a").unwrap().counts, 2);
        assert_eq!(table.find("", OTHER).unwrap().counts, 2);
    }

    #[test]
    fn only_changed_rows_are_taken() {
        let mut table = filled(10, &["a", "b"]);
        assert_eq!(table.take().len(), 2);
        let id = table.intern("game", "b");
        table.row(id).time_mut(0).record(5);
        let changes = table.take();
        assert_eq!(changes.len(), 1);
        assert_eq!(&*changes[0].key.name, "b");
        assert!(table.take().is_empty());
    }

    #[test]
    fn the_cap_also_holds_when_tables_are_merged() {
        let mut total = Table::<u64, 1>::new(2);
        total.absorb(&filled(2, &["a", "b"]).take());
        total.absorb(&filled(2, &["c", "d"]).take());
        assert_eq!(total.len(), 3);
        assert_eq!(total.find("", OTHER).unwrap().counts, 2);
    }

    #[test]
    fn a_name_is_cut_between_characters() {
        assert_eq!(truncated("登录", 4), "登");
        let mut table = Table::<u64, 0>::new(10);
        let long = "登".repeat(1_000);
        let id = table.intern("", &long);
        assert_eq!(id, table.intern("", &long));
        assert!(table.key(id).name.len() <= LONGEST_NAME);
    }
}
