//! A robot's life: born, starting, ready, playing, and on the way out.

use super::robot::{Doing, Life, Origin, Play, Robot, Slot, StartState};
use super::routines::{ActivityKind, Took};
use super::timers::Due;
use super::{Afterlife, Begun, Core, Event};
use crate::clock::{after, nanos};
use crate::config::OnError;
use crate::host::ScriptError;
use crate::id::{RobotId, RobotKey};
use crate::units;
use crate::wheel::TimerId;
use std::time::Duration;
use throng_metrics::{EndCause, FailureKind, RobotState, WorkKind};
use throng_wire::Nanos;

/// A robot that was ready as long as this restarts without much of a pause.
const SETTLED: Duration = Duration::from_secs(10);
/// Conditions that all say no are asked again after this long at least, or idle robots without a wait would be a load.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Core {
    /// A new robot.
    pub(crate) fn spawn(&mut self, id: RobotId, origin: Origin) -> RobotKey {
        let robot = self.robots.insert(Robot::new(id, self.settings.seed, origin, self.now()));
        self.count_started(robot);
        self.events.push_back(Event::Born(robot));
        robot
    }

    /// The robot's session ends at `until`: it stops then in good order.
    pub(crate) fn stay(&mut self, robot: RobotKey, until: Nanos) {
        if let Some(slot) = self.robots.get_mut(robot) {
            slot.leaves = self.wheel.insert(until, Due::Leave(robot));
        }
    }

    /// The host has made a robot's objects, or failed to.
    pub(crate) fn born(&mut self, robot: RobotKey, outcome: Result<(), ScriptError>) {
        if let Err(error) = outcome {
            self.script_error(robot, &error);
            return self.start_failed(robot);
        }
        let starts = self
            .program
            .mods
            .iter()
            .enumerate()
            .map(|(index, module)| match module.start && self.has_mod(robot, index) {
                true => StartState::Waiting,
                false => StartState::Returned,
            })
            .collect();
        let deadline = after(self.now(), self.settings.ready_timeout);
        let timer = self.wheel.insert(deadline, Due::Life(robot));
        let Some(slot) = self.robots.get_mut(robot) else { return };
        slot.life = Life::Starting { starts, asked_ready: false };
        slot.timer = timer;
        let arrival = std::mem::take(&mut slot.arrival);
        self.begin_due_starts(robot, arrival);
    }

    /// Begins the starts whose needs are met, which should have begun at `intended`; a robot with none left is ready.
    fn begin_due_starts(&mut self, robot: RobotKey, intended: Nanos) {
        let Some(Robot { life: Life::Starting { starts, asked_ready }, .. }) = self.robots.get_mut(robot)
        else {
            return;
        };
        let due: Vec<usize> = (0..starts.len())
            .filter(|index| starts[*index] == StartState::Waiting)
            .filter(|index| {
                self.program.mods[*index].needs.iter().all(|need| starts[*need] == StartState::Returned)
            })
            .collect();
        due.iter().for_each(|index| starts[*index] = StartState::Running);
        let returned = starts.iter().all(|start| *start == StartState::Returned);
        let ready = *asked_ready || (returned && !self.program.manual_ready && !self.settings.manual_ready);
        for module in due {
            self.begin_intended(robot, Begun::Start { module }, intended);
        }
        if ready {
            self.become_ready(robot);
        }
    }

    /// One mod's start has returned or failed.
    pub(crate) fn start_ended(&mut self, robot: RobotKey, module: usize, took: Took, failed: bool) {
        let name = self.routine_name(ActivityKind::Start { module });
        self.record_work(WorkKind::Start, &name, took, failed);
        let Some(slot) = self.robots.get_mut(robot) else { return };
        match &mut slot.life {
            Life::Starting { starts, .. } if !failed => {
                starts[module] = StartState::Returned;
                self.begin_due_starts(robot, 0);
            }
            Life::Starting { .. } => self.start_failed(robot),
            // An early `ready()` opened the gate while this start was still running.
            Life::Playing { .. } if failed => self.apply_on_error(robot),
            Life::Unborn | Life::Playing { .. } | Life::Stopping { .. } => {}
        }
    }

    /// `ready()`: opens the gate for tasks; twice is nothing.
    pub(crate) fn mark_ready(&mut self, robot: RobotKey) {
        if let Some(Robot { life: Life::Starting { asked_ready, .. }, .. }) = self.robots.get_mut(robot) {
            *asked_ready = true;
            self.become_ready(robot);
        }
    }

    fn become_ready(&mut self, robot: RobotKey) {
        let now = self.now();
        let Some(slot) = self.robots.get_mut(robot) else { return };
        self.wheel.cancel(slot.timer);
        slot.timer = TimerId::NONE;
        slot.life = Life::Playing { since: now, play: Play::Idle(Slot::default()) };
        let first = !std::mem::replace(&mut slot.was_ready, true);
        if first {
            self.count_first_ready(robot);
        }
        self.move_to(robot, RobotState::Ready);
        self.storm_passes(robot);
        let scenario = usize::from(self.robots[robot].origin.scenario);
        self.open_rates(now, scenario);
        if self.rates.alone(scenario) {
            self.rest(robot, None);
        } else if !self.program.tasks.is_empty() {
            // As if a task had ended some time ago, and the robot had been met in the wait behind it.
            let task = self.draw_task(robot, &[]);
            let wait = self.wait_after(robot, task);
            let slot = &mut self.robots[robot];
            let due = after(now, wait.phase(slot.random.unit()));
            if wait.pace().is_some() {
                slot.take_slot(Slot::at(due));
            }
            self.rest(robot, Some(due));
        }
    }

    /// Waits as the task says (or the run), then picks the next task, or goes on with a sequence.
    pub(crate) fn wait_for_next(&mut self, robot: RobotKey, doing: &Doing) {
        let now = self.now();
        let wait = self.wait_after(robot, Some(doing.task));
        let Some(slot) = self.robots.get_mut(robot) else { return };
        if slot.leaving {
            return;
        }
        let pause = wait.after(slot.random.unit());
        let due = match wait.pace() {
            None => {
                slot.take_slot(Slot::default());
                after(now, pause)
            }
            Some((_, late)) => {
                let (next, missed) = doing.slot_after(pause, late, now);
                slot.take_slot(next);
                if missed > 0 {
                    self.schedules.pacing_missed(&mut self.recorder, missed);
                }
                next.intended.max(now)
            }
        };
        // A task that never blocked waits for the next turn, so that an empty one cannot hold the shard.
        if due == now && doing.turn != self.turn {
            return self.life_due(robot);
        }
        match self.robots[robot].life {
            Life::Playing { play: Play::Idle(_), .. } => self.rest(robot, Some(due)),
            _ => self.robots[robot].timer = self.wheel.insert(due, Due::Life(robot)),
        }
    }

    /// A robot's schedule ends: what should have begun and did not is counted.
    fn leave_schedule(&mut self, robot: RobotKey) {
        let now = self.now();
        if self.rates.leave(robot) {
            return;
        }
        let Some(Robot { life: Life::Playing { play: Play::Task(doing), .. }, .. }) = self.robots.get(robot)
        else {
            return;
        };
        let wait = self.wait_after(robot, Some(doing.task));
        let Some((interval, _)) = wait.pace().filter(|_| doing.slot.intended != 0) else { return };
        let missed = now.saturating_sub(doing.slot.base) / nanos(interval).max(1);
        if missed > 0 {
            self.schedules.pacing_missed(&mut self.recorder, missed);
        }
    }

    /// The timer of a robot's life has fired.
    pub(crate) fn life_due(&mut self, robot: RobotKey) {
        let Some(slot) = self.robots.get_mut(robot) else { return };
        slot.timer = TimerId::NONE;
        match &slot.life {
            Life::Unborn => self.events.push_back(Event::Born(robot)),
            Life::Starting { .. } => self.events.push_back(Event::NotReady(robot)),
            Life::Playing { play: Play::Idle(_), .. } => {
                self.rates.remove_idle(robot);
                self.events.push_back(Event::Pick(robot));
            }
            Life::Playing { play: Play::Task(_), .. } => self.next_step(robot),
            Life::Stopping { .. } => self.forget(robot, Afterlife::Gone(RobotState::Stopped)),
        }
    }

    /// A task by weight, other than those refused; `None` when no other is left.
    pub(crate) fn draw_task(&mut self, robot: RobotKey, refused: &[usize]) -> Option<usize> {
        let slot = self.robots.get_mut(robot).filter(|slot| !slot.leaving && !slot.restarts_after_closed)?;
        let scenario = self.program.scenarios.get(usize::from(slot.origin.scenario));
        let candidates = || {
            let tasks = self.program.tasks.iter().enumerate();
            let drawn =
                tasks.filter(|(index, _)| self.settings.no_rates || self.program.is_drawn(*index, scenario));
            let open = drawn.filter(|(index, _)| !refused.contains(index));
            open.map(|(index, task)| (index, scenario.map_or(task.weight, |scenario| scenario.weight(index))))
        };
        let total: f64 = candidates().map(|(_, weight)| weight).sum();
        let mut drawn = slot.random.unit() * total;
        let mut last = None;
        for (index, weight) in candidates().filter(|(_, weight)| *weight > 0.0) {
            last = Some(index);
            drawn -= weight;
            if drawn < 0.0 {
                break;
            }
        }
        last
    }

    /// No task may run now; asks again after the run's wait, not sooner than the next tick.
    pub(crate) fn nothing_to_pick(&mut self, robot: RobotKey) {
        let now = self.now();
        let wait = self.wait_after(robot, None);
        let Some(slot) = self.robots.get_mut(robot).filter(|slot| slot.is_ready()) else { return };
        let pause = wait.after(slot.random.unit()).max(SHORTEST_PAUSE);
        let due = after(now, pause);
        // Which task a schedule's time is for is not known before one may run: a time for which there is none passes.
        slot.take_slot(if wait.pace().is_some() { Slot::at(due) } else { Slot::default() });
        self.rest(robot, Some(due));
    }

    /// A robot was not ready in time; `blocked` says where it waits.
    pub(crate) fn not_ready(&mut self, robot: RobotKey, blocked: &str) {
        if !matches!(self.robots.get(robot), Some(Robot { life: Life::Starting { .. }, .. })) {
            return;
        }
        let limit = units::display(self.settings.ready_timeout);
        self.count_failure(
            FailureKind::ReadyTimeout,
            "start",
            &format!("not ready within {limit}: {blocked}"),
            None,
        );
        self.start_failed(robot);
    }

    /// A robot that never was ready ends as failed, unless the project wants otherwise; one that was tries again.
    fn start_failed(&mut self, robot: RobotKey) {
        let Some(slot) = self.robots.get(robot) else { return };
        match self.settings.on_error {
            OnError::Stop => self.forget(robot, Afterlife::Gone(RobotState::Failed)),
            OnError::Restart => self.restart(robot),
            OnError::Continue if slot.was_ready => self.restart(robot),
            OnError::Continue => self.forget(robot, Afterlife::Gone(RobotState::Failed)),
        }
    }

    /// The host cannot run a robot's code on: it begins anew or ends.
    pub(crate) fn robot_broken(&mut self, robot: RobotKey, error: &ScriptError) {
        self.script_error(robot, error);
        match self.robots.get(robot) {
            Some(Robot { life: Life::Stopping { .. }, .. }) => {
                self.forget(robot, Afterlife::Gone(RobotState::Failed));
            }
            _ => self.start_failed(robot),
        }
    }

    /// What an uncaught error in a task does.
    pub(crate) fn apply_on_error(&mut self, robot: RobotKey) {
        match self.settings.on_error {
            OnError::Continue => {}
            OnError::Restart => self.restart(robot),
            OnError::Stop => self.stop(robot),
        }
    }

    /// Ends a robot's life to begin it anew.
    pub(crate) fn restart(&mut self, robot: RobotKey) {
        if self.robots.get(robot).is_some_and(|slot| !matches!(slot.life, Life::Stopping { .. })) {
            self.forget(robot, Afterlife::Reborn);
        }
    }

    /// Ends a robot's life in good order: its stops run, within the stop time-out.
    pub(crate) fn stop(&mut self, robot: RobotKey) {
        let deadline = after(self.now(), self.settings.stop_timeout);
        let Some(slot) = self.robots.get_mut(robot) else { return };
        if slot.leaving || matches!(slot.life, Life::Stopping { .. }) {
            return;
        }
        let unborn = matches!(slot.life, Life::Unborn);
        self.leave_schedule(robot);
        let stops: Vec<usize> = (0..self.program.mods.len())
            .filter(|module| !unborn && self.program.mods[*module].stop && self.has_mod(robot, *module))
            .collect();
        let slot = &mut self.robots[robot];
        self.wheel.cancel(slot.timer);
        slot.life = Life::Stopping { left: stops.len() };
        slot.timer = self.wheel.insert(deadline, Due::Life(robot));
        for activity in std::mem::take(&mut slot.activities) {
            self.drop_activity(activity);
            self.events.push_back(Event::Abandon(activity));
        }
        if stops.is_empty() {
            return self.forget(robot, Afterlife::Gone(RobotState::Stopped));
        }
        for module in stops {
            self.begin(robot, Begun::Stop { module });
        }
    }

    pub(crate) fn stop_ended(&mut self, robot: RobotKey) {
        let Some(Robot { life: Life::Stopping { left }, .. }) = self.robots.get_mut(robot) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.forget(robot, Afterlife::Gone(RobotState::Stopped));
        }
    }

    /// The robot's code is to be dropped as soon as the host is back.
    pub(crate) fn forget(&mut self, robot: RobotKey, next: Afterlife) {
        let Some(slot) = self.robots.get_mut(robot) else { return };
        if !slot.leaving {
            slot.leaving = true;
            self.events.push_back(Event::Forget(robot, next));
        }
    }

    /// The host has dropped the robot's code: everything else of it goes too, and what comes after begins.
    pub(crate) fn forgotten(&mut self, robot: RobotKey, next: Afterlife) {
        self.leave_schedule(robot);
        let Some(slot) = self.robots.get_mut(robot) else { return };
        self.wheel.cancel(slot.timer);
        let activities = std::mem::take(&mut slot.activities);
        slot.http = None;
        let connections = slot.connections.clone();
        activities.into_iter().for_each(|activity| self.drop_activity(activity));
        let cause = if next == Afterlife::Reborn { EndCause::Own } else { EndCause::RunEnd };
        for connection in connections {
            self.end_connection_silently(connection, cause);
        }
        self.cancel_operations(robot);
        match next {
            Afterlife::Reborn => self.pause_before_rebirth(robot),
            Afterlife::Gone(state) => {
                self.move_to(robot, state);
                let now = self.now();
                if let Some(gone) = self.robots.remove(robot) {
                    self.wheel.cancel(gone.leaves);
                    self.storm_gone(gone.hit.as_deref());
                    self.gone.push((gone.origin, robot));
                    self.recorder.robot_gone(gone.rate(now));
                }
            }
        }
    }

    fn pause_before_rebirth(&mut self, robot: RobotKey) {
        let now = self.now();
        self.count_restart(robot);
        self.storm_restarts(robot);
        self.move_to(robot, RobotState::Connecting);
        let slot = &mut self.robots[robot];
        let settled = matches!(slot.life, Life::Playing { since, .. } if now - since >= nanos(SETTLED));
        slot.restarts = if settled { 0 } else { slot.restarts + 1 };
        let longest = FIRST_PAUSE.saturating_mul(1 << slot.restarts.min(16)).min(LONGEST_PAUSE);
        let pause = longest.mul_f64(0.5 + slot.random.unit() / 2.0);
        slot.life = Life::Unborn;
        slot.leaving = false;
        slot.restarts_after_closed = false;
        slot.timer = self.wheel.insert(after(now, pause), Due::Life(robot));
    }

    fn drop_activity(&mut self, activity: crate::id::ActivityKey) {
        if let Some(dropped) = self.activities.remove(activity) {
            self.wheel.cancel(dropped.timer);
        }
    }
}
