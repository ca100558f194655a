//! The comparison: echoes of each client in alternation, against the bare loop of the same protocol and number of robots.

use crate::child::{self, Client};
use crate::options::{ClientOptions, Kind, Options, Wire, Work};
use crate::table::{Table, cell, median, thousands};
use anyhow::Result;
use clap::ValueEnum;
use std::thread;
use std::time::Duration;

/// How long robots play before they are measured.
const WARM_UP: Duration = Duration::from_millis(500);
/// The same when it must be quick: longer than it takes until every robot has begun.
const QUICK_WARM_UP: Duration = Duration::from_millis(250);

/// Measures and prints all sections that are wanted.
pub(crate) fn run(options: &Options) -> Result<()> {
    let counts: &[u64] = if options.quick { &[100] } else { &[100, 1_000, 10_000] };
    for wire in [Wire::Tcp, Wire::Websocket] {
        for robots in counts {
            if options.wants(&format!("echo {} {robots}", wire.name())) {
                println!("{}", section(options, wire, *robots)?);
            }
        }
    }
    Ok(())
}

fn section(options: &Options, wire: Wire, robots: u64) -> Result<String> {
    let kinds = Kind::value_variants();
    let mut rounds: Vec<Vec<Echoes>> = Vec::new();
    for _ in 0..options.rounds() {
        rounds.push(kinds.iter().map(|kind| measure(options, *kind, wire, robots)).collect::<Result<_>>()?);
    }
    let mut table = Table::new(&[
        "client",
        "requests/CPU-s",
        "share",
        "user us/req",
        "kernel us/req",
        "stall ms",
        "idle B",
        "busy B",
        "failures",
    ]);
    for (index, kind) in kinds.iter().enumerate() {
        let of = |figure: fn(&Echoes) -> f64| median(rounds.iter().map(|round| figure(&round[index])));
        let share = median(rounds.iter().map(|round| round[index].per_second() / round[0].per_second()));
        table.row(vec![
            kind.title().to_owned(),
            cell(of(Echoes::per_second), thousands),
            cell(share, |share| format!("{share:.2}")),
            cell(of(|echoes| echoes.per_request(echoes.user)), |us| format!("{us:.2}")),
            cell(of(|echoes| echoes.per_request(echoes.system)), |us| format!("{us:.2}")),
            cell(of(|echoes| echoes.stall.as_secs_f64() * 1e3), |ms| format!("{ms:.2}")),
            cell(idle_bytes(options, *kind, wire, robots)?, thousands),
            cell(of(|echoes| echoes.bytes_per_robot), thousands),
            thousands(rounds.iter().map(|round| round[index].failures as f64).sum()),
        ]);
    }
    Ok(format!("{}, {} robots, 64-byte echo\n{table}", wire.title(), thousands(robots as f64)))
}

/// One window of one client.
struct Echoes {
    requests: f64,
    user: Duration,
    system: Duration,
    stall: Duration,
    bytes_per_robot: f64,
    failures: u64,
}

impl Echoes {
    /// Requests for each second of the client's CPU time.
    fn per_second(&self) -> f64 {
        self.requests / (self.user + self.system).as_secs_f64()
    }

    fn per_request(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.requests
    }
}

fn measure(options: &Options, kind: Kind, wire: Wire, robots: u64) -> Result<Echoes> {
    let mut server = child::server_for(wire)?;
    let targets = server.addresses.clone();
    let mut client =
        Client::start(&ClientOptions { wire, targets, ..ClientOptions::alone(kind, Work::Echo, robots) })?;
    thread::sleep(if options.quick { QUICK_WARM_UP } else { WARM_UP });
    let (before, served) = (client.reading()?, server.requests()?);
    thread::sleep(options.window());
    let (after, served_after) = (client.reading()?, server.requests()?);
    Ok(Echoes {
        requests: (served_after - served) as f64,
        user: after.user - before.user,
        system: after.system - before.system,
        stall: after.stall,
        bytes_per_robot: after.resident.saturating_sub(client.loaded.resident) as f64 / robots as f64,
        failures: after.failures,
    })
}

/// Resident bytes of a robot that is connected and does nothing; not asked for when it must be quick.
fn idle_bytes(options: &Options, kind: Kind, wire: Wire, robots: u64) -> Result<Option<f64>> {
    if options.quick {
        return Ok(None);
    }
    let server = child::server_for(wire)?;
    let targets = server.addresses.clone();
    let mut client =
        Client::start(&ClientOptions { wire, targets, ..ClientOptions::alone(kind, Work::Idle, robots) })?;
    client.bytes_per_robot(robots).map(Some)
}
