//! The demo server as a child, whose log is the judge of what clients report.

use crate::control::{Listening, Log, Questions, say};
use crate::machine;
use crate::options::JudgeOptions;
use anyhow::{Context, Result};
use throng_demo::{Demo, DemoOptions, ServerKind};

/// Serves until the parent goes.
pub(crate) fn run(options: &JudgeOptions) -> Result<()> {
    machine::pin(machine::SERVER_CORE);
    let demo = Demo::start(DemoOptions::empty().with(ServerKind::Echo).fault(&options.fault)?)?;
    let address = demo.address(ServerKind::Echo).context("the demo has an echo server")?;
    let questions = Questions::listen(|| ());
    say(&Listening { addresses: vec![address] })?;
    while questions.next() {
        let report = demo.report();
        let server = report.servers.get(ServerKind::Echo.name()).context("the echo server reports")?;
        say(&Log {
            uptime_s: report.uptime_s,
            requests: server.requests.values().sum(),
            stalls: server.stalls.iter().filter_map(|stall| Some((stall.began_s, stall.ended_s?))).collect(),
            delay_p50_us: server.delays.map(|delays| delays.p50_us),
        })?;
    }
    Ok(())
}
