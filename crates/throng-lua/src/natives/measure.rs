//! Measuring and telling: checks, failures, times, counters, the log and the clocks.

use super::{Context, Natives, Refused, Text};
use crate::duration;
use crate::values::Shown;
use mlua::{Lua, Value};
use slotmap::Key;
use std::time::Duration;
use throng_engine::{Failure, Level};
use throng_metrics::FailureKind;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.may_refuse("check", |context, _, (Text(name), passed): (Text, bool)| {
        context.robot()?.0.check(&name, passed);
        Ok(())
    })?;
    natives.plain("fail", fail)?;
    natives.may_refuse("record", |context, _, (Text(name), time): (Text, Value)| {
        context.robot()?.0.record(&name, duration::from_lua(&time)?);
        Ok(())
    })?;
    natives.may_refuse("count", count)?;
    natives.plain("log", log)?;
    natives.plain("now", |context, _, ()| Ok(context.nanoseconds() as f64 / 1e9))?;
    natives.plain("nanoseconds", |context, _, ()| Ok(context.nanoseconds()))?;
    natives.may_refuse("record_nanoseconds", |context, _, (Text(name), time): (Text, u64)| {
        context.robot()?.0.record(&name, Duration::from_nanos(time));
        Ok(())
    })?;
    natives.plain("time", |context, _, ()| {
        Ok(context.shared.desk.as_ref().map_or(0.0, |desk| desk.wall().as_secs_f64()))
    })
}

impl Context {
    fn nanoseconds(&self) -> u64 {
        self.shared.desk.as_ref().map_or(0, |desk| desk.now())
    }
}

/// The failure that a script declares, counted with its fields as the sample.
fn fail(context: &Context, lua: &Lua, (Text(text), fields): (Text, Value)) -> mlua::Result<Value> {
    let shown = Shown { redaction: &context.shared.project.redaction };
    let sample = (!fields.is_nil()).then(|| shown.text(&fields));
    match context.robot() {
        Ok((desk, robot)) => desk.fail(robot, FailureKind::Fail, &text, &text, sample.as_deref()),
        Err(refused) => return context.refusal(lua, refused),
    }
    let failure = Failure {
        kind: FailureKind::Fail,
        name: text.as_str().into(),
        connection: None,
        elapsed: Duration::ZERO,
        text: text.into(),
    };
    let value = context.refusal(lua, failure.into())?;
    if let (Value::Table(failure), Value::Table(_)) = (&value, &fields) {
        failure.raw_set("fields", fields)?;
    }
    Ok(value)
}

fn count(context: &Context, _: &Lua, (Text(name), by): (Text, Value)) -> Result<(), Refused> {
    let by = match by {
        Value::Nil => 1,
        Value::Integer(by) => u64::try_from(by).map_err(|_| "count adds a whole number, 0 or more")?,
        _ => return Err("count adds a whole number, 0 or more".into()),
    };
    context.robot()?.0.count(&name, by);
    Ok(())
}

fn log(context: &Context, _: &Lua, (level, Text(text)): (u8, Text)) -> mlua::Result<()> {
    let Some(desk) = &context.shared.desk else { return Ok(()) };
    let current = context.shared.current.get();
    let level = match level {
        1 => Level::Debug,
        2 => Level::Info,
        3 => Level::Warn,
        _ => Level::Error,
    };
    let robot = (!current.robot.is_null()).then_some(current.robot);
    let module = context.vm.loaded().and_then(|loaded| loaded.program.mods.get(current.module));
    desk.log(robot, level, module.map_or("", |module| &module.name), &text);
    Ok(())
}
