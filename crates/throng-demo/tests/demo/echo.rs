//! The raw echoes.

use std::io::Write;

use throng_demo::ServerKind;
use tokio_tungstenite::tungstenite::{Message, client};

use crate::client::{Frames, connect, demo};

#[test]
fn frames_of_every_length_come_back_as_they_were() {
    let demo = demo(&[]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    for length in [0, 1, 64, 4094, 4095, 65_535] {
        let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
        echo.send(&payload);
        assert_eq!(echo.receive().unwrap(), payload);
    }
}

#[test]
fn frames_sent_together_and_cut_anywhere_come_back_in_order() {
    let demo = demo(&[]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    let stream: Vec<u8> = (0..200u8).flat_map(|i| [0, 3, i, i, i]).collect();
    for part in stream.chunks(7) {
        echo.stream.write_all(part).unwrap();
    }
    for i in 0..200u8 {
        assert_eq!(echo.receive().unwrap(), [i; 3]);
    }
    echo.shut();
    assert_eq!(echo.receive(), None);
    let report = demo.stop();
    let echo = &report.servers["echo"];
    assert_eq!((echo.requests["echo"], echo.replies["echo"]), (200, 200));
    assert_eq!((echo.bytes_received, echo.bytes_sent), (1000, 1000));
    assert_eq!(echo.connections.ended["client"], 1);
}

#[test]
fn a_frame_that_never_ends_is_a_violation() {
    let demo = demo(&[]);
    let mut echo = Frames::connect(&demo, ServerKind::Echo);
    echo.stream.write_all(&[0, 9, 1]).unwrap();
    echo.shut();
    assert_eq!(echo.receive(), None);
    assert_eq!(demo.stop().servers["echo"].connections.ended["protocol"], 1);
}

#[test]
fn websocket_messages_come_back_as_they_were() {
    let demo = demo(&[]);
    let stream = connect(demo.address(ServerKind::EchoWs).unwrap());
    let (mut socket, _) = client(demo.url(ServerKind::EchoWs).unwrap(), stream).unwrap();
    for length in [0, 1, 125, 126, 65_535] {
        let message = Message::Binary(vec![7; length].into());
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
}
