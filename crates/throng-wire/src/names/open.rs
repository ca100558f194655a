//! The names of messages that only become known as they are used, shared by all shards.
//!
//! Every shard must give a name the same id, for the protocol is one. A name is looked up without a lock; only its first use
//! takes one.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::MessageId;

/// Names in all.
const MOST: usize = 2048;
/// Names that a server may make up; the others are kept for scripts.
const FROM_SERVERS: usize = 1024;
/// Places in the table, a power of two.
const PLACES: usize = 2 * MOST;
/// A longer name is not kept, in bytes.
const LONGEST: usize = 256;

/// A bounded table of names that only grows.
#[derive(Debug)]
pub(crate) struct OpenNames {
    state: RandomState,
    /// The id behind a hash, plus one; 0 is free.
    places: Box<[AtomicU32]>,
    names: Box<[OnceLock<Box<str>>]>,
    count: Mutex<u32>,
    /// The same count, for those who only look.
    known: AtomicU32,
}

impl OpenNames {
    pub(crate) fn new() -> OpenNames {
        OpenNames {
            state: RandomState::new(),
            places: (0..PLACES).map(|_| AtomicU32::new(0)).collect(),
            names: (0..MOST).map(|_| OnceLock::new()).collect(),
            count: Mutex::new(0),
            known: AtomicU32::new(0),
        }
    }

    /// How many ids there can be.
    pub(crate) fn most() -> u32 {
        MOST as u32
    }

    /// How many names there are.
    pub(crate) fn count(&self) -> u32 {
        self.known.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn name(&self, id: MessageId) -> Option<&str> {
        self.names.get(id.0 as usize)?.get().map(|name| &**name)
    }

    /// The id of a name that a script uses; `None` when there is no room.
    pub(crate) fn intern(&self, name: &str) -> Option<MessageId> {
        self.intern_within(name, MOST)
    }

    /// The id of a name that a server uses; `None` when there is no room for those.
    #[inline]
    pub(crate) fn intern_received(&self, name: &str) -> Option<MessageId> {
        self.intern_within(name, FROM_SERVERS)
    }

    #[inline]
    fn intern_within(&self, name: &str, most: usize) -> Option<MessageId> {
        match self.find(name) {
            Ok(id) => Some(id),
            Err(_) if name.len() > LONGEST || self.count() as usize >= most => None,
            Err(_) => self.add(name),
        }
    }

    /// The name's id, or the free place where its search ended.
    #[inline]
    fn find(&self, name: &str) -> Result<MessageId, usize> {
        let mut place = self.state.hash_one(name) as usize % PLACES;
        loop {
            match self.places[place].load(Ordering::Acquire) {
                0 => return Err(place),
                found if self.name(MessageId(found - 1)) == Some(name) => return Ok(MessageId(found - 1)),
                // Half of the places are free at least, so the search ends.
                _ => place = (place + 1) % PLACES,
            }
        }
    }

    fn add(&self, name: &str) -> Option<MessageId> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        // Another shard may have been first.
        let place = match self.find(name) {
            Ok(id) => return Some(id),
            Err(place) => place,
        };
        self.names.get(*count as usize)?.set(name.into()).ok()?;
        *count += 1;
        self.places[place].store(*count, Ordering::Release);
        self.known.store(*count, Ordering::Release);
        Some(MessageId(*count - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_id_in_all_threads() {
        let names = OpenNames::new();
        let ids: Vec<Vec<MessageId>> = std::thread::scope(|scope| {
            let intern = || (0..500).map(|n| names.intern(&format!("name {n}")).unwrap()).collect();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(intern)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|of_thread| *of_thread == ids[0]));
        assert_eq!(names.count(), 500);
        assert_eq!(names.name(ids[0][7]), Some("name 7"));
    }

    #[test]
    fn a_server_cannot_take_the_room_of_scripts() {
        let names = OpenNames::new();
        for n in 0..5000 {
            names.intern_received(&format!("server {n}"));
        }
        assert_eq!(names.count() as usize, FROM_SERVERS);
        assert_eq!(names.intern_received("another"), None);
        assert!(names.intern_received("server 3").is_some());
        let mine = names.intern("mine").unwrap();
        assert_eq!(names.intern_received("mine"), Some(mine));
        for n in 0..5000 {
            names.intern(&format!("script {n}"));
        }
        assert_eq!(names.count() as usize, MOST);
        assert_eq!(names.intern("too late"), None);
        assert_eq!(names.intern_received(&"x".repeat(LONGEST + 1)), None);
    }
}
