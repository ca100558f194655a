//! The login server and the gate, by a client that does what skynet's does.

use std::io::{BufRead, BufReader, Write};

use throng_crypto::skynet::{
    DesPadding, base64decode, base64encode, desencode, dhexchange, dhsecret, hmac_hash, hmac64,
};
use throng_demo::{Demo, DemoOptions, ServerKind};

use crate::client::{Frames, connect, wait_for};

fn demo(faults: &[&str]) -> Demo {
    let options = DemoOptions::empty().with(ServerKind::Login).with(ServerKind::Gate);
    Demo::start(faults.iter().fold(options, |options, fault| options.fault(fault).unwrap())).unwrap()
}

/// Logs in: the last line, and the secret.
fn log_in(demo: &Demo, user: &str, password: &str) -> (String, [u8; 8]) {
    let mut lines = BufReader::new(connect(demo.address(ServerKind::Login).unwrap()));
    let mut say = |bytes: Option<&[u8]>| {
        if let Some(bytes) = bytes {
            let line = format!("{}\n", base64encode(bytes));
            lines.get_mut().write_all(line.as_bytes()).unwrap();
        }
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let key = *b"our keys";
    let challenge = base64decode(say(None).as_bytes()).unwrap();
    let theirs = base64decode(say(Some(&dhexchange(&key).unwrap())).as_bytes()).unwrap();
    let secret = dhsecret(&theirs, &key).unwrap();
    let proof = base64encode(&hmac64(&challenge, &secret).unwrap());
    let [user, server, password] = [user, "sample", password].map(|part| base64encode(part.as_bytes()));
    let token = format!("{user}@{server}:{password}");
    let token = base64encode(&desencode(&secret, token.as_bytes(), DesPadding::default()).unwrap());
    lines.get_mut().write_all(format!("{proof}\n{token}\n").as_bytes()).unwrap();
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    (line.trim_end().to_owned(), secret)
}

/// Shakes hands: the gate, and what it says.
fn shake_hands(demo: &Demo, user: &str, subid64: &str, index: u32, secret: &[u8; 8]) -> (Frames, String) {
    let mut gate = Frames::connect(demo, ServerKind::Gate);
    let [user, server] = [user, "sample"].map(|part| base64encode(part.as_bytes()));
    let text = format!("{user}@{server}#{subid64}:{index}");
    let hmac = base64encode(&hmac_hash(secret, text.as_bytes()).unwrap());
    gate.send(format!("{text}:{hmac}").as_bytes());
    let said = String::from_utf8(gate.receive().unwrap()).unwrap();
    (gate, said)
}

#[test]
fn a_login_opens_the_gate_and_an_answer_outlives_its_connection() {
    let demo = demo(&["gate.request.reset=2"]);
    let (line, secret) = log_in(&demo, "hello", "password");
    let subid = line.strip_prefix("200 ").unwrap();
    let (mut gate, said) = shake_hands(&demo, "hello", subid, 1, &secret);
    assert_eq!(said, "200 OK");
    gate.send(b"one\x00\x00\x00\x01");
    assert_eq!(gate.receive().unwrap(), b"one\x01\x00\x00\x00\x01");
    gate.send(b"two\x00\x00\x00\x02");
    assert_eq!(gate.receive(), None);

    let (_, said) = shake_hands(&demo, "hello", subid, 1, &secret);
    assert_eq!(said, "403 Index Expired");
    let (mut gate, said) = shake_hands(&demo, "hello", subid, 2, &secret);
    assert_eq!(said, "200 OK");
    gate.send(b"fake\x00\x00\x00\x02");
    assert_eq!(gate.receive().unwrap(), b"two\x01\x00\x00\x00\x02");

    let report = demo.stop();
    let (login, gate) = (&report.servers["login"], &report.servers["gate"]);
    assert_eq!((login.outcomes["200"], login.pushes["challenge"]), (1, 1));
    let outcomes = ["200", "403", "answered", "cached"].map(|name| gate.outcomes[name]);
    assert_eq!(outcomes, [2, 1, 2, 1]);
    assert_eq!((gate.requests["handshake"], gate.requests["request"]), (3, 3));
    assert_eq!(gate.replies["response"], 2);
}

#[test]
fn a_second_login_throws_the_first_one_out_of_the_gate() {
    let demo = demo(&[]);
    let (line, secret) = log_in(&demo, "hello", "password");
    let (mut gate, _) = shake_hands(&demo, "hello", &line[4..], 1, &secret);
    let (again, _) = log_in(&demo, "hello", "password");
    assert_ne!(again, line);
    assert_eq!(gate.receive(), None);
    let (_, said) = shake_hands(&demo, "hello", &line[4..], 2, &secret);
    assert_eq!(said, "404 User Not Found");
    wait_for(&demo, ServerKind::Gate, |gate| gate.connections.open == 0);
    let gate = demo.stop().servers.remove("gate").unwrap();
    assert_eq!((gate.connections.ended["dismissed"], gate.connections.ended["quit"]), (1, 1));
}

#[test]
fn a_login_whose_answer_is_lost_keeps_nobody_out() {
    let demo = demo(&["login.token.drop=2"]);
    assert_eq!(log_in(&demo, "hello", "password").0, "200 MQ==");
    assert_eq!(log_in(&demo, "hello", "password").0, "");
    wait_for(&demo, ServerKind::Login, |login| login.connections.open == 0);
    assert_eq!(log_in(&demo, "hello", "password").0, "200 Mw==");
    let login = demo.stop().servers.remove("login").unwrap();
    assert_eq!((login.outcomes["200"], login.outcomes["406"], login.faults.dropped), (3, 0, 1));
}

#[test]
fn a_login_that_takes_its_time_keeps_the_user_from_another() {
    let demo = demo(&["login.token.delay=3s"]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| log_in(&demo, "hello", "password").0);
        wait_for(&demo, ServerKind::Login, |login| login.outcomes["200"] == 1);
        assert_eq!(log_in(&demo, "hello", "password").0, "406 Not Acceptable");
        assert_eq!(first.join().unwrap(), "200 MQ==");
    });
    assert_eq!(log_in(&demo, "hello", "wrong").0, "401 Unauthorized");
    let login = demo.stop().servers.remove("login").unwrap();
    assert_eq!(["200", "401", "406"].map(|name| login.outcomes[name]), [1, 1, 1]);
}

#[test]
fn a_line_without_end_is_a_violation() {
    let demo = demo(&[]);
    let mut stream = connect(demo.address(ServerKind::Login).unwrap());
    stream.write_all(&[b'A'; 20_000]).unwrap();
    wait_for(&demo, ServerKind::Login, |login| login.connections.ended["protocol"] == 1);
}
