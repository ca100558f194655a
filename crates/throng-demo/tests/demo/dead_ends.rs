//! Addresses where nothing good happens.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use throng_demo::{Demo, DemoOptions, ServerKind, StartError};

use crate::client::{connect, wait_for};

fn only(kind: ServerKind) -> Demo {
    Demo::start(DemoOptions::empty().with(kind)).unwrap()
}

#[test]
fn a_refusing_address_refuses() {
    let demo = only(ServerKind::Refuse);
    let error = TcpStream::connect(demo.address(ServerKind::Refuse).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_mute_server_accepts_and_says_nothing() {
    let demo = only(ServerKind::Mute);
    let mut stream = connect(demo.address(ServerKind::Mute).unwrap());
    stream.write_all(b"hello").unwrap();
    wait_for(&demo, ServerKind::Mute, |mute| mute.connections.accepted == 1);
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let error = stream.read(&mut [0; 1]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    assert_eq!(demo.stop().servers["mute"].connections.ended["shutdown"], 1);
}

#[cfg(target_os = "linux")]
#[test]
fn an_unanswered_address_lets_connecting_time_out() {
    let demo = only(ServerKind::Unanswered);
    let address = demo.address(ServerKind::Unanswered).unwrap();
    let error = TcpStream::connect_timeout(&address, Duration::from_millis(100)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn an_address_in_use_is_named_in_the_error() {
    let demo = only(ServerKind::Echo);
    let address = demo.address(ServerKind::Echo).unwrap();
    let error = Demo::start(DemoOptions::empty().at(ServerKind::Game, address)).err().unwrap();
    assert!(matches!(error, StartError::Listen { server: ServerKind::Game, .. }));
    assert_eq!(error.to_string(), format!("the game server cannot listen at {address}"));
}
