//! Watches and expects: messages that a script waits for beside its requests.

use super::connection::{ENDED, time_of};
use super::{Context, Natives, Refused, option, options_of};
use crate::sandbox::freeze::contents;
use crate::state::{FiberKey, Waiting, Watch, What, key_of};
use crate::suggest;
use mlua::{Lua, Table, Value};
use std::sync::Arc;
use throng_engine::{ConnectionKey, OperationKey, RobotKey};
use throng_metrics::FailureKind;
use throng_wire::{Direction, MessageId, Protocol};

/// Watches and expects of one robot at a time.
const WATCHES: usize = 256;

/// The name that stands for every message.
pub(crate) const ANY: &str = "*";

pub(super) fn add(natives: &Natives<'_>) -> mlua::Result<()> {
    natives.may_refuse("watch", watch)?;
    natives.waits("await", wait_for)?;
    natives.plain("disarm", |context, _, id: i64| {
        disarm(context, id);
        Ok(())
    })
}

/// Takes a watch away. Who waits for its next message finds it closed.
fn disarm(context: &Context, id: i64) {
    let robot = context.shared.current.get().robot;
    let waits = waiter_of(context, robot, id);
    context.shared.disarm(robot, id);
    if let (Some(operation), Some(desk)) = (waits, &context.shared.desk) {
        desk.wake(operation);
    }
}

/// What the function waits on that waits for a watch's next message.
fn waiter_of(context: &Context, robot: RobotKey, id: i64) -> Option<OperationKey> {
    let robots = context.shared.robots.borrow();
    let watch = robots.get(robot)?.watches.iter().find(|watch| watch.id == id)?;
    let fibers = context.shared.fibers.borrow();
    match fibers.get(watch.fiber)?.waiting.as_ref()? {
        Waiting { operation, what: What::Message { watch, .. } } if *watch == id => Some(*operation),
        _ => None,
    }
}

type Arming = (i64, Table, bool, bool, Value);

/// Arms a watch and gives its id.
fn watch(
    context: &Context,
    _: &Lua,
    (connection, names, filtered, once, options): Arming,
) -> Result<i64, Refused> {
    let (desk, robot) = context.robot()?;
    match once {
        true => options_of(&options, "expect", &["timeout", "where", "quiet"])?,
        false => options_of(&options, "watch", &["where"])?,
    };
    let key: ConnectionKey = key_of(connection);
    let names: Vec<String> = contents(&names)
        .sequence_values()
        .collect::<mlua::Result<_>>()
        .map_err(|_| "the names of messages are text")?;
    let Some(facts) = desk.facts(key) else {
        return Err(context.count_on(FailureKind::Closed, &names.join(", "), key, None, ENDED.to_owned()));
    };
    let Some(protocol) = facts.protocol else {
        return Err("a stream has no messages: use read_line, read_exactly and read_until".into());
    };
    let messages =
        if names.iter().any(|name| name == ANY) { Box::default() } else { ids_of(&protocol, &names)? };
    let id = context.shared.new_id();
    let mut robots = context.shared.robots.borrow_mut();
    let Some(robot) = robots.get_mut(robot) else { return Err("the robot is gone".into()) };
    // What watched a connection that has ended will hear nothing more.
    robot.watches.retain(|watch| watch.connection == key || desk.is_open(watch.connection));
    if robot.watches.len() >= WATCHES {
        return Err(format!("a robot has at most {WATCHES} watches: close() those it needs no more").into());
    }
    let fiber = FiberKey::default();
    robot.watches.push(Watch {
        id,
        connection: key,
        names: names.join(", ").into(),
        messages,
        filtered,
        once,
        fiber,
    });
    Ok(id)
}

fn ids_of(protocol: &Arc<Protocol>, names: &[String]) -> Result<Box<[MessageId]>, Refused> {
    let received = |id: &MessageId| protocol.codec.goes(*id, Direction::Received);
    let id_of = |name: &String| match protocol.message(name).filter(received) {
        Some(id) => Ok(id),
        None => {
            let known = protocol.messages().filter(|(id, _)| received(id)).map(|(_, name)| name);
            let unknown = suggest::unknown("message", name, known);
            Err(Refused::Mistake(format!("{unknown} (protocol {})", protocol.name)))
        }
    };
    names.iter().map(id_of).collect()
}

/// Waits for a watch's next message.
fn wait_for(context: &Context, lua: &Lua, (id, time, options): (i64, Value, Value)) -> Result<(), Refused> {
    let (desk, robot, fiber) = context.fiber(lua)?;
    let options = options_of(&options, "waiting for a message", &["timeout", "where", "quiet"])?;
    let quiet = option(&options, "quiet", "true or false")?.unwrap_or(false);
    let time = time_of(&time)?;
    let is_waited_for = waiter_of(context, robot, id).is_some();
    let mut robots = context.shared.robots.borrow_mut();
    let watch = robots.get_mut(robot).and_then(|robot| robot.watches.iter_mut().find(|watch| watch.id == id));
    let Some(watch) = watch else {
        drop(robots);
        return Err(context.count(
            FailureKind::Closed,
            "watch",
            None,
            "the watch or its connection is closed".to_owned(),
        ));
    };
    if is_waited_for {
        return Err(
            "another function waits for this watch's next message: give each a watch of its own".into()
        );
    }
    let (connection, once, names) = (watch.connection, watch.once, watch.names.clone());
    let Some(facts) = desk.facts(connection) else {
        drop(robots);
        return Err(context.count_on(FailureKind::Closed, &names, connection, None, ENDED.to_owned()));
    };
    watch.fiber = fiber;
    drop(robots);
    // An expect is a question, and like a request it does not wait for ever; a watch may.
    let usual = facts.protocol.filter(|_| once).map(|protocol| protocol.request_timeout);
    let operation = desk.park(robot, Some(connection), time.or(usual));
    context.shared.wait(
        fiber,
        operation,
        What::Message { watch: id, names, connection: facts.name, key: connection, once, quiet },
    );
    Ok(())
}
