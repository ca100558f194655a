//! How connections begin and end: each way has its own name.

use crate::play::*;
use socket2::SockRef;
use std::net::{Shutdown, TcpListener};
use std::time::Duration;
use throng_metrics::{EndCause, FailureKind, Totals};

#[track_caller]
fn ended(totals: &Totals, cause: EndCause) {
    let (_, row) = totals.connections().iter().next().expect("a connection");
    assert_eq!((row.counts.opened, row.counts.ended.of(cause)), (1, 1));
}

#[test]
fn a_port_where_nobody_listens_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
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
fn a_server_that_closes_only_its_half_has_closed() {
    let server = Server::start(|mut stream| {
        read_frame(&mut stream);
        stream.shutdown(Shutdown::Write).expect("a half");
        // The robot hangs up in its turn.
        std::io::copy(&mut stream, &mut std::io::sink()).expect("an end in good order");
    });
    let mut game = Game::play(&settings(), vec![Act::Connect(server.url()), Act::Request(9)]);
    game.hear("failed closed");
    game.hear("closed server");
    server.end();
    ended(&game.end(), EndCause::Server);
}

#[test]
fn a_reply_before_the_end_of_the_stream_is_a_reply() {
    let server = Server::start(|mut stream| {
        read_frame(&mut stream);
        std::io::Write::write_all(&mut stream, &frame(500_000)).expect("a reply");
    });
    let mut game =
        Game::play(&settings(), vec![Act::Connect(server.url()), Act::Request(9), Act::Sleep(PATIENCE)]);
    game.hear("reply of 500000");
    game.hear("closed server");
    server.end();
    ended(&game.end(), EndCause::Server);
}

#[test]
fn an_end_inside_a_message_is_told_apart() {
    let server = Server::start(|mut stream| {
        read_frame(&mut stream);
        std::io::Write::write_all(&mut stream, &frame(500)[..300]).expect("a part");
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
