//! The gate every byte of a server passes: shut, the whole server stalls.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{report::Stall, timer::Alarm};

/// Open but for stalls, and the log of those.
pub(crate) struct Gate {
    /// The demo's start, which the log counts from.
    started: Instant,
    /// Read on each read and write, so it stands outside the lock; changed only inside.
    shut: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waker>,
    log: Vec<Stall>,
    /// Stalls going on at the moment.
    running: usize,
}

impl Gate {
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, shut: AtomicBool::new(false), state: Mutex::default() }
    }

    pub(crate) fn poll_pass(&self, context: &mut Context<'_>) -> Poll<()> {
        if !self.shut.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let mut state = self.lock();
        if state.running == 0 {
            return Poll::Ready(());
        }
        state.waiting.push(context.waker().clone());
        Poll::Pending
    }

    pub(crate) async fn pass(&self) {
        std::future::poll_fn(|context| self.poll_pass(context)).await;
    }

    /// Stalls once, from `after` from now for `length`.
    pub(crate) async fn stall(&self, mut alarm: Alarm, after: Duration, length: Duration) {
        alarm.until(Instant::now() + after).await;
        let began = Instant::now();
        let entry = self.shut_at(began);
        alarm.until(began + length).await;
        self.open(entry);
    }

    pub(crate) fn log(&self) -> Vec<Stall> {
        self.lock().log.clone()
    }

    fn shut_at(&self, began: Instant) -> usize {
        let mut state = self.lock();
        state.running += 1;
        state.log.push(Stall {
            began_s: (began - self.started).as_secs_f64(),
            ended_s: None,
            began_unix_us: unix_us(),
            ended_unix_us: None,
        });
        self.shut.store(true, Ordering::Release);
        state.log.len() - 1
    }

    fn open(&self, entry: usize) {
        let mut state = self.lock();
        state.running -= 1;
        if state.running == 0 {
            self.shut.store(false, Ordering::Release);
        }
        state.log[entry].ended_s = Some(self.started.elapsed().as_secs_f64());
        state.log[entry].ended_unix_us = Some(unix_us());
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        // With another stall still going on they only come back and wait again.
        waiting.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
