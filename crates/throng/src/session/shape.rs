//! The load's shape at work: a function of the project's is asked about once a second how many robots there should be.

use super::control::RunFunctions;
use super::watch::Watch;
use std::time::Duration;
use throng_engine::Schedule;
use throng_lua::Tick;

/// How often it is asked.
const BEAT: Duration = Duration::from_secs(1);

/// When the shape is asked next, and what it said last.
#[derive(Default)]
pub(super) struct Shaping {
    next: Duration,
    last: Option<Tick>,
}

/// What follows from what the shape said.
pub(super) enum Course {
    /// Nothing new.
    Same,
    /// From now on this.
    New(Schedule),
    /// The run is over.
    Over,
}

impl Shaping {
    /// Asks the shape, if it is time.
    ///
    /// # Errors
    /// It failed or gave nonsense.
    pub(super) fn follow(
        &mut self,
        (functions, watch): (&RunFunctions, &mut Watch),
        at: Duration,
        schedule: &Schedule,
    ) -> Result<Course, String> {
        if at < self.next {
            return Ok(Course::Same);
        }
        // A run that fell behind is not asked for every second it missed.
        self.next = (self.next + BEAT).max(at);
        let Some(tick) = functions.tick(at, watch)? else { return Ok(Course::Over) };
        if self.last.as_ref() == Some(&tick) {
            return Ok(Course::Same);
        }
        let schedule = schedule.clone().reshaped(at, &[tick.robots], tick.spawn_rate);
        self.last = Some(tick);
        Ok(Course::New(schedule))
    }
}
