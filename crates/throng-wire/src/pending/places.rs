//! The row of requests that wait, and of those given up that still keep their place.

use std::collections::VecDeque;

use super::ReplyKey;
use crate::{MessageId, Nanos};

/// Rows longer than this are given back when they are empty.
const KEPT: usize = 8;

/// One request's place in the row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) operation: u64,
    pub(super) key: ReplyKey,
    pub(super) state: State,
    pub(super) request: MessageId,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    /// The request waits, for at most `timeout`.
    Live { timeout: Nanos },
    /// The request waits, and a reply that may have been its own was taken by a dead place before it.
    Overtaken { timeout: Nanos },
    /// The request was given up; until then a reply may still be its own.
    Dead { until: Nanos },
}

impl Place {
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        !matches!(self.state, State::Dead { .. })
    }

    pub(super) fn overtake(&mut self) {
        if let State::Live { timeout } = self.state {
            self.state = State::Overtaken { timeout };
        }
    }
}

/// Places in the order of issue; the oldest needs no heap.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Empty only when the whole row is.
    oldest: Option<Place>,
    others: VecDeque<Place>,
    dead: usize,
}

impl Places {
    #[inline]
    pub(super) fn push(&mut self, place: Place) {
        match self.oldest {
            None => self.oldest = Some(place),
            Some(_) => self.others.push_back(place),
        }
    }

    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Place> {
        self.oldest.iter().chain(&self.others)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        self.oldest.iter_mut().chain(&mut self.others)
    }

    #[inline]
    pub(super) fn position(&self, wanted: impl FnMut(&Place) -> bool) -> Option<usize> {
        self.iter().position(wanted)
    }

    /// The place at `index`, which `position` gave.
    pub(super) fn get(&self, index: usize) -> Place {
        self.iter().nth(index).copied().expect("the index is one that `position` gave")
    }

    /// Takes the place at `index`, which `position` gave, out of the row.
    #[inline]
    pub(super) fn remove(&mut self, index: usize) -> Place {
        let removed = match index.checked_sub(1) {
            None => std::mem::replace(&mut self.oldest, self.others.pop_front()),
            Some(other) => self.others.remove(other),
        };
        let removed = removed.expect("the index is one that `position` gave");
        if !removed.is_waiting() {
            self.dead -= 1;
        }
        self.give_back();
        removed
    }

    #[inline]
    fn give_back(&mut self) {
        if self.oldest.is_none() && self.others.capacity() > KEPT {
            self.others = VecDeque::new();
        }
    }

    /// Makes the place at `index`, where a request waits, a dead one.
    pub(super) fn bury(&mut self, index: usize, dead: State) {
        let place = self.iter_mut().nth(index).expect("the index is one that `position` gave");
        place.state = dead;
        self.dead += 1;
    }

    /// Removes the dead places whose time is over.
    #[inline]
    pub(super) fn resynchronise(&mut self, now: Nanos) {
        if self.dead > 0 {
            self.remove_over(now);
        }
    }

    fn remove_over(&mut self, now: Nanos) {
        let stays = |place: &Place| !matches!(place.state, State::Dead { until } if until <= now);
        let before = self.iter().count();
        self.others.retain(stays);
        if !self.oldest.as_ref().is_some_and(stays) {
            self.oldest = self.others.pop_front();
        }
        self.dead -= before - self.iter().count();
        self.give_back();
    }

    /// How many places the row has, dead ones too.
    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.oldest.is_some()) + self.others.len()
    }

    #[inline]
    pub(super) fn waiting(&self) -> usize {
        self.len() - self.dead
    }

    /// How many places the heap has room for.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.others.capacity()
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Place> {
        self.oldest.into_iter().chain(self.others)
    }
}
