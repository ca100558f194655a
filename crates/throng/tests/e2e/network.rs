//! What servers see of robots: the addresses they come from, and those they show.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::play::{ECHO, Played, Project, once, settings};
use crate::report::{Books, counts};

/// What a server saw of a connection.
struct Seen {
    peer: IpAddr,
    client: Option<Ipv4Addr>,
}

/// A server that sends frames back; before them it wants the header of a proxy, if it is told to.
fn echo(proxied: bool) -> (String, Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let (teller, seen) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let teller = teller.clone();
            thread::spawn(move || serve(stream, proxied, &teller));
        }
    });
    (url, seen)
}

fn serve(mut stream: TcpStream, proxied: bool, teller: &Sender<Seen>) -> std::io::Result<()> {
    let peer = stream.peer_addr()?.ip();
    let client = if proxied { Some(read_header(&mut stream)?) } else { None };
    let _ = teller.send(Seen { peer, client });
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            count => stream.write_all(&bytes[..count])?,
        }
    }
}

/// Reads a header of the PROXY protocol's version 2; ends the connection when a byte of it is wrong.
fn read_header(stream: &mut TcpStream) -> std::io::Result<Ipv4Addr> {
    let mut header = [0; 28];
    stream.read_exact(&mut header)?;
    let (from, to) = (stream.peer_addr()?, stream.local_addr()?);
    let client: [u8; 4] = header[16..20].try_into().unwrap();
    let mut wanted = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    wanted.extend([client, [127, 0, 0, 1]].concat());
    wanted.extend([from.port().to_be_bytes(), to.port().to_be_bytes()].concat());
    assert_eq!(header[..], wanted);
    Ok(client.into())
}

fn play(url: &str, robots: u64, more: impl FnOnce(String) -> String) -> Played {
    let toml = more(settings(url, robots, ECHO));
    Project::new(&toml, &once("game:request('echo', 'x')")).run(&[])
}

#[test]
fn each_robot_shows_a_client_of_its_own_behind_a_proxy() {
    let (url, seen) = echo(true);
    let more =
        |toml: String| toml.replacen("[load]", "proxy_protocol = { from = \"10.20.0.0/16\" }\n[load]", 1);
    let played = play(&url, 5, more);
    let report = played.passed();
    assert_eq!(report.books("echo"), Books { count: 5, ok: 5, ..Books::default() });
    assert_eq!(report.errors(), counts([]));
    assert_eq!(report.number("/bytes/sent"), 5 * (28 + 3));
    let clients: BTreeSet<Ipv4Addr> = seen.try_iter().filter_map(|seen| seen.client).collect();
    let wanted = (1..=5).map(|last| Ipv4Addr::new(10, 20, 0, last));
    assert_eq!(clients, wanted.collect());
}

#[test]
fn robots_leave_from_several_local_addresses() {
    let (url, seen) = echo(false);
    let more =
        |toml: String| toml.replacen("[load]", "[load]\nlocal_addresses = [\"127.0.0.2\", \"127.0.0.3\"]", 1);
    play(&url, 6, more).passed();
    let peers: Vec<String> = seen.try_iter().map(|seen| seen.peer.to_string()).collect();
    let from = |address: &str| peers.iter().filter(|peer| *peer == address).count();
    assert_eq!((from("127.0.0.2"), from("127.0.0.3")), (3, 3), "{peers:?}");
}

#[track_caller]
fn refused(more: impl FnOnce(String) -> String, words: &str) {
    let played = play("tcp://127.0.0.1:1", 1, more);
    assert_eq!(played.code, Some(2), "{}{}", played.stdout, played.stderr);
    assert!(played.stderr.contains(words), "{}", played.stderr);
}

#[test]
fn what_this_machine_cannot_do_is_an_error_before_the_run() {
    // Kept for documentation: no machine has it.
    let stranger = |toml: String| toml.replacen("[load]", "[load]\nlocal_addresses = \"192.0.2.1\"", 1);
    refused(stranger, "connections cannot leave from 192.0.2.1");
    refused(|toml| format!("{toml}[tcp]\nsend_buffer = \"1GB\"\n"), "`send_buffer`");
}
