//! A signal that interrupts the Lua of this thread every few milliseconds of its CPU time.
//!
//! A count hook costs each instruction, whether it comes to a check or not. So a state that is followed runs
//! without one, and the signal's handler sets it, which `lua_sethook` is made for: the check comes with the
//! state's next instruction and takes the hook off again. The handler does nothing else. Which state that is
//! must be known at every moment: [`follow`] says whom the host resumes, [`within`] whom a script resumes.
//!
//! A state loses its hook only while it is followed and only after a signal has come on this thread, so where
//! there are no such timers, or they do not work, all states keep their hooks.

use std::ptr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicPtr};

use mlua::Thread;
use mlua::ffi::lua_State;

use super::hook;

thread_local! {
    // Neither has a destructor or a lazy beginning: the handler may look at them at any time. It interrupts the thread
    // between any two instructions, which the compiler expects of atomics only.
    static FOLLOWED: AtomicPtr<lua_State> = const { AtomicPtr::new(ptr::null_mut()) };
    static BEATS: AtomicBool = const { AtomicBool::new(false) };
}

/// Whom a guard followed before, to be given back.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Followed(*mut lua_State);

/// Starts the signal on this thread, where the system has it.
pub(in crate::sandbox) fn start() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    timer::start();
}

/// Whom this thread follows.
pub(in crate::sandbox) fn followed() -> Followed {
    Followed(present())
}

/// Follows `thread`, which the host is about to resume or close. The caller gives the last one back before
/// its borrow of the thread ends.
pub(in crate::sandbox) fn follow(thread: &Thread) {
    watch(thread.state());
}

/// Follows `followed` again.
pub(in crate::sandbox) fn go_back(followed: Followed) {
    watch(followed.0);
}

/// Whether `state`, which runs, needs no hook of its own.
pub(super) fn covers(state: *mut lua_State) -> bool {
    present() == state && BEATS.with(|beats| beats.load(Relaxed))
}

fn present() -> *mut lua_State {
    FOLLOWED.with(|followed| followed.load(Relaxed))
}

fn watch(state: *mut lua_State) {
    FOLLOWED.with(|followed| followed.store(state, Relaxed));
}

/// Runs `switch`, in which `state` hands over to `coroutine`, and which raises nothing.
pub(super) unsafe fn within<R>(
    state: *mut lua_State,
    coroutine: *mut lua_State,
    switch: impl FnOnce() -> R,
) -> R {
    if present() != state {
        hook::keep(coroutine);
        return switch();
    }
    watch(coroutine);
    let result = switch();
    watch(state);
    result
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod timer {
    use std::cell::OnceCell;
    use std::ffi::c_int;
    use std::sync::OnceLock;
    use std::time::Duration;

    use nix::errno::Errno;
    use nix::sys::signal::{
        SaFlags, SigAction, SigEvent, SigHandler, SigSet, SigevNotify, Signal, sigaction,
    };
    use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
    use nix::time::ClockId;
    use nix::unistd::gettid;

    use super::{BEATS, Relaxed, hook, present};

    /// Ignored by whoever knows nothing of it, and of no other use here.
    const SIGNAL: Signal = Signal::SIGURG;
    /// CPU time between two signals; systems round it up to their tick.
    const BEAT: Duration = Duration::from_millis(5);

    static IS_HANDLED: OnceLock<bool> = OnceLock::new();

    thread_local! {
        static TIMER: OnceCell<Option<Timer>> = const { OnceCell::new() };
    }

    pub(super) fn start() {
        TIMER.with(|timer| {
            timer.get_or_init(|| {
                let is_handled = *IS_HANDLED.get_or_init(|| handle().unwrap_or(false));
                is_handled.then(|| timer_of_this_thread().ok()).flatten()
            });
        });
    }

    /// The CPU clock stands still while the thread waits, so a thread without work is not woken.
    fn timer_of_this_thread() -> nix::Result<Timer> {
        let mut signals = SigSet::empty();
        signals.add(SIGNAL);
        signals.thread_unblock()?;
        let thread_id = gettid().as_raw();
        let event = SigEvent::new(SigevNotify::SigevThreadId { signal: SIGNAL, thread_id, si_value: 0 });
        let mut timer = Timer::new(ClockId::CLOCK_THREAD_CPUTIME_ID, event)?;
        timer.set(Expiration::Interval(BEAT.into()), TimerSetTimeFlags::empty())?;
        Ok(timer)
    }

    /// Installs the handler; false when the signal is somebody else's.
    fn handle() -> Result<bool, Errno> {
        let flags = SaFlags::SA_RESTART | SaFlags::SA_ONSTACK;
        let ours = SigAction::new(SigHandler::Handler(on_beat), flags, SigSet::empty());
        // SAFETY: the handler keeps the rules of handlers: see there.
        let theirs = unsafe { sigaction(SIGNAL, &ours)? };
        if matches!(theirs.handler(), SigHandler::SigDfl | SigHandler::SigIgn) {
            return Ok(true);
        }
        // SAFETY: what was there before goes back.
        unsafe { sigaction(SIGNAL, &theirs)? };
        Ok(false)
    }

    extern "C" fn on_beat(_: c_int) {
        BEATS.with(|beats| beats.store(true, Relaxed));
        let state = present();
        if !state.is_null() {
            // SAFETY: the signal is sent to the thread that follows the state, which a guard or a coroutine's
            // resumer keeps alive; Lua allows this one call in the handlers of signals, it takes no memory
            // and no locks, and whatever it interrupts, Lua's own switching of hooks included, leaves a
            // state whose hook is on or off.
            unsafe { hook::press(state) };
        }
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use std::time::{Duration, Instant};

    use mlua::Lua;

    use super::*;
    use crate::sandbox::{Guard, Limits, install};

    #[test]
    fn a_followed_state_loses_its_hook_when_signals_come() {
        let lua = Lua::new();
        install(&lua, &Limits::default()).unwrap();
        let started = Instant::now();
        while !BEATS.with(|beats| beats.load(Relaxed)) {
            assert!(started.elapsed() < Duration::from_secs(60), "no signal came");
        }
        let script = lua.load("for _ = 1, 2000 do end").into_function().unwrap();
        let [followed, other] = [(); 2].map(|()| lua.create_thread(script.clone()).unwrap());
        {
            let _guard = Guard::of(&followed, Duration::from_secs(9));
            followed.resume::<()>(()).unwrap();
        }
        {
            let _guard = Guard::enter(Duration::from_secs(9));
            other.resume::<()>(()).unwrap();
        }
        // SAFETY: both states are alive.
        let masks = unsafe {
            (mlua::ffi::lua_gethookmask(followed.state()), mlua::ffi::lua_gethookmask(other.state()))
        };
        assert_eq!(masks, (0, mlua::ffi::LUA_MASKCOUNT));
        assert!(present().is_null());
    }
}
