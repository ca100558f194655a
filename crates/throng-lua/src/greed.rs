//! The memory limit of a Lua state: who is to blame when it is reached, and what becomes of them.
//!
//! A state over its limit is collected. What is left then is measured robot by robot, and the greediest are cut off, as many
//! as it takes: their objects are gone at once, and the engine begins or ends their lives as it does when a start fails. The
//! others run on, with room that they never see the end of.

use crate::host::LuaHost;
use crate::sandbox::reach::Reach;
use crate::state::{Course, FiberKey, Origin, Robot, number_of};
use crate::vm::Vm;
use mlua::Value;
use std::cmp::Reverse;
use std::ptr;
use throng_engine::{Level, RobotKey, ScriptError};
use throng_metrics::FailureKind;

/// The first guess at what the greedy hold, in bytes.
const SUSPICIOUS: usize = 16 << 10;
/// How often the greediest are looked for before the rest is put up with.
const ROUNDS: usize = 4;
/// The part of the limit that is to be free after the greedy are gone.
const FREED: usize = 8;
/// Who holds less than this part of what the greediest holds is not to blame beside it.
const MUCH_LESS: usize = 4;

/// A robot and the bytes it holds.
type Holding = (RobotKey, usize);

impl LuaHost {
    /// Cuts off the robots that hold most, when the state is over its limit.
    pub(crate) fn keep_within_limit(&self, vm: &Vm) {
        if vm.is_over(self.shared.project.limits.memory) {
            self.relieve(vm);
        }
    }

    fn relieve(&self, vm: &Vm) {
        let limits = &self.shared.project.limits;
        let mut used = vm.collect();
        for _ in 0..ROUNDS {
            if used <= limits.memory {
                break;
            }
            // Room for the measuring itself.
            let _ = vm.lua.set_memory_limit(0);
            let greedy = self.greediest(vm, used - limits.memory);
            if greedy.is_empty() {
                self.warn_of_nobody(used);
                break;
            }
            for (robot, held) in greedy {
                self.condemn(vm, robot, held, used);
            }
            used = vm.collect();
        }
        vm.note_relief(limits, used);
    }

    /// The robots that hold most: as few as together hold what is too much and some room, none that holds far less than the
    /// first. None at all if robots do not hold what is too much.
    fn greediest(&self, vm: &Vm, over: usize) -> Vec<Holding> {
        let excess = over + self.shared.project.limits.memory / FREED;
        let reach = self.reach(vm);
        let measure = |holdings: &mut [Holding], enough: usize| {
            for (robot, held) in holdings.iter_mut() {
                *held = reach.bytes(&self.belongings(vm, *robot), enough);
            }
            holdings.sort_by_key(|(_, held)| Reverse(*held));
        };
        let mut holdings: Vec<Holding> = self.residents(vm).into_iter().map(|robot| (robot, 0)).collect();
        let mut guess = SUSPICIOUS;
        // Few hold much: most are out of question after a short look, and nobody is looked at for long.
        loop {
            measure(&mut holdings, guess);
            let above = holdings.partition_point(|(_, held)| *held >= guess);
            if above.saturating_mul(guess) < excess {
                measure(&mut holdings[..above], excess);
                break;
            }
            holdings.truncate(above);
            guess = guess.saturating_mul(2);
        }
        let most = holdings.first().map_or(0, |(_, held)| *held);
        let mut greedy = Vec::new();
        let mut sum = 0_usize;
        for (robot, held) in holdings {
            if sum >= excess || held < most / MUCH_LESS {
                break;
            }
            sum = sum.saturating_add(held);
            greedy.push((robot, held));
        }
        if sum < over / 2 { Vec::new() } else { greedy }
    }

    fn warn_of_nobody(&self, used: usize) {
        let limit = megabytes(self.shared.project.limits.memory);
        let text = format!(
            "the scripts of a Lua state hold {}, more than {limit}, and robots hold little of it: what grows is at file level",
            megabytes(used)
        );
        self.desk.log(None, Level::Warn, "", &text);
    }

    /// The robots of a state that were not cut off already.
    fn residents(&self, vm: &Vm) -> Vec<RobotKey> {
        let index = self.vms.iter().position(|other| ptr::eq(other, vm));
        let robots = self.shared.robots.borrow();
        let resides = |robot: &Robot| Some(robot.vm) == index && robot.course != Course::Condemned;
        robots.iter().filter(|(_, robot)| resides(robot)).map(|(key, _)| key).collect()
    }

    /// What the robots of a state share; where it refers to what is theirs, the border is.
    fn reach<'vm>(&self, vm: &'vm Vm) -> Reach<'vm> {
        let prelude = vm.prelude();
        let tables = [&prelude.timers, &prelude.calls, &prelude.watches, &prelude.queued];
        let mut borders: Vec<mlua::Table> = tables.into_iter().cloned().collect();
        let names = ["robots", "connections", "states", "ciphers"];
        borders.extend(names.iter().filter_map(|name| prelude.table.raw_get(*name).ok()));
        let mut shared = vec![Value::Table(vm.lua.globals()), Value::Table(prelude.table.clone())];
        shared.extend(vm.state.names.borrow().iter().map(|names| Value::Table(names.ids.clone())));
        Reach::new(&vm.lua, &shared, &borders)
    }

    /// Where a robot's memory hangs: its objects, its blocked functions, and what it left with the prelude.
    fn belongings(&self, vm: &Vm, robot: RobotKey) -> Vec<Value> {
        let prelude = vm.prelude();
        let robots = self.shared.robots.borrow();
        let Some(place) = robots.get(robot) else { return Vec::new() };
        let mut all = Vec::new();
        let mut add = |value: mlua::Result<Value>| all.extend(value.ok().filter(|value| !value.is_nil()));
        add(prelude.table.raw_get::<mlua::Table>("robots").and_then(|robots| robots.raw_get(place.slot)));
        let connections = self.desk.connection_keys(robot);
        connections.iter().for_each(|key| add(prelude.states.raw_get(number_of(*key))));
        place.timers.iter().for_each(|key| add(prelude.timers.raw_get(number_of(*key))));
        place.watches.iter().for_each(|watch| add(prelude.watches.raw_get(watch.id)));
        let queued = place.queues.iter().flat_map(|queue| &queue.messages);
        queued.for_each(|waiting| add(prelude.queued.raw_get(waiting.id)));
        for key in &place.fibers {
            self.add_fiber_of(vm, *key, &mut add);
        }
        all
    }

    fn add_fiber_of(&self, vm: &Vm, key: FiberKey, add: &mut impl FnMut(mlua::Result<Value>)) {
        let fibers = self.shared.fibers.borrow();
        let Some(fiber) = fibers.get(key) else { return };
        if let Origin::Spawned(key) = fiber.origin {
            add(vm.prelude().calls.raw_get(number_of(key)));
        }
        if let Some(thread) = &fiber.thread {
            add(Ok(Value::Thread(thread.clone())));
        }
    }

    /// Cuts a robot off.
    fn condemn(&self, vm: &Vm, robot: RobotKey, held: usize, used: usize) {
        self.kill_all(robot, Course::Condemned);
        let slot = self.shared.robots.borrow().get(robot).map(|place| place.slot);
        if let Some(slot) = slot {
            self.drop_belongings(robot);
            let forgotten = vm.prelude().forget.call::<()>(slot);
            self.tolerate(robot, forgotten);
        }
        let message = format!(
            "cut off: held {} of the {} that the scripts of this state had taken, which may take {}",
            megabytes(held),
            megabytes(used),
            megabytes(self.shared.project.limits.memory),
        );
        let error = ScriptError { kind: FailureKind::ScriptMemory, message, traceback: String::new() };
        self.desk.break_off(robot, &error);
    }
}

fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / f64::from(1 << 20))
}
