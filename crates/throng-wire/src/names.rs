//! Message names that no schema knows: what a script calls its raw messages, or a server its unknown ones.

pub(crate) mod open;

use std::collections::HashMap;
use std::sync::Arc;

use crate::MessageId;

/// The name of every message for which there was no room.
pub const OTHER: &str = "_other";

/// A longer name goes to [`OTHER`], in bytes.
const LONGEST: usize = 256;

/// A bounded table of names; behind its limit every new name is [`OTHER`], so that neither a script nor a server can fill memory
/// and reports with names.
///
/// Its ids follow those of the codec, so that both can index the same tables.
#[derive(Debug)]
pub struct Names {
    first: u32,
    most: usize,
    names: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, MessageId>,
}

impl Names {
    /// A table whose first id is `first` (the codec's [`message_count`](crate::Codec::message_count)) and that takes `most` names
    /// beside [`OTHER`].
    pub fn new(first: u32, most: usize) -> Names {
        Names { first, most, names: vec![OTHER.into()], ids: HashMap::new() }
    }

    /// The id of `name`, a new one while there is room.
    pub fn intern(&mut self, name: &str) -> MessageId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        if self.names.len() > self.most || name.len() > LONGEST {
            return self.other();
        }
        let id = MessageId(self.first + self.names.len() as u32);
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.ids.insert(name, id);
        id
    }

    /// The id of [`OTHER`].
    pub fn other(&self) -> MessageId {
        MessageId(self.first)
    }

    /// The name behind an id of this table; `None` for ids of the codec or of another table.
    pub fn name(&self, id: MessageId) -> Option<&Arc<str>> {
        self.names.get(id.0.checked_sub(self.first)? as usize)
    }

    /// How many names the table has, [`OTHER`] included.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never: [`OTHER`] is always there.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_id() {
        let mut names = Names::new(3, 10);
        let first = names.intern("Move");
        assert_eq!(names.intern("Chat"), MessageId(5));
        assert_eq!(names.intern("Move"), first);
        assert_eq!(names.name(first).map(|name| &**name), Some("Move"));
        assert_eq!(names.name(MessageId(2)), None);
        assert_eq!(names.name(MessageId(6)), None);
    }

    #[test]
    fn a_full_table_calls_every_new_name_other() {
        let mut names = Names::new(0, 2);
        let known = [names.intern("a"), names.intern("b")];
        assert_eq!(names.intern("c"), names.other());
        assert_eq!([names.intern("a"), names.intern("b")], known);
        assert_eq!(names.name(names.other()).map(|name| &**name), Some(OTHER));
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn a_name_too_long_to_show_is_other() {
        let mut names = Names::new(0, 2);
        assert_eq!(names.intern(&"x".repeat(LONGEST + 1)), names.other());
        assert_ne!(names.intern(&"x".repeat(LONGEST)), names.other());
    }
}
