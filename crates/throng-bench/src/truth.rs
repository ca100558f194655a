//! Whether the figures are true: what a client reports beside what the demo server's own log says.
//!
//! The server is a child on a core of its own, and so is the client. The server logs when it stalled, how long it delayed
//! replies, and how many requests it read.

use crate::child::{Judge, Player};
use crate::control::Told;
use crate::options::{Load, Options, PlayOptions};
use crate::table::{Table, median};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use std::thread;
use std::time::Duration;

/// What is asked for in each second.
const RATE: f64 = 1_000.0;
/// How long robots play.
const PLAY: Duration = Duration::from_secs(10);
/// The server's count is read this long after the beginning and before the end.
const MARGIN: Duration = Duration::from_millis(500);
/// A stall in the middle.
const STALL: &str = "echo.stall=after:4s,for:1s";
/// Delays of every reply, in milliseconds.
const DELAYS: [u64; 3] = [1, 5, 50];

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    println!("{}\n", stalls(options)?);
    println!("{}", delays(options)?);
    Ok(())
}

fn stalls(options: &Options) -> Result<String> {
    let loads = Load::value_variants();
    let mut rounds: Vec<Vec<Stalled>> = Vec::new();
    for _ in 0..options.rounds() {
        rounds.push(loads.iter().map(|load| stalled(*load)).collect::<Result<_>>()?);
    }
    let mut table = Table::new(&[
        "load",
        "server read/s",
        "off %",
        "worst",
        "true p99 ms",
        "intended p99 ms",
        "off %",
        "worst",
        "real p99 ms",
        "missed",
    ]);
    for (index, load) in loads.iter().enumerate() {
        let all = |figure: fn(&Stalled) -> f64| rounds.iter().map(move |round| figure(&round[index]));
        let of = |figure: fn(&Stalled) -> f64| median(all(figure)).unwrap_or(f64::NAN);
        let worst =
            |figure: fn(&Stalled) -> f64| all(figure).fold(0.0_f64, |worst, off| worst.max(off.abs()));
        table.row(vec![
            load.title().to_owned(),
            format!("{:.2}", of(|stalled| stalled.read_per_second)),
            format!("{:+.3}", of(Stalled::rate_off)),
            format!("{:.3}", worst(Stalled::rate_off)),
            format!("{:.1}", of(|stalled| stalled.true_p99_ms)),
            format!("{:.1}", of(|stalled| stalled.told.intended_p99_us as f64 / 1e3)),
            format!("{:+.2}", of(Stalled::p99_off)),
            format!("{:.2}", worst(Stalled::p99_off)),
            format!("{:.2}", of(|stalled| stalled.told.real_p99_us as f64 / 1e3)),
            format!("{:.0}", of(|stalled| stalled.told.missed as f64)),
        ]);
    }
    let seconds = PLAY.as_secs();
    Ok(format!("{RATE} requests a second for {seconds} s, through a stall of 1 s\n{table}"))
}

/// One run through a stall.
struct Stalled {
    /// By the server's count and clock, stall included.
    read_per_second: f64,
    /// From the intended starts, by when the server says it stalled.
    true_p99_ms: f64,
    told: Told,
}

impl Stalled {
    fn rate_off(&self) -> f64 {
        (self.read_per_second / RATE - 1.0) * 100.0
    }

    fn p99_off(&self) -> f64 {
        (self.told.intended_p99_us as f64 / 1e3 / self.true_p99_ms - 1.0) * 100.0
    }
}

fn stalled(load: Load) -> Result<Stalled> {
    let mut judge = Judge::start(STALL)?;
    let mut player =
        Player::start(&PlayOptions { target: judge.address, load, seconds: PLAY.as_secs_f64() })?;
    thread::sleep(MARGIN);
    let before = judge.log()?;
    thread::sleep(PLAY - 2 * MARGIN);
    let after = judge.log()?;
    let told = player.told()?;
    let log = judge.log()?;
    let [(began, ended)] = log.stalls[..] else {
        anyhow::bail!("the server stalled {} times", log.stalls.len());
    };
    ensure!(told.failures == 0, "{} failures", told.failures);
    // Of requests that are evenly due, those within the stall wait until its end: the longest as long as it, and one of a
    // hundred of all of them longer than the 99th percentile.
    let true_p99_ms = (ended - began - told.intended_count as f64 * 0.01 / RATE) * 1e3;
    let read_per_second = (after.requests - before.requests) as f64 / (after.uptime_s - before.uptime_s);
    Ok(Stalled { read_per_second, true_p99_ms, told })
}

fn delays(options: &Options) -> Result<String> {
    let mut table = Table::new(&["delay ms", "server's p50 ms", "client's p50 ms", "off ms", "worst"]);
    for delay in DELAYS {
        let rounds: Vec<(f64, f64)> = (0..options.rounds()).map(|_| delayed(delay)).collect::<Result<_>>()?;
        let of = |figure: fn(&(f64, f64)) -> f64| median(rounds.iter().map(figure)).unwrap_or(f64::NAN);
        let worst = rounds.iter().fold(0.0_f64, |worst, (given, told)| worst.max((told - given).abs()));
        table.row(vec![
            delay.to_string(),
            format!("{:.3}", of(|(given, _)| *given)),
            format!("{:.3}", of(|(_, told)| *told)),
            format!("{:+.3}", of(|(given, told)| told - given)),
            format!("{worst:.3}"),
        ]);
    }
    Ok(format!("Each reply delayed by the server, {RATE} requests a second for 3 s\n{table}"))
}

/// The median delay that the server says it gave, and the median latency of the client, in milliseconds.
fn delayed(delay: u64) -> Result<(f64, f64)> {
    let mut judge = Judge::start(&format!("echo.delay={delay}ms"))?;
    let mut player = Player::start(&PlayOptions { target: judge.address, load: Load::Rate, seconds: 3.0 })?;
    let told = player.told()?;
    let given = judge.log()?.delay_p50_us.context("the server gave no delay")?;
    ensure!(told.failures == 0, "{} failures", told.failures);
    Ok((given / 1e3, told.real_p50_us as f64 / 1e3))
}
