//! Projects over UDP and over KCP: what the robots count is what the server counts.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kcp::Kcp;
use throng_demo::{Demo, DemoOptions, ServerKind};

use crate::play::{Project, once, settings};
use crate::report::Books;

/// What an echo server counted.
#[derive(Debug, Default)]
struct Counts {
    messages: u64,
    bytes_received: u64,
    bytes_sent: u64,
    clients: usize,
    /// Numbers of conversations, in order.
    convs: Vec<u32>,
}

struct Echo {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: JoinHandle<Counts>,
}

impl Echo {
    fn start(serve: fn(&UdpSocket, &AtomicBool) -> Counts) -> Echo {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        let (address, over) = (socket.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let told = over.clone();
        Echo { address, over, thread: std::thread::spawn(move || serve(&socket, &told)) }
    }

    fn end(self) -> Counts {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn datagrams(socket: &UdpSocket, over: &AtomicBool) -> Counts {
    let (mut counts, mut buffer) = (Counts::default(), vec![0; 65_536]);
    while !over.load(Ordering::Relaxed) {
        if let Ok((count, from)) = socket.recv_from(&mut buffer) {
            socket.send_to(&buffer[..count], from).unwrap();
            counts.messages += 1;
            counts.bytes_received += count as u64;
            counts.bytes_sent += count as u64;
        }
    }
    counts
}

/// Where a client's KCP writes to.
struct Line {
    socket: UdpSocket,
    to: SocketAddr,
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send_to(bytes, self.to)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An independent KCP, which takes the number of a conversation from its first datagram.
fn conversations(socket: &UdpSocket, over: &AtomicBool) -> Counts {
    let (mut counts, mut buffer) = (Counts::default(), vec![0; 1 << 20]);
    let mut clients: HashMap<SocketAddr, Kcp<Line>> = HashMap::new();
    let began = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let now = began.elapsed().as_millis() as u32;
        if let Ok((count, to)) = socket.recv_from(&mut buffer) {
            let conv = kcp::get_conv(&buffer[..count]);
            let client = clients.entry(to).or_insert_with(|| {
                counts.convs.push(conv);
                let mut kcp = Kcp::new(conv, Line { socket: socket.try_clone().unwrap(), to });
                kcp.set_nodelay(true, 10, 2, true);
                kcp.set_wndsize(128, 128);
                kcp.update(now).unwrap();
                kcp
            });
            client.input(&buffer[..count]).unwrap();
        }
        for client in clients.values_mut() {
            while let Ok(count) = client.recv(&mut buffer) {
                counts.messages += 1;
                client.send(&buffer[..count]).unwrap();
            }
            client.update(now).unwrap();
        }
    }
    counts.clients = clients.len();
    counts.convs.sort_unstable();
    counts
}

const ECHO: &str = r#"
[protocols.echo]
codec = "raw"
reply = "fifo"
on_close = "call"
kcp = { nodelay = true, interval = "10ms", resend = 2, nc = true, window = [128, 128], conv = "robot" }
"#;

/// `count` echoes of different bytes in a row.
fn echoes(count: u64, size: u64) -> String {
    format!(
        "for i = 1, {count} do
           local body = ('%d/%d '):format(self.robot.id, i):rep({size})
           throng.check('own bytes', game:request('echo', body) == body)
         end"
    )
}

fn answered(count: u64) -> Books {
    Books { count, ok: count, ..Books::default() }
}

#[test]
fn every_datagram_is_counted_on_both_sides() {
    let server = Echo::start(datagrams);
    let url = format!("udp://{}", server.address);
    let played = Project::new(&settings(&url, 4, ECHO), &once(&echoes(50, 20))).run(&[]);
    let (report, counts) = (played.passed(), server.end());
    assert_eq!(report.books("echo"), answered(200));
    assert_eq!(report.check("own bytes"), (200, 0));
    assert_eq!(counts.messages, 200);
    assert_eq!(report.number("/bytes/sent"), counts.bytes_received);
    assert_eq!(report.number("/bytes/received"), counts.bytes_sent);
}

#[test]
fn an_independent_kcp_answers_every_request() {
    let server = Echo::start(conversations);
    let url = format!("kcp://{}", server.address);
    let played = Project::new(&settings(&url, 4, ECHO), &once(&echoes(25, 2000))).run(&[]);
    let (report, counts) = (played.passed(), server.end());
    assert_eq!(report.books("echo"), answered(100));
    assert_eq!(report.check("own bytes"), (100, 0));
    assert_eq!((counts.messages, counts.clients), (100, 4));
    let distinct = counts.convs.windows(2).all(|pair| pair[1] == pair[0] + 1);
    assert!(distinct, "the robots' ids: {:?}", counts.convs);
}

#[test]
fn a_script_may_say_which_conversation_it_is() {
    let server = Echo::start(conversations);
    let url = format!("kcp://{}", server.address);
    let player = "local player = throng.mod()
        function player:start()
          self.robot:connect('game', throng.host, { conv = 4000000000 + self.robot.id })
        end
        player:task('play', function(self)
          throng.check('own bytes', self.robot.game:request('echo', 'hello') == 'hello')
          self.robot:stop()
        end)
        return player";
    let played = Project::new(&settings(&url, 1, ECHO), player).run(&[]);
    let (report, counts) = (played.passed(), server.end());
    assert_eq!(report.check("own bytes"), (1, 0));
    assert_eq!(counts.convs.len(), 1);
    assert!(counts.convs[0] >= 4_000_000_000, "{:?}", counts.convs);
}

/// A demo of both echoes, on whose KCP every third datagram is lost.
fn demo() -> Demo {
    let options = DemoOptions::empty().with(ServerKind::EchoUdp).with(ServerKind::EchoKcp);
    Demo::start(options.fault("echo-kcp.drop=3").unwrap()).unwrap()
}

#[test]
fn the_demo_echoes_over_both() {
    for kind in [ServerKind::EchoUdp, ServerKind::EchoKcp] {
        let demo = demo();
        let settings = settings(&demo.url(kind).unwrap(), 3, ECHO);
        let played = Project::new(&settings, &once(&echoes(20, 100))).run(&[]);
        let report = played.passed();
        assert_eq!(report.books("echo"), answered(60), "{kind}");
        assert_eq!(report.check("own bytes"), (60, 0), "{kind}");
        let counts = &demo.stop().servers[kind.name()];
        assert_eq!((counts.requests["echo"], counts.replies["echo"]), (60, 60), "{kind}");
        assert!(kind != ServerKind::EchoKcp || counts.faults.dropped > 0);
    }
}

#[test]
fn what_robots_say_before_they_close_arrives_over_a_line_that_loses() {
    let demo = demo();
    let protocol = format!("{}[tcp]\nlinger = \"5s\"\n", ECHO.replace("\"fifo\"", "\"none\""));
    let settings = settings(&demo.url(ServerKind::EchoKcp).unwrap(), 5, &protocol);
    // More than the window takes at once: what is left goes out as acknowledgements come, when the robot has closed.
    let script =
        "for i = 1, 10 do game:send('echo', ('x'):rep(30000)) end game:close() throng.check('said', true)";
    let played = Project::new(&settings, &once(script)).run(&[]);
    let report = played.passed();
    assert_eq!(report.number("/messages/sent"), 50);
    let counts = &demo.stop().servers["echo-kcp"];
    assert_eq!(counts.requests["echo"], 50, "all of them arrived");
    assert!(counts.faults.dropped > 0);
}
