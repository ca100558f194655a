//! Activities: routines the host runs for the engine, from their beginning to their end.

use super::robot::{Doing, Life, Play, Slot};
use super::timers::Due;
use super::{Begun, Core, Event};
use crate::clock::after;
use crate::config::OnError;
use crate::host::{ScriptError, Uncaught};
use crate::id::{ActivityKey, RobotKey};
use crate::trace::Trace;
use crate::units;
use crate::wheel::TimerId;
use std::time::Duration;
use throng_metrics::{FailureKind, WorkKind};
use throng_wire::Nanos;

/// A routine that runs.
#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) robot: RobotKey,
    pub(crate) kind: ActivityKind,
    pub(crate) begun: Nanos,
    /// When it should have begun; 0 where no schedule says so.
    pub(crate) intended: Nanos,
    pub(crate) timer: TimerId,
}

/// Which routine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActivityKind {
    Start { module: usize },
    Task { task: usize },
    Step { task: usize, step: usize },
    Stop { module: usize },
    Closed { module: usize },
}

impl Begun {
    fn kind(&self) -> ActivityKind {
        match *self {
            Begun::Start { module } => ActivityKind::Start { module },
            Begun::Task { task } => ActivityKind::Task { task },
            Begun::Step { task, step } => ActivityKind::Step { task, step },
            Begun::Stop { module } => ActivityKind::Stop { module },
            Begun::Closed { module, .. } => ActivityKind::Closed { module },
        }
    }
}

impl Core {
    /// Asks the host to run a routine that no schedule has a time for.
    pub(crate) fn begin(&mut self, robot: RobotKey, routine: Begun) {
        self.begin_intended(robot, routine, 0);
    }

    /// Asks the host to run a routine that should have begun at `intended`.
    pub(crate) fn begin_intended(&mut self, robot: RobotKey, routine: Begun, intended: Nanos) {
        let now = self.now();
        let kind = routine.kind();
        let timer = TimerId::NONE;
        let Some(slot) = self.robots.get_mut(robot) else { return };
        let activity = self.activities.insert(Activity { robot, kind, begun: now, intended, timer });
        slot.activities.push(activity);
        if let Some(limit) = self.time_limit(kind) {
            self.activities[activity].timer = self.wheel.insert(after(now, limit), Due::Activity(activity));
        }
        self.trace(robot, |core| Trace::Began { routine: core.routine_name(kind) });
        self.events.push_back(Event::Begin(activity, routine));
    }

    fn time_limit(&self, kind: ActivityKind) -> Option<Duration> {
        match kind {
            ActivityKind::Task { task } | ActivityKind::Step { task, .. } => self.program.tasks[task].timeout,
            ActivityKind::Closed { .. } => Some(self.settings.stop_timeout),
            ActivityKind::Start { .. } | ActivityKind::Stop { .. } => None,
        }
    }

    /// A routine's name as people know it: `role.start`, `role.shop.buy`.
    pub(crate) fn routine_name(&self, kind: ActivityKind) -> String {
        let module = |module: usize| &self.program.mods[module].name;
        match kind {
            ActivityKind::Start { module: index } => format!("{}.start", module(index)),
            ActivityKind::Stop { module: index } => format!("{}.stop", module(index)),
            ActivityKind::Closed { module: index } => format!("{}.closed", module(index)),
            ActivityKind::Task { task } => self.program.tasks[task].name.to_string(),
            ActivityKind::Step { task, step } => {
                let task = &self.program.tasks[task];
                format!("{}.{}", task.name, task.steps[step])
            }
        }
    }

    /// The host says that a routine has ended.
    pub(crate) fn finished(&mut self, activity: ActivityKey, end: Result<(), Uncaught>) {
        let Some(ended) = self.activities.remove(activity) else { return };
        self.wheel.cancel(ended.timer);
        if let Some(robot) = self.robots.get_mut(ended.robot) {
            robot.activities.retain(|key| *key != activity);
        }
        let failed = end.is_err();
        self.trace(ended.robot, |core| Trace::Ended {
            routine: core.routine_name(ended.kind),
            took: Duration::from_nanos(core.now() - ended.begun),
            error: end.as_ref().err().map(Uncaught::text),
        });
        if let Err(Uncaught::Script(error)) = &end {
            self.script_error(ended.robot, error);
        }
        let robot = ended.robot;
        match ended.kind {
            ActivityKind::Start { module } => {
                let took = Took::since(ended.begun, ended.intended, self.now());
                self.start_ended(robot, module, took, failed);
            }
            ActivityKind::Task { .. } | ActivityKind::Step { .. } => self.step_ended(robot, failed),
            ActivityKind::Stop { .. } => self.stop_ended(robot),
            ActivityKind::Closed { .. } => self.farewell_ended(robot),
        }
    }

    /// A routine's time is up: its code is dropped, and it ends as failed.
    pub(crate) fn overdue(&mut self, activity: ActivityKey) {
        let Some(late) = self.activities.get(activity) else { return };
        let name = self.routine_name(late.kind);
        let limit = self.time_limit(late.kind).unwrap_or_default();
        let text = format!("`{name}` was not done within {}", units::display(limit));
        self.count_failure(FailureKind::TaskTimeout, &name, &text, None);
        self.events.push_back(Event::Abandon(activity));
        self.finished(activity, Err(Uncaught::Counted(text)));
    }

    /// Counts an error that a script did not catch.
    pub(crate) fn script_error(&mut self, robot: RobotKey, error: &ScriptError) {
        let failure = throng_metrics::Failure { kind: error.kind, name: "script", message: &error.message };
        self.recorder.script_failed(failure, &error.traceback);
        self.trace(robot, |_| Trace::Error {
            message: error.message.clone(),
            traceback: error.traceback.clone(),
        });
    }

    /// Starts the task the shard picked.
    pub(crate) fn begin_task(&mut self, robot: RobotKey, task: usize) {
        let (now, turn) = (self.now(), self.turn);
        self.rates.remove_idle(robot);
        let Some(robot_slot) = self.robots.get_mut(robot) else { return };
        let Life::Playing { play, .. } = &mut robot_slot.life else { return };
        let slot = if let Play::Idle(slot) = play { *slot } else { Slot::default() };
        let intended = slot.intended;
        let doing = Doing { task, step: 0, begun: now, intended, step_begun: now, slot, turn };
        *play = Play::Task(doing);
        self.begin_step(robot, &doing);
    }

    fn begin_step(&mut self, robot: RobotKey, doing: &Doing) {
        let Doing { task, step, slot, .. } = *doing;
        if slot.intended != 0 && (step > 0 || !self.rates.play(robot)) {
            self.schedules.pacing_due(&mut self.recorder, 1);
        }
        let sequence = !self.program.tasks[task].steps.is_empty();
        let routine = if sequence { Begun::Step { task, step } } else { Begun::Task { task } };
        self.begin_intended(robot, routine, slot.intended);
    }

    /// The wait between a sequence's steps is over.
    pub(crate) fn next_step(&mut self, robot: RobotKey) {
        let (now, turn) = (self.now(), self.turn);
        let Some(slot) = self.robots.get_mut(robot) else { return };
        let Life::Playing { play: Play::Task(doing), .. } = &mut slot.life else { return };
        (doing.step_begun, doing.turn) = (now, turn);
        let doing = *doing;
        self.begin_step(robot, &doing);
    }

    /// A task, or a step of one, has ended.
    fn step_ended(&mut self, robot: RobotKey, failed: bool) {
        let now = self.now();
        let Some(slot) = self.robots.get_mut(robot) else { return };
        let Life::Playing { play, .. } = &mut slot.life else { return };
        let Play::Task(doing) = *play else { return };
        let Doing { task, step, begun, intended, step_begun, slot, .. } = doing;
        let spec = &self.program.tasks[task];
        let steps = spec.steps.len();
        let over = failed || step + 1 >= steps;
        *play = match over {
            true => Play::Idle(Slot::default()),
            false => Play::Task(Doing { step: step + 1, ..doing }),
        };
        if steps > 0 {
            let name = format!("{}.{}", spec.name, spec.steps[step]);
            self.record_work(WorkKind::Step, &name, Took::since(step_begun, slot.intended, now), failed);
        }
        if over {
            let kind = if steps > 0 { WorkKind::Sequence } else { WorkKind::Task };
            let name = self.program.tasks[task].name.clone();
            self.record_work(kind, &name, Took::since(begun, intended, now), failed);
            self.count_in_scenario(robot, task, now.saturating_sub(begun) / 1000, failed);
        }
        if failed && self.settings.on_error != OnError::Continue {
            return self.apply_on_error(robot);
        }
        if !over || !self.slot_ended(robot) {
            self.wait_for_next(robot, &doing);
        }
    }

    /// Counts one run of a task, sequence, step or start.
    pub(crate) fn record_work(&mut self, kind: WorkKind, name: &str, took: Took, failed: bool) {
        let id = self.recorder.work(kind, name);
        match failed {
            true => self.recorder.work_failed(id, took.real / 1000),
            false => self.recorder.worked(id, took.real / 1000),
        }
        if let Some(intended) = took.intended {
            self.recorder.work_intended(id, intended / 1000);
        }
    }
}

/// How long a routine took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    /// From its begin to its end.
    real: Nanos,
    /// From when it should have begun to its end, where a schedule said when.
    intended: Option<Nanos>,
}

impl Took {
    /// The time until `now` since it began, and since it should have; 0 where no schedule says when.
    pub(crate) fn since(begun: Nanos, intended: Nanos, now: Nanos) -> Took {
        Took {
            real: now.saturating_sub(begun),
            intended: (intended != 0).then(|| now.saturating_sub(intended)),
        }
    }
}

impl Uncaught {
    fn text(&self) -> String {
        match self {
            Uncaught::Counted(text) => text.clone(),
            Uncaught::Script(error) => error.message.clone(),
        }
    }
}
