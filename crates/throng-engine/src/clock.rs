//! The shard's time: monotonic nanoseconds since the run's start, real or virtual.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use throng_wire::Nanos;

/// Tells the time. Clones of a virtual clock share its hands.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's monotonic clock, counted from the run's start.
    Real {
        /// The run's start.
        origin: Instant,
    },
    /// A clock that moves only when it is told to.
    Virtual(Rc<Cell<Nanos>>),
}

impl Clock {
    /// The machine's clock; every shard of a run takes the same origin.
    pub fn real(origin: Instant) -> Clock {
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
            Clock::Real { origin } => origin.elapsed().as_nanos() as Nanos,
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
