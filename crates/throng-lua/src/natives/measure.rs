//! Measuring and telling: checks, failures, times, counters, the log and the clocks.

use super::{Context, Natives, Refused, Text};
use crate::control::Board;
use crate::duration;
use crate::suggest;
use crate::values::{Shown, kind_of};
use mlua::{Lua, Value};
use slotmap::Key;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use throng_engine::{Desk, Failure, Group, Level, RobotKey};
use throng_metrics::FailureKind;

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.may_refuse("check", |context, lua, (Text(name), passed): (Text, bool)| {
        let (desk, _) = context.measured(lua)?;
        desk.check(context.shared.group_of(context.shared.current.get().fiber), &name, passed);
        Ok(())
    })?;
    natives.plain("fail", fail)?;
    natives.may_refuse("record", |context, lua, (Text(name), time): (Text, Value)| {
        context.measured(lua)?.0.record(&name, duration::from_lua(&time)?);
        Ok(())
    })?;
    natives.may_refuse("count", count)?;
    natives.may_refuse("enter_group", enter_group)?;
    natives.plain("leave_group", |context, _, outer: Option<u32>| {
        let shared = &context.shared;
        shared.move_to_group(shared.current.get().fiber, outer.and_then(Group::from_u32));
        Ok(())
    })?;
    natives.may_refuse("group_ran", |context, lua, (Text(name), time, failed): (Text, u64, bool)| {
        context.measured(lua)?.0.group_ran(&name, Duration::from_nanos(time), failed);
        Ok(())
    })?;
    natives.may_refuse("in_order", in_order)?;
    natives.may_refuse("gap", |context, lua, (Text(name), key): (Text, Value)| {
        let (desk, robot) = context.measured(lua)?;
        desk.gap(robot, &name, key_number(&key, "gap")?);
        Ok(())
    })?;
    natives.may_refuse("delay", delay)?;
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

/// Enters a group within the one that the fiber is in; gives that one, and the group's whole name.
fn enter_group(
    context: &Context,
    lua: &Lua,
    Text(name): Text,
) -> Result<(Option<u32>, Option<String>), Refused> {
    let (desk, _) = context.measured(lua)?;
    let (shared, fiber) = (&context.shared, context.shared.current.get().fiber);
    let outer = shared.group_of(fiber);
    let name = outer.map_or_else(|| name.clone(), |outer| format!("{}::{name}", desk.group_name(outer)));
    shared.move_to_group(fiber, Some(desk.group(&name)));
    Ok((outer.map(Group::as_u32), Some(name)))
}

fn in_order(
    context: &Context,
    lua: &Lua,
    (Text(name), number, key): (Text, Value, Value),
) -> Result<bool, Refused> {
    let whole = match number {
        Value::Integer(number) => Some(number),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9.2e18 => Some(number as i64),
        _ => None,
    };
    let Some(number) = whole else {
        return Err(format!("in_order wants a whole number, not {}", kind_of(&number)).into());
    };
    let key = key_number(&key, "in_order")?;
    let (desk, robot) = context.measured(lua)?;
    Ok(desk.in_order(robot, &name, key, number))
}

/// Units of servers' clocks, each with its microseconds; `cs` is the hundredth of a second that skynet counts in.
const UNITS: [(&str, f64); 5] = [("s", 1e6), ("ms", 1e3), ("us", 1.0), ("ns", 1e-3), ("cs", 1e4)];

fn delay(
    context: &Context,
    lua: &Lua,
    (Text(name), sent, unit, clock): (Text, Value, Option<Text>, Value),
) -> Result<(), Refused> {
    let unit = unit.map_or_else(|| "s".to_owned(), |Text(unit)| unit);
    let Some((_, scale)) = UNITS.iter().find(|(known, _)| *known == unit) else {
        return Err(suggest::unknown("unit", &unit, UNITS.iter().map(|(known, _)| *known)).into());
    };
    let sent_us = match sent {
        Value::Integer(sent) if *scale >= 1.0 => sent.saturating_mul(*scale as i64),
        Value::Integer(sent) => sent / 1_000,
        Value::Number(sent) if sent.is_finite() => (sent * scale) as i64,
        other => return Err(format!("delay wants a time as a number, not {}", kind_of(&other)).into()),
    };
    let clock = key_number(&clock, "delay")?;
    let (desk, robot) = context.measured(lua)?;
    desk.delay(robot, &name, clock, sent_us);
    Ok(())
}

/// What tells streams apart, as a number: two different keys are the same one time in 2^64.
fn key_number(key: &Value, call: &str) -> Result<u64, Refused> {
    let mut hasher = DefaultHasher::new();
    match key {
        Value::Nil => return Ok(0),
        Value::Integer(number) => (0_u8, number).hash(&mut hasher),
        Value::Number(number) => (1_u8, number.to_bits()).hash(&mut hasher),
        Value::String(text) => (2_u8, &*text.as_bytes()).hash(&mut hasher),
        other => {
            return Err(format!("{call} wants a text or a number as a key, not {}", kind_of(other)).into());
        }
    }
    Ok(hasher.finish())
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
