//! Robots in Lua that ask at a rate, as a child: what a run of theirs reports at its end.

use crate::control::{Questions, Told, Up, say};
use crate::drive::raw_protocol;
use crate::machine;
use crate::options::{Load, PlayOptions, Wire};
use anyhow::{Result, bail};
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use throng_engine::{
    Clock, Desired, Late, Origin, Phase, ProtocolRoute, Schedule, Settings, Shard, ShardConfig, ShardShare,
    Wait,
};
use throng_lua::{LuaHost, LuaProject};
use throng_metrics::Totals;

/// How often what was recorded is taken, in nanoseconds.
const BEAT: u64 = 50_000_000;
/// How long robots may take to come up.
const PATIENCE: Duration = Duration::from_secs(20);

impl Load {
    fn robots(self) -> u64 {
        match self {
            Load::Rate | Load::Paced => 100,
            Load::Few | Load::Skipping => 10,
        }
    }

    fn wait(self) -> Wait {
        match self {
            Load::Rate => Wait::Constant(Duration::from_secs(1)),
            Load::Paced => Wait::Throughput(10.0, Late::CatchUp),
            Load::Few => Wait::Throughput(100.0, Late::CatchUp),
            Load::Skipping => Wait::Throughput(100.0, Late::Skip),
        }
    }
}

/// Plays as long as it was asked to, and tells what it saw.
pub(crate) fn run(options: &PlayOptions) -> Result<()> {
    machine::pin(machine::CLIENT_CORE);
    let questions = Questions::listen(|| ());
    let (_folder, project) = project(options)?;
    let protocol = raw_protocol(Wire::Tcp)?;
    let settings = Settings {
        protocols: vec![ProtocolRoute { protocol: Arc::new(protocol), hosts: Vec::new() }],
        wait: options.load.wait(),
        task_rate: (options.load == Load::Rate).then_some(1_000.0),
        ..Settings::default()
    };
    let clock = Clock::real(Origin::now());
    let config = ShardConfig { settings, share: ShardShare { index: 0, count: 1 }, clock: clock.clone() };
    let mut shard =
        Shard::on_sockets(config, |desk| LuaHost::new(project, desk).map_err(anyhow::Error::from))?;
    let mut totals = Totals::default();
    let (robots, begun) = (options.load.robots(), Instant::now());
    let wanted = |phase| Desired {
        schedule: Schedule::constant(robots, f64::INFINITY, None),
        begun: Duration::ZERO,
        phase,
    };
    shard.want(wanted(Phase::Play));
    let mut turns_until = |shard: &mut Shard<LuaHost>, until: u64| -> Result<bool> {
        let mut over = false;
        while !over && clock.now() < until {
            over = shard.turn(Some(until))?;
        }
        totals.merge(&shard.report(over).delta);
        Ok(totals.robots().ready >= robots)
    };
    while !turns_until(&mut shard, clock.now() + BEAT)? {
        if begun.elapsed() > PATIENCE {
            bail!("robots did not come up");
        }
    }
    let end = clock.now() + (options.seconds * 1e9) as u64;
    say(&Up { took: begun.elapsed() })?;
    while clock.now() < end {
        turns_until(&mut shard, end.min(clock.now() + 20 * BEAT))?;
    }
    shard.want(wanted(Phase::Stop));
    turns_until(&mut shard, clock.now() + 20 * BEAT)?;
    let told = told(&totals);
    while questions.next() {
        say(&told)?;
    }
    Ok(())
}

fn project(options: &PlayOptions) -> Result<(TempDir, Arc<LuaProject>)> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("mods"))?;
    fs::create_dir(folder.path().join("lib"))?;
    fs::write(folder.path().join("mods/robot.lua"), include_str!("../lua/ask.lua"))?;
    let project = LuaProject { host: format!("tcp://{}/", options.target), ..LuaProject::at(folder.path()) };
    Ok((folder, Arc::new(project)))
}

fn told(totals: &Totals) -> Told {
    let mut told = Told { failures: totals.errors().total(), ..Told::default() };
    if let Some((_, row)) = totals.requests().iter().next() {
        let quantile = |times: &throng_metrics::Histogram, at| times.quantile_us(at).unwrap_or_default();
        told.intended_count = row.intended().count();
        told.intended_p99_us = quantile(row.intended(), 0.99);
        told.real_p50_us = quantile(row.latency(), 0.5);
        told.real_p99_us = quantile(row.latency(), 0.99);
    }
    told.missed = totals.schedules().iter().map(|(_, row)| row.counts.missed).sum();
    told
}
