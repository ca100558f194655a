//! The runaway guard as the host sees it: enter it around everything that runs Lua, then ask for the verdict.
//!
//! ```text
//! let guard = Guard::of(&thread, limit);
//! let outcome = thread.resume(..);
//! if let Some(cut) = guard.verdict() { /* the outcome is void: drop or close the coroutine */ }
//! ```
//!
//! A script that was cut off has yielded, where it could, or raised, where it could not; either way every
//! further instruction of it does the same again until the host has control, so a `pcall` in a loop gains
//! nothing. What may be done with its coroutine afterwards is [`CutOff::spares`]'s to say. The checks
//! themselves are in [`super::native`], the decision in [`super::watch`]. Everything here belongs to one
//! thread: a Lua state never leaves its shard.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use mlua::Thread;
use nix::time::{ClockId, clock_gettime};

use super::native::hook;
use super::native::pulse::{self, Followed};
pub use super::watch::Reason;
use super::watch::{Bounds, Phase, Step};

/// Work of functions that execute no Lua instructions, in units of about a nanosecond, between two checks of
/// the clock.
const WORK_PER_CHECK: u64 = 500_000;

/// How often a script may go on after it found no memory. What was in use at its beginning may have been garbage, so that what
/// it took cannot always be told. Where nothing limits a script's memory nobody is to blame.
const STARVED: u32 = 4;

/// A watched stretch of Lua; dropping it ends the watch, and resumes that of an outer guard.
#[derive(Debug)]
#[must_use = "the watch ends when the guard is dropped"]
pub struct Guard<'thread> {
    outer: (Bounds, Phase, Option<Box<Place>>, u32, Followed),
    /// Belongs to this thread of the system, and may have the coroutine followed.
    of: PhantomData<(*const (), &'thread Thread)>,
}

/// That a script was cut off, why and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// What it used too much of.
    pub reason: Reason,
    /// How long it might run.
    pub time: Duration,
    /// By how many bytes it might grow.
    pub memory: usize,
    /// The script's source and line, as Lua shortens them, such as `mods/role.lua:12`.
    pub place: Option<String>,
}

impl<'thread> Guard<'thread> {
    /// Watches what runs in `thread` from here on, and in coroutines that its script makes: it may take
    /// `limit` of wall and CPU time, and grow by the memory limit the sandbox was installed with. It runs at
    /// full speed.
    ///
    /// A thread that ran under such a guard is left to [`Guard::of`] for good: under [`Guard::enter`] nothing
    /// might watch it.
    pub fn of(thread: &'thread Thread, limit: Duration) -> Guard<'thread> {
        let guard = Guard::enter(limit);
        // The first check may come late.
        WATCH.with(|watch| watch.phase.set(Phase::Entered { memory: Some(hook::memory_of(thread)) }));
        pulse::follow(thread);
        guard
    }

    /// Watches whatever else runs in Lua here, such as a chunk on the main state, which is slower.
    pub fn enter(limit: Duration) -> Guard<'thread> {
        WATCH.with(|watch| {
            let bounds = watch.bounds.get();
            let phase = watch.phase.replace(Phase::Entered { memory: None });
            // A place is large, and most scripts are never cut off.
            let place = watch.is_placed.replace(false).then(|| Box::new(watch.place.get()));
            watch.bounds.set(Bounds { time: limit, ..bounds });
            let starved = watch.starved.replace(0);
            Guard { outer: (bounds, phase, place, starved, pulse::followed()), of: PhantomData }
        })
    }

    /// Whether what ran under this guard was cut off.
    #[must_use]
    pub fn verdict(&self) -> Option<CutOff> {
        WATCH.with(|watch| {
            let Phase::Cut(reason) = watch.phase.get() else { return None };
            let Bounds { time, memory } = watch.bounds.get();
            Some(CutOff {
                reason,
                time,
                memory,
                place: watch.is_placed.get().then(|| watch.place.get().text()),
            })
        })
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        WATCH.with(|watch| {
            let (bounds, phase, ref mut place, starved, followed) = self.outer;
            pulse::go_back(followed);
            watch.starved.set(starved);
            watch.bounds.set(bounds);
            watch.phase.set(phase);
            watch.is_placed.set(place.is_some());
            if let Some(place) = place.take() {
                watch.place.set(*place);
            }
        });
    }
}

impl CutOff {
    /// Whether `thread`, which was running when this happened, may be reset (under a new guard: its `<close>`
    /// variables run then) and used again. One that may not has died of the error raised in it, and Lua
    /// leaves such a thread without hooks: its `<close>` handlers would run unwatched, so it must be dropped
    /// as it is.
    #[must_use]
    pub fn spares(&self, thread: &mlua::Thread) -> bool {
        !thread.is_error()
    }
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        match self.reason {
            Reason::Deadline => write!(f, "cut off: ran for {:?} without waiting", self.time),
            Reason::Memory => write!(f, "cut off: took more than {} MiB without waiting", self.memory >> 20),
        }
    }
}

/// Sets what one resume may grow by, in bytes, for this thread.
pub(super) fn limit_memory(bytes: usize) {
    WATCH.with(|watch| watch.bounds.set(Bounds { memory: bytes, ..watch.bounds.get() }));
}

/// Judges the present resume; `memory` is asked for the bytes in use only when something is watched.
pub(super) fn check(memory: impl FnOnce() -> usize) -> Step {
    WATCH.with(|watch| {
        let phase = watch.phase.get();
        let memory = if phase == Phase::Off { 0 } else { memory() };
        watch.work.set(0);
        let (phase, step) = phase.check(watch.bounds.get(), Instant::now(), memory, thread_cpu_time);
        watch.phase.set(phase);
        step
    })
}

/// Judges a script that failed for want of memory, of which `memory` is in use after all was collected.
pub(super) fn starved(memory: usize) {
    WATCH.with(|watch| {
        let (phase, bounds, times) = (watch.phase.get(), watch.bounds.get(), watch.starved.get() + 1);
        watch.starved.set(times);
        let is_watched = bounds.memory < usize::MAX && !matches!(phase, Phase::Off | Phase::Cut(_));
        if is_watched && times >= STARVED || phase.is_to_blame(bounds, memory) {
            watch.phase.set(Phase::Cut(Reason::Memory));
        }
    });
}

/// Adds work done without Lua instructions and tells whether a check is due.
pub(super) fn is_due_after(work: u64) -> bool {
    WATCH.with(|watch| {
        let sum = watch.work.get().saturating_add(work);
        watch.work.set(sum);
        sum >= WORK_PER_CHECK
    })
}

/// The reason the present resume was cut off for.
pub(super) fn cut() -> Option<Reason> {
    WATCH.with(|watch| match watch.phase.get() {
        Phase::Cut(reason) => Some(reason),
        _ => None,
    })
}

/// Records where the script was when it was cut off; the first call counts.
pub(super) fn blame(place: Place) {
    WATCH.with(|watch| {
        if !watch.is_placed.get() && place.line > 0 {
            watch.is_placed.set(true);
            watch.place.set(place);
        }
    });
}

/// A source and line without heap, so that it can be taken where an error is about to jump.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    source: [u8; Place::SOURCE],
    line: u32,
}

impl Place {
    /// The longest shortened source name Lua makes, with its end.
    const SOURCE: usize = 60;
    const UNKNOWN: Place = Place { source: [0; Place::SOURCE], line: 0 };

    pub(super) fn new(source: &[u8], line: u32) -> Place {
        let mut place = Place { line, ..Place::UNKNOWN };
        let used = source.len().min(Place::SOURCE);
        place.source[..used].copy_from_slice(&source[..used]);
        place
    }

    fn text(&self) -> String {
        let used = self.source.iter().position(|&byte| byte == 0).unwrap_or(Place::SOURCE);
        let source = String::from_utf8_lossy(&self.source[..used]);
        format!("{source}:{}", self.line)
    }
}

struct Watch {
    bounds: Cell<Bounds>,
    phase: Cell<Phase>,
    place: Cell<Place>,
    /// Whether the place is one of the present guard's.
    is_placed: Cell<bool>,
    work: Cell<u64>,
    /// How often the script found no memory.
    starved: Cell<u32>,
}

thread_local! {
    static WATCH: Watch = const {
        Watch {
            bounds: Cell::new(Bounds { time: Duration::MAX, memory: usize::MAX }),
            phase: Cell::new(Phase::Off),
            place: Cell::new(Place::UNKNOWN),
            is_placed: Cell::new(false),
            work: Cell::new(0),
            starved: Cell::new(0),
        }
    };
}

/// Zero where the system does not know, which spares every script: such a system is not one we run on.
fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_off_inside_does_not_reach_the_outer_guard() {
        let outer = Guard::enter(Duration::from_secs(9));
        {
            let inner = Guard::enter(Duration::from_secs(1));
            limit_memory(1 << 20);
            check(|| 0);
            assert_eq!(check(|| 2 << 20), Step::Cut(Reason::Memory));
            blame(Place::new(b"mods/a.lua", 7));
            blame(Place::new(b"mods/b.lua", 8));
            let cut = inner.verdict().expect("cut off");
            assert_eq!(cut.to_string(), "mods/a.lua:7: cut off: took more than 1 MiB without waiting");
        }
        assert_eq!(outer.verdict(), None);
    }

    #[test]
    fn one_that_finds_no_memory_again_and_again_is_cut_off() {
        let guard = Guard::enter(Duration::from_secs(1));
        limit_memory(1 << 20);
        check(|| 4 << 20);
        for _ in 1..STARVED {
            // What it began with was garbage: it seems to have taken nothing.
            starved(1 << 20);
            assert_eq!(guard.verdict(), None);
        }
        starved(1 << 20);
        assert_eq!(guard.verdict().map(|cut| cut.reason), Some(Reason::Memory));
    }

    #[test]
    fn a_check_is_due_after_enough_work() {
        let _guard = Guard::enter(Duration::from_secs(1));
        check(|| 0);
        assert!(!is_due_after(WORK_PER_CHECK - 1));
        assert!(is_due_after(1));
        check(|| 0);
        assert!(!is_due_after(1));
    }
}
