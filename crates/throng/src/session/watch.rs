//! What the user sees while a run goes on: a live screen in a terminal, plain lines in a pipe, nothing when asked for quiet.

use crate::cli::ScreenFlags;
use crate::session::prepare::Prepared;
use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::time::Duration;
use throng_engine::{Desired, LogLine, Phase};
use throng_metrics::{Abort, GeneratorBounds, Plan, Snapshot};
use throng_report::{Colour, Screen, plain_line};

/// The first plain line, and the time between two.
const FIRST_LINE: Duration = Duration::from_millis(900);
const LINES: Duration = Duration::from_secs(5);
/// Log lines kept while a screen covers the terminal.
const KEPT: usize = 100;

/// Where a run is shown.
pub(super) struct Watch {
    sight: Sight,
    project: String,
    target: String,
    bounds: GeneratorBounds,
    asked: u32,
    kept: VecDeque<String>,
    dropped: u64,
}

enum Sight {
    Screen(Screen),
    Lines { next: Duration },
    Nothing,
}

impl Watch {
    pub(super) fn open(flags: &ScreenFlags, colour: Colour, prepared: &Prepared) -> Watch {
        let lines = Sight::Lines { next: FIRST_LINE };
        let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        let sight = match flags {
            flags if flags.quiet => Sight::Nothing,
            flags if flags.plain || !terminal => lines,
            _ => Screen::open(colour).map_or(lines, Sight::Screen),
        };
        Watch {
            sight,
            project: prepared.name.clone(),
            target: shown_target(prepared),
            bounds: prepared.bounds,
            asked: 0,
            kept: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Waits for keys, if there is a screen; what is left of `beat` is for reports.
    pub(super) fn beat(&mut self, beat: Duration) -> Duration {
        let Sight::Screen(screen) = &mut self.sight else { return beat };
        match screen.wait(Duration::ZERO) {
            Ok(Some(_)) => self.asked += 1,
            Ok(None) => {}
            // A terminal that is gone leaves a run without a screen, not a broken run.
            Err(_) => self.sight = Sight::Nothing,
        }
        beat
    }

    /// How often the user asked to stop since the last look.
    pub(super) fn asked(&mut self) -> u32 {
        std::mem::take(&mut self.asked)
    }

    pub(super) fn plan(&self, desired: &Desired, elapsed: Duration, name: &str) -> Plan {
        Plan {
            project: self.project.clone(),
            target: self.target.clone(),
            phase: phase(desired, elapsed, name),
            phase_name: name.to_owned(),
            failing: Vec::new(),
            takes: desired.schedule.run_time(),
            bounds: self.bounds,
        }
    }

    pub(super) fn show(&mut self, snapshot: &Snapshot) {
        match &mut self.sight {
            Sight::Screen(screen) => {
                if screen.show(snapshot).is_err() {
                    self.sight = Sight::Nothing;
                }
            }
            Sight::Lines { next } => {
                if snapshot.elapsed >= *next {
                    *next = snapshot.elapsed + LINES;
                    // A reader that has gone does not end the run.
                    let _ = writeln!(std::io::stdout(), "{}", plain_line(snapshot));
                }
            }
            Sight::Nothing => {}
        }
    }

    /// Lines the robots logged: at once, or after the screen is gone.
    pub(super) fn log(&mut self, lines: &[LogLine], dropped: u64) {
        self.dropped += dropped;
        for line in lines {
            let text = log_line(line);
            if matches!(self.sight, Sight::Lines { .. }) {
                let _ = writeln!(std::io::stderr(), "{text}");
                continue;
            }
            if self.kept.len() >= KEPT {
                self.kept.pop_front();
                self.dropped += 1;
            }
            self.kept.push_back(text);
        }
    }

    /// The run is ending; who asked for it should see that it was heard.
    pub(super) fn stopping(&mut self) {
        if matches!(self.sight, Sight::Lines { .. }) {
            let _ = writeln!(std::io::stderr(), "stopping: robots say goodbye (Ctrl-C again ends it now)");
        }
    }

    /// A threshold ends the run; the report will say so too.
    pub(super) fn aborting(&mut self, abort: &Abort) {
        if matches!(self.sight, Sight::Lines { .. }) {
            let Abort { key, condition, actual, .. } = abort;
            let _ = writeln!(std::io::stderr(), "stopping: {key} was {actual}, wanted {condition}");
        }
    }

    /// Gives the terminal back, with the last lines of the log.
    pub(super) fn close(&mut self) {
        let screen = matches!(self.sight, Sight::Screen(_));
        let quiet = std::mem::replace(&mut self.sight, Sight::Nothing);
        drop(quiet);
        let mut stderr = std::io::stderr().lock();
        if screen {
            for line in &self.kept {
                let _ = writeln!(stderr, "{line}");
            }
        }
        if self.dropped > 0 {
            let _ = writeln!(stderr, "{} more log lines were not kept", self.dropped);
        }
    }
}

/// The target, with what must be known beside it for as long as the run goes on.
fn shown_target(prepared: &Prepared) -> String {
    let parts = std::iter::once(&prepared.project.host).chain(&prepared.warnings);
    parts.map(String::as_str).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn log_line(line: &LogLine) -> String {
    let robot = line.robot.map_or(String::new(), |robot| format!(" robot {}", robot.0));
    let module = if line.module.is_empty() { String::new() } else { format!(" {}", line.module) };
    let text = throng_report::text::clean(&line.text);
    format!("[{:>8.3}s {}{robot}{module}] {text}", line.at.as_secs_f64(), line.level.name())
}

/// What the plan does at this moment, which is of the phase of that name.
fn phase(desired: &Desired, elapsed: Duration, name: &str) -> String {
    let schedule = &desired.schedule;
    match desired.phase {
        Phase::Stop => return "stopping".to_owned(),
        Phase::Abort => return "ending now".to_owned(),
        Phase::Play => {}
    }
    match (name, schedule.arrivals_at(elapsed)) {
        ("ramp_up", None) => format!("ramping up to {} robots", schedule.peak()),
        ("ramp_down", None) => "ramping down".to_owned(),
        ("hold", None) => format!("holding {} robots", schedule.robots_at(elapsed)),
        (name, None) => format!("{name}, {} robots", schedule.robots_at(elapsed)),
        ("ramp_up" | "ramp_down" | "hold", Some(rate)) => format!("{rate:.1} robots arrive a second"),
        (name, Some(rate)) => format!("{name}, {rate:.1} robots arrive a second"),
    }
}
