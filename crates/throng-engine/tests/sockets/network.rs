//! What a network sees of robots: where they come from, whom they show as their client, how their sockets end.

use crate::play::*;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;
use throng_engine::{ProxyProtocol, Settings, TcpOptions};

/// Reads the header of a connection whose client is `client`, byte for byte.
pub(crate) fn read_header(stream: &mut TcpStream, client: [u8; 4]) {
    let mut header = [0; 28];
    stream.read_exact(&mut header).expect("a header");
    let (from, to) = (stream.peer_addr().expect("a peer"), stream.local_addr().expect("an address"));
    let mut wanted = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    wanted.extend(client);
    wanted.extend([127, 0, 0, 1]);
    wanted.extend(from.port().to_be_bytes());
    wanted.extend(to.port().to_be_bytes());
    assert_eq!(header[..], wanted);
}

/// Settings by which the first robot shows the client 10.0.0.1.
fn behind_a_proxy(hosts: &[&str]) -> Settings {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    let proxy = ProxyProtocol::new("10.0.0.0/8", hosts).expect("a range");
    Settings { proxy_protocol: Some(proxy), ..settings() }
}

#[test]
fn a_connection_begins_with_the_header_of_a_proxy_and_its_bytes_count() {
    let server = Server::start(|mut stream| {
        read_header(&mut stream, [10, 0, 0, 1]);
        assert_eq!(read_frame(&mut stream), b"xxxxx");
        stream.write_all(&frame(3)).expect("a reply");
    });
    let script = vec![Act::Connect(server.url()), Act::Request(5), Act::Hang];
    let mut game = Game::play(&behind_a_proxy(&[]), script);
    game.hear("reply of 3");
    server.end();
    assert_eq!(game.end().traffic().bytes_sent, 28 + 4 + 5);
}

#[test]
fn the_header_is_sent_though_a_robot_says_nothing() {
    let server = Server::start(|mut stream| read_header(&mut stream, [10, 0, 0, 1]));
    let mut game = Game::play(&behind_a_proxy(&[]), vec![Act::Stream(server.url()), Act::Hang]);
    game.hear("connected");
    server.end();
    game.end();
}

#[test]
fn the_header_comes_before_a_websocket_handshake() {
    let server = Server::start(|mut stream| {
        read_header(&mut stream, [10, 0, 0, 1]);
        let mut request = [0; 9];
        stream.read_exact(&mut request).expect("a request");
        assert_eq!(&request, b"GET /play");
    });
    let url = format!("ws://{}/play", server.address);
    let game = Game::play(&behind_a_proxy(&[]), vec![Act::Connect(url), Act::Hang]);
    server.end();
    game.end();
}

#[test]
fn only_hosts_that_fit_get_a_header() {
    let server = Server::start(|mut stream| assert_eq!(read_frame(&mut stream), b"xxxxx"));
    let script = vec![Act::Connect(server.url()), Act::Tell(5), Act::Hang];
    let game = Game::play(&behind_a_proxy(&["tcp://game.test:*"]), script);
    server.end();
    game.end();
}

#[test]
fn connections_leave_from_each_local_address_in_turn() {
    let addresses = [2, 3, 2].map(|last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last)));
    let servers = addresses.map(|address| {
        Server::start(move |stream| assert_eq!(stream.peer_addr().expect("a peer").ip(), address))
    });
    let settings = Settings { local_addresses: addresses[..2].to_vec(), ..settings() };
    let mut script: Vec<Act> = servers.iter().map(|server| Act::Connect(server.url())).collect();
    script.push(Act::Sleep(Duration::ZERO));
    let mut game = Game::play(&settings, script);
    game.hear("elapsed");
    servers.into_iter().for_each(Server::end);
    game.end();
}

#[test]
fn a_connection_that_lingers_no_time_ends_with_a_reset() {
    let server = Server::start(|mut stream| {
        let end = stream.read_to_end(&mut Vec::new());
        assert_eq!(end.expect_err("no end in good order").kind(), ErrorKind::ConnectionReset);
    });
    let tcp = TcpOptions { linger: Duration::ZERO, ..TcpOptions::default() };
    let script = vec![Act::Connect(server.url()), Act::Close, Act::Hang];
    let mut game = Game::play(&Settings { tcp, ..settings() }, script);
    game.hear("closed self");
    server.end();
    game.end();
}

#[test]
fn what_is_not_delivered_while_a_connection_lingers_is_lost() {
    const SIZE: usize = 15 << 20;
    let (over, linger_is_over) = channel();
    let server = Server::start(move |mut stream| {
        linger_is_over.recv_timeout(PATIENCE).expect("the test goes on");
        let mut received = Vec::new();
        let _ = stream.read_to_end(&mut received);
        assert!(received.len() < SIZE, "all {} bytes", received.len());
    });
    let tcp = TcpOptions { linger: Duration::from_millis(5), ..TcpOptions::default() };
    let pause = Act::Sleep(Duration::from_millis(100));
    let script = vec![Act::Connect(server.url()), Act::Tell(SIZE), Act::Close, pause];
    let mut game = Game::play(&Settings { tcp, ..settings() }, script);
    game.hear("elapsed");
    over.send(()).expect("the server waits");
    server.end();
    game.end();
}
