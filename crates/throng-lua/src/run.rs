//! Running robots' functions: beginning them, resuming them with what they waited for, and ending them.

use crate::codec::{self, Decoded};
use crate::host::LuaHost;
use crate::natives::{failure_value, response_value};
use crate::raw::{self, Woken};
use crate::state::{
    Course, Current, Fiber, FiberKey, Origin, Robot, Shared, SpawnedKey, TimerKey, Waiter, What, number_of,
};
use crate::vm::{Turn, Vm, VmState, broken_error};
use mlua::{IntoLua, Thread, Value};
use std::time::Duration;
use throng_engine::{
    ConnectionKey, Failure, Incoming, OperationKey, Outcome, RobotKey, ScriptError, Uncaught,
};
use throng_metrics::FailureKind;

/// What a pooled coroutine is asked to run; the numbers are those of the prelude's `routines`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Start = 1,
    Task = 2,
    Step = 3,
    Stop = 4,
    Closed = 5,
    Handler = 6,
    Timer = 7,
    Spawned = 8,
    When = 9,
    Where = 10,
    Init = 11,
    Load = 12,
    Cut = 13,
    Head = 14,
    Decode = 15,
    Encode = 16,
    Frame = 17,
    Cipher = 18,
}

/// The arguments of a routine, beside its robot.
pub(crate) type Arguments = (Value, Value, Value);

/// An index as Lua counts.
pub(crate) fn lua_index(index: usize) -> Value {
    Value::Integer(index as i64 + 1)
}

impl LuaHost {
    /// Begins a function of a robot in a coroutine of its own.
    pub(crate) fn begin_fiber(
        &self,
        robot: RobotKey,
        module: usize,
        origin: Origin,
        entry: Entry,
        arguments: Arguments,
    ) -> FiberKey {
        let fiber = self.shared.add_fiber(robot, module, origin);
        self.launch(fiber, entry, arguments);
        fiber
    }

    /// Runs a fiber that has not begun.
    pub(crate) fn launch(&self, key: FiberKey, entry: Entry, (first, second, third): Arguments) {
        let Some((current, slot, vm)) = self.place_of(key) else { return };
        match vm.take_thread() {
            Ok(thread) => self.drive(vm, current, thread, (entry as i64, slot, first, second, third)),
            Err(error) => self.broken(
                vm,
                key,
                ScriptError {
                    kind: FailureKind::ScriptMemory,
                    message: error.to_string(),
                    traceback: String::new(),
                },
            ),
        }
    }

    /// Who a fiber runs for, its robot's slot and its Lua state.
    fn place_of(&self, key: FiberKey) -> Option<(Current, i64, &Vm)> {
        let current = self.shared.fibers.borrow().get(key)?.current(key);
        let robots = self.shared.robots.borrow();
        let place = robots.get(current.robot)?;
        Some((current, place.slot, &self.vms[place.vm]))
    }

    /// Runs a fiber's coroutine to its next block or its end.
    fn drive(&self, vm: &Vm, current: Current, thread: Thread, arguments: impl raw::Arguments) {
        let Current { robot, fiber: key, .. } = current;
        let turn = vm.run(&self.shared, &thread, current, arguments);
        let turn = match vm.rebound() {
            Some(error) => self.void(vm, current, &thread, turn, error),
            None => turn,
        };
        match turn {
            Turn::Blocked => self.blocked(robot, key, thread),
            Turn::Done(_) => {
                vm.state.put_thread(thread);
                self.ended(key, Ok(()));
            }
            Turn::Failed(uncaught) => {
                vm.state.put_thread(thread);
                self.ended(key, Err(uncaught));
            }
            Turn::Broken(error) => self.broken(vm, key, error),
        }
        self.keep_within_limit(vm);
    }

    /// A function waits. One that stops a robot which stops already has nothing to wait for, and is over.
    fn blocked(&self, robot: RobotKey, key: FiberKey, thread: Thread) {
        let mut ends = false;
        if let Some(fiber) = self.shared.fibers.borrow_mut().get_mut(key) {
            ends = fiber.waiting.as_ref().is_some_and(|waiting| matches!(waiting.what, What::End));
            fiber.thread = Some(thread);
        }
        let stopping = || self.shared.robots.borrow().get(robot).map(|robot| robot.course);
        if ends && stopping() == Some(Course::Stopping) {
            let origin = self.shared.fibers.borrow().get(key).map(|fiber| fiber.origin);
            self.kill_fiber(key);
            if let Some(Origin::Activity(activity)) = origin {
                self.desk.finished(activity, Ok(()));
            }
        }
    }

    /// Ends a function for something that was noticed only after its turn.
    fn void(&self, vm: &Vm, current: Current, thread: &Thread, turn: Turn, error: ScriptError) -> Turn {
        match turn {
            Turn::Broken(_) => return turn,
            Turn::Done(_) | Turn::Failed(_) => vm.state.put_thread(thread.clone()),
            Turn::Blocked => vm.state.discard(&self.shared, thread, current),
        }
        Turn::Broken(error)
    }

    /// An operation has its outcome.
    pub(crate) fn outcome(&self, operation: OperationKey, outcome: Outcome<'_>) {
        let waiter = self.shared.operations.borrow().get(operation).copied();
        match waiter {
            Some(Waiter::Fiber(fiber)) => {
                self.shared.operations.borrow_mut().remove(operation);
                self.wake(fiber, outcome);
            }
            Some(Waiter::Launch(fiber)) => {
                self.shared.operations.borrow_mut().remove(operation);
                self.launch_spawned(fiber);
            }
            Some(Waiter::Timer(timer)) => self.tick(timer, outcome),
            None => {}
        }
    }

    fn wake(&self, key: FiberKey, outcome: Outcome<'_>) {
        let woken =
            self.shared.fibers.borrow_mut().get_mut(key).map(|fiber| (fiber.waiting.take(), fiber.vm));
        let Some((Some(waiting), vm)) = woken else { return };
        let vm = &self.vms[vm];
        if let Outcome::Reply { message, elapsed } = &outcome
            && !message.protocol.own().decode
            && self.goes_straight(vm, codec::most_bytes(message))
        {
            let otherwise = || self.decoded(vm, (key, &waiting.what), message, *elapsed);
            let unknown = |count| self.count_unknown(message, count);
            return self.resume_fiber(key, raw::Reply { incoming: message, unknown: &unknown, otherwise });
        }
        self.resume_fiber(key, self.values_of(vm, key, &waiting.what, outcome));
    }

    /// Whether a reply of at most so many bytes may be built in the turn of the script that it is for: what that script may
    /// grow by is for what it does itself.
    fn goes_straight(&self, vm: &Vm, bytes: usize) -> bool {
        /// The part of a turn's memory that may be the server's.
        const SHARE: usize = 16;
        bytes <= self.shared.project.limits.memory_per_resume / SHARE
            && raw::has_room(&vm.lua, vm.state.ceiling.get(), bytes)
    }

    /// A reply for the prelude, or its failure.
    fn decoded(
        &self,
        vm: &Vm,
        (key, what): (FiberKey, &What),
        message: &Incoming<'_>,
        elapsed: Duration,
    ) -> Woken {
        let robot = self.shared.fibers.borrow().get(key).map(|fiber| fiber.robot);
        match self.decode(vm, message, robot.zip(what.connection())) {
            Ok(Decoded { value, unknown }) => {
                self.count_unknown(message, unknown);
                (true, value, Value::Nil)
            }
            Err(error) => {
                let failure = self.undecodable(key, message, elapsed, error);
                (false, self.failure(vm, &failure), Value::Nil)
            }
        }
    }

    /// Resumes a blocked fiber with what it waited for.
    pub(crate) fn resume_fiber(&self, key: FiberKey, values: impl raw::Arguments) {
        let blocked = self.shared.fibers.borrow_mut().get_mut(key).and_then(|fiber| {
            let thread = fiber.thread.take()?;
            Some((fiber.current(key), fiber.vm, thread))
        });
        if let Some((current, vm, thread)) = blocked {
            self.drive(&self.vms[vm], current, thread, values);
        }
    }

    /// What the prelude's `block` gets: whether it went well, and the value or the failure.
    fn values_of(&self, vm: &Vm, key: FiberKey, what: &What, outcome: Outcome<'_>) -> Woken {
        let well = |value: Value| (true, value, Value::Nil);
        let ill = |value: Value| (false, value, Value::Nil);
        match outcome {
            Outcome::Elapsed | Outcome::Woken => well(Value::Nil),
            Outcome::Connected(connection) => well(Value::Integer(number_of(connection))),
            Outcome::Bytes(bytes) => match vm.lua.create_string(bytes) {
                Ok(bytes) => well(Value::String(bytes)),
                Err(error) => ill(error.to_string().into_lua(&vm.lua).unwrap_or(Value::Nil)),
            },
            Outcome::Responded(response) => match response_value(&vm.lua, what, response) {
                Ok(response) => well(response),
                Err(error) => ill(error.to_string().into_lua(&vm.lua).unwrap_or(Value::Nil)),
            },
            Outcome::Reply { message, elapsed } => self.decoded(vm, (key, what), &message, elapsed),
            Outcome::Failed(failure) => ill(self.failed_wait(vm, key, what, failure)),
        }
    }

    /// The failure of a wait; waits of the host's own are named and counted here.
    fn failed_wait(&self, vm: &Vm, key: FiberKey, what: &What, failure: &Failure) -> Value {
        let (name, connection, on, quiet) = match what {
            What::Message { watch, names, connection, key: on, once, quiet } => {
                self.leave_watch(vm, key, *watch, *once);
                (names.clone(), Some(connection.clone()), *on, *quiet)
            }
            What::Join => ("wait".into(), None, ConnectionKey::default(), false),
            _ => return self.failure(vm, failure),
        };
        let failure = Failure { name, connection, ..failure.clone() };
        let robot = self.shared.fibers.borrow().get(key).map(|fiber| fiber.robot);
        if let Some(robot) = robot.filter(|_| !quiet) {
            let Failure { kind, name, .. } = &failure;
            let told = throng_metrics::Failure { kind: *kind, name, message: kind.phrase() };
            self.desk.fail_on(on, robot, told, None);
        }
        self.failure(vm, &failure)
    }

    /// A fiber waits no more for a watch's message; an `expect` is over.
    fn leave_watch(&self, vm: &Vm, key: FiberKey, watch: i64, once: bool) {
        let Some(robot) = self.shared.fibers.borrow().get(key).map(|fiber| fiber.robot) else { return };
        if once {
            self.shared.disarm(robot, watch);
            // Nothing but memory is at stake when the table refuses.
            let _ = vm.prelude().watches.raw_set(watch, Value::Nil);
        } else if let Some(robot) = self.shared.robots.borrow_mut().get_mut(robot) {
            robot
                .watches
                .iter_mut()
                .filter(|other| other.id == watch)
                .for_each(|watch| watch.fiber = FiberKey::default());
        }
    }

    pub(crate) fn failure(&self, vm: &Vm, failure: &Failure) -> Value {
        failure_value(&vm.lua, &vm.state, failure).unwrap_or(Value::Nil)
    }

    /// Begins a spawned function whose turn has come.
    fn launch_spawned(&self, key: FiberKey) {
        let origin = self.shared.fibers.borrow_mut().get_mut(key).map(|fiber| {
            fiber.waiting = None;
            fiber.origin
        });
        if let Some(Origin::Spawned(spawned)) = origin {
            self.launch(key, Entry::Spawned, (Value::Integer(number_of(spawned)), Value::Nil, Value::Nil));
        }
    }

    /// A timer's beat, which is skipped while its function still runs, or its end.
    fn tick(&self, key: TimerKey, outcome: Outcome<'_>) {
        if let Outcome::Failed(_) = outcome {
            return self.end_timer(key);
        }
        let due = self.shared.timers.borrow_mut().get_mut(key).map(|timer| {
            let busy = std::mem::replace(&mut timer.busy, true);
            (timer.robot, timer.module, busy)
        });
        let Some((robot, module, busy)) = due else { return };
        if busy {
            return self.desk.beat_missed();
        }
        if self.is_halted(robot) {
            return;
        }
        if self.shared.is_crowded(robot) {
            if let Some(timer) = self.shared.timers.borrow_mut().get_mut(key) {
                timer.busy = false;
            }
            self.desk.beat_missed();
            let text = "too many functions run beside each other; a beat was skipped";
            return self.desk.fail(robot, FailureKind::Overflow, "every", text, None);
        }
        let arguments = (Value::Integer(number_of(key)), Value::Nil, Value::Nil);
        self.begin_fiber(robot, module, Origin::Timer(key), Entry::Timer, arguments);
    }

    /// The timer's connection has ended.
    fn end_timer(&self, key: TimerKey) {
        let robot = self.shared.timers.borrow().get(key).map(|timer| timer.robot);
        cancel_timer(&self.shared, key);
        let vm = robot.and_then(|robot| self.shared.robots.borrow().get(robot).map(|robot| robot.vm));
        if let Some(vm) = vm {
            let _ = self.vms[vm].prelude().timers.raw_set(number_of(key), Value::Nil);
        }
    }

    pub(crate) fn is_halted(&self, robot: RobotKey) -> bool {
        self.shared.robots.borrow().get(robot).is_none_or(Robot::is_halted)
    }

    /// A fiber's function has ended.
    fn ended(&self, key: FiberKey, end: Result<(), Uncaught>) {
        let Some(fiber) = release(&self.shared, key) else { return };
        match fiber.origin {
            Origin::Activity(activity) => self.desk.finished(activity, end),
            Origin::Handler { handler } => {
                self.report(fiber.robot, end);
                self.next_queued(fiber.robot, handler);
            }
            Origin::Timer(_) => self.report(fiber.robot, end),
            Origin::Spawned(spawned) => self.spawned_ended(fiber.robot, spawned, end),
        }
    }

    fn spawned_ended(&self, robot: RobotKey, key: SpawnedKey, end: Result<(), Uncaught>) {
        let Some(spawned) = self.shared.spawned.borrow_mut().remove(key) else { return };
        let raised_by_all = spawned.group.is_some_and(|group| end.is_err() && self.is_first_failure(group));
        if !raised_by_all {
            self.report(robot, end);
        }
        for operation in spawned.joins {
            self.desk.wake(operation);
        }
    }

    /// Of the functions of an `all`, the first to fail has its error raised there.
    fn is_first_failure(&self, group: FiberKey) -> bool {
        let mut fibers = self.shared.fibers.borrow_mut();
        let waiting = fibers.get_mut(group).and_then(|fiber| fiber.waiting.as_mut());
        match waiting.map(|waiting| &mut waiting.what) {
            Some(What::Gather { failed }) => !std::mem::replace(failed, true),
            _ => false,
        }
    }

    /// Counts an error that nobody caught, outside of the engine's routines.
    fn report(&self, robot: RobotKey, end: Result<(), Uncaught>) {
        if let Err(Uncaught::Script(error)) = end {
            self.desk.script_error(robot, &error);
        }
    }

    /// Counts what went wrong in the prelude's own code, which is only ever the memory.
    pub(crate) fn tolerate(&self, robot: RobotKey, result: mlua::Result<()>) {
        if let Err(error) = result {
            self.desk.script_error(robot, &broken_error(&error));
        }
    }

    /// A fiber was cut off, or lost its coroutine.
    fn broken(&self, vm: &Vm, key: FiberKey, error: ScriptError) {
        let origin = self.shared.fibers.borrow().get(key).map(|fiber| (fiber.robot, fiber.origin));
        leave_wait(&self.shared, &vm.state, key);
        if let Some((robot, Origin::Spawned(spawned))) = origin {
            self.desk.script_error(robot, &error);
            self.settle_broken(vm, robot, spawned, &error);
            return self.ended(key, Err(Uncaught::Counted(error.message)));
        }
        self.ended(key, Err(Uncaught::Script(error)));
    }

    /// Tells those who wait for a spawned function that it was cut off.
    fn settle_broken(&self, vm: &Vm, robot: RobotKey, spawned: SpawnedKey, error: &ScriptError) {
        let id = number_of(spawned);
        let failure = Failure {
            kind: error.kind,
            name: "".into(),
            connection: None,
            elapsed: Duration::ZERO,
            text: error.message.as_str().into(),
            code: None,
        };
        let settled = vm.prelude().calls.raw_get::<Value>(id).and_then(|handle| {
            if handle.is_nil() {
                return Ok(());
            }
            vm.prelude().settle.call::<()>((id, handle, self.failure(vm, &failure)))
        });
        self.tolerate(robot, settled);
    }

    /// Runs a function that may not block and gives its result.
    pub(crate) fn ask(
        &self,
        robot: RobotKey,
        module: usize,
        entry: Entry,
        (first, second, third): Arguments,
    ) -> Result<Value, Uncaught> {
        let place = {
            let robots = self.shared.robots.borrow();
            robots.get(robot).filter(|place| !place.is_halted()).map(|place| (place.slot, place.vm))
        };
        let Some((slot, vm)) = place else { return Ok(Value::Nil) };
        let current = Current { robot, module, ..Current::nothing() };
        let answer = self.vms[vm].call(&self.shared, current, (entry as i64, slot, first, second, third));
        self.keep_within_limit(&self.vms[vm]);
        answer
    }

    /// Ends all functions of a robot, which takes another course.
    pub(crate) fn kill_all(&self, robot: RobotKey, course: Course) {
        let fibers = match self.shared.robots.borrow_mut().get_mut(robot) {
            Some(place) => {
                place.course = course;
                place.fibers.clone()
            }
            None => return,
        };
        fibers.into_iter().for_each(|fiber| self.kill_fiber(fiber));
    }

    /// Ends a fiber whose code is not to run on: its `<close>` variables run, then it is gone.
    pub(crate) fn kill_fiber(&self, key: FiberKey) {
        let Some((_, _, vm)) = self.place_of(key) else { return };
        kill(&self.shared, &vm.state, key);
    }
}

/// Takes a fiber out of everything that refers to it.
fn release(shared: &Shared, key: FiberKey) -> Option<Fiber> {
    let fiber = shared.remove_fiber(key)?;
    match fiber.origin {
        Origin::Activity(activity) => drop(shared.activities.borrow_mut().remove(activity)),
        Origin::Handler { .. } => {
            if let Some(robot) = shared.robots.borrow_mut().get_mut(fiber.robot) {
                robot.handlers = robot.handlers.saturating_sub(1);
            }
        }
        Origin::Timer(timer) => {
            if let Some(timer) = shared.timers.borrow_mut().get_mut(timer) {
                timer.busy = false;
            }
        }
        Origin::Spawned(_) => {}
    }
    Some(fiber)
}

/// Ends a fiber that is blocked or has not begun, and those it waits for in `all`.
pub(crate) fn kill(shared: &Shared, vm: &VmState, key: FiberKey) {
    let gathers = leave_wait(shared, vm, key);
    let Some(fiber) = release(shared, key) else { return };
    if let Origin::Spawned(spawned) = fiber.origin {
        shared.spawned.borrow_mut().remove(spawned);
        let _ = vm.prelude().calls.raw_set(number_of(spawned), Value::Nil);
    }
    if gathers {
        for member in members_of(shared, fiber.robot, key) {
            kill(shared, vm, member);
        }
    }
    if let Some(thread) = &fiber.thread {
        let current = Current { robot: fiber.robot, module: fiber.module, ..Current::nothing() };
        vm.discard(shared, thread, current);
    }
}

/// Takes back what a fiber waits for, if it does; whether that was the end of an `all`.
fn leave_wait(shared: &Shared, vm: &VmState, key: FiberKey) -> bool {
    let left = {
        let mut fibers = shared.fibers.borrow_mut();
        fibers.get_mut(key).and_then(|fiber| Some((fiber.robot, fiber.waiting.take()?)))
    };
    let (Some((robot, waiting)), Some(desk)) = (left, &shared.desk) else { return false };
    shared.operations.borrow_mut().remove(waiting.operation);
    desk.cancel(waiting.operation);
    if let What::Message { watch, once: true, .. } = waiting.what {
        shared.disarm(robot, watch);
        // Nothing but memory is at stake when the table refuses.
        let _ = vm.prelude().watches.raw_set(watch, Value::Nil);
    }
    matches!(waiting.what, What::Gather { .. })
}

/// The functions that an `all` began and that have not ended.
fn members_of(shared: &Shared, robot: RobotKey, group: FiberKey) -> Vec<FiberKey> {
    let (robots, fibers, spawned) = (shared.robots.borrow(), shared.fibers.borrow(), shared.spawned.borrow());
    let is_member = |key: &FiberKey| match fibers.get(*key).map(|fiber| fiber.origin) {
        Some(Origin::Spawned(key)) => spawned.get(key).is_some_and(|spawned| spawned.group == Some(group)),
        _ => false,
    };
    let fibers_of_robot = robots.get(robot).map_or(&[][..], |robot| &robot.fibers);
    fibers_of_robot.iter().copied().filter(is_member).collect()
}

/// Ends a spawned function.
pub(crate) fn cancel_spawned(shared: &Shared, vm: &VmState, key: SpawnedKey) {
    let ended = shared.spawned.borrow_mut().remove(key);
    let Some(spawned) = ended else { return };
    kill(shared, vm, spawned.fiber);
    if let Some(desk) = &shared.desk {
        spawned.joins.iter().for_each(|operation| desk.wake(*operation));
    }
}

/// Ends a timer.
pub(crate) fn cancel_timer(shared: &Shared, key: TimerKey) {
    let Some(timer) = shared.timers.borrow_mut().remove(key) else { return };
    shared.operations.borrow_mut().remove(timer.operation);
    if let Some(robot) = shared.robots.borrow_mut().get_mut(timer.robot) {
        robot.timers.retain(|other| *other != key);
    }
    if let Some(desk) = &shared.desk {
        desk.cancel(timer.operation);
    }
}

/// No values.
pub(crate) fn no_arguments() -> Arguments {
    (Value::Nil, Value::Nil, Value::Nil)
}
