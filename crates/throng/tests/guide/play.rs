//! Fragments, tests and the READMEs' robot are played: by the binary, against the demo server.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread;

use throng_demo::{Demo, DemoOptions, ServerKind};

use crate::blocks::{Block, Example, blocks, blocks_of, examples, root};
use crate::lua::{check_loads, mod_name, project_with};
use crate::project::{LOGIN, Project};

/// Where the guide says that a server of lines is.
const LINES: &str = "127.0.0.1:7000";
const GAME: &str = "127.0.0.1:8766";
const WEB: &str = "127.0.0.1:8768";

fn throng(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throng"));
    command.args(args).env("NO_COLOR", "1").output().unwrap()
}

/// A server of lines: `ECHO text` is answered by the text, `BLOB` by bytes with a mark in them.
fn line_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || answer_lines(client));
        }
    });
    address
}

fn answer_lines(client: TcpStream) {
    let mut replies = client.try_clone().unwrap();
    for line in BufReader::new(client).lines().map_while(Result::ok) {
        let reply = match line.strip_prefix("ECHO ") {
            Some(text) => format!("{text}\n"),
            None => "abc;defgh".to_owned(),
        };
        if replies.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// A mod whose `start` is the fragment, after the start of the one before it.
fn as_mod(name: &str, before: &str, fragment: &str) -> String {
    let body = fragment.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        "local {name} = throng.mod {{ needs = {{ \"{before}\" }} }}\n\
         function {name}:start()\n  \
         local robot = self.robot\n  \
         local lobby, game, battle = robot.lobby, robot.game, robot.battle\n  \
         do\n{body}  end\nend\nreturn {name}\n"
    )
}

/// `measuring_57`, from which the place in the guide can be told.
fn fragment_name(block: &Block) -> String {
    let stem = block.document.file_stem().unwrap().to_string_lossy();
    format!("{}_{}", stem.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_lowercase(), block.line)
}

#[test]
fn fragments_that_are_not_played_load() {
    for block in blocks("lua fragment norun") {
        let name = fragment_name(&block);
        check_loads(&project_with(&name, &as_mod(&name, "login", &block.text)), &block.place());
    }
}

#[test]
fn one_robot_plays_all_fragments_of_the_guide() {
    let demo = Demo::start(DemoOptions::default().with(ServerKind::Web)).unwrap();
    let address = |kind| demo.address(kind).unwrap().to_string();
    let (game, lines) = (address(ServerKind::Game), line_server().to_string());
    let web = address(ServerKind::Web);

    let project = Project::new();
    project.write("mods/login.lua", LOGIN);
    let fragments = blocks("lua fragment");
    let mut before = "login".to_owned();
    for block in &fragments {
        let name = fragment_name(block);
        let text = block.text.replace(LINES, &lines).replace(GAME, &game).replace(WEB, &web);
        project.write(&format!("mods/{name}.lua"), &as_mod(&name, &before, &text));
        before = name;
    }
    let end = as_mod("the_end", &before, "throng.count(\"the end\") robot:stop()");
    project.write("mods/the_end.lua", &end);
    check_loads(&project, "the fragments of the guide");

    let json = project.path().join("results.json");
    let output = throng(&[
        "run",
        project.path().to_str().unwrap(),
        "--plain",
        "-t",
        "4m",
        "-H",
        &demo.url(ServerKind::Lobby).unwrap(),
        "--battle",
        &address(ServerKind::Battle),
        "--json",
        json.to_str().unwrap(),
    ]);
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let results: serde_json::Value = serde_json::from_slice(&std::fs::read(json).expect(&said)).unwrap();
    let starts = results["starts"].as_array().expect(&said);
    for block in &fragments {
        let name = format!("{}.start", fragment_name(block));
        let start = starts.iter().find(|start| start["name"] == *name);
        let start = start.unwrap_or_else(|| panic!("{} was not played:\n{said}", block.place()));
        assert_eq!(start["failed"], 0, "{} failed:\n{said}", block.place());
    }
    let ends = results["counters"].as_array().expect(&said).iter();
    assert_eq!(ends.filter(|counter| counter["name"] == "the end").count(), 1, "{said}");
    demo.stop();
}

#[test]
fn the_guide_s_functions_of_the_run_are_called() {
    let block = blocks("lua").into_iter().find(|block| block.text.contains("throng.run.on_start"));
    let block = block.expect("the guide shows throng.run");
    let project = Project::new();
    project.write(&format!("mods/{}.lua", mod_name(&block)), &block.text);
    check_loads(&project, &block.place());
    let folder = project.path().to_str().unwrap();
    let run = |more: &[&str]| {
        let output = throng(&[&["run", folder, "-u", "3", "-t", "300ms", "--plain"], more].concat());
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    let (code, said) = run(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!((said.matches("testing ws://").count(), said.matches("it took").count()), (1, 1), "{said}");
    let (code, said) = run(&["--greeting", ""]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--greeting must not be empty"), "{said}");
}

#[test]
fn the_tests_of_the_guide_pass() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("game");
    let project = project.to_str().unwrap();
    let made = throng(&["new", project]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for block in blocks("lua test") {
        let file = format!("{project}/tests/{}_test.lua", fragment_name(&block));
        std::fs::write(file, &block.text).unwrap();
    }
    let output = throng(&["test", project]);
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_protocols_of_the_guide_play() {
    for Example { settings, mods, test } in examples() {
        let project = Project::new();
        project.write("throng.toml", &settings.text);
        for block in &mods {
            project.write(&format!("mods/{}.lua", mod_name(block)), &block.text);
        }
        project.write("tests/page_test.lua", &test.text);
        check_loads(&project, &test.place());
        let output = throng(&["test", project.path().to_str().unwrap()]);
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}:\n{}", test.place(), String::from_utf8_lossy(&said));
    }
}

#[test]
fn the_robot_of_the_readmes_plays() {
    let robot = |document: &str| {
        let blocks = blocks_of(&root().join(document));
        blocks.into_iter().find(|block| block.kind == "lua").unwrap()
    };
    let demo = Demo::start(DemoOptions::default()).unwrap();
    for document in ["README.md", "README.zh-CN.md"] {
        let robot = robot(document);
        let project = Project::new();
        project.write(&format!("mods/{}.lua", mod_name(&robot)), &robot.text);
        check_loads(&project, &robot.place());
        let folder = project.path().to_str().unwrap();
        let lobby = demo.url(ServerKind::Lobby).unwrap();
        let output = throng(&["run", folder, "-u", "5", "-t", "2s", "-H", &lobby, "--plain"]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}:\n{said}", robot.place());
        assert!(said.contains("EchoRequest"), "{}:\n{said}", robot.place());
    }
    demo.stop();
}
