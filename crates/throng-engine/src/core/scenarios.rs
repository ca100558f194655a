//! What the scenarios of a run differ in: which mods a robot has, which tasks, how it waits; and the books of each.

use super::Core;
use super::robot::Robot;
use crate::id::RobotKey;
use crate::program::{ScenarioSpec, Wait};
use std::sync::Arc;
use throng_metrics::{RobotState, ScenarioId};

impl Core {
    /// The scenario that a robot plays; none in a run without scenarios.
    fn scenario_of(&self, robot: RobotKey) -> Option<&ScenarioSpec> {
        // Looked at first, so that runs without scenarios pay nothing.
        if self.program.scenarios.is_empty() {
            return None;
        }
        self.program.scenarios.get(usize::from(self.robots.get(robot)?.origin.scenario))
    }

    /// The name of the scenario that a robot plays.
    pub(crate) fn scenario(&self, robot: RobotKey) -> Option<Arc<str>> {
        self.scenario_of(robot).map(|scenario| Arc::clone(&scenario.name))
    }

    /// Whether a robot has a mod.
    pub(crate) fn has_mod(&self, robot: RobotKey, module: usize) -> bool {
        self.scenario_of(robot).is_none_or(|scenario| scenario.mods.get(module).copied().unwrap_or(false))
    }

    /// Whether a robot ever plays a task.
    pub(crate) fn plays(&self, robot: RobotKey, task: usize) -> bool {
        self.scenario_of(robot).is_none_or(|scenario| scenario.weight(task) > 0.0)
    }

    /// How a robot waits after a task, or between tasks.
    pub(crate) fn wait_after(&self, robot: RobotKey, task: Option<usize>) -> Wait {
        let own = task.and_then(|task| self.program.tasks[task].wait);
        let scenario = || self.scenario_of(robot).and_then(|scenario| scenario.wait);
        own.or_else(scenario).unwrap_or(self.settings.wait)
    }

    /// Opens the books of all scenarios.
    pub(crate) fn open_scenarios(&mut self) {
        let books = self.program.scenarios.iter().map(|scenario| self.recorder.scenario(&scenario.name));
        self.scenario_books = books.collect();
    }

    fn scenario_book(&self, robot: &Robot) -> Option<ScenarioId> {
        self.scenario_books.get(usize::from(robot.origin.scenario)).copied()
    }

    /// A robot was started.
    pub(crate) fn count_started(&mut self, robot: RobotKey) {
        self.recorder.robot_started();
        if let Some(book) = self.robots.get(robot).and_then(|slot| self.scenario_book(slot)) {
            self.recorder.scenario_started(book);
        }
    }

    /// A robot is ready for the first time.
    pub(crate) fn count_first_ready(&mut self, robot: RobotKey) {
        self.recorder.robot_first_ready();
        if let Some(book) = self.robots.get(robot).and_then(|slot| self.scenario_book(slot)) {
            self.recorder.scenario_first_ready(book);
        }
    }

    /// A robot begins anew.
    pub(crate) fn count_restart(&mut self, robot: RobotKey) {
        self.recorder.robot_restarted();
        if let Some(book) = self.robots.get(robot).and_then(|slot| self.scenario_book(slot)) {
            self.recorder.scenario_restarted(book);
        }
    }

    /// Counts a robot under another state.
    pub(crate) fn move_to(&mut self, robot: RobotKey, state: RobotState) {
        let Some(slot) = self.robots.get_mut(robot).filter(|slot| slot.state != state) else { return };
        let before = std::mem::replace(&mut slot.state, state);
        self.recorder.robot_changed(before, state);
        if let Some(book) = self.robots.get(robot).and_then(|slot| self.scenario_book(slot)) {
            self.recorder.scenario_changed(book, before, state);
        }
    }

    /// Counts a task of a robot among those of its scenario.
    pub(crate) fn count_in_scenario(&mut self, robot: RobotKey, task: usize, took_us: u64, failed: bool) {
        if let Some(scenario) = self.scenario(robot) {
            let name = &self.program.tasks[task].name;
            self.recorder.scenario_worked(&scenario, name, took_us, failed);
        }
    }

    /// A robot has arrived that is part of a plan of arrivals, so many microseconds late.
    pub(crate) fn robot_arrived(&mut self, scenario: usize, late_us: u64) {
        let name = self.program.scenarios.get(scenario).map_or("", |scenario| &scenario.name);
        self.recorder.arrived(name, late_us);
    }

    /// There was no room for a robot that was to arrive.
    pub(crate) fn turn_away(&mut self, scenario: usize) {
        let name = self.program.scenarios.get(scenario).map_or("", |scenario| &scenario.name);
        self.recorder.turned_away(name);
    }
}
