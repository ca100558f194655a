//! What a robot does by itself: waiting, timers, spawned functions, its own end.

use super::connection::ENDED;
use super::{Context, Natives, Refused, option, options_of};
use crate::duration;
use crate::run;
use crate::state::{Course, Origin, Spawned, SpawnedKey, Timer, Waiter, What, key_of, number_of, slot_of};
use mlua::{Lua, Value};
use throng_engine::{ConnectionKey, OperationKey};
use throng_metrics::FailureKind;

/// Timers of one robot at a time.
const TIMERS: usize = 256;
/// Functions of one robot that run beside each other.
const FUNCTIONS: usize = 4096;

/// Why nothing begins any more.
const LEAVING: &str = "the robot's life is ending: nothing begins in it any more";

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.waits("sleep", |context, lua, time: Value| {
        let (desk, robot, fiber) = context.fiber(lua)?;
        let time = duration::from_lua(&time)?;
        context.shared.wait(fiber, desk.sleep(robot, time), What::Sleep(time));
        Ok(())
    })?;
    natives.waits("may_block", |context, lua, ()| context.fiber(lua).map(drop))?;
    natives.may_refuse("ready", |context, _, ()| {
        let (desk, robot) = context.robot()?;
        desk.mark_ready(robot);
        Ok(())
    })?;
    natives.waits("restart", |context, lua, ()| end(context, lua, End::Restart))?;
    natives.waits("stop", |context, lua, ()| end(context, lua, End::Stop))?;
    natives.plain("slot", |context, _, ()| Ok(slot_of(context.shared.current.get().robot)))?;
    natives.may_refuse("every", every)?;
    natives.plain("cancel_timer", |context, _, id: i64| {
        run::cancel_timer(&context.shared, key_of(id));
        Ok(())
    })?;
    natives.may_refuse("spawn", spawn)?;
    natives.waits("cancel_spawned", cancel_spawned)?;
    natives.waits("join", join)?;
    natives.may_refuse("gather", |context, lua, ()| {
        let (desk, robot, fiber) = context.fiber(lua)?;
        let operation = desk.park(robot, None, None);
        context.shared.wait(fiber, operation, What::Gather { failed: false });
        Ok(number_of(operation))
    })?;
    natives.plain("wake", |context, _, operation: i64| {
        if let Some(desk) = &context.shared.desk {
            desk.wake(key_of::<OperationKey>(operation));
        }
        Ok(())
    })
}

enum End {
    Restart,
    Stop,
}

/// The robot's life ends; the coroutine waits for what never comes.
fn end(context: &Context, lua: &Lua, end: End) -> Result<(), Refused> {
    let (desk, robot, fiber) = context.fiber(lua)?;
    if let Some(robot) = context.shared.robots.borrow_mut().get_mut(robot)
        && robot.course == Course::Alive
    {
        robot.course = Course::Halted;
    }
    context.shared.wait(fiber, OperationKey::default(), What::End);
    match end {
        End::Restart => desk.restart(robot),
        End::Stop => desk.stop(robot),
    }
    Ok(())
}

/// A timer, for the robot or for a connection; its function is in the prelude.
fn every(
    context: &Context,
    _: &Lua,
    (connection, time, options): (Option<i64>, Value, Value),
) -> Result<i64, Refused> {
    let (desk, robot) = context.robot()?;
    let interval = duration::from_lua(&time)?;
    if interval.is_zero() {
        return Err("every wants a time above 0".into());
    }
    let options = options_of(&options, "every", &["exact"])?;
    let exact = option(&options, "exact", "true or false")?.unwrap_or(false);
    if context.is_halted() {
        return Err(LEAVING.into());
    }
    let connection = connection.map(key_of::<ConnectionKey>);
    if let Some(ended) = connection.filter(|connection| !desk.is_open(*connection)) {
        return Err(context.count_on(FailureKind::Closed, "every", ended, None, ENDED.to_owned()));
    }
    if context.shared.robots.borrow().get(robot).is_some_and(|robot| robot.timers.len() >= TIMERS) {
        return Err(format!("a robot has at most {TIMERS} timers: cancel() those it needs no more").into());
    }
    let operation = desk.every(robot, connection, interval, exact);
    let module = context.shared.current.get().module;
    let timer = context.shared.timers.borrow_mut().insert(Timer { robot, module, operation, busy: false });
    context.shared.operations.borrow_mut().insert(operation, Waiter::Timer(timer));
    if let Some(robot) = context.shared.robots.borrow_mut().get_mut(robot) {
        robot.timers.push(timer);
    }
    Ok(number_of(timer))
}

/// A function that begins later in this turn; it is in the prelude.
fn spawn(context: &Context, _: &Lua, grouped: bool) -> Result<i64, Refused> {
    let (desk, robot) = context.robot()?;
    if context.is_halted() {
        return Err(LEAVING.into());
    }
    let own = context.shared.robots.borrow().get(robot).map_or(0, |robot| robot.fibers.len());
    if own >= FUNCTIONS || context.shared.is_crowded(robot) {
        let text = "too many functions run beside each other; nothing was spawned".to_owned();
        return Err(context.count(FailureKind::Overflow, "spawn", None, text));
    }
    let current = context.shared.current.get();
    let group = grouped.then_some(current.fiber);
    let key: SpawnedKey = context.shared.spawned.borrow_mut().insert_with_key(|key| Spawned {
        fiber: context.shared.add_fiber(robot, current.module, Origin::Spawned(key)),
        group,
        joins: Vec::new(),
    });
    let fiber = context.shared.spawned.borrow()[key].fiber;
    let operation = desk.park(robot, None, None);
    context.shared.operations.borrow_mut().insert(operation, Waiter::Launch(fiber));
    context.shared.expect_launch(fiber, operation);
    desk.wake(operation);
    Ok(number_of(key))
}

/// Ends a spawned function, which does not run on; not the one that asks, which runs.
fn cancel_spawned(context: &Context, _: &Lua, id: i64) -> Result<(), Refused> {
    let key: SpawnedKey = key_of(id);
    let fiber = context.shared.spawned.borrow().get(key).map(|spawned| spawned.fiber);
    if fiber.is_some_and(|fiber| fiber == context.shared.current.get().fiber) {
        return Err("a function cannot cancel itself: return from it".into());
    }
    run::cancel_spawned(&context.shared, &context.vm, key);
    Ok(())
}

/// Waits for a spawned function.
fn join(context: &Context, lua: &Lua, (id, time): (i64, Value)) -> Result<(), Refused> {
    let (desk, robot, fiber) = context.fiber(lua)?;
    let time = duration::optional(&time)?;
    let mut all = context.shared.spawned.borrow_mut();
    let Some(spawned) = all.get_mut(key_of::<SpawnedKey>(id)) else {
        return Err("the spawned function is gone".into());
    };
    let operation = desk.park(robot, None, time);
    spawned.joins.push(operation);
    drop(all);
    context.shared.wait(fiber, operation, What::Join);
    Ok(())
}
