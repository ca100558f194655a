//! The parent's side: servers and clients as child processes.

use crate::control::{self, Listening, Loaded, Log, READ, Reading, Served, Told, Up};
use crate::options::{ClientOptions, PlayOptions, ServerOptions, Wire};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A child of this binary; it ends when this is dropped.
struct Process {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn start(arguments: &[String]) -> Result<Process> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take().context("its input is piped")?;
        let answers = BufReader::new(child.stdout.take().context("its output is piped")?);
        Ok(Process { child, questions, answers })
    }

    fn hear<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("a child ended: {}", self.child.wait()?);
        }
        control::heard(&line)
    }

    fn ask<T: DeserializeOwned>(&mut self) -> Result<T> {
        writeln!(self.questions, "{READ}")?;
        self.hear()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A child that ended by itself is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An echo server on the server's core.
pub(crate) struct Server {
    process: Process,
    /// Where it listens.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Server {
    /// Starts a server with several ports, so that connections of rounds before, which the system remembers for a
    /// minute, are in nobody's way.
    pub(crate) fn start(options: &ServerOptions) -> Result<Server> {
        let mut process = Process::start(&[
            "server".to_owned(),
            format!("--wire={}", options.wire.name()),
            format!("--ports={}", options.ports),
        ])?;
        let Listening { addresses } = process.hear()?;
        Ok(Server { process, addresses })
    }

    /// Requests answered so far.
    pub(crate) fn requests(&mut self) -> Result<u64> {
        let Served { requests } = self.process.ask()?;
        Ok(requests)
    }
}

/// A server on the server's core that logs what it did.
pub(crate) struct Judge {
    process: Process,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Judge {
    /// Starts an echo server with a fault.
    pub(crate) fn start(fault: &str) -> Result<Judge> {
        let mut process = Process::start(&["judge".to_owned(), format!("--fault={fault}")])?;
        let Listening { addresses } = process.hear()?;
        Ok(Judge { process, address: *addresses.first().context("it listens somewhere")? })
    }

    /// What it has done so far.
    pub(crate) fn log(&mut self) -> Result<Log> {
        self.process.ask()
    }
}

/// A client on the client's core that asks at a rate.
pub(crate) struct Player {
    process: Process,
}

impl Player {
    /// Starts a client and waits until all of its robots are ready.
    pub(crate) fn start(options: &PlayOptions) -> Result<Player> {
        let mut process = Process::start(&[
            "player".to_owned(),
            format!("--target={}", options.target),
            format!("--load={}", argument(options.load)),
            format!("--seconds={}", options.seconds),
        ])?;
        let Up { .. } = process.hear()?;
        Ok(Player { process })
    }

    /// Waits until it is through; what it saw.
    pub(crate) fn told(&mut self) -> Result<Told> {
        self.process.ask()
    }
}

/// A client on the client's core.
pub(crate) struct Client {
    process: Process,
    /// Before the first robot.
    pub(crate) loaded: Loaded,
    /// With the last.
    pub(crate) up: Up,
}

impl Client {
    /// Starts a client and waits until all of its robots are ready.
    pub(crate) fn start(options: &ClientOptions) -> Result<Client> {
        let targets: Vec<String> = options.targets.iter().map(SocketAddr::to_string).collect();
        let mut arguments = vec![
            "client".to_owned(),
            format!("--kind={}", argument(options.kind)),
            format!("--wire={}", argument(options.wire)),
            format!("--work={}", argument(options.work)),
            format!("--robots={}", options.robots),
        ];
        arguments.extend(options.memory.then(|| "--memory".to_owned()));
        arguments.extend(options.hostile.iter().map(|body| format!("--hostile={body}")));
        if !targets.is_empty() {
            arguments.push(format!("--targets={}", targets.join(",")));
        }
        let mut process = Process::start(&arguments)?;
        let loaded = process.hear()?;
        let up = process.hear()?;
        Ok(Client { process, loaded, up })
    }

    /// Resident bytes that each of its robots takes now.
    pub(crate) fn bytes_per_robot(&mut self, robots: u64) -> Result<f64> {
        Ok(self.reading()?.resident.saturating_sub(self.loaded.resident) as f64 / robots as f64)
    }

    /// What it has used, and what it has seen since it was last asked.
    pub(crate) fn reading(&mut self) -> Result<Reading> {
        self.process.ask()
    }
}

fn argument(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// A server as every comparison uses it.
pub(crate) fn server_for(wire: Wire) -> Result<Server> {
    Server::start(&ServerOptions { wire, ports: 4 })
}
