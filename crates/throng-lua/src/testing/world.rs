//! One test's world: its shard, its clock, its servers, and the coroutine in which the test's function runs.
//!
//! The function yields a [`Wish`]; the world grants it and resumes the function. Between, turns of the shard and the servers'
//! handlers take turns until nothing is left to happen at a moment, and the clock jumps to the next.

use super::TestPlan;
use super::chunks::{self, TestFile};
use super::dialect::Part;
use super::failure::Trouble;
use super::natives::{self, Context, Dialects};
use super::options;
use super::servers::{Heard, Servers, Speech};
use super::stand::{Stand, Wish};
use super::timeline::Writer;
use crate::control::Control;
use crate::error::LoadError;
use crate::host::LuaHost;
use crate::natives::source_place;
use crate::project::{LuaProject, OptionValue, StrayFields};
use crate::run::Entry;
use crate::state::{Current, Shared};
use crate::vm::{Turn, Vm};
use mlua::{Function, IntoLuaMulti, Table, Thread, Value};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use throng_engine::{
    Clock, Desired, HttpQuestion, Incoming, MemoryNet, Phase, Schedule, Shard, ShardConfig, ShardShare,
    Uncaught, units,
};
use throng_metrics::Recorder;
use throng_wire::{MessageId, Nanos};

/// What tests see.
const TESTING: &str = include_str!("testing.lua");
/// Turns at one moment after which robots and servers are taken to answer each other for ever.
const TURNS: u32 = 10_000;

/// Values of options that a test has asked for, call by call.
pub(super) type Asked = Vec<Vec<(String, OptionValue)>>;

/// A world before or while its test runs.
pub(super) struct World {
    shard: Shard<LuaHost>,
    /// A world is a run: it has the functions of one, if the project does.
    control: Option<Control>,
    stand: Rc<Stand>,
    net: MemoryNet,
    clock: Clock,
    plan: Arc<TestPlan>,
    asked: Asked,
    began: Instant,
}

/// A test of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) line: u32,
}

/// How a test's function ended.
pub(super) enum End {
    Passed,
    Failed(Trouble),
    /// The world is to be made anew with these options.
    Again(Asked),
}

impl World {
    /// A new world with the mods and `file` loaded.
    pub(super) fn open(
        plan: &Arc<TestPlan>,
        dialects: &Dialects,
        file: &TestFile,
        asked: Asked,
    ) -> Result<World, LoadError> {
        let net = MemoryNet::new();
        let clock = Clock::stopped();
        let mut project = options::applied(&plan.project, &asked);
        project.stray_fields = StrayFields::Refuse;
        let project = Arc::new(project);
        let settings = plan.settings.clone();
        let config = ShardConfig { settings, share: ShardShare { index: 0, count: 1 }, clock: clock.clone() };
        let seed = plan.settings.seed;
        let mut shard = Shard::in_memory(config, net.clone(), |desk| LuaHost::new(project.clone(), desk))?;
        let control = match shard.host().loaded.run_functions.is_empty() {
            true => None,
            false => Control::load(project, clock.clone(), seed)?,
        };
        let stand = Rc::new(Stand::new(Servers::new(net.clone())));
        stand.options.replace(asked.clone());
        stand.timeline.borrow_mut().set_redaction(&plan.project.redaction);
        shard.set_tracer(Box::new(Writer(stand.timeline.clone())));
        let plan = plan.clone();
        let world = World { shard, control, stand, net, clock, plan, asked, began: Instant::now() };
        world.load(dialects, file)?;
        Ok(world)
    }

    fn load(&self, dialects: &Dialects, file: &TestFile) -> Result<(), LoadError> {
        let broken = |error: mlua::Error| LoadError::new(&*file.shown, None, error.to_string());
        let vm = self.vm();
        let context = Context {
            stand: self.stand.clone(),
            shared: self.shared().clone(),
            vm: vm.state.clone(),
            plan: self.plan.clone(),
            dialects: dialects.clone(),
        };
        let prelude = &vm.prelude().table;
        let natives = natives::table(&vm.lua, context).map_err(broken)?;
        vm.lua.load(TESTING).set_name("=throng/testing").call::<()>((prelude, natives)).map_err(broken)?;
        let environment: Table = prelude.raw_get("test_environment").map_err(broken)?;
        let chunk: Function = chunks::load(&vm.lua, file, &environment)?;
        let arguments = (Entry::Load as i64, 0, "load_tests", chunk, Value::Nil);
        match vm.call(self.shared(), Current::nothing(), arguments) {
            Ok(_) => Ok(()),
            Err(Uncaught::Script(error)) => Err(LoadError::from_lua(&file.shown, &error.message)),
            Err(Uncaught::Counted(text)) => Err(LoadError::from_lua(&file.shown, &text)),
        }
    }

    /// The tests that the file declared, in order.
    pub(super) fn tests(&self) -> Vec<Declared> {
        let tests: mlua::Result<Table> = self.vm().prelude().table.raw_get("tests");
        let rows = tests.into_iter().flat_map(|tests| tests.sequence_values::<Table>().collect::<Vec<_>>());
        let declared =
            |row: Table| Some(Declared { name: row.raw_get("name").ok()?, line: row.raw_get("line").ok()? });
        rows.filter_map(|row| declared(row.ok()?)).collect()
    }

    /// Runs the `index`th test to its end.
    pub(super) fn run(&mut self, index: usize) -> End {
        let thread = match self.vm().take_thread() {
            Ok(thread) => thread,
            Err(error) => return End::Failed(Trouble::new(&error.to_string(), "")),
        };
        let end = self.play(&thread, index);
        if matches!(end, End::Again(_)) {
            return end;
        }
        self.take_report();
        self.stop_run();
        match end {
            End::Passed => self.verdict(),
            other => other,
        }
    }

    fn play(&mut self, thread: &Thread, index: usize) -> End {
        let mut turn = self.resume(thread, (Entry::Load as i64, 0, "run_test", index as i64 + 1, Value::Nil));
        loop {
            match turn {
                Turn::Done(_) => return End::Passed,
                Turn::Failed(uncaught) => return End::Failed(trouble_of(uncaught)),
                Turn::Broken(error) => return End::Failed(Trouble::new(&error.message, &error.traceback)),
                Turn::Blocked => {}
            }
            let wish = self.stand.wish.take();
            match wish {
                Some(Wish::Advance(time)) => {
                    if let Err(trouble) = self.advance(time) {
                        return End::Failed(trouble.or_at(source_place(thread)));
                    }
                }
                Some(Wish::Options(options)) => {
                    let mut asked = self.asked.clone();
                    asked.push(options);
                    return End::Again(asked);
                }
                None => debug_assert!(false, "a test's function waits only for a wish"),
            }
            turn = self.resume(thread, (true, Value::Nil, Value::Nil));
        }
    }

    fn resume(&self, thread: &Thread, arguments: impl IntoLuaMulti) -> Turn {
        self.stand.in_test.set(true);
        let turn = self.vm().run(self.shared(), thread, Current::nothing(), arguments);
        self.stand.in_test.set(false);
        turn
    }

    /// A test that ran to its end passes, unless a robot's script failed and the test did not look.
    fn verdict(&self) -> End {
        match self.stand.unexpected_errors().first() {
            None => End::Passed,
            Some(error) => End::Failed(Trouble::new(&error.message, &error.traceback)),
        }
    }

    /// Lets `time` pass.
    fn advance(&mut self, time: Duration) -> Result<(), Trouble> {
        let until = self.clock.now().saturating_add(nanos(time));
        let limit = self.plan.limits.virtual_time;
        if until > nanos(limit) {
            return Err(Trouble::new(
                &format!("the test goes on for more than {} of its world's time", units::display(limit)),
                "",
            ));
        }
        self.stand.servers.borrow_mut().listen();
        if !self.stand.begun.replace(true) {
            self.start_run()?;
        }
        let planned = self.stand.robots.borrow().planned;
        let schedule = Schedule::constant(planned, f64::INFINITY, None);
        self.shard.want(Desired { schedule, begun: Duration::ZERO, phase: Phase::Play });
        let passed = self.pass(until);
        self.take_report();
        passed
    }

    /// Calls the project's functions for the start of a run; an error of theirs ends a run, and so the test.
    fn start_run(&mut self) -> Result<(), Trouble> {
        let Some(control) = &self.control else { return Ok(()) };
        let started = control.start();
        self.stand.log.borrow_mut().extend(control.take_log().0);
        started.map_err(|error| {
            // What never began has no end.
            self.control = None;
            Trouble::new(&error.message, &error.traceback)
        })
    }

    /// The same for its end; errors are counted as scripts' errors.
    fn stop_run(&self) {
        let Some(control) = self.control.as_ref().filter(|_| self.stand.begun.get()) else { return };
        let mut recorder = Recorder::default();
        for error in control.stop() {
            recorder.traceback(&error.message, &error.traceback);
        }
        self.stand.log.borrow_mut().extend(control.take_log().0);
        self.stand.totals.borrow_mut().merge(&recorder.take());
    }

    /// Books what the shard has recorded since the last time.
    fn take_report(&mut self) {
        let report = self.shard.report(false);
        self.stand.totals.borrow_mut().merge(&report.delta);
        self.stand.log.borrow_mut().extend(report.log);
    }

    /// Moment after moment until `until`.
    fn pass(&mut self, until: Nanos) -> Result<(), Trouble> {
        loop {
            self.settle()?;
            let now = self.clock.now();
            if now >= until {
                return Ok(());
            }
            let robots = now.saturating_add(nanos(self.shared().idle.get()));
            let servers = self.stand.servers.borrow().next_due().unwrap_or(Nanos::MAX);
            self.clock.advance(robots.min(servers).min(until).max(now + 1));
        }
    }

    /// Turns at this moment until robots and servers have nothing left to say. The last one brings nothing new, so that
    /// what it knows of the next deadline holds.
    fn settle(&mut self) -> Result<(), Trouble> {
        let mut quiet = 0;
        for _ in 0..TURNS {
            let limit = self.plan.limits.real_time;
            if self.began.elapsed() > limit {
                return Err(Trouble::new(&format!("the test takes more than {}", units::display(limit)), ""));
            }
            let now = self.clock.now();
            self.shard.turn(Some(now)).map_err(|error| Trouble::new(&error.to_string(), ""))?;
            self.stand.look_at_robots(self.shared());
            let busy = self.serve(now)? || !self.net.is_quiet() || self.shared().idle.get().is_zero();
            quiet = if busy { 0 } else { quiet + 1 };
            if quiet == 2 {
                return Ok(());
            }
        }
        let text = "time stands still: robots and servers answer each other without end at one moment; \
                    let a robot wait, or give a reply a delay: return reply, \"1ms\"";
        Err(Trouble::new(text, ""))
    }

    /// Lets the servers hear what came and say what is due; whether there was anything.
    fn serve(&self, now: Nanos) -> Result<bool, Trouble> {
        let mut busy = self.stand.servers.borrow_mut().send_due(now);
        while let Some(question) = self.net.next_http() {
            busy = true;
            self.ask(&question)?;
        }
        while let Some(event) = self.net.next() {
            busy = true;
            let taken = self.stand.servers.borrow_mut().take_in(event);
            let Some((client, heard)) = taken else { continue };
            if let Some(heard) = heard {
                self.tell(client, heard)?;
            }
            while let Some(heard) = self.hear(client) {
                self.tell(client, heard)?;
            }
        }
        Ok(busy)
    }

    /// Asks the test's web servers.
    fn ask(&self, question: &HttpQuestion) -> Result<(), Trouble> {
        let question = natives::question_value(&self.vm().lua, question);
        let question = question.map_err(|error| Trouble::new(&error.to_string(), ""))?;
        let arguments = (Entry::Load as i64, 0, "asked", question, Value::Nil);
        self.vm().call(self.shared(), Current::nothing(), arguments).map(drop).map_err(trouble_of)
    }

    /// Calls what the test has for this.
    fn tell(&self, client: usize, heard: Heard) -> Result<(), Trouble> {
        let event = self.event(client, heard)?;
        let arguments = (Entry::Load as i64, 0, "heard", event, Value::Nil);
        self.vm().call(self.shared(), Current::nothing(), arguments).map(drop).map_err(trouble_of)
    }

    fn event(&self, client: usize, heard: Heard) -> Result<Table, Trouble> {
        let lua = &self.vm().lua;
        let server = self.stand.servers.borrow().client(client).server;
        let fill = |heard: Heard| -> mlua::Result<Table> {
            let event = lua.create_table()?;
            event.raw_set("server", server)?;
            event.raw_set("client", client)?;
            match heard {
                Heard::Opened => event.raw_set("kind", "opened")?,
                Heard::Ended => event.raw_set("kind", "ended")?,
                Heard::Bytes(bytes) => {
                    event.raw_set("kind", "bytes")?;
                    event.raw_set("bytes", lua.create_string(bytes)?)?;
                }
                // These are for the protocol's own functions, which have been called.
                Heard::Uncut(_) | Heard::Unread(_) => {}
                Heard::Answer { message, body } => {
                    let name = self.message_name(client, message);
                    event.raw_set("kind", "answer")?;
                    let decoded = self.decode(client, Part::Whole, (None, Some(message)), &body);
                    event.raw_set(
                        "message",
                        decoded.map_err(|error| {
                            mlua::Error::runtime(format!("the answer to {name}: {error}"))
                        })?,
                    )?;
                    event.raw_set("name", name)?;
                }
                Heard::Message(said) => {
                    event.raw_set("kind", "message")?;
                    let decoded = self.decode(client, said.part, (said.message, None), &said.body);
                    let decoded =
                        decoded.map_err(|error| mlua::Error::runtime(format!("{}: {error}", said.name)));
                    event.raw_set("message", decoded?)?;
                    event.raw_set("name", said.name)?;
                    event.raw_set("call", said.call)?;
                    event.raw_set("first", said.part == Part::First)?;
                    let header = (!said.fields.is_empty()).then(|| lua.create_table_from(said.fields));
                    event.raw_set("header", header.transpose()?)?;
                }
            }
            Ok(event)
        };
        fill(heard).map_err(|error| Trouble::new(&error.to_string(), ""))
    }

    fn message_name(&self, client: usize, message: MessageId) -> String {
        match self.stand.servers.borrow().speech_of(client) {
            Speech::Messages(dialect) => dialect.mirror.message_name(message).to_owned(),
            Speech::Stream => String::new(),
        }
    }

    /// The body of a message, or of the answer to one that the server asked with.
    fn decode(
        &self,
        client: usize,
        part: Part,
        (message, request): (Option<MessageId>, Option<MessageId>),
        body: &[u8],
    ) -> Result<Value, String> {
        let speech = self.stand.servers.borrow().speech_of(client).clone();
        let Speech::Messages(dialect) = speech else { return Ok(Value::Nil) };
        let dialect = dialect.part(part);
        let incoming = Incoming { protocol: &dialect.mirror, message, request, body, payload: body };
        if dialect.mirror.own().decode {
            return self.decode_own(client, &incoming);
        }
        self.vm().state.codec.decode(&self.vm().lua, &incoming).map(|decoded| decoded.value)
    }

    pub(super) fn stand(&self) -> &Stand {
        &self.stand
    }

    /// The project with the test's options.
    pub(super) fn project(&self) -> &LuaProject {
        &self.shared().project
    }

    /// How far the clock went.
    pub(super) fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.now())
    }

    pub(super) fn shared(&self) -> &Rc<Shared> {
        &self.shard.host().shared
    }

    /// The first state: tests have no robots for a second one.
    pub(super) fn vm(&self) -> &Vm {
        &self.shard.host().vms[0]
    }
}

fn trouble_of(uncaught: Uncaught) -> Trouble {
    match uncaught {
        Uncaught::Script(error) => Trouble::new(&error.message, &error.traceback),
        Uncaught::Counted(text) => Trouble::new(&text, ""),
    }
}

fn nanos(time: Duration) -> Nanos {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
