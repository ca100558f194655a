//! What the core has queued for the host, done in order.

use super::Shard;
use crate::core::{Begun, Event, Ready};
use crate::host::{Host, Outcome, Routine};
use crate::id::{OperationKey, RobotKey};
use throng_wire::Nanos;

/// Robots whose tasks' `when` is asked for one slot; then it waits for the next occasion.
const MOST_ASKED: usize = 16;

impl<H: Host> Shard<H> {
    /// Does for the host what was queued, in order.
    #[inline]
    pub(super) fn run_events(&mut self) {
        if !self.core.borrow().events.is_empty() {
            self.run_all_events();
        }
    }

    #[inline(never)]
    fn run_all_events(&mut self) {
        loop {
            let event = self.core.borrow_mut().events.pop_front();
            let Some(event) = event else { return };
            self.run_event(event);
        }
    }

    fn run_event(&mut self, event: Event) {
        match event {
            Event::Born(robot) => {
                let id = self.core.borrow().robots.get(robot).map(|slot| slot.id);
                if let Some(id) = id {
                    let born = self.host.born(robot, id);
                    self.core.borrow_mut().born(robot, born);
                }
            }
            Event::Begin(activity, routine) => {
                let begun =
                    self.core.borrow().activities.get(activity).map(|begun| (begun.robot, begun.intended));
                if let Some((robot, intended)) = begun {
                    if intended == 0 {
                        return self.host.begin(robot, activity, routine.borrow());
                    }
                    self.intend(intended);
                    self.host.begin(robot, activity, routine.borrow());
                    self.intend(0);
                }
            }
            Event::Resume(operation, outcome) => self.resume(operation, &outcome),
            Event::Abandon(activity) => self.host.abandon(activity),
            Event::Pick(robot) => self.pick(robot),
            Event::Slots => self.hand_out(),
            Event::Beat(connection, message) => self.beat(connection, message),
            Event::Seal(connection) => self.seal(connection),
            Event::Close(connection) => self.core.borrow_mut().close(connection),
            Event::Ended(connection) => self.host.ended(connection),
            Event::NotReady(robot) => self.not_ready(robot),
            Event::Forget(robot, next) => {
                self.host.forget(robot);
                self.core.borrow_mut().forgotten(robot, next);
            }
        }
    }

    fn resume(&mut self, operation: OperationKey, outcome: &Ready) {
        let connection = self.core.borrow().operations.get(operation).map(|slot| slot.connection);
        let concluded = self.core.borrow_mut().conclude(operation, outcome);
        let Some(connection) = connection.filter(|_| concluded) else { return };
        match outcome {
            Ready::Elapsed => self.host.resume(operation, Outcome::Elapsed),
            Ready::Beat { intended } => {
                self.intend(*intended);
                self.host.resume(operation, Outcome::Elapsed);
                self.intend(0);
            }
            Ready::Woken => self.host.resume(operation, Outcome::Woken),
            Ready::Connected(opened) => self.host.resume(operation, Outcome::Connected(*opened)),
            Ready::Responded(response) => self.host.resume(operation, Outcome::Responded(response)),
            Ready::Failed(failure) => self.host.resume(operation, Outcome::Failed(failure)),
            Ready::Bytes { count, trimmed } => {
                let mut bytes = std::mem::take(&mut self.spill);
                self.core.borrow_mut().take_stream(connection, *count, &mut bytes);
                let wanted = bytes.len().saturating_sub(*trimmed);
                self.host.resume(operation, Outcome::Bytes(&bytes[..wanted]));
                self.spill = bytes;
                let mut core = self.core.borrow_mut();
                core.end_if_read_out(connection);
                if core.unpause(connection) {
                    self.again.push(connection);
                }
            }
        }
    }

    /// The first request that is issued from now on should have been issued at `at`; 0 is no time.
    fn intend(&self, at: Nanos) {
        self.core.borrow_mut().intended = at;
    }

    /// Picks a robot's next task by weight among those whose `when` holds.
    fn pick(&mut self, robot: RobotKey) {
        match self.choose(robot) {
            Some(task) => self.core.borrow_mut().begin_task(robot, task),
            None => self.core.borrow_mut().nothing_to_pick(robot),
        }
    }

    /// A task by weight among those whose `when` holds.
    fn choose(&mut self, robot: RobotKey) -> Option<usize> {
        let mut refused: Vec<usize> = Vec::new();
        loop {
            let task = self.core.borrow_mut().draw_task(robot, &refused)?;
            if self.allows(robot, task) {
                return Some(task);
            }
            refused.push(task);
        }
    }

    fn allows(&mut self, robot: RobotKey, task: usize) -> bool {
        let core = self.core.borrow();
        let (plays, conditional) = (core.plays(robot, task), core.program.tasks[task].conditional);
        drop(core);
        plays && (!conditional || self.host.allows(robot, task))
    }

    /// Gives slots of task rates to idle robots.
    fn hand_out(&mut self) {
        self.core.borrow_mut().handing_out();
        let (mut refused, mut declined) = (Vec::new(), 0);
        loop {
            let offer = self.core.borrow_mut().offer(&refused);
            let Some(offer) = offer else { return };
            let task = match offer.task {
                Some(task) => self.allows(offer.robot, task).then_some(task),
                None => self.choose(offer.robot),
            };
            if let Some(task) = task {
                declined = 0;
                self.core.borrow_mut().begin_slot(offer, task);
                continue;
            }
            let mut core = self.core.borrow_mut();
            core.decline(offer.robot);
            declined += 1;
            if declined >= core.idle_robots(&offer).min(MOST_ASKED) {
                refused.push(offer.rate);
                declined = 0;
            }
        }
    }

    fn not_ready(&mut self, robot: RobotKey) {
        let activities =
            self.core.borrow().robots.get(robot).map(|slot| slot.activities.clone()).unwrap_or_default();
        let places: Vec<String> =
            activities.into_iter().filter_map(|activity| self.host.whereabouts(activity)).collect();
        let blocked =
            if places.is_empty() { "`ready()` was not called".to_owned() } else { places.join("; ") };
        self.core.borrow_mut().not_ready(robot, &blocked);
    }
}

impl Begun {
    fn borrow(&self) -> Routine<'_> {
        match self {
            Begun::Start { module } => Routine::Start { module: *module },
            Begun::Task { task } => Routine::Task { task: *task },
            Begun::Step { task, step } => Routine::Step { task: *task, step: *step },
            Begun::Stop { module } => Routine::Stop { module: *module },
            Begun::Closed { module, connection, why } => {
                Routine::Closed { module: *module, connection: *connection, why }
            }
        }
    }
}
