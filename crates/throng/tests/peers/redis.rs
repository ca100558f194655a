//! A stream robot that speaks Redis' own protocol in Lua: lines, counted bytes, pipelines, pushes.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use tempfile::TempDir;

use crate::play::{ANY_ERRORS, Project, settings, wait_until};
use crate::report::counts;
use crate::server::{Server, free_address};

const PLAYER: &str = include_str!("redis.lua");

const ROBOTS: u64 = 10;

/// A Redis that keeps nothing.
pub(crate) struct Redis {
    _server: Server,
    _dir: TempDir,
    address: SocketAddr,
}

impl Redis {
    pub(crate) fn start() -> Redis {
        let dir = tempfile::tempdir().unwrap();
        let address = free_address();
        let mut command = Command::new("redis-server");
        command.arg("--bind").arg(address.ip().to_string()).arg("--port").arg(address.port().to_string());
        command.args(["--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(dir.path()).args(["--loglevel", "warning"]);
        let server = Server::start(command, "install the package redis-server, as ./test does");
        wait_until("redis listens", || TcpStream::connect(address).is_ok());
        Redis { _server: server, _dir: dir, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let (ip, port) = (self.address.ip().to_string(), self.address.port().to_string());
        let output = Command::new("redis-cli").args(["-h", &ip, "-p", &port]).args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// How often a command was called, by its own count.
    pub(crate) fn calls(&self, command: &str) -> u64 {
        let statistics = self.ask(&["INFO", "commandstats"]);
        let prefix = format!("cmdstat_{command}:calls=");
        let line = statistics.lines().find_map(|line| line.strip_prefix(&prefix));
        line.and_then(|rest| rest.split(',').next()).map_or(0, |count| count.parse().unwrap())
    }
}

#[test]
fn a_stream_robot_speaks_redis() {
    let redis = Redis::start();
    let played = Project::new(&settings(&redis.url(), ROBOTS, ANY_ERRORS), PLAYER).run(&[]);
    let report = played.passed();
    let once = ["ping", "set", "get", "missing", "subscribed", "until", "nothing more", "still there"];
    for check in once {
        assert_eq!(report.check(check), (ROBOTS, 0), "{check}");
    }
    for (check, times) in [("pipelined", 20), ("counts up", 50), ("published", 5), ("pushed", 5)] {
        assert_eq!(report.check(check), (ROBOTS * times, 0), "{check}");
    }
    let theirs = ["ping", "set", "get", "echo", "incr", "publish", "subscribe"].map(|name| redis.calls(name));
    assert_eq!(theirs, [3, 1, 2, 20, 50, 5, 1].map(|times| ROBOTS * times));
    assert_eq!(redis.ask(&["GET", "shared"]).trim(), (ROBOTS * 50).to_string());
    assert_eq!(report.row("measures", "get")["count"], ROBOTS);
    assert_eq!(report.ended("redis"), counts([("run_end", ROBOTS)]));
    assert_eq!(report.ended("radio"), counts([("run_end", ROBOTS)]));
    // The time-out that was waited for is an outcome too.
    assert_eq!(report.errors(), counts([("timeout", ROBOTS)]));
}
