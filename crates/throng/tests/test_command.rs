//! `throng test` as a user meets it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use throng::templates::TEMPLATES;

fn throng(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throng"));
    command.args(args).current_dir(dir).env_clear().output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A new project with one more file of tests.
fn project(test: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let made = throng(folder.path(), &["new", "game"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let root = folder.path().join("game");
    fs::write(root.join("tests/my_test.lua"), test).unwrap();
    (folder, root)
}

/// The text without what differs from run to run.
fn without_times(text: &str) -> String {
    let took = |line: &str| match line.rsplit_once(" s") {
        Some((head, "")) if line.starts_with("  ") => {
            head.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end().to_owned()
        }
        _ => line.to_owned(),
    };
    text.lines().map(took).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_template_s_tests_pass() {
    for template in TEMPLATES {
        let folder = tempfile::tempdir().unwrap();
        let made = throng(folder.path(), &["new", "game", "--template", template.name]);
        assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
        let output = throng(folder.path(), &["test", "game"]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}: {}{}",
            template.name,
            stdout(&output),
            stderr(&output)
        );
        assert!(stdout(&output).ends_with("\n2 passed, 0 failed\n"), "{}", stdout(&output));
    }
}

#[test]
fn the_example_s_tests_pass() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/simple_robot");
    let output = throng(&example, &["test"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn a_failure_shows_the_source_line_and_what_robots_did_last() {
    let (_folder, root) = project(
        "throng.test('logs in', function(world)
  local lobby = world:server(throng.host)
  lobby:on('ServerListRequest', function() return { ServerList = { '127.0.0.1:8766' } }, '20ms' end)
  local game = world:server('ws://127.0.0.1:8766')
  local robot = world:robot()
  print('before')
  world:advance('1s')
  assert(robot.ready)
end)
throng.test('is fine', function() end)
",
    );
    let output = throng(&root, &["test", "--junit", "results.xml"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("test_failure", without_times(&stdout(&output))); });
    let xml = fs::read_to_string(root.join("results.xml")).unwrap();
    assert!(xml.contains("tests=\"4\" skipped=\"0\" failures=\"1\" errors=\"0\""), "{xml}");
    assert!(
        xml.contains("<failure message=\"assertion failed!\">tests/my_test.lua:8: assertion failed!"),
        "{xml}"
    );
    assert!(xml.contains("<system-out>before</system-out>"), "{xml}");
}

#[test]
fn only_picks_tests_by_their_names() {
    let (_folder, root) = project("throng.test('wrong', function() error('no') end)");
    assert_eq!(throng(&root, &["test"]).status.code(), Some(1));
    let output = throng(&root, &["test", "--only", "logs in"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).ends_with("\n1 passed, 0 failed\n"), "{}", stdout(&output));
    let output = throng(&root, &["test", "--only", "nothing of that name"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("no test in ./tests has `nothing of that name` in its name"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_does_not_load_is_wrong_input() {
    let (_folder, root) = project("local x =\n\nend\n");
    let output = throng(&root, &["test"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).starts_with("error: tests/my_test.lua:3: unexpected symbol"),
        "{}",
        stderr(&output)
    );
    fs::write(root.join("tests/my_test.lua"), "").unwrap();
    fs::write(root.join("mods/chat.lua"), "local chat = throng.mod()\nchat:task(5)\nreturn chat\n").unwrap();
    let output = throng(&root, &["test"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: mods/chat.lua:2: "), "{}", stderr(&output));
}

#[test]
fn a_project_without_tests_is_told_how_to_write_one() {
    let (_folder, root) = project("");
    fs::remove_dir_all(root.join("tests")).unwrap();
    let output = throng(&root, &["test"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no tests: write"), "{}", stderr(&output));
}
