//! `throng.run`: what scripts do once a run, before the first robot and after the last one.

use super::prepare::Prepared;
use super::watch::Watch;
use crate::exit::InputError;
use std::time::Duration;
use throng_engine::{Clock, Level, LogLine, Origin, ScriptError};
use throng_lua::{Control, Tick};
use throng_metrics::{Ledger, Recorder};

/// The functions of a run, if its project has any.
pub(super) struct RunFunctions {
    control: Option<Control>,
    clock: Clock,
}

impl RunFunctions {
    /// Loads the project into a state of their own.
    ///
    /// # Errors
    /// The first mistake in the project.
    pub(super) fn load(prepared: &Prepared) -> Result<RunFunctions, InputError> {
        let clock = Clock::real(Origin::now());
        let control = Control::load(prepared.project.clone(), clock.clone(), prepared.settings.seed);
        let control = control.map_err(|error| InputError(error.to_string()))?;
        Ok(RunFunctions { control, clock })
    }

    /// Calls those for the start.
    ///
    /// # Errors
    /// One of them failed: there will be no run, and the screen is gone.
    pub(super) fn start(&self, watch: &mut Watch) -> Result<(), InputError> {
        let Some(control) = &self.control else { return Ok(()) };
        let started = control.start();
        let (lines, dropped) = control.take_log();
        watch.log(&lines, dropped);
        started.map_err(|error| {
            watch.close();
            InputError(in_full(&error))
        })
    }

    /// What the shape of the load says so long after the run's start; nothing ends the run.
    ///
    /// # Errors
    /// It failed or gave nonsense; with the place.
    pub(super) fn tick(&self, at: Duration, watch: &mut Watch) -> Result<Option<Tick>, String> {
        let Some(control) = &self.control else { return Ok(None) };
        let answer = control.tick(at);
        let (lines, dropped) = control.take_log();
        watch.log(&lines, dropped);
        answer.map_err(|error| format!("the load's shape failed: {}", in_full(&error)))
    }

    /// Calls those for the end. Their errors are told and counted among the scripts' errors, and leave what was measured as
    /// it is.
    pub(super) fn stop(&self, ledger: &mut Ledger, watch: &mut Watch) {
        let Some(control) = &self.control else { return };
        let mut recorder = Recorder::default();
        let errors = control.stop();
        let (mut lines, dropped) = control.take_log();
        for error in &errors {
            recorder.traceback(&error.message, &error.traceback);
            lines.push(self.line(&error.message));
        }
        ledger.merge(&recorder.take());
        watch.log(&lines, dropped);
    }

    fn line(&self, text: &str) -> LogLine {
        let at = Duration::from_nanos(self.clock.now());
        LogLine { at, robot: None, level: Level::Error, module: String::new(), text: text.to_owned() }
    }
}

/// The error, and the calls that led there where they say more than its own line.
pub(crate) fn in_full(error: &ScriptError) -> String {
    let calls: Vec<&str> = error.traceback.lines().collect();
    match calls.len() {
        0 | 1 => error.message.clone(),
        _ => format!("{}\n  {}", error.message, calls.join("\n  ")),
    }
}
