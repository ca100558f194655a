//! A shard as a measured client: its turns, and what it answers its parent.

use crate::control::{Loaded, Questions, Reading, Up, say};
use crate::machine;
use crate::options::{ClientOptions, Wire};
use anyhow::{Result, bail};
use std::sync::Arc;
use std::time::{Duration, Instant};
use throng_engine::{
    Clock, Desired, Desk, Host, Phase, ProtocolRoute, Schedule, Settings, Shard, ShardConfig, ShardShare,
};
use throng_metrics::Totals;
use throng_wire::{CodecSpec, Endian, Framing, LengthFraming, LengthWidth, Protocol, ProtocolSpec, ReplySpec};

/// What robots call their connection.
pub(crate) const CONNECTION: &str = "game";

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
    (wire == Wire::Tcp)
        .then(|| Framing::Length(LengthFraming { width, offset: 0, inclusive: false, max: 1 << 16 }))
}

/// Runs the robots of a host on sockets until the parent goes.
pub(crate) fn run<H: Host>(
    options: &ClientOptions,
    protocol: Protocol,
    host: impl FnOnce(Desk) -> Result<H>,
) -> Result<()> {
    let settings = Settings {
        protocols: vec![ProtocolRoute { protocol: Arc::new(protocol), hosts: Vec::new() }],
        ..Settings::default()
    };
    let begun = Instant::now();
    let clock = Clock::real(begun);
    let config = ShardConfig { settings, share: ShardShare { index: 0, count: 1 }, clock: clock.clone() };
    let mut shard = Shard::on_sockets(config, host)?;
    let waker = shard.waker();
    let questions = Questions::listen(move || {
        // A shard that cannot be woken looks up with the next reply, at the latest in a second.
        let _ = waker.as_ref().map(|waker| waker.wake());
    });
    say(&Loaded { resident: machine::resident()? })?;
    let mut totals = Totals::default();
    bring_up(&mut shard, options.robots, &clock, &mut totals)?;
    loop {
        shard.turn(None)?;
        while questions.asked() {
            say(&reading(&mut shard, begun, &mut totals)?)?;
        }
    }
}

fn bring_up<H: Host>(shard: &mut Shard<H>, robots: u64, clock: &Clock, totals: &mut Totals) -> Result<()> {
    let begun = Instant::now();
    shard.want(Desired {
        schedule: Schedule::constant(robots, f64::INFINITY, None),
        begun: Duration::ZERO,
        phase: Phase::Play,
    });
    let mut next_count = clock.now();
    while totals.robots().ready < robots {
        shard.turn(Some(next_count))?;
        if clock.now() >= next_count {
            totals.merge(&shard.report(false).delta);
            next_count = clock.now() + COUNT_BEAT;
            if begun.elapsed() > PATIENCE {
                bail!("{:?} of {robots} robots; failures: {:?}", totals.robots(), totals.failures());
            }
        }
    }
    say(&Up { took: begun.elapsed() })
}

fn reading<H: Host>(shard: &mut Shard<H>, begun: Instant, totals: &mut Totals) -> Result<Reading> {
    let mut reading = Reading::of_process(begun.elapsed())?;
    let mut since = Totals::default();
    since.merge(&shard.report(false).delta);
    reading.stall = Duration::from_micros(since.generator().longest_stall_us());
    reading.failures = since.errors().total();
    if let Some(failure) = since.failures().first() {
        eprintln!("{} robots' failure: {failure:?}", totals.robots().alive);
    }
    *totals = since;
    Ok(reading)
}
