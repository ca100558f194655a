//! The books of what has a time at which it should begin: how much came due, and how much of it was left out.

use throng_metrics::{Recorder, ScheduleId};

/// What the tasks of robots with a pace are booked as.
const PACING: &str = "pacing";
/// What the beats of `every` are booked as.
const EVERY: &str = "every";

/// Where schedules are booked, once there is something to book.
#[derive(Debug, Default)]
pub(crate) struct Schedules {
    pacing: Option<ScheduleId>,
    every: Option<ScheduleId>,
}

impl Schedules {
    /// Paced tasks begin.
    pub(crate) fn pacing_due(&mut self, recorder: &mut Recorder, count: u64) {
        let id = *self.pacing.get_or_insert_with(|| recorder.schedule(PACING));
        recorder.due(id, count);
    }

    /// Paced tasks will never begin whose time has come.
    pub(crate) fn pacing_missed(&mut self, recorder: &mut Recorder, count: u64) {
        self.pacing_due(recorder, count);
        self.pacing.into_iter().for_each(|id| recorder.missed(id, count));
    }

    /// A beat's time has come, and that of others before it which are left out.
    pub(crate) fn beat_due(&mut self, recorder: &mut Recorder, missed: u64) {
        let id = *self.every.get_or_insert_with(|| recorder.schedule(EVERY));
        recorder.due(id, missed.saturating_add(1));
        recorder.missed(id, missed);
    }

    /// A beat is left out whose time has come.
    pub(crate) fn beat_missed(&mut self, recorder: &mut Recorder) {
        self.every.into_iter().for_each(|id| recorder.missed(id, 1));
    }
}
