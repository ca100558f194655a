//! One listening server: its shared state, and the loop that accepts its connections.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, UdpSocket},
    sync::{mpsc, watch},
};

use crate::{
    connection::Connection,
    gate::Gate,
    kind::ServerKind,
    link::{FrameLink, HttpLink, LineLink, WebSocketLink},
    plan::Plan,
    report::ServerReport,
    service::{Battle, BattleWorld, Echo, Game, GameWorld, Lobby, SkynetGate, SkynetLogin, SkynetWorld, Web},
    tally::{End, Tally},
    timer::{Alarm, Timer},
    wire::{Socket, Wire},
};
use tokio_rustls::TlsAcceptor;

/// Connections that may wait to be accepted: a storm of robots is the point.
const BACKLOG: u32 = 4096;

/// How long a client may take for its TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long to rest when none can be accepted, most likely for want of descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// What all connections of one server share.
pub(crate) struct Server {
    pub(crate) kind: ServerKind,
    pub(crate) address: SocketAddr,
    pub(crate) plan: Plan,
    tls: Option<TlsAcceptor>,
    pub(crate) tally: Tally,
    pub(crate) gate: Gate,
    timer: Arc<Timer>,
    met_first: AtomicBool,
}

/// What one server is to be.
pub(crate) struct Setup {
    pub(crate) kind: ServerKind,
    pub(crate) plan: Plan,
    pub(crate) tls: Option<TlsAcceptor>,
}

impl Server {
    pub(crate) fn new(setup: Setup, address: SocketAddr, timer: Arc<Timer>, started: Instant) -> Self {
        let Setup { kind, plan, tls } = setup;
        let tally = Tally::new(kind);
        Self {
            kind,
            address,
            plan,
            tls,
            tally,
            gate: Gate::new(started),
            timer,
            met_first: AtomicBool::new(false),
        }
    }

    pub(crate) fn alarm(&self) -> Alarm {
        self.timer.alarm()
    }

    pub(crate) fn report(&self) -> ServerReport {
        self.tally.report(self.kind, self.address, self.gate.log())
    }
}

/// Listens at `address`.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address)?.listen(BACKLOG)
}

/// A socket at `address` that does not listen yet.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A socket for datagrams at `address`.
pub(crate) fn bind_datagrams(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// What to do with each connection.
#[derive(Clone)]
pub(crate) enum Role {
    Lobby { game: Option<SocketAddr> },
    Game { world: Arc<GameWorld>, battle: Option<SocketAddr> },
    Battle { world: Arc<BattleWorld>, heartbeat: Duration },
    Echo,
    EchoWs,
    Web,
    Login { world: Arc<SkynetWorld> },
    Gate { world: Arc<SkynetWorld> },
    Mute,
}

/// The demo's end, as its tasks see it.
#[derive(Clone)]
pub(crate) struct Lifetime {
    pub(crate) shutdown: watch::Receiver<bool>,
    /// Held by each task, so that the demo knows when all have ended.
    pub(crate) alive: mpsc::Sender<()>,
}

/// Accepts connections until the demo ends.
pub(crate) async fn accept(listener: TcpListener, role: Role, server: Arc<Server>, mut lifetime: Lifetime) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = lifetime.shutdown.wait_for(|down| *down) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                server.tally.accepted.one();
                begin_stalls(&server, &lifetime);
                let role = role.clone();
                tokio::spawn(play(stream, role, Arc::clone(&server), lifetime.clone()));
            }
            Err(_) => {
                server.tally.accept_errors.one();
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// Stalls count from the first connection, because a server that waits for its load has nothing to stall.
fn begin_stalls(server: &Arc<Server>, lifetime: &Lifetime) {
    if server.met_first.swap(true, Ordering::Relaxed) {
        return;
    }
    for (after, length) in server.plan.stalls() {
        let server = Arc::clone(server);
        let Lifetime { mut shutdown, alive } = lifetime.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = server.gate.stall(server.alarm(), after, length) => {}
                _ = shutdown.wait_for(|down| *down) => {}
            }
            drop(alive);
        });
    }
}

async fn play(stream: TcpStream, role: Role, server: Arc<Server>, lifetime: Lifetime) {
    let Lifetime { shutdown, alive } = lifetime;
    let local = stream.local_addr().ok();
    let reachable = |address: Option<SocketAddr>| address.map(|address| as_reached(address, local));
    let socket = Socket::new(stream, Arc::clone(&server));
    match open(socket, &role, &server, shutdown.clone()).await {
        Ok(wire) => serve(wire, role, reachable, server, shutdown).await,
        Err(end) => server.tally.ended(end),
    }
    drop(alive);
}

/// The wire of a connection: behind a handshake when the server has TLS and speaks at all.
async fn open(
    socket: Socket,
    role: &Role,
    server: &Server,
    mut shutdown: watch::Receiver<bool>,
) -> Result<Wire, End> {
    let Some(tls) = server.tls.as_ref().filter(|_| !matches!(role, Role::Mute)) else {
        return Ok(Wire::plain(socket));
    };
    let secured = tokio::time::timeout(HANDSHAKE_LIMIT, Wire::secure(socket, tls));
    tokio::select! {
        secured = secured => secured.ok().and_then(Result::ok).ok_or(End::Protocol),
        _ = shutdown.wait_for(|down| *down) => Err(End::Shutdown),
    }
}

async fn serve(
    wire: Wire,
    role: Role,
    reachable: impl Fn(Option<SocketAddr>) -> Option<SocketAddr>,
    server: Arc<Server>,
    shutdown: watch::Receiver<bool>,
) {
    match role {
        Role::Lobby { game } => websocket(wire, Lobby::new(reachable(game)), server, shutdown).await,
        Role::Game { world, battle } => {
            websocket(wire, Game::new(world, reachable(battle)), server, shutdown).await;
        }
        Role::EchoWs => websocket(wire, Echo, server, shutdown).await,
        Role::Echo => Connection::new(FrameLink::new(wire), Echo, server, None).run(shutdown).await,
        Role::Web => Connection::new(HttpLink::new(wire), Web, server, None).run(shutdown).await,
        Role::Login { world } => {
            Connection::new(LineLink::new(wire), SkynetLogin::new(world), server, None).run(shutdown).await;
        }
        Role::Gate { world } => {
            Connection::new(FrameLink::new(wire), SkynetGate::new(world), server, None).run(shutdown).await;
        }
        Role::Battle { world, heartbeat } => {
            let link = FrameLink::new(wire);
            Connection::new(link, Battle::new(world), server, Some(heartbeat)).run(shutdown).await;
        }
        Role::Mute => mute(wire, &server, shutdown).await,
    }
}

/// Where a client that came to `local` finds `address`: a server that listens everywhere is at the client's own door.
fn as_reached(address: SocketAddr, local: Option<SocketAddr>) -> SocketAddr {
    match local {
        Some(local) if address.ip().is_unspecified() => SocketAddr::new(local.ip(), address.port()),
        _ => address,
    }
}

async fn websocket<S: crate::service::Service>(
    wire: Wire,
    service: S,
    server: Arc<Server>,
    mut shutdown: watch::Receiver<bool>,
) {
    let upgraded = tokio::select! {
        upgraded = WebSocketLink::accept(wire) => upgraded.map_err(|_| End::Protocol),
        _ = shutdown.wait_for(|down| *down) => Err(End::Shutdown),
    };
    match upgraded {
        Ok(link) => Connection::new(link, service, server, None).run(shutdown).await,
        Err(end) => server.tally.ended(end),
    }
}

async fn mute(wire: Wire, server: &Server, mut shutdown: watch::Receiver<bool>) {
    // A closed channel means the demo is gone, which ends the waiting too.
    let _ = shutdown.wait_for(|down| *down).await;
    server.tally.ended(End::Shutdown);
    drop(wire);
}
