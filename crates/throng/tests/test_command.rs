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
fn the_examples_tests_pass() {
    for example in ["simple_robot", "redis_resp"] {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
        let output = throng(&example, &["test"]);
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    }
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

/// A protocol in Lua with a state, and robots that play over an address of the test's.
const TRANSPORTS: [(&str, &str); 4] = [
    (
        "throng.toml",
        "[target]\nhost = \"tcp://127.0.0.1:1\"\n[robot]\nwait = 1\n\
         [protocols.p]\nhosts = \"*\"\nlua = \"protocols/p.lua\"\nreply = \"session\"\non_close = \"call\"\n\
         [options]\nurl = \"\"\n",
    ),
    (
        "protocols/p.lua",
        "local p = {}
         function p.state() return { sent = 0 } end
         function p.framing(bytes, from)
           local last = bytes:find(';', from, true)
           if last then return from, last - 1, last + 1 end
         end
         function p.frame(payload) return payload .. ';' end
         function p.head(payload)
           local name, session, at = payload:match('^(%a+) (%d+) ()')
           assert(name, 'no head')
           return { name = name, session = math.tointeger(session), body = at }
         end
         function p.encode(name, body, session, state)
           state.sent = state.sent + 1
           return name .. ' ' .. (session or 0) .. ' ' .. body .. '#' .. state.sent
         end
         return p",
    ),
    (
        "mods/a.lua",
        "local a = throng.mod()
         function a:start()
           local c = self.robot:connect('c', throng.options.url)
           self.first, self.second = self.robot:all(
             function() return c:request('ask', 'one') end,
             function() return c:request('ask', 'two') end)
         end
         function a.on:news(text) self.news = text end
         return a",
    ),
    (
        "tests/a_test.lua",
        "for port, url in ipairs { 'tcp://127.0.0.1:4001', 'ws://127.0.0.1:4002', 'udp://127.0.0.1:4003', 'kcp://127.0.0.1:4004' } do
           throng.test('over ' .. url, function(world)
             world:options { url = url }
             local server = world:server(url)
             server:on('ask', function(body, client)
               client:push('news', 'late', '20ms')
               return body .. '!', body:find('one') and '30ms' or '10ms'
             end)
             local robot = world:robot()
             world:advance('1s')
             assert(robot.ready, 'not ready')
             local mod = robot.mods.a
             assert(mod.first == 'one#1!#2', mod.first)
             assert(mod.second == 'two#2!#4', mod.second)
             assert(mod.news:find('late#', 1, true), mod.news)
             assert(#world:failures() == 0)
           end)
         end
         throng.test('half a frame in a message is none', function(world)
           world:options { url = 'ws://127.0.0.1:4002' }
           local server = world:server('ws://127.0.0.1:4002')
           server:on('ask', function(_, client) client:write('news 0 x;half') return false end)
           world:robot()
           world:advance('100ms')
           assert(world:failures('framing')[1].message:find('4 bytes at the end of a message', 1, true))
         end)
         throng.test('what its functions do is not done otherwise', function(world)
           world:options { url = 'tcp://127.0.0.1:4001' }
           local server = world:server('tcp://127.0.0.1:4001')
           local ok, err = pcall(server.on_first, server, function() end)
           assert(not ok and tostring(err):find('its functions in Lua read also what comes first', 1, true), err)
           local headers, refused = 0
           server:on('ask', function(body, client, name, header)
             headers = headers + (header and 1 or 0)
             local ok, err = pcall(client.push, client, 'news', 'x', { header = { zone = 1 } })
             refused = not ok and tostring(err)
             return body
           end)
           local robot = world:robot()
           world:advance('100ms')
           assert(robot.ready and headers == 0)
           assert(refused:find('have no fields around them to be given values', 1, true), refused)
         end)",
    ),
];

#[test]
fn a_protocol_in_lua_is_spoken_over_every_transport() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in TRANSPORTS {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let output = throng(folder.path(), &["test"]);
    let said = format!("{}{}", stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.ends_with("\n6 passed, 0 failed\n"), "{said}");
}
