//! What a run shows while it goes on: plain lines in a pipe, a live screen in a terminal, which is given back at the end.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use throng_demo::ServerKind;

use crate::play::{GAME, Project, settings};
use crate::report::Report;
use crate::servers::Server;

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
const SHOW_CURSOR: &str = "\x1b[?25h";

fn echoing() -> &'static str {
    "local player = throng.mod { wait = '20ms' }
     function player:start() self.robot:connect('game', throng.host) end
     player:task('echo', function(self) self.robot.game:request('EchoRequest', { Text = 'x' }) end)
     return player"
}

#[test]
fn in_a_pipe_there_are_plain_lines_and_the_summary() {
    let server = Server::start(ServerKind::Game, &[]);
    let played = Project::new(&settings(&server.url(), 5, GAME), echoing()).run(&["-t", "4s"]);
    played.passed();
    assert!(!played.stdout.contains('\x1b'), "{}", played.stdout);
    assert!(played.stdout.lines().next().unwrap().contains("s | robots "), "{}", played.stdout);
    let all_in = |line: &str| line.contains("s | robots 5 of 5, 5 ready") && line.contains("errors 0");
    assert!(played.stdout.lines().any(all_in), "{}", played.stdout);
    for part in ["pass", "game/EchoRequest", "Connections", "Generator", "report.json", "throng try"] {
        assert!(played.stdout.contains(part), "no {part} in\n{}", played.stdout);
    }
}

#[test]
fn quiet_prints_the_verdict_alone() {
    let server = Server::start(ServerKind::Game, &[]);
    let played = Project::new(&settings(&server.url(), 5, GAME), echoing()).run(&["-t", "1s", "--quiet"]);
    assert_eq!(played.stdout, format!("pass: {}\n", played.passed().reason()));
}

/// A run in a terminal of 100 columns: what came on the screen, and how it ended.
struct Terminal {
    child: std::process::Child,
    screen: mpsc::Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn start(project: &Project, args: &str) -> Terminal {
        let dir = project.path().display();
        let script = format!(
            "stty rows 30 cols 100; stty -g > {dir}/before; \
             '{}' run {dir} --json {dir}/report.json {args}; echo $? > {dir}/code; stty -g > {dir}/after",
            env!("CARGO_BIN_EXE_throng")
        );
        let mut child = Command::new("script")
            .args(["-qfec", &script, "/dev/null"])
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        let (sender, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal { child, screen, shown: String::new() }
    }

    /// Waits until `text` has come.
    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        while !self.shown.contains(text) {
            match self.screen.recv_timeout(Duration::from_secs(60)) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("{error}: no {text:?} in {:?}", self.shown),
            }
        }
    }

    fn press(&mut self, key: u8) {
        let keys = self.child.stdin.as_mut().unwrap();
        keys.write_all(&[key]).unwrap();
        keys.flush().unwrap();
    }

    /// Waits for the end; gives the exit code, and checks that the terminal is as it was.
    #[track_caller]
    fn end(mut self, project: &Project) -> (String, String) {
        while let Ok(bytes) = self.screen.recv_timeout(Duration::from_secs(60)) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        self.child.wait().unwrap();
        let file = |name| std::fs::read_to_string(project.path().join(name)).unwrap();
        assert_eq!(file("before"), file("after"), "the terminal's settings are given back");
        assert!(self.shown.rfind(LEAVE) > self.shown.rfind(ENTER), "the screen is left");
        assert!(self.shown.rfind(SHOW_CURSOR) > self.shown.rfind("\x1b[?25l"), "the cursor is shown");
        (file("code").trim().to_owned(), std::mem::take(&mut self.shown))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn in_a_terminal_a_screen_is_drawn_while_the_run_goes_on_and_given_back() {
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&settings(&server.url(), 5, GAME), echoing());
    let mut terminal = Terminal::start(&project, "-t 8s");
    terminal.wait_for(ENTER);
    terminal.wait_for("EchoRequest");
    assert!(!terminal.shown.contains(LEAVE), "the summary has it too: {}", terminal.shown);
    let (code, shown) = terminal.end(&project);
    assert_eq!(code, "0");
    let (_, after) = shown.rsplit_once(LEAVE).unwrap();
    assert!(after.contains("pass") && after.contains("EchoRequest"), "the summary stays: {after}");
    assert!(!shown.contains("NaN"));
    assert_eq!(Report::read(&std::fs::read_to_string(project.json()).unwrap()).verdict(), "pass");
}

#[test]
fn ctrl_c_in_a_terminal_stops_the_run_in_good_order() {
    let server = Server::start(ServerKind::Game, &[]);
    let project = Project::new(&settings(&server.url(), 5, GAME), echoing());
    let mut terminal = Terminal::start(&project, "");
    terminal.wait_for("EchoRequest");
    terminal.press(3);
    let (code, _) = terminal.end(&project);
    assert_eq!(code, "130");
    let report = Report::read(&std::fs::read_to_string(project.json()).unwrap());
    assert_eq!((report.verdict(), report.number("/robots/stopped")), ("interrupted", 5));
}
