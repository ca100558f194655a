//! A shard as a measured client: its turns, and what it answers its parent.

use crate::control::{Loaded, Questions, Reading, Turns, Up, say};
use crate::machine;
use crate::memory::MemoryServer;
use crate::options::{ClientOptions, Wire, Work};
use anyhow::{Result, bail};
use std::sync::Arc;
use std::time::{Duration, Instant};
use throng_engine::{
    Clock, Desired, Desk, Host, Origin, Phase, ProtocolRoute, Schedule, Settings, Shard, ShardConfig,
    ShardShare, Wait,
};
use throng_metrics::Totals;
use throng_wire::{
    CodecSpec, Endian, Framing, LengthFraming, LengthWidth, Protocol, ProtocolSpec, ReplySpec,
};

/// What robots call their connection.
pub(crate) const CONNECTION: &str = "game";
/// What robots that play call the time of one turn.
const TURN: &str = "turn";

/// How long sleeping robots sleep.
pub(crate) const NAP: Wait = Wait::Between(Duration::from_secs(5), Duration::from_secs(15));

/// The others' first task begins within this time.
const FIRST: Wait = Wait::Constant(Duration::from_millis(200));

/// How often robots are counted while they come up, in nanoseconds.
const COUNT_BEAT: u64 = 5_000_000;
/// How long robots may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server's addresses as robots are given them.
pub(crate) fn urls(options: &ClientOptions) -> Vec<String> {
    options.targets.iter().map(|target| format!("{}://{target}/", options.wire.scheme())).collect()
}

/// Bytes as they are, replies in the order of requests.
pub(crate) fn raw_protocol(wire: Wire) -> Result<Protocol> {
    let mut spec = ProtocolSpec::new("echo", CodecSpec::Raw);
    spec.framing = framing(wire);
    spec.reply = Some(ReplySpec::Fifo);
    Ok(Protocol::build(spec)?)
}

/// Frames behind two bytes of length; inside WebSocket a message is a frame.
pub(crate) fn framing(wire: Wire) -> Option<Framing> {
    let width = LengthWidth::U16(Endian::Big);
    (wire == Wire::Tcp).then_some(Framing::Length(LengthFraming {
        width,
        offset: 0,
        inclusive: false,
        max: 1 << 16,
    }))
}

/// Runs the robots of a host until the parent goes.
pub(crate) fn run<H: Host>(
    options: &ClientOptions,
    protocol: Protocol,
    host: impl FnOnce(Desk) -> Result<H>,
) -> Result<()> {
    let settings = Settings {
        protocols: vec![ProtocolRoute { protocol: Arc::new(protocol), hosts: Vec::new() }],
        wait: if options.work == Work::Sleep { NAP } else { FIRST },
        ..Settings::default()
    };
    let begun = Origin::now();
    let clock = Clock::real(begun);
    let config = ShardConfig { settings, share: ShardShare { index: 0, count: 1 }, clock: clock.clone() };
    let mut server = options.memory.then(|| MemoryServer::new(options));
    let shard = match &server {
        Some(server) => Shard::in_memory(config, server.net(), host)?,
        None => Shard::on_sockets(config, host)?,
    };
    let waker = shard.waker();
    let questions = Questions::listen(move || {
        // A shard that cannot be woken looks up with the next reply, at the latest in a second.
        let _ = waker.as_ref().map(|waker| waker.wake());
    });
    say(&Loaded { resident: machine::resident()? })?;
    let mut driven = Driven { shard, server: server.take(), clock, begun, totals: Totals::default() };
    driven.bring_up(options.robots)?;
    loop {
        driven.turn(None)?;
        while questions.asked() {
            say(&driven.reading()?)?;
        }
    }
}

struct Driven<H> {
    shard: Shard<H>,
    server: Option<MemoryServer>,
    clock: Clock,
    begun: Origin,
    /// Of the time in which robots came up.
    totals: Totals,
}

impl<H: Host> Driven<H> {
    fn turn(&mut self, until: Option<u64>) -> Result<()> {
        self.shard.turn(until)?;
        if let Some(server) = &mut self.server {
            server.serve();
        }
        Ok(())
    }

    fn bring_up(&mut self, robots: u64) -> Result<()> {
        let begun = Instant::now();
        self.shard.want(Desired {
            schedule: Schedule::constant(robots, f64::INFINITY, None),
            begun: Duration::ZERO,
            phase: Phase::Play,
        });
        let mut next_count = self.clock.now();
        while self.totals.robots().ready < robots {
            self.turn(Some(next_count))?;
            if self.clock.now() >= next_count {
                self.totals.merge(&self.shard.report(false).delta);
                next_count = self.clock.now() + COUNT_BEAT;
            }
            if begun.elapsed() > PATIENCE {
                let (robots, failures) = (self.totals.robots(), self.totals.failures());
                bail!("robots did not come up: {robots:?}; failures: {failures:?}");
            }
        }
        say(&Up { took: begun.elapsed() })
    }

    fn reading(&mut self) -> Result<Reading> {
        let mut reading = Reading::of_process(self.begun.elapsed())?;
        let mut totals = Totals::default();
        totals.merge(&self.shard.report(false).delta);
        reading.stall = Duration::from_micros(totals.generator().longest_stall_us());
        reading.failures = totals.errors().total();
        reading.answered = totals.requests().iter().map(|(_, row)| row.counts.ok).sum();
        reading.turns = turns(&totals);
        Ok(reading)
    }
}

fn turns(totals: &Totals) -> Option<Turns> {
    let times = totals.measures().find("", TURN)?.values();
    let quantile = |quantile| times.quantile_us(quantile).map(Duration::from_micros);
    Some(Turns { count: times.count(), p50: quantile(0.5)?, p99: quantile(0.99)? })
}
