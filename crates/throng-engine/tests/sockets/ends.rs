//! How connections begin and end: each way has its own name.

use crate::play::*;
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, Barrier};
use std::time::Duration;
use throng_metrics::{EndCause, FailureKind, Totals};

#[track_caller]
fn ended(totals: &Totals, cause: EndCause) {
    let (_, row) = totals.connections().iter().next().expect("a connection");
    assert_eq!((row.counts.opened, row.counts.ended.of(cause)), (1, 1));
}

#[test]
fn a_port_where_nobody_listens_refuses() {
    let (_taken, address) = nobody_listens();
    let mut game = Game::play(&settings(), vec![Act::Connect(format!("tcp://{address}"))]);
    game.hear("failed refused");
    let totals = game.end();
    let (_, row) = totals.connections().iter().next().expect("a connection");
    assert_eq!((row.counts.attempts, row.counts.failures.of(FailureKind::Refused)), (1, 1));
}

#[test]
fn every_address_of_a_name_is_tried() {
    // The name may stand for `::1` as well, where nobody listens.
    let server = Server::start(|mut stream| drop(read_frame(&mut stream)));
    let url = format!("tcp://localhost:{}", server.address.port());
    let mut game = Game::play(&settings(), vec![Act::Connect(url), Act::Request(9)]);
    game.hear("connected");
    server.end();
    game.end();
}

#[test]
fn both_versions_of_ip_are_spoken() {
    let mut spoken = 0;
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let serve = |mut stream| drop(read_frame(&mut stream));
        // A machine may lack one of them.
        let Ok(server) = Server::at(address, serve) else { continue };
        let mut game = Game::play(&settings(), vec![Act::Connect(server.url()), Act::Request(9)]);
        game.hear("connected");
        server.end();
        game.end();
        spoken += 1;
    }
    assert!(spoken > 0);
}

#[test]
fn a_reset_is_a_reset() {
    let server = Server::start(|mut stream| {
        read_frame(&mut stream);
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option");
    });
    let mut game = Game::play(&settings(), vec![Act::Connect(server.url()), Act::Request(9)]);
    game.hear("failed reset");
    server.end();
    ended(&game.end(), EndCause::Reset);
}

#[test]
fn a_server_that_ends_only_its_side_owes_what_was_asked() {
    let server = Server::start(|mut stream| {
        read_frame(&mut stream);
        stream.shutdown(Shutdown::Write).expect("a half");
        // The robot hangs up in its turn.
        std::io::copy(&mut stream, &mut std::io::sink()).expect("an end in good order");
    });
    let mut game = Game::play(&settings(), vec![Act::Connect(server.url()), Act::Request(9)]);
    game.hear("failed closed");
    game.hear("closed half_closed");
    server.end();
    let totals = game.end();
    ended(&totals, EndCause::HalfClosed);
    let message = &totals.failures()[0].message;
    assert!(message.ends_with("ended on the server's side while replies were owed"), "{message}");
}

#[test]
fn a_reply_before_the_end_of_the_stream_is_a_reply() {
    let server = Server::start(|mut stream| {
        read_frame(&mut stream);
        stream.write_all(&frame(500_000)).expect("a reply");
    });
    let mut game =
        Game::play(&settings(), vec![Act::Connect(server.url()), Act::Request(9), Act::Sleep(PATIENCE)]);
    game.hear("reply of 500000");
    game.hear("closed server");
    server.end();
    ended(&game.end(), EndCause::Server);
}

#[test]
fn a_reply_that_came_before_a_write_failed_is_a_reply() {
    let [busy, done] = [(); 2].map(|()| Arc::new(Barrier::new(2)));
    let (shards, servers) = ((busy.clone(), done.clone()), (busy, done));
    let server = Server::start(move |mut stream| {
        read_frame(&mut stream);
        // From here to where they meet again the robot's shard reads nothing.
        servers.0.wait();
        stream.write_all(&frame(500)).expect("a reply");
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option");
        drop(stream);
        servers.1.wait();
    });
    let script = vec![
        Act::Connect(server.url()),
        Act::Ask(9),
        Act::Sleep(Duration::from_millis(1)),
        Act::Meet(shards.0),
        Act::Meet(shards.1),
        Act::Tell(9),
        Act::Sleep(PATIENCE),
    ];
    let mut game = Game::play(&settings(), script);
    game.hear("reply of 500");
    game.hear("closed reset");
    server.end();
    let totals = game.end();
    ended(&totals, EndCause::Reset);
    assert!(totals.failures().is_empty(), "{}", totals.failures()[0].message);
}

#[test]
fn closing_with_unread_input_takes_nothing_away_from_the_server() {
    const SIZE: usize = 200_000;
    let server = Server::start(|mut stream| {
        stream.write_all(&frame(10_000)).expect("a greeting that is not read");
        std::thread::sleep(Duration::from_millis(300));
        // The robot has closed meanwhile, and this is not read either.
        stream.write_all(&frame(10_000)).expect("a push");
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(read_frame(&mut stream).len(), SIZE);
        assert_eq!(stream.read(&mut [0; 1]).expect("an end in good order"), 0);
    });
    let block = Act::Block(Duration::from_millis(100));
    let script = vec![Act::Connect(server.url()), block, Act::Tell(SIZE), Act::Close, Act::Sleep(PATIENCE)];
    let mut game = Game::play(&settings(), script);
    game.hear("closed self");
    server.end();
    ended(&game.end(), EndCause::Own);
}

#[test]
fn a_server_that_goes_on_after_a_close_is_cut_off() {
    let server = Server::start(|mut stream| {
        let piece = frame(64 << 10);
        assert!((0..1024).any(|_| stream.write_all(&piece).is_err()), "bytes without end");
    });
    let mut game =
        Game::play(&settings(), vec![Act::Connect(server.url()), Act::Close, Act::Sleep(PATIENCE)]);
    game.hear("closed self");
    server.end();
    game.end();
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_does_not_answer_a_connect_is_a_time_out() {
    use socket2::{Domain, Socket, Type};
    use std::net::SocketAddr;
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    listener.listen(0).expect("a listener");
    let address = listener.local_addr().expect("an address").as_socket().expect("an IP address");
    // Nobody accepts: when the queue is full, the system drops who knocks.
    let knocking = (0..8).map(|_| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("an option");
        let _ = socket.connect(&address.into());
        socket
    });
    let knocking: Vec<Socket> = knocking.collect();
    let mut settings = settings();
    settings.connect_timeout = Duration::from_millis(200);
    let mut game = Game::play(&settings, vec![Act::Connect(format!("tcp://{address}"))]);
    game.hear("failed connect_timeout");
    drop(knocking);
    let totals = game.end();
    let (_, row) = totals.connections().iter().next().expect("a connection");
    assert_eq!((row.counts.attempts, row.counts.failures.of(FailureKind::ConnectTimeout)), (1, 1));
}

#[test]
fn an_end_inside_a_message_is_told_apart() {
    let server = Server::start(|mut stream| {
        read_frame(&mut stream);
        stream.write_all(&frame(500)[..300]).expect("a part");
    });
    let mut game = Game::play(&settings(), vec![Act::Connect(server.url()), Act::Request(9)]);
    game.hear("closed truncated");
    server.end();
    ended(&game.end(), EndCause::Truncated);
}

#[cfg(target_os = "linux")]
#[test]
fn connections_start_from_the_addresses_that_were_set() {
    let server = Server::start(|stream| {
        assert_eq!(stream.peer_addr().expect("a peer").ip().to_string(), "127.0.0.2");
    });
    let mut settings = settings();
    settings.local_addresses = vec!["127.0.0.2".parse().expect("an address")];
    let mut game = Game::play(&settings, vec![Act::Connect(server.url()), Act::Sleep(PATIENCE)]);
    game.hear("connected");
    server.end();
    game.end();
}
