//! The program around the library: its addresses, its end, its report.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_throng-demo");

#[test]
fn it_prints_addresses_serves_until_interrupted_and_reports() {
    let report = std::env::temp_dir().join(format!("throng-demo-{}.json", std::process::id()));
    let flags = ["--lobby", "0", "--game", "off", "--battle", "off", "--fault", "lobby.drop=2", "--report"];
    let mut program = Command::new(PROGRAM).args(flags).arg(&report).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(program.stdout.take().unwrap());
    let mut line = || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        line
    };
    let lobby = line();
    assert_eq!(line(), "fault      lobby.drop=2\n");
    let address = lobby.trim_end().strip_prefix("lobby      ws://").unwrap();
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client.write_all(b"no upgrade\r\n\r\n").unwrap();
    // Turned away, by a close or a reset; so it has been accepted.
    let _ = client.read(&mut [0]);

    kill(Pid::from_raw(i32::try_from(program.id()).unwrap()), Signal::SIGINT).unwrap();
    assert!(program.wait().unwrap().success());
    let mut summary = String::new();
    out.read_to_string(&mut summary).unwrap();
    assert!(summary.contains("1 connections"), "{summary}");
    let text = fs::read_to_string(&report).unwrap();
    fs::remove_file(&report).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["servers"]["lobby"]["connections"]["accepted"], 1);
    assert_eq!(json["servers"]["lobby"]["requests"]["ServerListRequest"], 0);
}

#[test]
fn a_rule_that_cannot_be_is_the_users_mistake() {
    let output = Command::new(PROGRAM).args(["--fault", "game.dorp=1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("no fault is called `dorp`: it is one of delay, jitter, drop"), "{text}");
}

#[test]
fn an_address_in_use_is_the_users_mistake() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(PROGRAM).args(["--lobby", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains(&format!(
            "throng-demo: the lobby server cannot listen at {address}: Address already in use"
        )),
        "{text}"
    );
}
