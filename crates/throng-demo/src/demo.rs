//! The demo as a whole: a thread of its own with its own runtime, which any program or test can embed.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, mpsc as blocking},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, UdpSocket},
    runtime::{Builder, Runtime},
    sync::{mpsc, watch},
};

use crate::{
    datagrams,
    dead_end::DeadEnd,
    kind::ServerKind,
    options::DemoOptions,
    plan::Plan,
    report::Report,
    server::{self, Lifetime, Role, Server, Setup},
    service::{BattleWorld, GameWorld, SkynetWorld},
    timer::Timer,
    tls::{Credentials, TlsError},
};
use tokio_rustls::TlsAcceptor;

/// How long connections may take to say goodbye.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

/// A running demo; it ends when this is dropped.
pub struct Demo {
    addresses: BTreeMap<ServerKind, SocketAddr>,
    credentials: Option<Credentials>,
    servers: Vec<Arc<Server>>,
    started: Instant,
    shutdown: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// Why a demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A server cannot listen at its address.
    #[error("the {server} server cannot listen at {address}")]
    Listen {
        /// The server.
        server: ServerKind,
        /// The address it was given.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system gives no thread, timer or poller.
    #[error("the demo's threads cannot start")]
    Threads(#[source] io::Error),
    /// There are no certificates for TLS.
    #[error("the demo has no TLS")]
    Tls(#[from] TlsError),
    /// The demo's thread ended before its servers listened.
    #[error("the demo ended while it started")]
    Ended,
}

impl Demo {
    /// Starts all servers of `options`; when it returns they listen.
    ///
    /// # Errors
    /// A server cannot listen, or the system gives no threads.
    pub fn start(options: DemoOptions) -> Result<Self, StartError> {
        let (shutdown, down) = watch::channel(false);
        let (ready, listening) = blocking::channel();
        let started = Instant::now();
        let (acceptor, credentials) = options.tls.as_ref().map(|tls| tls.make()).transpose()?.unzip();
        let body = move || match House::build(&options, acceptor.as_ref(), started) {
            Ok(house) => {
                // The receiver is gone only if the caller is, and then `down` says so.
                let _ = ready.send(Ok((house.addresses.clone(), house.servers())));
                house.run(down);
            }
            Err(error) => drop(ready.send(Err(error))),
        };
        let thread =
            thread::Builder::new().name("demo".to_owned()).spawn(body).map_err(StartError::Threads)?;
        let (addresses, servers) = listening.recv().map_err(|_| StartError::Ended)??;
        Ok(Self { addresses, credentials, servers, started, shutdown, thread: Some(thread) })
    }

    /// Where each server listens.
    pub fn addresses(&self) -> &BTreeMap<ServerKind, SocketAddr> {
        &self.addresses
    }

    /// Where one server listens, if the demo has it.
    pub fn address(&self, kind: ServerKind) -> Option<SocketAddr> {
        self.addresses.get(&kind).copied()
    }

    /// The URL of one server, such as `ws://127.0.0.1:8765`.
    pub fn url(&self, kind: ServerKind) -> Option<String> {
        let scheme = if self.credentials.is_some() { kind.tls_scheme() } else { kind.scheme() };
        self.address(kind).map(|address| format!("{scheme}://{address}"))
    }

    /// What clients need for TLS, if the demo has it.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The counts so far.
    pub fn report(&self) -> Report {
        let servers = self.servers.iter().map(|server| (server.kind.name(), server.report())).collect();
        Report { version: 1, uptime_s: self.started.elapsed().as_secs_f64(), servers }
    }

    /// Ends the demo and gives the final counts.
    pub fn stop(mut self) -> Report {
        self.end();
        self.report()
    }

    fn end(&mut self) {
        // Nobody listens only if the thread has ended already.
        let _ = self.shutdown.send(true);
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed, and the counts are still there.
            let _ = thread.join();
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.end();
    }
}

/// Everything that lives on the demo's own thread.
struct House {
    runtime: Runtime,
    addresses: BTreeMap<ServerKind, SocketAddr>,
    listening: Vec<(TcpListener, Arc<Server>)>,
    datagrams: Vec<(UdpSocket, Arc<Server>)>,
    /// Kept so that their addresses stay dead.
    dead_ends: Vec<DeadEnd>,
    heartbeat: Duration,
    /// Who is logged in, for the login server and the gate.
    skynet: Arc<SkynetWorld>,
}

impl House {
    fn build(options: &DemoOptions, tls: Option<&TlsAcceptor>, started: Instant) -> Result<Self, StartError> {
        let runtime = match options.threads {
            1 => Builder::new_current_thread().enable_all().build(),
            threads => Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
        };
        let runtime = runtime.map_err(StartError::Threads)?;
        let timer = Arc::new(Timer::start().map_err(StartError::Threads)?);
        let mut house = Self {
            runtime,
            addresses: BTreeMap::new(),
            listening: Vec::new(),
            datagrams: Vec::new(),
            dead_ends: Vec::new(),
            heartbeat: options.heartbeat,
            skynet: Arc::new(SkynetWorld::new(options.seed)),
        };
        for (&kind, &address) in &options.servers {
            let setup =
                Setup { kind, plan: Plan::new(kind, &options.faults, options.seed), tls: tls.cloned() };
            let failed = |source| StartError::Listen { server: kind, address, source };
            house.open(setup, address, &timer, started).map_err(failed)?;
        }
        Ok(house)
    }

    fn open(
        &mut self,
        setup: Setup,
        address: SocketAddr,
        timer: &Arc<Timer>,
        started: Instant,
    ) -> io::Result<()> {
        let _inside = self.runtime.enter();
        let kind = setup.kind;
        if matches!(kind, ServerKind::EchoUdp | ServerKind::EchoKcp) {
            let socket = server::bind_datagrams(address)?;
            let address = socket.local_addr()?;
            let server = Server::new(setup, address, Arc::clone(timer), started);
            self.datagrams.push((socket, Arc::new(server)));
            self.addresses.insert(kind, address);
            return Ok(());
        }
        let dead_end = match kind {
            ServerKind::Refuse => Some(DeadEnd::refusing(address)?),
            ServerKind::Unanswered => Some(DeadEnd::full(address)?),
            _ => None,
        };
        let address = match dead_end {
            Some(dead_end) => {
                let address = dead_end.address()?;
                self.dead_ends.push(dead_end);
                address
            }
            None => {
                let listener = server::listen(address)?;
                let address = listener.local_addr()?;
                let server = Server::new(setup, address, Arc::clone(timer), started);
                self.listening.push((listener, Arc::new(server)));
                address
            }
        };
        self.addresses.insert(kind, address);
        Ok(())
    }

    fn servers(&self) -> Vec<Arc<Server>> {
        let listening = self.listening.iter().map(|(_, server)| server);
        listening.chain(self.datagrams.iter().map(|(_, server)| server)).cloned().collect()
    }

    fn role(&self, server: &Arc<Server>) -> Option<Role> {
        let address = |kind| self.addresses.get(&kind).copied();
        Some(match server.kind {
            ServerKind::Lobby => Role::Lobby { game: address(ServerKind::Game) },
            ServerKind::Game => {
                Role::Game { world: Arc::new(GameWorld::default()), battle: address(ServerKind::Battle) }
            }
            ServerKind::Battle => {
                let world = Arc::new(BattleWorld::new(Arc::clone(server)));
                Role::Battle { world, heartbeat: self.heartbeat }
            }
            ServerKind::Echo => Role::Echo,
            ServerKind::EchoWs => Role::EchoWs,
            ServerKind::Web => Role::Web,
            ServerKind::Login => Role::Login { world: Arc::clone(&self.skynet) },
            ServerKind::Gate => Role::Gate { world: Arc::clone(&self.skynet) },
            ServerKind::Mute => Role::Mute,
            ServerKind::Refuse | ServerKind::Unanswered | ServerKind::EchoUdp | ServerKind::EchoKcp => {
                return None;
            }
        })
    }

    /// Serves until `shutdown`, then waits for the goodbyes.
    fn run(mut self, shutdown: watch::Receiver<bool>) {
        let (alive, mut ended) = mpsc::channel(1);
        for (listener, server) in std::mem::take(&mut self.listening) {
            if let Some(role) = self.role(&server) {
                let lifetime = Lifetime { shutdown: shutdown.clone(), alive: alive.clone() };
                self.runtime.spawn(server::accept(listener, role, server, lifetime));
            }
        }
        for (socket, server) in std::mem::take(&mut self.datagrams) {
            let lifetime = Lifetime { shutdown: shutdown.clone(), alive: alive.clone() };
            match server.kind {
                ServerKind::EchoKcp => self.runtime.spawn(datagrams::echo_kcp(socket, server, lifetime)),
                _ => self.runtime.spawn(datagrams::echo(socket, server, lifetime)),
            };
        }
        drop(alive);
        let mut down = shutdown;
        self.runtime.block_on(async {
            // A dropped sender is a demo that is gone.
            let _ = down.wait_for(|down| *down).await;
            // Closed when the last task has dropped its sender.
            let _ = tokio::time::timeout(SHUTDOWN_LIMIT, ended.recv()).await;
        });
        self.runtime.shutdown_timeout(SHUTDOWN_LIMIT);
        drop(self.dead_ends);
    }
}
