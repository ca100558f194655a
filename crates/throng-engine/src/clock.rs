//! The shard's time: monotonic nanoseconds since the run's start, real or virtual.

use nix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use throng_wire::Nanos;

/// A moment of the machine's monotonic clock, from which a run counts its time.
#[derive(Debug, Clone, Copy)]
pub struct Origin(Nanos);

impl Origin {
    /// This moment.
    pub fn now() -> Origin {
        Origin(monotonic())
    }

    /// Time since then.
    pub fn elapsed(self) -> Duration {
        Duration::from_nanos(monotonic() - self.0)
    }
}

/// The machine's monotonic clock. Several reads are made for each request, so it is asked directly: the standard library's type
/// takes three times as long to give plain nanoseconds.
#[inline]
fn monotonic() -> Nanos {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every system here has a monotonic clock");
    now.tv_sec() as Nanos * 1_000_000_000 + now.tv_nsec() as Nanos
}

/// Tells the time. Clones of a virtual clock share its hands.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's monotonic clock, counted from the run's start.
    Real {
        /// The run's start.
        origin: Origin,
    },
    /// A clock that moves only when it is told to.
    Virtual(Rc<Cell<Nanos>>),
}

impl Clock {
    /// The machine's clock; every shard of a run takes the same origin.
    pub fn real(origin: Origin) -> Clock {
        Clock::Real { origin }
    }

    /// A clock that stands at 0.
    pub fn stopped() -> Clock {
        Clock::Virtual(Rc::new(Cell::new(0)))
    }

    /// Nanoseconds since the run's start.
    #[inline]
    pub fn now(&self) -> Nanos {
        match self {
            Clock::Real { origin } => monotonic() - origin.0,
            Clock::Virtual(now) => now.get(),
        }
    }

    /// Time since the Unix epoch; a virtual run began at the epoch.
    pub fn wall(&self) -> Duration {
        match self {
            Clock::Real { .. } => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Clock::Virtual(now) => Duration::from_nanos(now.get()),
        }
    }

    /// Moves a virtual clock forward to `to`; a real one moves by itself.
    pub fn advance(&self, to: Nanos) {
        if let Clock::Virtual(now) = self {
            now.set(now.get().max(to));
        }
    }
}

/// The time `wait` after `now`; one beyond the end of time never comes.
#[inline]
pub(crate) fn after(now: Nanos, wait: Duration) -> Nanos {
    now.saturating_add(nanos(wait))
}

/// Nanoseconds of a duration, saturating (584 years).
#[inline]
pub(crate) fn nanos(time: Duration) -> Nanos {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
