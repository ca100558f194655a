//! Exact points in time, for delays and stalls.
//!
//! The runtime's own timer counts in milliseconds, which is as coarse as the latencies a delay is there to check. So
//! one thread sleeps to shortly before the next deadline, watches the clock for the rest, and wakes the task.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    future::poll_fn,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;

/// How long before a deadline the thread stops sleeping: what a sleep is late by on an idle machine.
const WATCHED: Duration = Duration::from_micros(40);

/// The thread that keeps the deadlines. It ends when this is dropped.
pub(crate) struct Timer {
    deadlines: Arc<Deadlines>,
    thread: Option<JoinHandle<()>>,
}

impl Timer {
    pub(crate) fn start() -> io::Result<Self> {
        let deadlines = Arc::new(Deadlines { queue: Mutex::default(), changed: Condvar::new() });
        let kept = Arc::clone(&deadlines);
        let thread = thread::Builder::new().name("demo timer".to_owned()).spawn(move || kept.keep())?;
        Ok(Self { deadlines, thread: Some(thread) })
    }

    pub(crate) fn alarm(&self) -> Alarm {
        Alarm { deadlines: Arc::clone(&self.deadlines), bell: Arc::default(), armed: None }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.deadlines.lock().stopped = true;
        self.deadlines.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It holds nothing that a panic of its own could leave broken.
            let _ = thread.join();
        }
    }
}

/// One task's way to wait for a point in time.
pub(crate) struct Alarm {
    deadlines: Arc<Deadlines>,
    bell: Arc<AtomicWaker>,
    /// The deadline that will ring the bell; waiting for the same one again costs nothing.
    armed: Option<Instant>,
}

impl Alarm {
    /// Waits until `at`, never less.
    ///
    /// # Cancel safety
    /// Dropping the future leaves at most one needless wake-up behind.
    pub(crate) async fn until(&mut self, at: Instant) {
        poll_fn(|context| self.poll_until(at, context)).await;
    }

    fn poll_until(&mut self, at: Instant, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= at {
            return Poll::Ready(());
        }
        // The waker is in place before the deadline is, so the bell cannot ring unheard.
        self.bell.register(context.waker());
        if self.armed != Some(at) {
            self.armed = Some(at);
            self.deadlines.add(Deadline { at, bell: Arc::clone(&self.bell) });
        }
        Poll::Pending
    }
}

struct Deadlines {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Deadline>,
    stopped: bool,
}

impl Deadlines {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, deadline: Deadline) {
        let mut queue = self.lock();
        let first = queue.heap.peek().is_none_or(|next| deadline.at < next.at);
        queue.heap.push(deadline);
        drop(queue);
        if first {
            self.changed.notify_one();
        }
    }

    fn keep(&self) {
        sleep_exactly();
        let mut queue = self.lock();
        while !queue.stopped {
            let Some(at) = queue.heap.peek().map(|next| next.at) else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = at.saturating_duration_since(Instant::now());
            if left > WATCHED {
                let waited = self.changed.wait_timeout(queue, left - WATCHED);
                queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            } else if !left.is_zero() {
                drop(queue);
                while Instant::now() < at {
                    std::hint::spin_loop();
                }
                queue = self.lock();
            } else if let Some(due) = queue.heap.pop() {
                due.bell.wake();
            }
        }
    }
}

/// Asks the kernel not to gather this thread's wake-ups; its default makes each up to 50 us late.
#[cfg(target_os = "linux")]
fn sleep_exactly() {
    // Refused, the delays are only less exact, and the report shows it.
    let _ = nix::sys::prctl::set_timerslack(1);
}

#[cfg(not(target_os = "linux"))]
fn sleep_exactly() {}

struct Deadline {
    at: Instant,
    bell: Arc<AtomicWaker>,
}

/// The earliest is the greatest, because the heap gives the greatest first.
impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Deadline {}
