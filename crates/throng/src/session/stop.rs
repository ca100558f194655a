//! The user's wish to end a run: Ctrl-C, or a polite kill.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::cell::RefCell;
use std::io;

/// Counts how often the user has asked.
pub(crate) struct Stops(RefCell<Signals>);

impl Stops {
    /// Listens from now on; the signals no longer end the process by themselves.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub(crate) fn listen() -> io::Result<Stops> {
        Ok(Stops(RefCell::new(Signals::new([SIGINT, SIGTERM])?)))
    }

    /// How often it was asked since the last look.
    pub(crate) fn asked(&self) -> u32 {
        self.0.borrow_mut().pending().count() as u32
    }
}
