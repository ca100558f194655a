//! The lobby and the game without faults.

use std::collections::BTreeSet;

use throng_demo::{DemoOptions, ServerKind};
use throng_sproto::Value;

use crate::client::{Envelope, demo, empty, integer, text};

#[test]
fn the_lobby_hands_out_the_games_address() {
    let demo = demo(&[]);
    let mut lobby = Envelope::connect(&demo, ServerKind::Lobby);
    let (name, body) = lobby.request("ServerListRequest", empty());
    assert_eq!(name, "ServerListResponse");
    let game = demo.address(ServerKind::Game).unwrap().to_string();
    assert_eq!(body.field("ServerList"), Some(&Value::Array(vec![game.as_str().into()])));
}

#[test]
fn a_game_that_listens_everywhere_is_found_where_the_lobby_was() {
    let options = DemoOptions::default().at(ServerKind::Game, "0.0.0.0:0".parse().unwrap());
    let demo = throng_demo::Demo::start(options).unwrap();
    let mut lobby = Envelope::connect(&demo, ServerKind::Lobby);
    let (_, body) = lobby.request("ServerListRequest", empty());
    let game = format!("127.0.0.1:{}", demo.address(ServerKind::Game).unwrap().port());
    assert_eq!(body.field("ServerList"), Some(&Value::Array(vec![game.as_str().into()])));
}

#[test]
fn a_hundred_logins_see_each_value_from_1_to_100_once() {
    let demo = demo(&[]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    let values: BTreeSet<i64> =
        (0..100).map(|_| integer(&game.request("LoginReuest", empty()).1, "MyValue")).collect();
    assert_eq!(values, (1..=100).collect());
}

#[test]
fn echo_appends_from_server_also_to_nothing() {
    let demo = demo(&[]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    let (name, body) = game.request("EchoRequest", Value::structure([("Text", "hello".into())]));
    assert_eq!((name.as_str(), text(&body, "Text").as_str()), ("EchoResponse", "hello from server"));
    assert_eq!(text(&game.request("EchoRequest", empty()).1, "Text"), " from server");
}

#[test]
fn an_echo_is_the_bytes_of_the_specification() {
    let demo = demo(&[]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    // Two fields in data blocks: the name, and a message with one string.
    let ask = b"\x02\0\0\0\0\0\x0b\0\0\0EchoRequest\x0a\0\0\0\x01\0\0\0\x02\0\0\0hi";
    game.send_raw(ask.to_vec());
    let answer = b"\x02\0\0\0\0\0\x0c\0\0\0EchoResponse\x16\0\0\0\x01\0\0\0\x0e\0\0\0hi from server";
    assert_eq!(game.receive_raw().unwrap(), answer);
}

#[test]
fn four_players_share_a_room_and_the_fifth_opens_the_next() {
    let demo = demo(&[]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    let replies: Vec<Value> = (0..5).map(|_| game.request("BattleRequest", empty()).1).collect();
    let rooms: Vec<i64> = replies.iter().map(|reply| integer(reply, "Room")).collect();
    assert_eq!(rooms, [1, 1, 1, 1, 2]);
    assert_eq!(text(&replies[0], "Addr"), demo.address(ServerKind::Battle).unwrap().to_string());
}

#[test]
fn notices_follow_their_response_in_order() {
    let demo = demo(&[]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    let ask = Value::structure([("Count", 3.into()), ("Text", "rain".into())]);
    let (name, body) = game.request("NoticeRequest", ask);
    assert_eq!((name.as_str(), integer(&body, "Count")), ("NoticeResponse", 3));
    for seq in 1..=3 {
        let (name, body) = game.receive().unwrap();
        assert_eq!(name, "NoticePush");
        assert_eq!(integer(&body.unwrap(), "Seq"), seq);
    }
    assert_eq!(demo.stop().servers["game"].pushes["NoticePush"], 3);
}

#[test]
fn what_is_not_understood_is_counted_and_the_connection_goes_on() {
    let demo = demo(&[]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    game.send_raw(vec![0xff; 5]);
    game.send("ServerListRequest", empty());
    assert_eq!(game.request("LoginReuest", empty()).0, "LoginRespone");
    let report = demo.stop();
    let game = &report.servers["game"];
    assert_eq!((game.undecodable, game.requests["LoginReuest"], game.replies["LoginRespone"]), (2, 1, 1));
}

#[test]
fn the_end_of_the_demo_is_a_close_frame_and_all_is_counted() {
    let demo = demo(&[]);
    let mut game = Envelope::connect(&demo, ServerKind::Game);
    game.request("LoginReuest", empty());
    let report = demo.stop();
    assert!(game.finish().is_empty());
    let connections = &report.servers["game"].connections;
    assert_eq!((connections.accepted, connections.open, connections.ended["shutdown"]), (1, 0, 1));
}

#[test]
fn a_client_that_closes_is_counted_so() {
    let demo = demo(&[]);
    let game = Envelope::connect(&demo, ServerKind::Game);
    assert!(game.finish().is_empty());
    assert_eq!(demo.stop().servers["game"].connections.ended["client"], 1);
}

#[test]
fn something_that_is_no_websocket_is_turned_away() {
    use std::io::{Read, Write};
    let demo = demo(&[]);
    let mut stream = crate::client::connect(demo.address(ServerKind::Game).unwrap());
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    // A reset is as good as an answer here.
    let _ = stream.read_to_end(&mut Vec::new());
    assert_eq!(demo.stop().servers["game"].connections.ended["protocol"], 1);
}
