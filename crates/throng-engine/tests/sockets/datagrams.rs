//! UDP and KCP on this machine's sockets, the latter with an independent implementation at the other end.

use crate::play::*;
use kcp::Kcp;
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use throng_engine::{ProtocolRoute, Settings};
use throng_metrics::{FailureKind, Totals};
use throng_wire::{CodecSpec, KcpSpec, OnClose, Protocol, ProtocolSpec, ReplySpec};

/// A server on a UDP socket, which ends when it is told to.
struct Place {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Place {
    fn start(serve: impl FnOnce(UdpSocket, &AtomicBool) + Send + 'static) -> Place {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(2))).expect("a time-out");
        let address = socket.local_addr().expect("an address");
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        let thread = std::thread::spawn(move || serve(socket, &told));
        Place { address, over, thread }
    }

    fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the server ends well");
    }
}

/// Sends every datagram back.
fn echo(socket: UdpSocket, over: &AtomicBool) {
    let mut buffer = vec![0; 65_536];
    while !over.load(Ordering::Relaxed) {
        if let Ok((count, from)) = socket.recv_from(&mut buffer) {
            socket.send_to(&buffer[..count], from).expect("room");
        }
    }
}

/// Where one client's KCP writes to; every `loses`th datagram is lost.
struct Line {
    socket: UdpSocket,
    to: SocketAddr,
    loses: usize,
    sent: usize,
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent += 1;
        if self.loses == 0 || !self.sent.is_multiple_of(self.loses) {
            self.socket.send_to(bytes, self.to)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends every message of every client back, over KCP; of what it sends and receives every `loses`th datagram is lost.
fn echo_kcp(loses: usize, stream: bool) -> impl FnOnce(UdpSocket, &AtomicBool) {
    move |socket, over| {
        let (began, mut buffer, mut came) = (Instant::now(), vec![0; 1 << 20], 0usize);
        let mut clients: HashMap<SocketAddr, Kcp<Line>> = HashMap::new();
        while !over.load(Ordering::Relaxed) {
            let now = began.elapsed().as_millis() as u32;
            if let Ok((count, to)) = socket.recv_from(&mut buffer) {
                came += 1;
                let client = clients.entry(to).or_insert_with(|| {
                    let line = Line { socket: socket.try_clone().expect("a socket"), to, loses, sent: 0 };
                    let mut kcp = if stream { Kcp::new_stream(CONV, line) } else { Kcp::new(CONV, line) };
                    kcp.set_nodelay(true, 10, 2, true);
                    kcp.set_wndsize(128, 128);
                    kcp.update(now).expect("an update");
                    kcp
                });
                if loses == 0 || !came.is_multiple_of(loses) {
                    client.input(&buffer[..count]).expect("our segments");
                }
            }
            for client in clients.values_mut() {
                while let Ok(count) = client.recv(&mut buffer) {
                    client.send(&buffer[..count]).expect("room");
                }
                client.update(now).expect("an update");
            }
        }
    }
}

/// Raw bytes without a framing: a datagram, or a message of KCP, is a frame.
fn datagrams(kcp: KcpSpec) -> Settings {
    let spec = ProtocolSpec {
        reply: Some(ReplySpec::Fifo),
        on_close: OnClose::Call,
        kcp,
        ..ProtocolSpec::new("game", CodecSpec::Raw)
    };
    let protocol = Arc::new(Protocol::build(spec).expect("a protocol"));
    Settings { protocols: vec![ProtocolRoute { protocol, hosts: Vec::new() }], ..settings() }
}

fn fast() -> KcpSpec {
    KcpSpec {
        nodelay: true,
        interval: Duration::from_millis(10),
        resend: 2,
        no_congestion: true,
        send_window: 128,
        ..KcpSpec::default()
    }
}

#[track_caller]
fn answered(totals: &Totals, count: u64) {
    let (_, row) = totals.requests().iter().next().expect("a request");
    assert_eq!((row.counts.issued, row.counts.ok), (count, count));
}

#[track_caller]
fn failed(totals: &Totals, kind: FailureKind) -> bool {
    totals.failures().iter().any(|failure| failure.kind == kind)
}

/// Requests of these sizes, each after the reply to the one before.
fn ask(url: String, sizes: &[usize]) -> Vec<Act> {
    let asked = sizes.iter().map(|size| Act::Request(*size));
    std::iter::once(Act::Connect(url)).chain(asked).chain([Act::Sleep(Duration::ZERO)]).collect()
}

#[test]
fn a_datagram_is_a_frame() {
    let server = Place::start(echo);
    let mut game =
        Game::play(&datagrams(fast()), ask(format!("udp://{}", server.address), &[1, 0, 1400, 65_507]));
    game.hear("elapsed");
    for reply in ["reply of 1", "reply of 0", "reply of 1400", "reply of 65507"] {
        game.hear(reply);
    }
    server.end();
    let totals = game.end();
    answered(&totals, 4);
    assert_eq!(totals.traffic().bytes_sent, 1 + 1400 + 65_507);
    assert_eq!(totals.traffic().bytes_received, 1 + 1400 + 65_507);
}

#[test]
fn a_port_where_nobody_listens_is_refused() {
    for scheme in ["udp", "kcp"] {
        // Taken, so that nobody else gets it, by one who hears somebody else alone.
        let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
        taken.connect(taken.local_addr().expect("an address")).expect("a peer");
        let address = taken.local_addr().expect("an address");
        let mut game = Game::play(&datagrams(fast()), ask(format!("{scheme}://{address}"), &[5]));
        game.hear("connected");
        game.hear("failed reset");
        game.hear("closed reset");
        assert!(failed(&game.end(), FailureKind::Refused), "{scheme}");
    }
}

#[test]
fn messages_of_any_size_come_back_over_kcp() {
    let server = Place::start(echo_kcp(0, false));
    let mut game =
        Game::play(&datagrams(fast()), ask(format!("kcp://{}", server.address), &[1, 1376, 1377, 150_000]));
    game.hear("elapsed");
    for reply in ["reply of 1", "reply of 1376", "reply of 1377", "reply of 150000"] {
        game.hear(reply);
    }
    server.end();
    answered(&game.end(), 4);
}

#[test]
fn kcp_makes_good_for_what_a_line_loses() {
    let server = Place::start(echo_kcp(4, false));
    let mut game = Game::play(&datagrams(fast()), ask(format!("kcp://{}", server.address), &[9_000; 20]));
    game.hear("elapsed");
    server.end();
    answered(&game.end(), 20);
}

#[test]
fn kcp_can_be_a_stream_with_any_framing() {
    let server = Place::start(echo_kcp(5, true));
    let framed = settings();
    let spec = ProtocolSpec {
        framing: Some(framed.protocols[0].protocol.stream_channel().expect("a framing").framing().clone()),
        reply: Some(ReplySpec::Fifo),
        on_close: OnClose::Call,
        kcp: KcpSpec { stream: true, ..fast() },
        ..ProtocolSpec::new("game", CodecSpec::Raw)
    };
    let protocol = Arc::new(Protocol::build(spec).expect("a protocol"));
    let settings = Settings { protocols: vec![ProtocolRoute { protocol, hosts: Vec::new() }], ..framed };
    let mut game = Game::play(&settings, ask(format!("kcp://{}", server.address), &[3, 20_000, 500_000]));
    game.hear("elapsed");
    for reply in ["reply of 3", "reply of 20000", "reply of 500000"] {
        game.hear(reply);
    }
    server.end();
    answered(&game.end(), 3);
}

/// Tells how long each message over KCP is; of what comes every `loses`th datagram is lost.
fn listen_kcp(loses: usize, told: Sender<usize>) -> impl FnOnce(UdpSocket, &AtomicBool) {
    move |socket, over| {
        let (began, mut buffer, mut came) = (Instant::now(), vec![0; 1 << 20], 0usize);
        let mut client = None;
        while !over.load(Ordering::Relaxed) {
            let now = began.elapsed().as_millis() as u32;
            if let Ok((count, to)) = socket.recv_from(&mut buffer) {
                came += 1;
                let client = client.get_or_insert_with(|| {
                    let line = Line { socket: socket.try_clone().expect("a socket"), to, loses: 0, sent: 0 };
                    let mut kcp = Kcp::new(CONV, line);
                    kcp.set_nodelay(true, 10, 2, true);
                    kcp.set_wndsize(128, 128);
                    kcp.update(now).expect("an update");
                    kcp
                });
                if !came.is_multiple_of(loses) {
                    client.input(&buffer[..count]).expect("our segments");
                }
            }
            if let Some(client) = &mut client {
                while let Ok(count) = client.recv(&mut buffer) {
                    let _ = told.send(count);
                }
                client.update(now).expect("an update");
            }
        }
    }
}

#[test]
fn what_was_said_before_close_arrives_over_a_line_that_loses() {
    let (told, heard) = channel();
    let server = Place::start(listen_kcp(3, told));
    let url = format!("kcp://{}", server.address);
    // More than the window takes at once: a part is not even with KCP yet when the robot closes.
    let script = vec![
        Act::Connect(url),
        Act::Tell(150_000),
        Act::Tell(150_000),
        Act::Tell(7),
        Act::Close,
        Act::Sleep(Duration::ZERO),
    ];
    let mut settings = datagrams(fast());
    settings.tcp.linger = PATIENCE;
    let mut game = Game::play(&settings, script);
    game.hear("elapsed");
    for size in [150_000, 150_000, 7] {
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(size));
    }
    game.end();
    server.end();
}

#[test]
fn a_run_does_not_wait_long_for_a_server_that_acknowledges_nothing() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let url = format!("kcp://{}", silent.local_addr().expect("an address"));
    let script = vec![Act::Connect(url), Act::Tell(5), Act::Close, Act::Sleep(Duration::ZERO)];
    let mut game = Game::play(&datagrams(fast()), script);
    game.hear("elapsed");
    let before = Instant::now();
    game.end();
    assert!(before.elapsed() < PATIENCE);
}

#[test]
fn a_server_that_acknowledges_nothing_ends_the_connection_as_a_time_out() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let url = format!("kcp://{}", silent.local_addr().expect("an address"));
    let settings = datagrams(KcpSpec { dead_link: 3, ..fast() });
    let mut game = Game::play(&settings, ask(url, &[5]));
    game.hear("closed timeout");
    game.end();
}

#[test]
fn a_datagram_of_another_conversation_is_counted_and_changes_nothing() {
    let server = Place::start(|socket, over| {
        let echo = echo_kcp(0, false);
        let mut first = [0; 2000];
        let (count, from) = loop {
            if let Ok(came) = socket.recv_from(&mut first) {
                break came;
            }
        };
        for conversation in [1, 2] {
            first[0] ^= conversation;
            socket.send_to(&first[..count], from).expect("room");
        }
        echo(socket, over);
    });
    let mut game = Game::play(&datagrams(fast()), ask(format!("kcp://{}", server.address), &[5]));
    game.hear("reply of 5");
    server.end();
    let totals = game.end();
    answered(&totals, 1);
    let groups = totals.failures();
    assert_eq!((groups.len(), groups[0].kind, groups[0].count), (1, FailureKind::Protocol, 2), "{groups:?}");
    assert!(groups[0].message.starts_with("a segment of another conversation"), "{groups:?}");
    assert!(
        groups[0].sample.as_ref().is_some_and(|sample| sample.contains(&format!("not {CONV}"))),
        "{groups:?}"
    );
}
