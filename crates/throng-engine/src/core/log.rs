//! Lines that scripts log: kept in bounds until the next report takes them.

use super::Core;
use crate::desk::{Level, LogLine};
use crate::id::RobotKey;
use std::time::Duration;

/// Lines kept between two reports, and the longest one.
const LINES: usize = 200;
const LONGEST: usize = 2_000;

/// What was logged since the last report.
#[derive(Debug, Default)]
pub(crate) struct Log {
    lines: Vec<LogLine>,
    dropped: u64,
}

impl Core {
    /// Keeps a line, or counts it when there are too many.
    pub(crate) fn log(&mut self, robot: Option<RobotKey>, level: Level, module: &str, text: &str) {
        if self.log.lines.len() >= LINES {
            self.log.dropped += 1;
            return;
        }
        let robot = robot.and_then(|robot| self.robots.get(robot)).map(|slot| slot.id);
        let end = text.floor_char_boundary(LONGEST);
        let at = Duration::from_nanos(self.now());
        self.log.lines.push(LogLine {
            at,
            robot,
            level,
            module: module.to_owned(),
            text: text[..end].to_owned(),
        });
    }

    /// The lines since the last time, and how many were too many.
    pub(crate) fn take_log(&mut self) -> (Vec<LogLine>, u64) {
        let log = std::mem::take(&mut self.log);
        (log.lines, log.dropped)
    }
}
