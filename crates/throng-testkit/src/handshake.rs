//! WebSocket's opening handshake.

use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::behaviour::{Behaviour, Counted, LIVES, NEVER};
use crate::peer::Peer;
use crate::protocol::{Protocol, frame};

/// What the answer's key is made with (RFC 6455, 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Reads the client's head; the right answer to its key.
pub(crate) fn key(peer: &mut Peer) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        peer.tcp.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let key = head.lines().find_map(|line| line.split_once("Sec-WebSocket-Key: "));
    let key = key.map_or("", |(_, key)| key.trim());
    Ok(STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize()))
}

/// The right answer.
pub(crate) fn answer(accept: &str) -> String {
    with_headers(&format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"))
}

fn with_headers(headers: &str) -> String {
    format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n")
}

/// One whose handshake fails with these bytes, `ACCEPT` being the right answer to the key.
fn refused(name: &'static str, bytes: impl Into<Vec<u8>>) -> Behaviour {
    let bytes = bytes.into();
    Behaviour::new(name, Protocol::WebSocket, Counted::Connect("handshake"), NEVER, move |peer| {
        let accept = key(peer)?;
        let text = bytes.split(|byte| *byte == b'$');
        peer.say(&text.collect::<Vec<_>>().join(accept.as_bytes()))
    })
}

pub(crate) fn behaviours() -> Vec<Behaviour> {
    [answers(), headers(), silences(), right()].concat()
}

fn answers() -> Vec<Behaviour> {
    let long = [b"HTTP/1.1 101 Switching Protocols\r\n".to_vec(), b"X-Filler: 0123456789\r\n".repeat(3000)];
    vec![
        refused("handshake_status_200", *b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        refused("handshake_status_302", *b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n"),
        refused("handshake_status_403", *b"HTTP/1.1 403 Forbidden\r\n\r\n"),
        refused("handshake_status_404", *b"HTTP/1.1 404 Not Found\r\n\r\n"),
        refused(
            "handshake_status_500",
            *b"HTTP/1.1 500 Oh No\r\nContent-Type: text/html\r\n\r\n<h1>Oh no</h1>",
        ),
        refused("handshake_status_of_letters", *b"HTTP/1.1 abc Switching\r\n\r\n"),
        refused("handshake_status_missing", *b"HTTP/1.1\r\n\r\n"),
        refused("handshake_of_ssh", *b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        refused("handshake_of_noughts", [0; 64]),
        refused("handshake_of_frames", frame(0x82, b"hello")),
        refused("handshake_without_end", long.concat()),
        refused("handshake_that_is_no_text", *b"HTTP/1.1 101 \xff\xfe\r\n\r\n"),
    ]
}

fn headers() -> Vec<Behaviour> {
    let full = |more: &str| {
        let headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: $\r\n";
        with_headers(&format!("{headers}{more}"))
    };
    let (upgrade, connection, accept) =
        ("Upgrade: websocket\r\n", "Connection: Upgrade\r\n", "Sec-WebSocket-Accept: $\r\n");
    vec![
        refused("handshake_without_headers", with_headers("")),
        refused("handshake_without_an_upgrade", with_headers(&format!("{connection}{accept}"))),
        refused(
            "handshake_upgrades_to_http2",
            with_headers(&format!("Upgrade: h2c\r\n{connection}{accept}")),
        ),
        refused("handshake_without_a_connection", with_headers(&format!("{upgrade}{accept}"))),
        refused(
            "handshake_with_connection_close",
            with_headers(&format!("{upgrade}Connection: close\r\n{accept}")),
        ),
        refused("handshake_without_an_accept", with_headers(&format!("{upgrade}{connection}"))),
        refused(
            "handshake_with_a_wrong_accept",
            with_headers(&format!(
                "{upgrade}{connection}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            )),
        ),
        refused("handshake_with_an_extension", full("Sec-WebSocket-Extensions: permessage-deflate\r\n")),
        refused("handshake_with_a_subprotocol", full("Sec-WebSocket-Protocol: chat\r\n")),
    ]
}

fn silences() -> Vec<Behaviour> {
    let new = |name, kind, act: fn(&mut Peer) -> io::Result<()>| {
        Behaviour::new(name, Protocol::WebSocket, Counted::Connect(kind), NEVER, act)
    };
    vec![
        new("handshake_closed", "closed", |peer| {
            key(peer)?;
            peer.close()
        }),
        new("handshake_half_and_closed", "closed", |peer| {
            key(peer)?;
            peer.say(b"HTTP/1.1 101 Swit")?;
            peer.close()
        }),
        new("handshake_reset", "reset", |peer| {
            key(peer)?;
            peer.reset()
        }),
        new("handshake_silence", "connect_timeout", Peer::listen),
        new("handshake_half_and_silence", "connect_timeout", |peer| {
            key(peer)?;
            peer.say(b"HTTP/1.1 101 Swit")?;
            peer.listen()
        }),
    ]
}

fn right() -> Vec<Behaviour> {
    let new = |name, act: fn(&mut Peer) -> io::Result<()>| {
        Behaviour::new(name, Protocol::WebSocket, Counted::Answered, LIVES, act)
    };
    vec![
        new("handshake_byte_by_byte", |peer| {
            let accept = key(peer)?;
            let answer = answer(&accept);
            answer.bytes().try_for_each(|byte| peer.say(&[byte]))
        }),
        new("handshake_in_other_letters", |peer| {
            let accept = key(peer)?;
            let headers = "UPGRADE: WebSocket\r\nconnection: keep-alive, UPGRADE\r\nsec-websocket-accept:";
            peer.say(with_headers(&format!("{headers}{accept}\r\nServer: x\r\n")).as_bytes())
        }),
        new("handshake_with_a_status_of_no_words", |peer| {
            let accept = key(peer)?;
            peer.say(answer(&accept).replace(" Switching Protocols", "").as_bytes())
        }),
    ]
}
