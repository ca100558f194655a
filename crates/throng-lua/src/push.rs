//! Messages that no request waited for: who listens, and in which order they hear.
//!
//! First watches and expects, the oldest first: each watch gets the message, and of the expects that want it the oldest.
//! Then all handlers, in the order of their mods. The message is decoded once, and only if someone listens.

use crate::codec::Decoded;
use crate::fields;
use crate::host::LuaHost;
use crate::own::Undecodable;
use crate::run::{Entry, lua_index};
use crate::state::{Asked, FiberKey, Origin, Queue, Queued, number_of};
use crate::vm::Vm;
use mlua::{IntoLua, Lua, Table, Value};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::{ConnectionKey, Failure, Incoming, Question, RobotKey, Uncaught};
use throng_metrics::FailureKind;
use throng_wire::{Direction, MessageId, Protocol};

/// Handlers of one robot that may run or wait at the same time.
const HANDLERS: usize = 64;
/// Messages that a watch keeps for later.
const QUEUED: usize = 1024;

/// The handlers of each message, found out once a protocol.
#[derive(Default)]
pub(crate) struct Listeners {
    protocols: RefCell<Vec<ProtocolListeners>>,
}

struct ProtocolListeners {
    protocol: Arc<Protocol>,
    messages: Vec<Option<Rc<[usize]>>>,
}

/// A watch that wants a message.
#[derive(Debug, Clone, Copy)]
struct Interest {
    id: i64,
    filtered: bool,
    once: bool,
    fiber: FiberKey,
}

/// A message and the fields of its headers and trailers, which the prelude takes apart.
fn with_fields(lua: &Lua, value: &Value, message: &Incoming<'_>) -> mlua::Result<Value> {
    let fields = fields::table(lua, message.protocol, message.payload, Direction::Received)?;
    let both = lua.create_table()?;
    both.raw_set("message", value)?;
    both.raw_set("fields", fields)?;
    Ok(Value::Table(both))
}

impl LuaHost {
    /// Gives a message to those who listen; whether anyone did.
    pub(crate) fn deliver(&self, robot: RobotKey, connection: ConnectionKey, message: &Incoming<'_>) -> bool {
        let interests = self.interests(robot, connection, message.message);
        let handlers = self.handlers_of(robot, connection, message);
        if self.is_halted(robot) || interests.is_empty() && handlers.is_empty() {
            return false;
        }
        let Some(vm) = self.vm_of(robot) else { return false };
        let asked = self.desk.question().map(|question| self.asked(question, message));
        let value = match self.decode(vm, message, Some((robot, connection))) {
            Ok(Decoded { value, unknown }) => {
                self.count_unknown(message, unknown);
                value
            }
            Err(error) => {
                self.count_undecodable(robot, connection, message, &error);
                return true;
            }
        };
        self.offer_to_watches(vm, robot, connection, &interests, &value, message);
        for handler in handlers.iter() {
            if self.is_halted(robot) {
                break;
            }
            let queued = Queued { id: 0, connection, asked: asked.clone() };
            let value = match self.loaded.handlers[*handler].header {
                false => value.clone(),
                true => with_fields(&vm.lua, &value, message).unwrap_or(Value::Nil),
            };
            self.handle(robot, *handler, value, queued, message);
        }
        true
    }

    /// What the server asks with a message, for all its handlers together.
    fn asked(&self, question: Question, message: &Incoming<'_>) -> Rc<Asked> {
        let name = self.message_name(message).into();
        Rc::new(Asked { question, name, answered: Cell::new(false) })
    }

    fn vm_of(&self, robot: RobotKey) -> Option<&Vm> {
        let index = self.shared.robots.borrow().get(robot)?.vm;
        Some(&self.vms[index])
    }

    fn message_name(&self, message: &Incoming<'_>) -> String {
        message.message.map_or_else(String::new, |id| message.protocol.message_name(id).to_owned())
    }

    fn interests(
        &self,
        robot: RobotKey,
        connection: ConnectionKey,
        message: Option<MessageId>,
    ) -> Vec<Interest> {
        let robots = self.shared.robots.borrow();
        let Some(robot) = robots.get(robot) else { return Vec::new() };
        let wants =
            |messages: &[MessageId]| messages.is_empty() || message.is_some_and(|id| messages.contains(&id));
        let wanting =
            robot.watches.iter().filter(|watch| watch.connection == connection && wants(&watch.messages));
        let interest = wanting.map(|watch| Interest {
            id: watch.id,
            filtered: watch.filtered,
            once: watch.once,
            fiber: watch.fiber,
        });
        interest.collect()
    }

    /// The handlers of a message, by connection where they say so.
    fn handlers_of(&self, robot: RobotKey, connection: ConnectionKey, message: &Incoming<'_>) -> Rc<[usize]> {
        let all = self.listeners.of(message, |name| self.handlers_by_name(name));
        let all = self.of_scenario(robot, all);
        if all.iter().all(|handler| self.loaded.handlers[*handler].connection.is_none()) {
            return all;
        }
        let name = self.desk.facts(connection).filter(|facts| facts.robot == robot).map(|facts| facts.name);
        let fits = |handler: &&usize| match &self.loaded.handlers[**handler].connection {
            Some(wanted) => name.as_deref() == Some(&**wanted),
            None => true,
        };
        all.iter().filter(fits).copied().collect()
    }

    /// Those of the mods that the robot has.
    fn of_scenario(&self, robot: RobotKey, handlers: Rc<[usize]>) -> Rc<[usize]> {
        let has = |handler: &usize| self.desk.has_mod(robot, self.loaded.handlers[*handler].module);
        if self.loaded.program.scenarios.is_empty() || handlers.iter().all(has) {
            return handlers;
        }
        handlers.iter().copied().filter(has).collect()
    }

    fn handlers_by_name(&self, name: &str) -> Rc<[usize]> {
        let of = |name: &str| self.loaded.by_message.get(name).into_iter().flatten().copied();
        let mut handlers: Vec<usize> = of(name).chain(of(crate::natives::ANY)).collect();
        handlers.sort_unstable();
        handlers.into()
    }

    fn offer_to_watches(
        &self,
        vm: &Vm,
        robot: RobotKey,
        connection: ConnectionKey,
        interests: &[Interest],
        value: &Value,
        message: &Incoming<'_>,
    ) {
        if interests.is_empty() {
            return;
        }
        let name = self.message_name(message);
        let mut expected = false;
        for interest in interests {
            if interest.once && (expected || interest.fiber == FiberKey::default()) {
                continue;
            }
            if self.is_halted(robot)
                || !self.is_armed(robot, interest.id)
                || !self.accepts(robot, interest, value)
                // The question itself may have closed the watch.
                || !self.is_armed(robot, interest.id)
            {
                continue;
            }
            expected |= interest.once;
            self.offer(vm, robot, connection, interest, value, &name);
        }
    }

    fn is_armed(&self, robot: RobotKey, id: i64) -> bool {
        let robots = self.shared.robots.borrow();
        robots.get(robot).is_some_and(|robot| robot.watches.iter().any(|watch| watch.id == id))
    }

    fn accepts(&self, robot: RobotKey, interest: &Interest, value: &Value) -> bool {
        if !interest.filtered {
            return true;
        }
        let arguments = (Value::Integer(interest.id), value.clone(), Value::Nil);
        match self.ask(robot, usize::MAX, Entry::Where, arguments) {
            Ok(accepted) => accepted == Value::Boolean(true),
            Err(Uncaught::Script(error)) => {
                self.desk.script_error(robot, &error);
                false
            }
            Err(Uncaught::Counted(_)) => false,
        }
    }

    fn offer(
        &self,
        vm: &Vm,
        robot: RobotKey,
        connection: ConnectionKey,
        interest: &Interest,
        value: &Value,
        name: &str,
    ) {
        let name = name.into_lua(&vm.lua).unwrap_or(Value::Nil);
        if interest.once {
            self.shared.disarm(robot, interest.id);
            let _ = vm.prelude().watches.raw_set(interest.id, Value::Nil);
            return self.wake_watcher(interest.fiber, value.clone(), name);
        }
        match vm.prelude().offer.call::<bool>((interest.id, value, name, QUEUED)) {
            Ok(false) => {}
            Ok(true) => {
                let text = format!("a watch keeps {QUEUED} messages; the oldest was dropped");
                self.overflow(robot, connection, "watch", &text);
            }
            Err(error) => self.tolerate(robot, Err(error)),
        }
        let fiber = self.take_watcher(robot, interest.id);
        self.wake_watcher(fiber, Value::Nil, Value::Nil);
    }

    /// The fiber that waits for a watch's message, if one does; it will wait no more.
    fn take_watcher(&self, robot: RobotKey, id: i64) -> FiberKey {
        let mut robots = self.shared.robots.borrow_mut();
        let watch =
            robots.get_mut(robot).and_then(|robot| robot.watches.iter_mut().find(|watch| watch.id == id));
        watch.map(|watch| std::mem::take(&mut watch.fiber)).unwrap_or_default()
    }

    /// Resumes a fiber that waits for a message, at once: it must run before the next message is looked at.
    fn wake_watcher(&self, fiber: FiberKey, value: Value, name: Value) {
        let waiting = self.shared.fibers.borrow_mut().get_mut(fiber).and_then(|fiber| fiber.waiting.take());
        let Some(waiting) = waiting else { return };
        self.shared.operations.borrow_mut().remove(waiting.operation);
        self.desk.cancel(waiting.operation);
        self.resume_fiber(fiber, (true, value, name));
    }

    /// Begins a handler, or lets its message wait for its turn.
    fn handle(&self, robot: RobotKey, handler: usize, value: Value, queued: Queued, message: &Incoming<'_>) {
        let connection = queued.connection;
        let queue = self.loaded.handlers[handler].queue;
        let crowded = self.shared.is_crowded(robot);
        let taken = match self.shared.robots.borrow_mut().get_mut(robot) {
            None => return,
            Some(robot) if crowded || robot.handlers >= HANDLERS => Taken::Dropped,
            Some(robot) => {
                robot.handlers += 1;
                if queue {
                    let id = self.shared.new_id();
                    queue_up(&mut robot.queues, handler, Queued { id, ..queued })
                } else {
                    Taken::Begins(queued)
                }
            }
        };
        match taken {
            Taken::Begins(queued) => self.begin_handler(robot, handler, value, queued),
            Taken::Waits(id) => {
                self.tolerate(robot, self.queued_of(robot, |queued| queued.raw_set(id, value)))
            }
            Taken::Dropped => {
                let text = format!(
                    "too many handlers run or wait (more than {HANDLERS} of the robot's); a push was dropped"
                );
                self.overflow(robot, connection, &self.message_name(message), &text);
            }
        }
    }

    fn begin_handler(&self, robot: RobotKey, handler: usize, value: Value, queued: Queued) {
        let module = self.loaded.handlers[handler].module;
        let arguments = (lua_index(handler), value, Value::Integer(number_of(queued.connection)));
        let key = self.shared.add_fiber(robot, module, Origin::Handler { handler });
        if let Some(asked) = queued.asked
            && let Some(fiber) = self.shared.fibers.borrow_mut().get_mut(key)
        {
            fiber.asked = Some(asked);
        }
        self.launch(key, Entry::Handler, arguments);
    }

    /// A handler has ended: the next message of its queue has its turn.
    pub(crate) fn next_queued(&self, robot: RobotKey, handler: usize) {
        if !self.loaded.handlers[handler].queue {
            return;
        }
        let next = {
            let mut robots = self.shared.robots.borrow_mut();
            let Some(robot) = robots.get_mut(robot) else { return };
            let halted = robot.is_halted();
            let Some(queue) = robot.queues.iter_mut().find(|queue| queue.handler == handler) else { return };
            let next = if halted { None } else { queue.messages.pop_front() };
            queue.busy = next.is_some();
            next
        };
        if let Some(next) = next {
            let taken = self.queued_of(robot, |queued| {
                let value: Value = queued.raw_get(next.id)?;
                queued.raw_set(next.id, Value::Nil)?;
                Ok(value)
            });
            self.begin_handler(robot, handler, taken.unwrap_or(Value::Nil), next);
        }
    }

    /// Does something with the messages that wait in Lua: a reference of mlua's for each would be too many.
    fn queued_of<T>(&self, robot: RobotKey, act: impl FnOnce(&Table) -> mlua::Result<T>) -> mlua::Result<T> {
        match self.vm_of(robot) {
            Some(vm) => act(&vm.prelude().queued),
            None => Err(mlua::Error::runtime("the robot is gone")),
        }
    }

    fn overflow(&self, robot: RobotKey, connection: ConnectionKey, name: &str, text: &str) {
        let overflow = throng_metrics::Failure { kind: FailureKind::Overflow, name, message: text };
        self.desk.fail_on(connection, robot, overflow, None);
    }

    fn count_undecodable(
        &self,
        robot: RobotKey,
        connection: ConnectionKey,
        message: &Incoming<'_>,
        error: &Undecodable,
    ) {
        let name = self.message_name(message);
        let said = (message.body, error.traceback.as_str());
        self.desk.push_undecodable(connection, robot, (&name, &error.text), said);
    }

    /// Fields of a message that its schema does not know: no failure, but worth a number.
    pub(crate) fn count_unknown(&self, message: &Incoming<'_>, count: u32) {
        if count > 0 {
            self.desk.count(&format!("unknown_fields {}", self.message_name(message)), count.into());
        }
    }

    /// The failure of a request whose reply does not fit its schema.
    pub(crate) fn undecodable(
        &self,
        fiber: FiberKey,
        message: &Incoming<'_>,
        elapsed: Duration,
        error: Undecodable,
    ) -> Failure {
        let name = match message.request {
            Some(request) => message.protocol.message_name(request).to_owned(),
            None => self.message_name(message),
        };
        let robot = self.shared.fibers.borrow().get(fiber).map(|fiber| fiber.robot);
        if let Some(robot) = robot {
            let said = (message.body, error.traceback.as_str());
            self.desk.reply_undecodable(robot, (&name, &error.text), said);
        }
        let (name, text) = (name.into(), error.text.into());
        Failure { kind: FailureKind::Decode, name, connection: None, elapsed, text, code: None }
    }
}

enum Taken {
    Begins(Queued),
    /// In its queue, under this number.
    Waits(i64),
    Dropped,
}

fn queue_up(queues: &mut Vec<Queue>, handler: usize, queued: Queued) -> Taken {
    let index = match queues.iter().position(|queue| queue.handler == handler) {
        Some(index) => index,
        None => {
            queues.push(Queue { handler, busy: false, messages: VecDeque::new() });
            queues.len() - 1
        }
    };
    let queue = &mut queues[index];
    if queue.busy {
        let id = queued.id;
        queue.messages.push_back(queued);
        return Taken::Waits(id);
    }
    queue.busy = true;
    Taken::Begins(queued)
}

impl Listeners {
    /// The handlers of a message, asked for by name the first time.
    fn of(&self, message: &Incoming<'_>, by_name: impl Fn(&str) -> Rc<[usize]>) -> Rc<[usize]> {
        let Some(id) = message.message else { return by_name("") };
        let mut protocols = self.protocols.borrow_mut();
        let known = protocols.iter().position(|known| Arc::ptr_eq(&known.protocol, message.protocol));
        let index = known.unwrap_or_else(|| {
            protocols.push(ProtocolListeners { protocol: message.protocol.clone(), messages: Vec::new() });
            protocols.len() - 1
        });
        let messages = &mut protocols[index].messages;
        let place = id.0 as usize;
        if messages.len() <= place {
            messages.resize(place + 1, None);
        }
        messages[place].get_or_insert_with(|| by_name(message.protocol.message_name(id))).clone()
    }
}
