//! One shard: a thread's readiness loop over its robots' sockets and timers.
//!
//! A turn takes commands, spawns, fires timers, flushes, waits for readiness, and hands what came to the host. The host is
//! always called with nothing borrowed, so it may use its [`Desk`].

mod ahead;
mod events;
mod own;
mod receive;
mod spawn;

use crate::clock::{Clock, after, nanos};
use crate::config::{Settings, ShardShare};
use crate::control::{Command, Desired, Phase, Report};
use crate::core::flow::WallOffset;
use crate::core::rates::Rates;
use crate::core::timers::{BATCHES, Due};
use crate::core::{Afterlife, Core};
use crate::desk::Desk;
use crate::host::{Host, OwnCut};
use crate::id::{ActivityKey, ConnectionKey, RobotKey};
use crate::net::memory::MemoryNet;
use crate::net::{Net, READ, Sockets};
use crate::poller::{Poller, Readiness};
use crate::spawning::{Spawner, scenarios_of_shards};
use crate::trace::Tracer;
use ahead::Ahead;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError};
use std::time::Duration;
use throng_metrics::{LagSource, RobotState};
use throng_wire::{Nanos, Protocol};

/// How often a shard reports.
const REPORT_BEAT: Nanos = 1_000_000_000;
/// A pause of the collector is lag from here on.
const COLLECTOR_LAG: Duration = Duration::from_micros(100);

/// A shard and its host.
pub struct Shard<H> {
    core: Rc<RefCell<Core>>,
    host: H,
    poller: Poller,
    clock: Clock,
    share: ShardShare,
    wall: WallOffset,
    buffer: Vec<u8>,
    ahead: Ahead,
    spill: Vec<u8>,
    /// Frames that the host has cut.
    cuts: Vec<OwnCut>,
    scratch: Vec<u8>,
    ready: Vec<Readiness>,
    due: Vec<(Nanos, Due)>,
    desired: Desired,
    /// The load plan at work: one for each of its crowds.
    spawners: Vec<Spawner>,
    /// Storms that have come.
    stormed: Vec<u32>,
    /// Robots that are still to be told to stop, once the run ends.
    to_stop: Option<Vec<RobotKey>>,
    next_spawn: Nanos,
    next_report: Nanos,
    stop_deadline: Option<Nanos>,
    cpu: CpuTime,
    /// When the shard last looked at its sockets.
    woke: Nanos,
    /// How long it waited then.
    waited: Nanos,
    more_due: bool,
    more_answers: bool,
    /// What each label speaks.
    protocols: Vec<Option<Arc<Protocol>>>,
    /// Connections whose reading may go on though the poller said nothing new.
    again: Vec<ConnectionKey>,
}

#[derive(Debug, Clone, Copy, Default)]
struct CpuTime {
    at: Nanos,
    used: Duration,
}

/// What a shard needs beside its host.
pub struct ShardConfig {
    /// The settings of the robots.
    pub settings: Settings,
    /// Which robots are this shard's.
    pub share: ShardShare,
    /// The run's clock.
    pub clock: Clock,
}

impl<H: Host> Shard<H> {
    /// A shard on the machine's sockets. `host` is made with the desk it will work at.
    ///
    /// # Errors
    /// The system gives no poller, or the host cannot be made.
    pub fn on_sockets<E: From<io::Error>>(
        config: ShardConfig,
        host: impl FnOnce(Desk) -> Result<H, E>,
    ) -> Result<Shard<H>, E> {
        let poller = Poller::sockets()?;
        let net = Net::Sockets(Box::new(Sockets::new(poller.registry()?, poller.waker())));
        Shard::new(config, net, poller, host)
    }

    /// A shard on a network in memory.
    ///
    /// # Errors
    /// The host cannot be made.
    pub fn in_memory<E>(
        config: ShardConfig,
        net: MemoryNet,
        host: impl FnOnce(Desk) -> Result<H, E>,
    ) -> Result<Shard<H>, E> {
        let poller = Poller::Memory(net.clone());
        Shard::new(config, Net::Memory(net), poller, host)
    }

    fn new<E>(
        config: ShardConfig,
        net: Net,
        poller: Poller,
        host: impl FnOnce(Desk) -> Result<H, E>,
    ) -> Result<Shard<H>, E> {
        let ShardConfig { settings, share, clock } = config;
        let core = Rc::new(RefCell::new(Core::new(clock.clone(), settings, share, net)));
        let host = host(Desk(Rc::clone(&core)))?;
        {
            let core = &mut *core.borrow_mut();
            core.program = host.program().clone();
            core.open_scenarios();
            core.rates = Rates::new(&core.settings, &core.program, &mut core.recorder);
        }
        Ok(Shard {
            wall: WallOffset::measure(&clock),
            core,
            host,
            poller,
            share,
            buffer: vec![0; READ],
            ahead: Ahead::new(),
            spill: Vec::new(),
            cuts: Vec::new(),
            scratch: Vec::new(),
            ready: Vec::new(),
            due: Vec::new(),
            desired: Desired::idle(),
            spawners: Vec::new(),
            stormed: Vec::new(),
            to_stop: None,
            next_spawn: 0,
            next_report: clock.now() + REPORT_BEAT,
            woke: clock.now(),
            waited: 0,
            clock,
            stop_deadline: None,
            cpu: CpuTime::default(),
            more_due: false,
            more_answers: false,
            protocols: Vec::new(),
            again: Vec::new(),
        })
    }

    /// Where others wake the shard from its wait.
    pub fn waker(&self) -> Option<Arc<mio::Waker>> {
        self.poller.is_sockets().then(|| self.poller.waker())
    }

    /// Tells `tracer` everything robots do from now on.
    pub fn set_tracer(&mut self, tracer: Box<dyn Tracer>) {
        self.core.borrow_mut().tracer = Some(tracer);
    }

    /// Nanoseconds since the run's start.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Where the routines of this shard's robots wait and for what, for people.
    pub fn whereabouts(&self) -> Vec<String> {
        let activities: Vec<ActivityKey> = self.core.borrow().activities.keys().collect();
        activities.into_iter().filter_map(|activity| self.host.whereabouts(activity)).collect()
    }

    /// The host.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The host, for tests that look into robots.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// Sets what is wanted from now on.
    pub fn want(&mut self, desired: Desired) {
        if desired.phase != Phase::Play && self.stop_deadline.is_none() {
            let limit = self.core.borrow().settings.stop_timeout.saturating_add(Duration::from_secs(1));
            self.stop_deadline = Some(after(self.clock.now(), limit));
        }
        self.adopt(&desired.schedule);
        let mut core = self.core.borrow_mut();
        match desired.phase {
            Phase::Play if core.rates.are_open() => {}
            Phase::Play => {
                let there = scenarios_of_shards(&desired.schedule, self.share.count);
                core.rates.lay_out(nanos(desired.begun), self.share.index, &there);
            }
            Phase::Stop | Phase::Abort => {
                core.close_rates(self.clock.now());
                core.close_storms();
            }
        }
        drop(core);
        self.desired = desired;
        self.next_spawn = 0;
    }

    /// Works until the run is over, reporting once a second. A slow reader of reports does not hold it up: what he does not
    /// take is told with a later report.
    ///
    /// # Errors
    /// The poller failed.
    pub fn run(mut self, commands: &Receiver<Command>, reports: &SyncSender<Report>) -> io::Result<()> {
        let (mut unsent, mut wished) = (None, false);
        loop {
            loop {
                let Command::Want(desired) = match commands.try_recv() {
                    Ok(command) => command,
                    // A run that did not begin, because another shard could not.
                    Err(TryRecvError::Disconnected) if !wished => return Ok(()),
                    Err(_) => break,
                };
                // Shards begin one after the other, but their reports are to be of the same seconds.
                if !std::mem::replace(&mut wished, true) {
                    self.next_report = self.clock.now() + REPORT_BEAT;
                }
                self.want(desired);
            }
            if self.turn(Some(self.next_report))? {
                let last = self.report(true);
                // Nobody to report to is nobody to work for.
                unsent.into_iter().chain([last]).for_each(|report| drop(reports.send(report)));
                return Ok(());
            }
            if self.clock.now() < self.next_report {
                continue;
            }
            self.next_report = (self.next_report + REPORT_BEAT).max(self.clock.now());
            if !wished {
                continue;
            }
            let report = unsent.take().unwrap_or_else(|| self.report(false));
            match reports.try_send(report) {
                Ok(()) => {}
                Err(TrySendError::Full(report)) => unsent = Some(report),
                Err(TrySendError::Disconnected(_)) => return Ok(()),
            }
        }
    }

    /// One turn; waits for readiness at most until `until`. Returns whether the run is over.
    ///
    /// # Errors
    /// The poller failed.
    pub fn turn(&mut self, until: Option<Nanos>) -> io::Result<bool> {
        let began = self.clock.now();
        self.core.borrow_mut().turn += 1;
        self.spawn_and_stop(began);
        self.run_events();
        self.fire_timers();
        self.flush();
        self.housekeep();
        self.core.borrow_mut().recorder.stall((self.clock.now() - self.woke) / 1000);
        if self.is_over() {
            return Ok(true);
        }
        self.poll(until)?;
        self.receive_ready();
        self.flush();
        Ok(false)
    }

    /// Hands out what is due, batch by batch.
    fn fire_timers(&mut self) {
        for _ in 0..BATCHES {
            let now = self.clock.now();
            self.more_due = self.core.borrow_mut().expire(now, &mut self.due);
            self.run_events();
            if !self.more_due {
                return;
            }
        }
    }

    /// Runs turns in virtual time until `until`, or until nothing is left to happen before it.
    ///
    /// # Errors
    /// The poller failed; one in memory does not.
    pub fn advance(&mut self, until: Nanos, mut servers: impl FnMut()) -> io::Result<()> {
        loop {
            if self.settle(&mut servers)? {
                self.clock.advance(until);
            }
            let next = self.next_deadline().unwrap_or(Nanos::MAX).min(until);
            if self.clock.now() >= until {
                return Ok(());
            }
            self.clock.advance(next.max(self.clock.now() + 1));
        }
    }

    /// Runs turns at this moment of virtual time until robots and servers have nothing left to say. Returns whether the run
    /// is over.
    fn settle(&mut self, servers: &mut impl FnMut()) -> io::Result<bool> {
        // Two ends that answer each other for ever would never settle; a moment has an end all the same.
        for _ in 0..10_000 {
            let over = self.turn(Some(self.clock.now()))?;
            servers();
            let due = self.next_deadline().is_some_and(|deadline| deadline <= self.clock.now());
            if over || self.poller.is_quiet() && !due && self.again.is_empty() {
                return Ok(over);
            }
        }
        Ok(false)
    }

    /// What was recorded since the last report.
    pub fn report(&mut self, over: bool) -> Report {
        let memory = self.host.memory();
        let now = self.clock.now();
        let through = self.is_through(now);
        let mut core = self.core.borrow_mut();
        let used = thread_cpu_time();
        let (busy, wall) = (used.saturating_sub(self.cpu.used), now - self.cpu.at);
        core.book_traffic();
        core.take_http_traffic();
        core.recorder.cpu(busy.as_micros() as u64, wall / 1000);
        self.cpu = CpuTime { at: now, used };
        self.wall = WallOffset::measure(&self.clock);
        let (log, log_dropped) = core.take_log();
        Report {
            shard: self.share.index,
            delta: core.recorder.take(),
            ended: through && core.robots.is_empty(),
            memory,
            log,
            log_dropped,
            over,
        }
    }

    fn is_over(&mut self) -> bool {
        match self.desired.phase {
            Phase::Play => false,
            Phase::Stop => {
                let late = self.stop_deadline.is_some_and(|deadline| self.clock.now() >= deadline);
                if late {
                    self.drop_everyone();
                }
                let core = self.core.borrow();
                late || core.robots.is_empty() && !core.net.has_lingering()
            }
            Phase::Abort => {
                self.drop_everyone();
                true
            }
        }
    }

    /// Ends every robot at once, without stops.
    fn drop_everyone(&mut self) {
        let robots: Vec<RobotKey> = self.core.borrow().robots.keys().collect();
        for robot in robots {
            self.host.forget(robot);
            self.core.borrow_mut().forgotten(robot, Afterlife::Gone(RobotState::Stopped));
        }
        self.core.borrow_mut().events.clear();
    }

    fn next_deadline(&self) -> Option<Nanos> {
        let core = self.core.borrow();
        let spawn = if core.gone.is_empty() { self.next_spawn } else { 0 };
        let spawn = (spawn != Nanos::MAX).then_some(spawn);
        [core.next_deadline(), spawn, self.stop_deadline].into_iter().flatten().min()
    }

    fn poll(&mut self, until: Option<Nanos>) -> io::Result<()> {
        let now = self.clock.now();
        let busy = self.more_due
            || self.more_answers
            || !self.core.borrow().flush.is_empty()
            || !self.again.is_empty();
        let deadline = [self.next_deadline(), until].into_iter().flatten().min();
        let deadline = deadline.unwrap_or(now + REPORT_BEAT);
        let wait = if busy { 0 } else { deadline.saturating_sub(now) };
        self.poller.poll(wait, &mut self.ready)?;
        self.woke = self.clock.now();
        self.waited = self.woke - now;
        Ok(())
    }

    /// Lets the host collect, and keeps an eye on its memory.
    fn housekeep(&mut self) {
        let now = self.clock.now();
        let until_due = self.next_deadline().map_or(REPORT_BEAT, |deadline| deadline.saturating_sub(now));
        // Robots whose servers answer at once leave no time, however far their timers are. In virtual time nothing takes any.
        let idle = match self.clock {
            Clock::Real { .. } => until_due.min(self.waited),
            Clock::Virtual(_) => until_due,
        };
        let took = self.host.housekeeping(Duration::from_nanos(idle));
        let memory = self.host.memory();
        let mut core = self.core.borrow_mut();
        if took >= COLLECTOR_LAG {
            core.recorder.lag(LagSource::Collector, took.as_micros() as u64);
        }
        core.host_is_full = memory.limit > 0 && memory.used / 4 >= memory.limit / 5;
    }
}

/// CPU time of this thread.
fn thread_cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map(Duration::from)
        .unwrap_or_default()
}
