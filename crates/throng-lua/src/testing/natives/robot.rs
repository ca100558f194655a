//! Robots under test.

use super::{Context, Natives};
use crate::state::slot_of;
use crate::testing::stand::has_objects;
use throng_engine::{Desk, RobotKey};

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.plain("robot", |context, _, ()| {
        let mut robots = context.stand.robots.borrow_mut();
        robots.planned += 1;
        Ok(robots.planned - 1)
    })?;
    natives.plain("phase", |context, _, id: u64| Ok(context.stand.phase_of(&context.shared, id).name()))?;
    natives.plain("slot", |context, _, id: u64| {
        let key = context.stand.robot(&context.shared, id);
        Ok(key.filter(|key| has_objects(&context.shared, *key)).map(slot_of))
    })?;
    natives.plain("connections", |context, _, id: u64| {
        let Some((desk, key)) = live(context, id) else { return Ok(Vec::new()) };
        Ok(desk.connections(key).iter().map(|name| name.to_string()).collect())
    })?;
    natives.may_refuse("restart", |context, _, id: u64| {
        let (desk, key) = live(context, id).ok_or_else(|| gone(context, id))?;
        desk.restart(key);
        Ok(())
    })?;
    natives.may_refuse("stop", |context, _, id: u64| {
        let (desk, key) = live(context, id).ok_or_else(|| gone(context, id))?;
        desk.stop(key);
        context.stand.stopping(id);
        Ok(())
    })
}

fn live(context: &Context, id: u64) -> Option<(&Desk, RobotKey)> {
    let key = context.stand.robot(&context.shared, id)?;
    Some((context.shared.desk.as_ref()?, key))
}

fn gone(context: &Context, id: u64) -> String {
    match context.stand.begun.get() {
        true => format!("the robot has ended: it is {}", context.stand.phase_of(&context.shared, id).name()),
        false => "the robot has not begun yet: let time pass with world:advance first".to_owned(),
    }
}
