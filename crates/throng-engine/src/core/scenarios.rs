//! What the scenarios of a run differ in, as the core needs it.

use super::Core;

impl Core {
    /// A scenario's name; empty in a run without scenarios.
    fn scenario_name(&self, _: usize) -> Box<str> {
        Box::default()
    }

    /// A robot has arrived that is part of a plan of arrivals, so many microseconds late.
    pub(crate) fn robot_arrived(&mut self, scenario: usize, late_us: u64) {
        let name = self.scenario_name(scenario);
        self.recorder.arrived(&name, late_us);
    }

    /// There was no room for a robot that was to arrive.
    pub(crate) fn turn_away(&mut self, scenario: usize) {
        let name = self.scenario_name(scenario);
        self.recorder.turned_away(&name);
    }
}
