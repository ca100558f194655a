//! A run on this machine: a thread per shard, wishes to all of them, reports from all of them.

use crate::clock::{Clock, Origin};
use crate::config::{Settings, ShardShare};
use crate::control::{Command, Desired, Report};
use crate::desk::Desk;
use crate::host::Host;
use crate::shard::{Shard, ShardConfig};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Reports that may wait for their reader before shards keep to themselves what they record.
const REPORTS: usize = 64;
const COMMANDS: usize = 16;

/// A run that is under way.
pub struct Run {
    shards: Vec<ShardHandle>,
    reports: Receiver<Report>,
    origin: Origin,
}

struct ShardHandle {
    commands: SyncSender<Command>,
    waker: Arc<mio::Waker>,
    thread: JoinHandle<io::Result<()>>,
}

/// A run that could not begin or broke.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E> {
    /// The host could not be made.
    #[error(transparent)]
    Host(E),
    /// The system gave no thread or poller.
    #[error("a shard could not begin")]
    Io(#[from] io::Error),
    /// A shard ended by itself.
    #[error("a shard ended unexpectedly")]
    Lost,
}

/// The error a shard's beginning can have.
enum Beginning<E> {
    Host(E),
    Io(io::Error),
}

impl<E> From<io::Error> for Beginning<E> {
    fn from(error: io::Error) -> Self {
        Beginning::Io(error)
    }
}

impl Run {
    /// Starts `count` shards, each with a host of its own made by `host` on the shard's thread.
    ///
    /// # Errors
    /// A host could not be made (each shard's is tried), or the system gave no thread.
    pub fn start<H, E, F>(settings: &Settings, count: u64, host: F) -> Result<Run, RunError<E>>
    where
        H: Host,
        E: Send + 'static,
        F: Fn(Desk) -> Result<H, E> + Send + Sync + 'static,
    {
        let origin = Origin::now();
        let host = Arc::new(host);
        let (reporter, reports) = sync_channel(REPORTS);
        let mut shards = Vec::new();
        for index in 0..count {
            let share = ShardShare { index, count };
            shards.push(start_shard(settings.clone(), share, origin, Arc::clone(&host), reporter.clone())?);
        }
        Ok(Run { shards, reports, origin })
    }

    /// Wants something of every shard from now on.
    ///
    /// # Errors
    /// A shard has ended.
    pub fn want(&self, desired: &Desired) -> io::Result<()> {
        for shard in &self.shards {
            if shard.commands.send(Command::Want(desired.clone())).is_ok() {
                shard.waker.wake()?;
            }
        }
        Ok(())
    }

    /// The next report, if one comes within `timeout`.
    ///
    /// # Errors
    /// Every shard has ended.
    pub fn report(&self, timeout: Duration) -> Result<Option<Report>, RecvTimeoutError> {
        match self.reports.recv_timeout(timeout) {
            Ok(report) => Ok(Some(report)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(RecvTimeoutError::Disconnected),
        }
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Whether a shard's thread has ended.
    pub fn has_lost_shard(&self) -> bool {
        self.shards.iter().any(|shard| shard.thread.is_finished())
    }

    /// Time since the run's start.
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Waits for the shards to end; they do when they were told to stop.
    ///
    /// # Errors
    /// A shard's poller failed, or its thread panicked.
    pub fn join(self) -> io::Result<()> {
        drop(self.reports);
        for shard in self.shards {
            shard.thread.join().map_err(|_| io::Error::other("a shard's thread panicked"))??;
        }
        Ok(())
    }
}

fn start_shard<H, E, F>(
    settings: Settings,
    share: ShardShare,
    origin: Origin,
    host: Arc<F>,
    reports: SyncSender<Report>,
) -> Result<ShardHandle, RunError<E>>
where
    H: Host,
    E: Send + 'static,
    F: Fn(Desk) -> Result<H, E> + Send + Sync + 'static,
{
    let (commands, inbox) = sync_channel(COMMANDS);
    let (begun, beginning) = sync_channel(1);
    let thread = thread::Builder::new().name(format!("throng-shard-{}", share.index)).spawn(move || {
        let config = ShardConfig { settings, share, clock: Clock::real(origin) };
        match Shard::on_sockets(config, |desk| host(desk).map_err(Beginning::Host)) {
            Ok(shard) => {
                let waker = shard.waker().expect("a shard on sockets has a waker");
                // Whoever started the shard may have given up on another one.
                if begun.send(Ok(waker)).is_err() {
                    return Ok(());
                }
                shard.run(&inbox, &reports)
            }
            Err(error) => {
                let _ = begun.send(Err(error));
                Ok(())
            }
        }
    })?;
    match beginning.recv() {
        Ok(Ok(waker)) => Ok(ShardHandle { commands, waker, thread }),
        Ok(Err(Beginning::Host(error))) => Err(RunError::Host(error)),
        Ok(Err(Beginning::Io(error))) => Err(RunError::Io(error)),
        Err(_) => Err(RunError::Lost),
    }
}
