//! The large numbers: many connections at once, many sleepers, many robots without a stall, and what one robot takes.

use crate::child::{self, Client};
use crate::options::{ClientOptions, Kind, Options, Wire, Work};
use crate::table::{Table, cell, median, thousands};
use anyhow::Result;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

/// Robots with a connection.
const CONNECTED: u64 = 10_000;
/// Robots without.
const SLEEPERS: u64 = 100_000;
/// Robots on a network in memory.
const IN_MEMORY: u64 = 50_000;

/// A window when it must be quick.
const BRIEF: Duration = Duration::from_millis(300);

/// Measures and prints what is wanted.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.wants("scale connections") {
        println!("{}", connections(options)?);
    }
    if options.wants("scale sleepers") {
        println!("{}", sleepers(options)?);
    }
    if options.wants("scale memory") {
        println!("{}", in_memory(options)?);
    }
    Ok(())
}

/// A tenth of everything when it must be quick.
fn size(options: &Options, robots: u64) -> u64 {
    if options.quick { robots / 10 } else { robots }
}

fn connections(options: &Options) -> Result<String> {
    let robots = size(options, CONNECTED);
    let mut table =
        Table::new(&["client", "TCP up in s", "WebSocket up in s", "TCP idle B", "WebSocket idle B"]);
    for kind in [Kind::Bare, Kind::Engine, Kind::Lua] {
        let mut up = Vec::new();
        let mut idle = Vec::new();
        for wire in [Wire::Tcp, Wire::Websocket] {
            let (mut times, mut sizes) = (Vec::new(), Vec::new());
            for _ in 0..options.rounds() {
                let server = child::server_for(wire)?;
                let targets = server.addresses.clone();
                let mut client = Client::start(&ClientOptions {
                    wire,
                    targets,
                    ..ClientOptions::alone(kind, Work::Idle, robots)
                })?;
                times.push(client.up.took.as_secs_f64());
                sizes.push(client.bytes_per_robot(robots)?);
            }
            up.push(cell(median(times), |seconds| format!("{seconds:.2}")));
            idle.push(cell(median(sizes), thousands));
        }
        table.row([vec![kind.title().to_owned()], up, idle].concat());
    }
    Ok(format!("{} connections at once, then idle\n{table}", thousands(robots as f64)))
}

fn sleepers(options: &Options) -> Result<String> {
    let robots = size(options, SLEEPERS);
    let window = options.window().max(if options.quick { BRIEF } else { Duration::from_secs(10) });
    let mut table = Table::new(&["client", "share of a core", "longest stall ms", "B per robot"]);
    for kind in [Kind::Engine, Kind::Lua] {
        let mut client = Client::start(&ClientOptions::alone(kind, Work::Sleep, robots))?;
        // Robots begin within the first 15 s, and from then on wake at an even rate.
        thread::sleep(if options.quick { BRIEF } else { Duration::from_secs(15) });
        let before = client.reading()?;
        thread::sleep(window);
        let after = client.reading()?;
        let used = (after.user + after.system).saturating_sub(before.user + before.system);
        let share = used.as_secs_f64() / (after.elapsed - before.elapsed).as_secs_f64();
        table.row(vec![
            kind.title().to_owned(),
            format!("{:.1} %", share * 100.0),
            format!("{:.2}", after.stall.as_secs_f64() * 1e3),
            thousands(client.bytes_per_robot(robots)?),
        ]);
    }
    Ok(format!("{} sleeping robots, each wakes every 10 s on average\n{table}", thousands(robots as f64)))
}

fn in_memory(options: &Options) -> Result<String> {
    let robots = size(options, IN_MEMORY);
    let targets = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 4000))];
    let mut table = Table::new(&["client", "requests a second", "longest stall ms", "B per robot"]);
    for kind in [Kind::Engine, Kind::Lua, Kind::Sproto] {
        let alone = ClientOptions::alone(kind, Work::Echo, robots);
        let mut client = Client::start(&ClientOptions { memory: true, targets: targets.clone(), ..alone })?;
        // The first tasks begin spread over some time, and then the collector finds its pace.
        thread::sleep(Duration::from_millis(if options.quick { 300 } else { 1_500 }));
        let before = client.reading()?;
        thread::sleep(options.window() * 2);
        let after = client.reading()?;
        let rate = after.answered as f64 / (after.elapsed - before.elapsed).as_secs_f64();
        table.row(vec![
            kind.title().to_owned(),
            thousands(rate),
            format!("{:.2}", after.stall.as_secs_f64() * 1e3),
            thousands(client.bytes_per_robot(robots)?),
        ]);
    }
    Ok(format!(
        "{} robots on a network in memory, each with a request under way\n{table}",
        thousands(robots as f64)
    ))
}
