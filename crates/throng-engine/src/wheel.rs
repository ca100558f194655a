//! A hierarchical timer wheel of 1 ms ticks: insertion, cancellation and expiry in constant time, 40 bytes a timer.
//!
//! After Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), scheme 6. A timer never fires early;
//! it fires at the first tick at or after its deadline, after those set for that tick before it.

use throng_wire::Nanos;

const TICK: Nanos = 1_000_000;
/// When a timer with this deadline fires at the earliest.
pub(crate) fn tick_at(deadline: Nanos) -> Nanos {
    deadline.checked_next_multiple_of(TICK).unwrap_or(deadline)
}

const LEVELS: usize = 4;
const BITS: u32 = 8;
const SLOTS: usize = 1 << BITS;
const NIL: u32 = u32::MAX;

/// A timer in the wheel; stale once it has fired or was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerId {
    index: u32,
    generation: u32,
}

impl TimerId {
    /// A timer that was never set.
    pub(crate) const NONE: TimerId = TimerId { index: NIL, generation: 0 };
}

#[derive(Debug)]
struct Entry<T> {
    tick: u64,
    previous: u32,
    next: u32,
    generation: u32,
    slot: u16,
    payload: Option<T>,
}

/// Timers that carry a `T`.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    /// The last tick whose timers were handed out.
    tick: u64,
    heads: Box<[u32]>,
    tails: Box<[u32]>,
    occupied: [[u64; SLOTS / 64]; LEVELS],
    entries: Vec<Entry<T>>,
    free: u32,
    len: usize,
}

impl<T> Wheel<T> {
    pub(crate) fn new() -> Wheel<T> {
        Wheel {
            tick: 0,
            heads: vec![NIL; LEVELS * SLOTS].into_boxed_slice(),
            tails: vec![NIL; LEVELS * SLOTS].into_boxed_slice(),
            occupied: [[0; SLOTS / 64]; LEVELS],
            entries: Vec::new(),
            free: NIL,
            len: 0,
        }
    }

    /// Sets a timer; one whose deadline has passed fires at the next tick.
    pub(crate) fn insert(&mut self, deadline: Nanos, payload: T) -> TimerId {
        let tick = deadline.div_ceil(TICK).max(self.tick + 1);
        let index = self.allocate(tick, payload);
        self.link(index);
        self.len += 1;
        TimerId { index, generation: self.entries[index as usize].generation }
    }

    /// When a timer fires at the earliest; `None` for a stale id.
    pub(crate) fn deadline(&self, id: TimerId) -> Option<Nanos> {
        let entry = self.entries.get(id.index as usize)?;
        (entry.generation == id.generation && entry.payload.is_some()).then_some(entry.tick * TICK)
    }

    /// Takes a timer out; a stale id is nothing.
    pub(crate) fn cancel(&mut self, id: TimerId) -> Option<T> {
        let entry = self.entries.get(id.index as usize)?;
        if entry.generation != id.generation || entry.payload.is_none() {
            return None;
        }
        self.unlink(id.index);
        self.len -= 1;
        self.release(id.index)
    }

    /// When something may be due next: a timer's tick, or the moment a coarser level must be looked at. `None` when empty.
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        if self.len == 0 {
            return None;
        }
        (0..LEVELS).filter_map(|level| self.next_tick(level)).min().map(|tick| tick * TICK)
    }

    /// Hands out the timers that are due at `now`, tick by tick, at most `limit`. Returns whether more are due.
    pub(crate) fn expire(&mut self, now: Nanos, limit: usize, due: &mut Vec<(Nanos, T)>) -> bool {
        let target = now / TICK;
        while due.len() < limit {
            if self.drain_slot(limit, due) {
                continue;
            }
            if self.tick >= target {
                return false;
            }
            self.step(target);
        }
        self.heads[self.slot_of(self.tick, 0)] != NIL || self.tick < target
    }

    /// Moves to the next tick at which something can happen, but not beyond `target`.
    fn step(&mut self, target: u64) {
        let next = (0..LEVELS).filter_map(|level| self.next_tick(level)).min().unwrap_or(u64::MAX);
        self.tick = next.min(target);
        for level in 1..LEVELS {
            if self.tick & ((1 << (BITS * level as u32)) - 1) != 0 {
                break;
            }
            self.cascade(level);
        }
    }

    /// Takes timers of the current tick; false when there are none left.
    fn drain_slot(&mut self, limit: usize, due: &mut Vec<(Nanos, T)>) -> bool {
        let slot = self.slot_of(self.tick, 0);
        if self.heads[slot] == NIL {
            return false;
        }
        while self.heads[slot] != NIL && due.len() < limit {
            let index = self.heads[slot];
            let tick = self.entries[index as usize].tick;
            self.unlink(index);
            self.len -= 1;
            if let Some(payload) = self.release(index) {
                due.push((tick * TICK, payload));
            }
        }
        true
    }

    /// Spreads a coarse slot that has come up over the finer levels.
    fn cascade(&mut self, level: usize) {
        let slot = self.slot_of(self.tick, level);
        let mut index = self.heads[slot];
        self.heads[slot] = NIL;
        self.tails[slot] = NIL;
        self.mark(slot, false);
        while index != NIL {
            let next = self.entries[index as usize].next;
            self.link(index);
            index = next;
        }
    }

    fn slot_of(&self, tick: u64, level: usize) -> usize {
        level * SLOTS + ((tick >> (BITS * level as u32)) as usize & (SLOTS - 1))
    }

    /// The earliest tick after the current one at which a slot of this level comes up.
    fn next_tick(&self, level: usize) -> Option<u64> {
        let shift = BITS * level as u32;
        let position = self.tick >> shift;
        let current = position as usize & (SLOTS - 1);
        let distance = next_set(&self.occupied[level], current)?;
        Some((position + distance as u64) << shift)
    }

    fn link(&mut self, index: u32) {
        let tick = self.entries[index as usize].tick.max(self.tick);
        let slot = self.slot_of(tick, self.level_of(tick));
        let tail = std::mem::replace(&mut self.tails[slot], index);
        let entry = &mut self.entries[index as usize];
        (entry.previous, entry.next, entry.slot) = (tail, NIL, slot as u16);
        match tail {
            NIL => self.heads[slot] = index,
            tail => self.entries[tail as usize].next = index,
        }
        self.mark(slot, true);
    }

    /// The finest level whose revolution holds both now and `tick`; a timer beyond the last waits in its farthest slot.
    fn level_of(&self, tick: u64) -> usize {
        let difference = tick ^ self.tick;
        let level = if difference == 0 { 0 } else { (63 - difference.leading_zeros()) / BITS };
        (level as usize).min(LEVELS - 1)
    }

    fn unlink(&mut self, index: u32) {
        let entry = &self.entries[index as usize];
        let (previous, next, slot) = (entry.previous, entry.next, entry.slot as usize);
        if previous == NIL {
            self.heads[slot] = next;
            self.mark(slot, next != NIL);
        } else {
            self.entries[previous as usize].next = next;
        }
        match next {
            NIL => self.tails[slot] = previous,
            next => self.entries[next as usize].previous = previous,
        }
    }

    fn mark(&mut self, slot: usize, occupied: bool) {
        let (level, slot) = (slot / SLOTS, slot % SLOTS);
        let bit = 1 << (slot % 64);
        if occupied {
            self.occupied[level][slot / 64] |= bit;
        } else {
            self.occupied[level][slot / 64] &= !bit;
        }
    }

    fn allocate(&mut self, tick: u64, payload: T) -> u32 {
        if self.free == NIL {
            let index = u32::try_from(self.entries.len()).expect("fewer than 4 billion timers fit in memory");
            self.entries.push(Entry {
                tick,
                previous: NIL,
                next: NIL,
                generation: 1,
                slot: 0,
                payload: Some(payload),
            });
            return index;
        }
        let index = self.free;
        let entry = &mut self.entries[index as usize];
        self.free = entry.next;
        entry.tick = tick;
        entry.payload = Some(payload);
        index
    }

    fn release(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.next = self.free;
        self.free = index;
        entry.payload.take()
    }
}

/// How many slots after `current` (1..=256, wrapping) the next set bit is.
fn next_set(bits: &[u64; SLOTS / 64], current: usize) -> Option<usize> {
    for step in 0..=SLOTS / 64 {
        let first = current + 1 + step * 64;
        let start = if step == 0 { current + 1 } else { first & !63 };
        let word = bits[(start / 64) % (SLOTS / 64)] & (u64::MAX << (start % 64));
        if word != 0 {
            let slot = (start & !63) + word.trailing_zeros() as usize;
            return Some(slot - current).filter(|distance| *distance <= SLOTS);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expire(wheel: &mut Wheel<u32>, now: Nanos) -> Vec<u32> {
        let mut due = Vec::new();
        while wheel.expire(now, usize::MAX, &mut due) {}
        due.into_iter().map(|(_, payload)| payload).collect()
    }

    #[test]
    fn a_timer_fires_at_the_first_tick_after_its_deadline() {
        let mut wheel = Wheel::new();
        wheel.insert(1_500_000, 7);
        assert_eq!(wheel.next_deadline(), Some(2_000_000));
        assert!(expire(&mut wheel, 1_999_999).is_empty());
        assert_eq!(expire(&mut wheel, 2_000_000), [7]);
        assert_eq!(wheel.next_deadline(), None);
    }

    #[test]
    fn a_cancelled_timer_is_gone_and_its_id_is_stale() {
        let mut wheel = Wheel::new();
        let id = wheel.insert(5_000_000, 1);
        assert_eq!(wheel.cancel(id), Some(1));
        assert_eq!(wheel.cancel(id), None);
        wheel.insert(5_000_000, 2);
        assert_eq!(wheel.cancel(id), None);
        assert_eq!(expire(&mut wheel, 6_000_000), [2]);
        assert_eq!(wheel.cancel(TimerId::NONE), None);
    }

    #[test]
    fn a_limit_leaves_the_rest_for_the_next_turn() {
        let mut wheel = Wheel::new();
        (0..10).for_each(|number| {
            wheel.insert(1_000_000, number);
        });
        let mut due = Vec::new();
        assert!(wheel.expire(9_000_000, 4, &mut due));
        assert_eq!(due.len(), 4);
        assert!(!wheel.expire(9_000_000, 100, &mut due));
        assert_eq!(due.len(), 10);
    }

    proptest! {
        #[test]
        fn fires_each_timer_once_in_its_tick(
            deadlines in prop::collection::vec(0u64..40_000_000_000_000, 1..60),
            steps in prop::collection::vec(1u64..3_000_000_000_000, 1..40),
        ) {
            let mut wheel = Wheel::new();
            let mut waiting: Vec<(u64, u32)> = Vec::new();
            for (number, deadline) in deadlines.iter().enumerate() {
                wheel.insert(*deadline, number as u32);
                waiting.push((deadline.div_ceil(TICK).max(1), number as u32));
            }
            let mut now = 0;
            for step in steps {
                now += step;
                let mut fired = expire(&mut wheel, now);
                let mut expected: Vec<u32> =
                    waiting.iter().filter(|(tick, _)| *tick <= now / TICK).map(|(_, number)| *number).collect();
                waiting.retain(|(tick, _)| *tick > now / TICK);
                fired.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(fired, expected);
                if let Some(next) = waiting.iter().map(|(tick, _)| *tick).min() {
                    prop_assert!(wheel.next_deadline().is_some_and(|deadline| deadline <= next * TICK && deadline > now / TICK * TICK));
                }
            }
        }
    }
}
