//! A child's side of its talk with the parent: lines of words in, lines of JSON out.

use crate::machine;
use anyhow::Result;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{BufRead, Write, stdin, stdout};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Asks for a reading.
pub(crate) const READ: &str = "read";

/// A server listens.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// Where.
    pub(crate) addresses: Vec<std::net::SocketAddr>,
}

/// A server's count.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Served {
    /// Requests answered so far.
    pub(crate) requests: u64,
}

/// The log of a server that judges.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Log {
    /// Seconds since its start.
    pub(crate) uptime_s: f64,
    /// Requests read so far.
    pub(crate) requests: u64,
    /// When each stall that is over began and ended, in seconds since the start.
    pub(crate) stalls: Vec<(f64, f64)>,
    /// The median of the delays given, in microseconds.
    pub(crate) delay_p50_us: Option<f64>,
}

/// What a client that asks at a rate reports at its end.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Requests that had an intended start.
    pub(crate) intended_count: u64,
    /// From it, in microseconds.
    pub(crate) intended_p99_us: u64,
    /// From the real start, in microseconds.
    pub(crate) real_p50_us: u64,
    /// From the real start, in microseconds.
    pub(crate) real_p99_us: u64,
    /// What should have begun and did not.
    pub(crate) missed: u64,
    /// Failures of any kind.
    pub(crate) failures: u64,
}

/// A client is ready to begin.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Loaded {
    /// Resident bytes without a robot.
    pub(crate) resident: u64,
}

/// All robots of a client are connected and ready.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Up {
    /// How long that took.
    pub(crate) took: Duration,
}

/// What a client has used, and what it has seen since the last reading.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Reading {
    /// CPU time in the client's own code, in all.
    pub(crate) user: Duration,
    /// CPU time in the kernel, in all.
    pub(crate) system: Duration,
    /// Time since the client began.
    pub(crate) elapsed: Duration,
    /// Resident bytes.
    pub(crate) resident: u64,
    /// The longest time its loop did not look at its sockets, since the last reading.
    pub(crate) stall: Duration,
    /// Failures of any kind, since the last reading.
    pub(crate) failures: u64,
    /// Requests answered, since the last reading; only the engine counts them.
    pub(crate) answered: u64,
    /// How long the turns of playing robots took, since the last reading.
    pub(crate) turns: Option<Turns>,
}

/// Turns of playing robots, from a script's asking to its having the reply.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Turns {
    /// How many.
    pub(crate) count: u64,
    /// Half of them took no longer.
    pub(crate) p50: Duration,
    /// 99 of 100 took no longer.
    pub(crate) p99: Duration,
}

impl Reading {
    /// This process as it is now; what the client's loop knows is left to it.
    pub(crate) fn of_process(elapsed: Duration) -> Result<Reading> {
        let (user, system) = machine::cpu_time()?;
        Ok(Reading { user, system, elapsed, resident: machine::resident()?, ..Reading::default() })
    }
}

/// The parent's questions, each of which wants one answer.
pub(crate) struct Questions(Receiver<()>);

impl Questions {
    /// Listens from now on; `wake` ends the loop's wait when there is one. When the parent goes, so does this process.
    pub(crate) fn listen(wake: impl Fn() + Send + 'static) -> Questions {
        let (sender, questions) = channel();
        thread::spawn(move || {
            for line in stdin().lock().lines() {
                match line {
                    Ok(line) if line == READ && sender.send(()).is_ok() => wake(),
                    _ => break,
                }
            }
            std::process::exit(0);
        });
        Questions(questions)
    }

    /// Waits until the parent asks; false when it will not.
    pub(crate) fn next(&self) -> bool {
        self.0.recv().is_ok()
    }

    /// Whether the parent has asked.
    pub(crate) fn asked(&self) -> bool {
        self.0.try_recv().is_ok()
    }
}

/// Tells the parent something.
pub(crate) fn say(line: &impl Serialize) -> Result<()> {
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// What a child said.
pub(crate) fn heard<T: DeserializeOwned>(line: &str) -> Result<T> {
    Ok(serde_json::from_str(line)?)
}
