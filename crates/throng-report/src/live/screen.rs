//! A terminal that a run is painted on.

use std::io::{self, Stdout};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use throng_metrics::Snapshot;

use super::draw;
use crate::paint::Colour;

/// What the user pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// Ctrl-C, Escape or `q`: end the run.
    Stop,
}

/// The terminal's alternate screen, given back when dropped.
///
/// The terminal is in raw mode meanwhile, so Ctrl-C is a key and no signal: whoever holds a screen calls
/// [`Screen::wait`] often.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    colour: Colour,
}

impl Screen {
    /// Takes the terminal that standard output is.
    ///
    /// # Errors
    /// When standard output is no terminal.
    pub fn open(colour: Colour) -> io::Result<Self> {
        enable_raw_mode()?;
        let screen = crossterm::execute!(io::stdout(), EnterAlternateScreen)
            .and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        // From here on dropping the screen gives the terminal back.
        let mut screen = Self { terminal: screen.inspect_err(|_| give_back())?, colour };
        screen.terminal.hide_cursor()?;
        Ok(screen)
    }

    /// Paints a moment.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn show(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let colour = self.colour;
        self.terminal.draw(|frame| draw(frame, snapshot, colour)).map(|_| ())
    }

    /// Waits so long for a key that means something.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub fn wait(&mut self, at_most: Duration) -> io::Result<Option<Pressed>> {
        if !event::poll(at_most)? {
            return Ok(None);
        }
        match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => Ok(meaning(key)),
            _ => Ok(None),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn meaning(key: KeyEvent) -> Option<Pressed> {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Pressed::Stop),
        KeyCode::Char('q') | KeyCode::Esc => Some(Pressed::Stop),
        _ => None,
    }
}

/// Gives the terminal back as far as it goes: there is no one left to tell when it does not.
fn give_back() {
    let _ = crossterm::execute!(io::stdout(), LeaveAlternateScreen, crossterm::cursor::Show);
    let _ = disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_c_and_q_stop_and_other_keys_do_not() {
        let key = |code, modifiers| meaning(KeyEvent::new(code, modifiers));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Pressed::Stop));
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::NONE), Some(Pressed::Stop));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(key(KeyCode::Enter, KeyModifiers::NONE), None);
    }
}
