//! The echoes without connections.

use std::{io, net::UdpSocket, time::Instant};

use kcp::Kcp;
use throng_demo::{Demo, DemoOptions, ServerKind};

use crate::client::PATIENCE;

fn echoes(fault: &str) -> Demo {
    let options = DemoOptions::empty().with(ServerKind::EchoUdp).with(ServerKind::EchoKcp).fault(fault);
    Demo::start(options.unwrap()).unwrap()
}

fn connected(demo: &Demo, kind: ServerKind) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(demo.address(kind).unwrap()).unwrap();
    socket
}

#[test]
fn datagrams_come_back_but_for_those_that_a_fault_loses() {
    let demo = echoes("echo-udp.drop=3");
    assert!(demo.url(ServerKind::EchoUdp).unwrap().starts_with("udp://127.0.0.1:"));
    let socket = connected(&demo, ServerKind::EchoUdp);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 100];
    for number in 1..=7_u8 {
        socket.send(&[number; 9]).unwrap();
        if number % 3 != 0 {
            assert_eq!(socket.recv(&mut buffer).unwrap(), 9);
            assert_eq!(buffer[..9], [number; 9]);
        }
    }
    let report = demo.stop();
    let udp = &report.servers["echo-udp"];
    assert_eq!((udp.requests["echo"], udp.replies["echo"], udp.faults.dropped), (7, 5, 2));
    assert_eq!((udp.bytes_received, udp.bytes_sent), (63, 45));
}

/// Where a client's KCP writes to.
struct Sending(UdpSocket);

impl io::Write for Sending {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.0.send(datagram)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One message there and back.
fn said(socket: &UdpSocket, conv: u32, message: &[u8]) -> Vec<u8> {
    let began = Instant::now();
    let mut kcp = Kcp::new(conv, Sending(socket.try_clone().unwrap()));
    kcp.set_nodelay(true, 10, 2, true);
    kcp.set_wndsize(128, 128);
    kcp.update(0).unwrap();
    kcp.send(message).unwrap();
    let (mut datagram, mut answer) = (vec![0; 65_536], vec![0; 1 << 20]);
    loop {
        assert!(began.elapsed() < PATIENCE, "the answer does not come");
        kcp.update(began.elapsed().as_millis() as u32).unwrap();
        if let Ok(count) = socket.recv(&mut datagram) {
            kcp.input(&datagram[..count]).unwrap();
        }
        if let Ok(count) = kcp.recv(&mut answer) {
            kcp.flush().unwrap();
            answer.truncate(count);
            return answer;
        }
    }
}

#[test]
fn messages_of_any_conversation_come_back_over_a_line_that_loses() {
    let demo = echoes("echo-kcp.drop=4");
    assert!(demo.url(ServerKind::EchoKcp).unwrap().starts_with("kcp://127.0.0.1:"));
    let socket = connected(&demo, ServerKind::EchoKcp);
    socket.set_read_timeout(Some(std::time::Duration::from_millis(5))).unwrap();
    let message: Vec<u8> = (0..50_000_u32).map(|byte| byte as u8).collect();
    assert_eq!(said(&socket, 7, &message), message);
    // The same address may begin anew.
    assert_eq!(said(&socket, 8, b"hello"), b"hello");
    socket.send(b"x").unwrap();
    crate::client::wait_for(&demo, ServerKind::EchoKcp, |report| report.undecodable == 1);
    let report = demo.stop();
    let kcp = &report.servers["echo-kcp"];
    assert_eq!((kcp.connections.accepted, kcp.requests["echo"], kcp.replies["echo"]), (2, 2, 2));
    assert!(kcp.faults.dropped > 0);
}
