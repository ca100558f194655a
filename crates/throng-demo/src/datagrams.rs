//! Servers without connections: datagrams that are sent back, alone and over KCP.
//!
//! KCP is not throng's own here, so that the two do not share a mistake. A client is an address and the number of its
//! conversation; one that was silent for a while is forgotten.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use kcp::Kcp;
use tokio::net::UdpSocket;

use crate::{
    server::{Lifetime, Server},
    tally::End,
};

/// The longest datagram there is.
const LONGEST: usize = 65_536;
/// The longest message of KCP: 127 fragments of a datagram each.
const LONGEST_MESSAGE: usize = 127 * 1_400;
/// How often what is not acknowledged is looked after.
const BEAT: Duration = Duration::from_millis(10);
/// A client that was silent for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// More clients at a time are not answered.
const MOST_CLIENTS: usize = 100_000;
/// Segments that may be under way.
const WINDOW: u16 = 128;

/// Sends each datagram back until the demo ends.
pub(crate) async fn echo(socket: UdpSocket, server: Arc<Server>, mut lifetime: Lifetime) {
    let mut buffer = vec![0; LONGEST];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            _ = lifetime.shutdown.wait_for(|down| *down) => return,
        };
        // What the system tells of an earlier datagram that came back is no reason to end.
        let Ok((count, from)) = received else { continue };
        server.tally.received.add(count);
        server.tally.requests[0].one();
        if server.plan.decide(0, true).drop {
            server.tally.dropped.one();
        } else if socket.send_to(&buffer[..count], from).await.is_ok() {
            server.tally.sent.add(count);
            server.tally.replies[0].one();
        }
    }
}

/// Sends each message of each KCP conversation back until the demo ends.
pub(crate) async fn echo_kcp(socket: UdpSocket, server: Arc<Server>, mut lifetime: Lifetime) {
    let mut house = Conversations::new(socket, server);
    let mut beat = tokio::time::interval(BEAT);
    let mut buffer = vec![0; LONGEST];
    loop {
        tokio::select! {
            received = house.socket.recv_from(&mut buffer) => {
                if let Ok((count, from)) = received {
                    house.take_in(&buffer[..count], from);
                }
            }
            _ = beat.tick() => house.look_after(),
            _ = lifetime.shutdown.wait_for(|down| *down) => return house.end(),
        }
    }
}

/// All conversations of a server.
struct Conversations {
    socket: Arc<UdpSocket>,
    server: Arc<Server>,
    clients: HashMap<SocketAddr, Client>,
    /// Those with something that is not acknowledged.
    busy: HashSet<SocketAddr>,
    began: Instant,
    swept: Instant,
    message: Vec<u8>,
}

struct Client {
    kcp: Kcp<Line>,
    heard: Instant,
}

/// Where a client's datagrams go.
struct Line {
    socket: Arc<UdpSocket>,
    server: Arc<Server>,
    to: SocketAddr,
}

impl io::Write for Line {
    /// A datagram that is dropped, or that the system has no room for, is lost as on any line.
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        if self.server.plan.decide(0, true).drop {
            self.server.tally.dropped.one();
        } else if self.socket.try_send_to(datagram, self.to).is_ok() {
            self.server.tally.sent.add(datagram.len());
        }
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Conversations {
    fn new(socket: UdpSocket, server: Arc<Server>) -> Self {
        let (socket, now) = (Arc::new(socket), Instant::now());
        let (clients, busy) = (HashMap::new(), HashSet::new());
        Self { socket, server, clients, busy, began: now, swept: now, message: vec![0; LONGEST_MESSAGE] }
    }

    /// Milliseconds since the start, which is all that KCP knows of time.
    fn now(&self) -> u32 {
        self.began.elapsed().as_millis() as u32
    }

    /// Takes a datagram in, sends back what is whole, and acknowledges at once.
    fn take_in(&mut self, datagram: &[u8], from: SocketAddr) {
        let now = self.now();
        self.server.tally.received.add(datagram.len());
        // The number of the conversation stands first.
        let Some(conv) = datagram.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)) else {
            return self.server.tally.undecodable.one();
        };
        let Some(client) = self.client(from, conv, now) else { return };
        client.heard = Instant::now();
        let taken = client.kcp.input(datagram).is_ok();
        if !taken {
            self.server.tally.undecodable.one();
        }
        self.answer(from);
    }

    /// The client's conversation; a new one where it has begun anew.
    fn client(&mut self, from: SocketAddr, conv: u32, now: u32) -> Option<&mut Client> {
        let known = self.clients.get(&from).is_some_and(|client| client.kcp.conv() == conv);
        if !known {
            if self.clients.remove(&from).is_some() {
                self.server.tally.ended(End::Client);
            } else if self.clients.len() >= MOST_CLIENTS {
                self.server.tally.accept_errors.one();
                return None;
            }
            let line = Line { socket: Arc::clone(&self.socket), server: Arc::clone(&self.server), to: from };
            let mut kcp = Kcp::new(conv, line);
            kcp.set_nodelay(true, BEAT.as_millis() as i32, 2, true);
            kcp.set_wndsize(WINDOW, WINDOW);
            // Without a first update it sends nothing.
            kcp.update(now).ok()?;
            self.server.tally.accepted.one();
            self.clients.insert(from, Client { kcp, heard: Instant::now() });
        }
        self.clients.get_mut(&from)
    }

    fn answer(&mut self, from: SocketAddr) {
        let Some(client) = self.clients.get_mut(&from) else { return };
        while let Ok(count) = client.kcp.recv(&mut self.message) {
            self.server.tally.requests[0].one();
            if client.kcp.send(&self.message[..count]).is_ok() {
                self.server.tally.replies[0].one();
            }
        }
        // Its line loses rather than fails.
        let _ = client.kcp.flush();
        if client.kcp.wait_snd() > 0 {
            self.busy.insert(from);
        }
    }

    /// Sends again what is late, and forgets who is gone.
    fn look_after(&mut self) {
        let now = self.now();
        let Self { clients, busy, .. } = self;
        busy.retain(|from| {
            clients.get_mut(from).is_some_and(|client| {
                let _ = client.kcp.update(now);
                client.kcp.wait_snd() > 0
            })
        });
        if self.swept.elapsed() > SILENCE {
            self.swept = Instant::now();
            let before = self.clients.len();
            self.clients.retain(|_, client| client.heard.elapsed() < SILENCE);
            for _ in self.clients.len()..before {
                self.server.tally.ended(End::Client);
            }
        }
    }

    fn end(&self) {
        for _ in &self.clients {
            self.server.tally.ended(End::Shutdown);
        }
    }
}
