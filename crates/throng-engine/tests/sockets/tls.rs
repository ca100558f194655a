//! TLS on real sockets: masses of bytes through small buffers, ends with and without a goodbye.

use crate::play::*;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use throng_engine::{ProxyProtocol, Settings};
use throng_metrics::EndCause;
use throng_wire::{TlsConfig, TlsSpec};

type Secure = StreamOwned<ServerConnection, TcpStream>;

/// Serves one connection over TLS; the settings of a robot that trusts it.
fn serve(play: impl FnOnce(Secure) + Send + 'static) -> (Server, String, Settings) {
    serve_behind(|_| {}, play)
}

/// The same, where something comes before TLS.
fn serve_behind(
    preface: impl FnOnce(&mut TcpStream) + Send + 'static,
    play: impl FnOnce(Secure) + Send + 'static,
) -> (Server, String, Settings) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a key that fits");
    let server = Server::start(move |mut stream| {
        preface(&mut stream);
        let connection = ServerConnection::new(Arc::new(config)).expect("a connection");
        play(StreamOwned::new(connection, stream));
    });
    let spec = TlsSpec { ca: Some(certificate.pem().into_bytes()), ..TlsSpec::default() };
    let tls = TlsConfig::build(&spec).expect("an authority");
    let url = format!("tls://{}", server.address);
    (server, url, Settings { tls, ..settings() })
}

fn read_message(stream: &mut Secure) -> usize {
    let mut head = [0; 4];
    stream.read_exact(&mut head).expect("a head");
    let mut payload = vec![0; u32::from_be_bytes(head) as usize];
    stream.read_exact(&mut payload).expect("a payload");
    assert!(payload.iter().all(|byte| *byte == b'x'));
    payload.len()
}

#[test]
fn a_large_message_to_a_slow_reader_arrives_whole_and_so_does_its_reply() {
    const SIZE: usize = 8 << 20;
    let (server, url, settings) = serve(|mut stream| {
        for _ in 0..2 {
            // Longer than the kernel's buffers last: the rest waits for an edge.
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(read_message(&mut stream), SIZE);
            stream.write_all(&frame(SIZE)).expect("a reply");
        }
    });
    let request = Act::Request(SIZE);
    let script = vec![Act::Connect(url), request.clone(), request, Act::Sleep(Duration::ZERO)];
    let mut game = Game::play(&settings, script);
    game.hear("elapsed");
    server.end();
    let totals = game.end();
    let (_, row) = totals.requests().iter().next().expect("a request");
    assert_eq!((row.counts.issued, row.counts.ok), (2, 2));
    let (sent, plain) = (totals.traffic().bytes_sent, 2 * (SIZE as u64 + 4));
    // Each record of 16 KiB has 22 bytes of its own.
    assert!(sent > plain + plain / 16_384 * 22 && sent < plain + plain / 500, "{sent}");
}

#[test]
fn what_was_sent_before_a_close_arrives_with_a_goodbye_behind_it() {
    const SIZE: usize = 15 << 20;
    let (server, url, settings) = serve(|mut stream| {
        // By then the robot has closed.
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(read_message(&mut stream), SIZE);
        // Without close_notify this is an error.
        assert_eq!(stream.read(&mut [0; 1]).expect("an end in good order"), 0);
    });
    let mut game =
        Game::play(&settings, vec![Act::Connect(url), Act::Tell(SIZE), Act::Close, Act::Sleep(PATIENCE)]);
    game.hear("closed self");
    server.end();
    assert!(game.end().traffic().bytes_sent > SIZE as u64);
}

#[test]
fn a_stream_is_read_in_pieces_that_are_no_records() {
    const PIECE: usize = 10_007;
    const PIECES: usize = 20;
    let (server, url, settings) = serve(|mut stream| {
        stream.write_all(&vec![b'z'; PIECE * PIECES]).expect("the robot reads");
        stream.conn.send_close_notify();
        stream.flush().expect("a goodbye");
    });
    let mut script = vec![Act::Stream(url)];
    script.extend(std::iter::repeat_n(Act::ReadExactly(PIECE), PIECES));
    script.push(Act::Sleep(Duration::from_millis(1)));
    let mut game = Game::play(&settings, script);
    game.hear("elapsed");
    game.hear("closed server");
    server.end();
    assert_eq!(game.end().failures().len(), 0);
}

#[track_caller]
fn ends(end: impl FnOnce(&mut Secure) + Send + 'static, cause: EndCause) {
    let (server, url, settings) = serve(move |mut stream| {
        read_message(&mut stream);
        stream.write_all(&frame(3)).expect("a reply");
        end(&mut stream);
    });
    let script = vec![Act::Connect(url), Act::Request(5), Act::Sleep(PATIENCE)];
    let mut game = Game::play(&settings, script);
    game.hear(&format!("closed {cause}"));
    server.end();
    let totals = game.end();
    let (_, row) = totals.connections().iter().next().expect("a connection");
    assert_eq!(row.counts.ended.of(cause), 1);
}

#[test]
fn an_end_is_in_order_only_when_tls_says_so() {
    ends(
        |stream| {
            stream.conn.send_close_notify();
            stream.flush().expect("a goodbye");
        },
        EndCause::Server,
    );
    ends(|_| {}, EndCause::Truncated);
}

#[test]
fn bytes_that_are_no_record_end_the_connection_as_broken_after_what_came_before() {
    let broken = |stream: &mut Secure| {
        stream.sock.write_all(b"\x17\x03\x03\x00\x20this was not made with our keys!").expect("a robot");
        // Until the robot has gone.
        let _ = stream.sock.read(&mut [0; 64]);
    };
    ends(broken, EndCause::Protocol);
}

#[test]
fn the_header_of_a_proxy_comes_before_tls() {
    let preface = |stream: &mut TcpStream| crate::network::read_header(stream, [10, 0, 0, 1]);
    let (server, url, mut settings) = serve_behind(preface, |mut stream| {
        read_message(&mut stream);
        stream.write_all(&frame(3)).expect("a reply");
    });
    settings.proxy_protocol = Some(ProxyProtocol::new("10.0.0.0/8", Vec::new()).expect("a range"));
    let mut game = Game::play(&settings, vec![Act::Connect(url), Act::Request(5), Act::Hang]);
    game.hear("reply of 3");
    server.end();
    game.end();
}
