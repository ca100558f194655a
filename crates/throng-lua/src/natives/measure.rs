//! Measuring and telling: checks, failures, times, counters, the log and the clocks.

use super::{Context, Natives, Refused, Text};
use crate::control::Board;
use crate::duration;
use crate::values::Shown;
use mlua::{Lua, Value};
use slotmap::Key;
use std::time::Duration;
use throng_engine::{Desk, Failure, Level, RobotKey};
use throng_metrics::FailureKind;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.may_refuse("check", |context, lua, (Text(name), passed): (Text, bool)| {
        context.measured(lua)?.0.check(&name, passed);
        Ok(())
    })?;
    natives.plain("fail", fail)?;
    natives.may_refuse("record", |context, lua, (Text(name), time): (Text, Value)| {
        context.measured(lua)?.0.record(&name, duration::from_lua(&time)?);
        Ok(())
    })?;
    natives.may_refuse("count", count)?;
    natives.plain("log", log)?;
    natives.plain("now", |context, lua, ()| Ok(context.nanoseconds(lua) as f64 / 1e9))?;
    natives.plain("nanoseconds", |context, lua, ()| Ok(context.nanoseconds(lua)))?;
    natives.may_refuse("record_nanoseconds", |context, lua, (Text(name), time): (Text, u64)| {
        context.measured(lua)?.0.record(&name, Duration::from_nanos(time));
        Ok(())
    })?;
    natives.plain("time", |context, lua, ()| {
        let wall = match &context.shared.desk {
            Some(desk) => desk.wall(),
            None => Board::of(lua).map_or(Duration::ZERO, |board| board.clock.wall()),
        };
        Ok(wall.as_secs_f64())
    })
}

impl Context {
    fn nanoseconds(&self, lua: &Lua) -> u64 {
        match &self.shared.desk {
            Some(desk) => desk.now(),
            None => Board::of(lua).map_or(0, |board| board.clock.now()),
        }
    }

    /// The engine and the robot that something is measured of: the functions of a run have neither.
    fn measured(&self, lua: &Lua) -> Result<(&Desk, RobotKey), Refused> {
        match Board::of(lua) {
            Some(_) => Err("this is for a robot's code: the functions of throng.run have no robot".into()),
            None => self.robot(),
        }
    }
}

/// The failure that a script declares, counted with its fields as the sample.
fn fail(context: &Context, lua: &Lua, (Text(text), fields): (Text, Value)) -> mlua::Result<Value> {
    let shown = Shown { redaction: &context.shared.project.redaction };
    let sample = (!fields.is_nil()).then(|| shown.text(&fields));
    match context.measured(lua) {
        Ok((desk, robot)) => desk.fail(robot, FailureKind::Fail, &text, &text, sample.as_deref()),
        Err(refused) => return context.refusal(lua, refused),
    }
    let failure = Failure {
        kind: FailureKind::Fail,
        name: text.as_str().into(),
        connection: None,
        elapsed: Duration::ZERO,
        text: text.into(),
        code: None,
    };
    let value = context.refusal(lua, failure.into())?;
    if let (Value::Table(failure), Value::Table(_)) = (&value, &fields) {
        failure.raw_set("fields", fields)?;
    }
    Ok(value)
}

fn count(context: &Context, lua: &Lua, (Text(name), by): (Text, Value)) -> Result<(), Refused> {
    let by = match by {
        Value::Nil => 1,
        Value::Integer(by) => u64::try_from(by).map_err(|_| "count adds a whole number, 0 or more")?,
        _ => return Err("count adds a whole number, 0 or more".into()),
    };
    context.measured(lua)?.0.count(&name, by);
    Ok(())
}

fn log(context: &Context, lua: &Lua, (level, Text(text)): (u8, Text)) -> mlua::Result<()> {
    let level = match level {
        1 => Level::Debug,
        2 => Level::Info,
        3 => Level::Warn,
        _ => Level::Error,
    };
    let Some(desk) = &context.shared.desk else {
        if let Some(board) = Board::of(lua) {
            board.log(level, text);
        }
        return Ok(());
    };
    let current = context.shared.current.get();
    let robot = (!current.robot.is_null()).then_some(current.robot);
    let module = context.vm.loaded().and_then(|loaded| loaded.program.mods.get(current.module));
    desk.log(robot, level, module.map_or("", |module| &module.name), &text);
    Ok(())
}
