//! `throng proto` as a user meets it: what is listed, written and read, and what is said about mistakes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SPROTO: &str = "\
.package { type 0 : integer session 1 : integer }
.Item { id 0 : integer count 1 : integer }
.Move { x 0 : integer y 1 : integer(2) name 3 : string }
.Unit { name 0 : string at 1 : Move items 2 : *Item(id) tags 3 : *string raw 4 : binary }
alive 1 { request { seq 0 : integer } response { seen 0 : integer } }
quit 2 {}
";

const PROTOBUF: &str = "\
syntax = \"proto3\";
package game;
enum Kind { NONE = 0; ORC = 1; }
message Unit { string name = 1; Kind kind = 2; map<string, int64> items = 3; repeated int32 path = 4; }
message Packet { oneof body { Unit unit = 1; string text = 2; } }
";

const TOML: &str = "\
[target]
host = \"tcp://127.0.0.1:9\"

[protocols.game]
hosts = \"tcp://*\"
framing = { length = \"u16be\" }
codec = \"sproto\"
schema = \"protos\"
package = \"package\"
reply = \"session\"
";

/// A folder with schemas of both kinds and a project.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("game.sproto", SPROTO),
        ("pb/game.proto", PROTOBUF),
        ("project/throng.toml", TOML),
        ("project/protos/game.sproto", SPROTO),
        ("project/mods/a.lua", "return throng.mod()\n"),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn throng(dir: &Path, args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_throng"))
        .arg("proto")
        .args(args)
        .current_dir(dir)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read closes its end.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

/// What a command that succeeds prints.
#[track_caller]
fn good(dir: &Path, args: &[&str]) -> String {
    let output = throng(dir, args, b"");
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says about wrong input, behind what it prints.
#[track_caller]
fn bad(dir: &Path, args: &[&str]) -> String {
    let output = throng(dir, args, b"");
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[track_caller]
fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn messages_and_protocols_are_listed_with_types_and_tags() {
    let dir = folder();
    let sproto = good(dir.path(), &["list", "game.sproto"]);
    let project = good(&dir.path().join("project"), &["list"]);
    let protobuf = good(dir.path(), &["list", "pb"]);
    snapshot("list", &[sproto, project, protobuf].join("\n----\n"));
}

#[test]
fn a_list_for_programs_is_json() {
    let dir = folder();
    let text = good(dir.path(), &["list", "game.sproto", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let schema = &json["schemas"][0];
    assert_eq!(schema["language"], "sproto");
    assert_eq!(schema["protocols"][0]["response"], "alive.response");
    let unit = schema["messages"].as_array().unwrap().iter().find(|message| message["name"] == "Unit");
    assert_eq!(unit.unwrap()["fields"][2]["type"], "*Item(id)");
}

#[test]
fn what_is_encoded_decodes_to_a_tree_with_places() {
    let dir = folder();
    let json =
        r#"{"name":"Grom","at":{"x":3,"y":1.5},"items":{"7":{"count":2}},"tags":["a","b"],"raw":"AP8="}"#;
    let hex = good(dir.path(), &["encode", "Unit", json, "--schema", "game.sproto"]);
    let tree = good(dir.path(), &["decode", "Unit", hex.trim(), "--schema", "game.sproto"]);
    let json = r#"{"name":"Grom","kind":"ORC","items":{"axe":2},"path":[1,2]}"#;
    let other = good(dir.path(), &["encode", "Unit", json, "--schema", "pb/game.proto"]);
    let other_tree = good(dir.path(), &["decode", "Unit", other.trim(), "--schema", "pb/game.proto"]);
    snapshot("decode", &[hex, tree, other, other_tree].join("\n"));
}

#[test]
fn packed_and_raw_bytes_go_through_files_and_the_standard_input() {
    let dir = folder();
    let schema = ["--schema", "game.sproto"];
    let plain = good(dir.path(), &[&["encode", "Move", "{\"x\":3}"][..], &schema].concat());
    assert_eq!(plain, "01000800\n");
    let packed = good(dir.path(), &[&["encode", "Move", "{\"x\":3}", "--pack"][..], &schema].concat());
    assert_eq!(packed, "050108\n");
    let written = [&["encode", "Move", "{\"x\":3}", "--output", "move.bin"][..], &schema].concat();
    assert_eq!(good(dir.path(), &written), "");
    assert_eq!(fs::read(dir.path().join("move.bin")).unwrap(), [1, 0, 8, 0]);
    let from_file = good(dir.path(), &[&["decode", "Move", "move.bin", "--raw"][..], &schema].concat());
    assert!(from_file.contains("x (0, integer) = 3"), "{from_file}");
    let raw = throng(dir.path(), &[&["encode", "Move", "-", "--raw"][..], &schema].concat(), b"{\"x\":3}");
    assert_eq!(raw.stdout, [1, 0, 8, 0]);
    let unpacked =
        throng(dir.path(), &[&["decode", "Move", "--unpack"][..], &schema].concat(), b"\\x05\\x01\\x08");
    assert!(String::from_utf8_lossy(&unpacked.stdout).contains("= 3"));
}

#[test]
fn a_stream_of_rpc_is_cut_and_each_message_named() {
    let dir = folder();
    // A request with session 9, and its response, packed and framed.
    let request = "02000400 1400 0100 0c00".replace(' ', "");
    let shown = good(dir.path(), &["decode", "_", &request, "--rpc", "--schema", "game.sproto"]);
    assert!(shown.contains("alive (1), session 9") && shown.contains("seq (0, integer) = 5"), "{shown}");
    let response = "0200 0100 1400 0100 0c00".replace(' ', "");
    let shown = good(dir.path(), &["decode", "alive", &response, "--rpc", "--schema", "game.sproto"]);
    assert!(shown.contains("seen (0, integer) = 5"), "{shown}");
    let stream = "0007 55 02041401 01 0c 0007 55 02041401 01 0c 00";
    let args = ["decode", "_", stream, "--protocol", "game", "--envelope", "--framing", "protocol"];
    snapshot("stream", &bad(&dir.path().join("project"), &args));
}

const ENVELOPES: &str = "\
[target]
host = \"ws://127.0.0.1:9\"

[protocols.outer]
hosts = \"ws://*\"
codec = \"sproto\"
schema = \"../outer.sproto\"
envelope = { type = \"Msg\", name = \"Name\", body = \"Bin\" }
reply = \"none\"

[protocols.two]
hosts = \"tcp://*\"
framing = { length = \"u16be\" }
codec = \"sproto\"
schema = { send = \"../send.sproto\", receive = \"../receive.sproto\" }
package = \"package\"
reply = \"session\"
";

const PACKETS: &str = "\
[target]
host = \"tcp://127.0.0.1:9\"

[protocols.packets]
hosts = \"tcp://*\"
framing = { length = \"u16be\" }
codec = \"protobuf\"
schema = \"protos\"
envelope = { type = \"Packet\", session = \"seq\" }
";

#[test]
fn an_envelope_of_protobuf_is_opened_too() {
    let dir = folder();
    let project = dir.path().join("project");
    let text = "syntax = \"proto3\";\nmessage Login { string token = 1; }\n\
        message Packet { uint32 seq = 1; oneof body { Login login = 2; } }\n";
    fs::write(project.join("protos/game.proto"), text).unwrap();
    fs::write(project.join("throng.toml"), PACKETS).unwrap();
    let stream = "0007 08011203 0a0161";
    let args = ["decode", "_", stream, "--protocol", "packets", "--envelope", "--framing", "protocol"];
    let shown = good(&project, &args);
    assert!(shown.contains("seq (1, uint32) = 1"), "{shown}");
    assert!(shown.contains("session 1") && shown.contains("      6       3  0a 01 61"), "{shown}");
}

const WHOLE: &str = r#"
[target]
host = "tcp://127.0.0.1:9"

[protocols.game]
hosts = "tcp://*:1"
framing = { length = "u16be" }
codec = "sproto"
schema = "protos/game.sproto"
package = "package"
reply = "session"

[protocols.packets]
hosts = "tcp://*:2"
framing = { header = ["len:u16be", "id:u16be", "version:u8", "seq:u32be"] }
codec = "protobuf"
schema = "protos"
ids = { send = { Unit = 1 }, receive = { Packet = 1 } }
reply = { header = "seq" }

[protocols.town]
hosts = "tcp://*:3"
framing = { delimiter = "\n" }
codec = "json"
json = { name = "cmd", session = "seq", body = "data" }
first = { codec = "raw", reply = "fifo", count = 1 }

[protocols.island]
hosts = "tcp://*:4"
framing = { length = "u32be" }
codec = "msgpack"
msgpack = { name = "id", session = "seq" }
ids = { login = 1001 }

[protocols.web]
hosts = "ws://*"
codec = "raw"
reply = "none"
"#;

/// A project whose protocols put something around their messages.
fn whole() -> tempfile::TempDir {
    let dir = folder();
    let project = dir.path().join("project");
    fs::write(project.join("throng.toml"), WHOLE).unwrap();
    fs::write(project.join("protos/game.proto"), PROTOBUF).unwrap();
    dir
}

#[test]
fn whole_messages_are_written_as_they_go_over_the_wire_and_read_again() {
    let dir = whole();
    let project = dir.path().join("project");
    #[track_caller]
    fn check(project: &Path, protocol: &str, encode: &[&str], wire: &str, shown: &[&str]) {
        let flags = ["--protocol", protocol];
        let hex = good(project, &[&["encode"], encode, &flags, &["--frame"]].concat());
        assert_eq!(hex.trim(), wire.replace(' ', ""));
        let sent = if encode.contains(&"--received") { &[][..] } else { &["--sent"] };
        let decode = ["decode", "_", hex.trim(), "--envelope", "--framing", "protocol"];
        let text = good(project, &[&decode[..], &flags, sent].concat());
        for part in shown {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let seven = ["--session", "7"];
    check(
        &project,
        "game",
        &[&["alive", r#"{"seq":5}"#][..], &seven].concat(),
        "0007 55 02 04 10 01 01 0c",
        &["alive", "session 7", "seq (0, integer) = 5"],
    );
    check(
        &project,
        "packets",
        &[&["game.Unit", r#"{"name":"a"}"#, "--header", r#"{"version":3}"#][..], &seven].concat(),
        "0003 0001 03 00000007 0a0161",
        &["version = 3", "Unit", "session 7", "name (1, string) = \"a\""],
    );
    check(
        &project,
        "packets",
        &["Packet", r#"{"text":"x"}"#, "--received"],
        "0003 0001 00 00000000 120178",
        &["Packet", "text (2, string) = \"x\""],
    );
    check(
        &project,
        "island",
        &[&["login", r#"{"name":"ann"}"#][..], &seven].concat(),
        "00000015 83 a26964 cd03e9 a3736571 07 a46e616d65 a3616e6e",
        &["login", "session 7", "ann"],
    );
    let town = [&["encode", "buy", r#"{"item":7}"#, "--protocol", "town", "--envelope", "--raw"][..], &seven];
    assert_eq!(good(&project, &town.concat()), r#"{"cmd":"buy","seq":7,"data":{"item":7}}"#);
    let answer =
        ["encode", "alive.response", r#"{"seen":5}"#, "--protocol", "game", "--received", "--envelope"];
    let answer = good(&project, &[&answer[..], &seven].concat());
    let shown = ["decode", "alive", answer.trim(), "--protocol", "game", "--envelope"];
    assert!(good(&project, &shown).contains("seen (0, integer) = 5"), "{answer}");
}

#[test]
fn a_stream_is_shown_message_by_message_from_what_comes_first_to_the_wrong_byte() {
    let dir = whole();
    let project = dir.path().join("project");
    let stream = b"hello\n{\"cmd\":\"buy\",\"seq\":7,\"data\":{\"item\":7}}\n{\"cmd\":\"buy\",oops}\n{";
    fs::write(project.join("capture.bin"), stream).unwrap();
    let args =
        ["decode", "_", "capture.bin", "--protocol", "town", "--envelope", "--framing", "protocol", "--raw"];
    snapshot("capture", &bad(&project, &args));
    // The second message's header says more than there is.
    let stream = "0003 0001 00 00000000 120178  0009 0001 00 00000000 1201";
    let args = ["decode", "_", stream, "--protocol", "packets", "--envelope", "--framing", "protocol"];
    snapshot("capture_cut", &bad(&project, &args));
}

#[test]
fn fields_that_a_schema_does_not_know_are_counted() {
    let dir = folder();
    let shown = good(dir.path(), &["decode", "Unit", "0a 01 61 48 07 52 01 62", "--schema", "pb"]);
    assert!(
        shown.contains("?9 = varint 7") && shown.ends_with("2 fields that the schema does not know\n"),
        "{shown}"
    );
}

#[test]
fn what_makes_no_whole_message_is_told() {
    let dir = whole();
    let project = dir.path().join("project");
    let cases: [&[&str]; 7] = [
        &["encode", "Unti", "{}", "--protocol", "packets", "--frame"],
        &["encode", "Packet", "{}", "--protocol", "packets", "--frame"],
        &["encode", "Unit", "{}", "--protocol", "packets", "--frame", "--header", "{\"versoin\":3}"],
        &["encode", "Unit", "{}", "--protocol", "packets", "--frame", "--header", "{\"version\":300}"],
        &["encode", "alive.response", "{}", "--protocol", "game", "--envelope"],
        &["encode", "any", "5", "--protocol", "web", "--envelope"],
        &["encode", "any", "\"x\"", "--protocol", "web", "--frame"],
    ];
    let shown: Vec<String> =
        cases.iter().map(|args| format!("{}\n{}", args.join(" "), bad(&project, args))).collect();
    snapshot("whole_mistakes", &shown.join("\n"));
}

#[test]
fn what_functions_in_lua_make_is_not_written_or_read() {
    let dir = folder();
    let project = dir.path().join("project");
    let protocols = "
        [target]
        host = \"tcp://127.0.0.1:9\"
        [protocols.all]
        lua = \"protocols/all.lua\"
        reply = \"session\"
        [protocols.frames]
        lua = \"protocols/frames.lua\"
        codec = \"json\"
        trailer = { send = [\"zone:u8\"], receive = [\"zone:u8\"] }
        reply = \"fifo\"";
    let frames = "local p = {}
        function p.framing(bytes, from) return from, #bytes end
        function p.frame(payload) return payload end\n";
    let heads = "function p.head() return {} end function p.encode() return '' end\n";
    fs::create_dir_all(project.join("protocols")).unwrap();
    fs::write(project.join("throng.toml"), protocols).unwrap();
    fs::write(project.join("protocols/frames.lua"), format!("{frames}return p")).unwrap();
    fs::write(project.join("protocols/all.lua"), format!("{frames}{heads}return p")).unwrap();
    let body =
        ["encode", "get", "{\"x\":1}", "--protocol", "frames", "--envelope", "--header", "{\"zone\":7}"];
    let hex = good(&project, &body);
    assert_eq!(hex.trim().replace(' ', ""), "7b2278223a317d07");
    let codec = "has functions in Lua for what its messages are";
    let framing = "has its framing in Lua";
    for (args, why) in [
        (&["encode", "get", "{}", "--protocol", "all", "--envelope"][..], codec),
        (&["decode", "_", "00", "--protocol", "all", "--envelope"], codec),
        (&["encode", "get", "{}", "--protocol", "frames", "--frame"], framing),
        (&["decode", "get", "00", "--protocol", "frames", "--framing", "protocol"], framing),
    ] {
        let told = bad(&project, args);
        assert!(told.contains(why), "{args:?}: {told}");
    }
}

/// A project whose protocols have an envelope, and a schema for each direction.
fn envelopes() -> tempfile::TempDir {
    let dir = folder();
    let package = ".package { type 0 : integer session 1 : integer }\n";
    for (path, text) in [
        ("outer.sproto", ".Msg { Name 0 : string Bin 1 : binary }\n.Hit { power 0 : integer }\n".to_owned()),
        ("send.sproto", format!("{package}go 1 {{ request {{ x 0 : integer }} }}\n")),
        ("receive.sproto", format!("{package}seen 1 {{ request {{ who 0 : integer }} }}\n")),
        ("project/throng.toml", ENVELOPES.to_owned()),
    ] {
        fs::write(dir.path().join(path), text).unwrap();
    }
    dir
}

#[test]
fn an_envelope_is_opened_and_its_body_has_its_places_in_the_whole() {
    let dir = envelopes();
    let project = dir.path().join("project");
    let body = good(&project, &["encode", "Hit", r#"{"power":5}"#]);
    let payload = format!("0200 0000 0000 03000000 486974 04000000 {}", body.trim());
    let args = ["decode", "_", &payload, "--protocol", "outer", "--envelope"];
    snapshot("envelope", &good(&project, &args));
    let wrong = payload.replace("486974", "486975");
    assert!(
        bad(&project, &["decode", "_", &wrong, "--protocol", "outer", "--envelope"])
            .contains("did you mean `Hit`")
    );
    let cut = &payload[..payload.len() - 4];
    assert!(bad(&project, &["decode", "_", cut, "--protocol", "outer", "--envelope"]).contains("at byte 13"));
}

#[test]
fn the_bytes_of_each_direction_have_its_own_schema() {
    let dir = envelopes();
    let project = dir.path().join("project");
    // The package and one field, packed: type 1, x or who 5.
    let payload = "55 01 04 01 0c";
    let args = ["decode", "_", payload, "--protocol", "two", "--envelope"];
    let received = good(&project, &args);
    assert!(received.contains("who (0, integer) = 5"), "{received}");
    let sent = good(&project, &[&args[..], &["--sent"]].concat());
    assert!(sent.contains("x (0, integer) = 5"), "{sent}");
    let other = ["decode", "_", payload, "--protocol", "two", "--unpack", "--rpc", "--sent"];
    assert!(good(&project, &other).contains("go (1)"));
}

#[test]
fn a_response_has_the_package_of_the_server_s_schema() {
    let dir = envelopes();
    let project = dir.path().join("project");
    let package = ".package { session 2 : integer type 7 : integer }\n";
    fs::write(
        dir.path().join("receive.sproto"),
        format!("{package}seen 1 {{ request {{ who 0 : integer }} }}\n"),
    )
    .unwrap();
    let package = ".package { type 0 : integer session 1 : integer }\n";
    let send = format!("{package}go 1 {{ request {{ x 0 : integer }} response {{ y 0 : integer }} }}\n");
    fs::write(dir.path().join("send.sproto"), send).unwrap();
    let encode = [
        "encode",
        "go.response",
        r#"{"y":5}"#,
        "--protocol",
        "two",
        "--received",
        "--envelope",
        "--session",
        "9",
    ];
    let answer = good(&project, &encode);
    let shown = good(&project, &["decode", "go", answer.trim(), "--protocol", "two", "--envelope"]);
    assert!(shown.contains("session 9") && shown.contains("y (0, integer) = 5"), "{shown}");
}

#[test]
fn a_dump_in_a_file_is_as_good_as_its_bytes() {
    let dir = folder();
    let dump = "00000000  01 00 08 00                                       |....|\n00000004\n";
    fs::write(dir.path().join("dump.txt"), dump).unwrap();
    fs::write(dir.path().join("move.bin"), [1, 0, 8, 0]).unwrap();
    let args = |file| ["decode", "Move", file, "--schema", "game.sproto"];
    assert_eq!(good(dir.path(), &args("dump.txt")), good(dir.path(), &args("move.bin")));
}

#[test]
fn a_bundle_is_a_schema_too() {
    let dir = folder();
    let file = throng_sproto::SourceFile { name: "game.sproto", text: SPROTO };
    let bundle = throng_sproto::Schema::parse(&[file]).unwrap().bundle();
    fs::write(dir.path().join("game.spb"), bundle).unwrap();
    assert!(good(dir.path(), &["list", "game.spb"]).contains("*Item(id)"));
    fs::write(dir.path().join("game.spb"), b"\xff\xff").unwrap();
    assert!(bad(dir.path(), &["list", "game.spb"]).contains("no Sproto bundle"));
}

#[test]
fn a_wrong_byte_is_shown_among_those_around_it() {
    let dir = folder();
    let hex = good(
        dir.path(),
        &["encode", "Unit", r#"{"name":"Grom","tags":["a","b"]}"#, "--schema", "game.sproto"],
    );
    // The length of the first tag.
    let wrong = hex.trim().replacen("0100000061", "0900000061", 1);
    snapshot("wrong_byte", &bad(dir.path(), &["decode", "Unit", &wrong, "--schema", "game.sproto"]));
    snapshot("wrong_proto", &bad(dir.path(), &["decode", "Unit", "0a 09 47", "--schema", "pb"]));
}

#[test]
fn mistakes_are_told_with_what_was_most_likely_meant() {
    let dir = folder();
    let cases: [&[&str]; 12] = [
        &["encode", "Mvoe", "{}", "--schema", "game.sproto"],
        &["encode", "Unit", r#"{"at":{"z":1}}"#, "--schema", "game.sproto"],
        &["encode", "Unit", r#"{"at":{"nmae":"x"}}"#, "--schema", "game.sproto"],
        &["encode", "Unit", r#"{"tags":["a",7]}"#, "--schema", "game.sproto"],
        &["encode", "Unit", r#"{"items":{"x":{}}}"#, "--schema", "game.sproto"],
        &["encode", "Unit", r#"{"kind":"ORK"}"#, "--schema", "pb"],
        &["encode", "Unit", "{", "--schema", "game.sproto"],
        &["decode", "Unit", "02 0g", "--schema", "game.sproto"],
        &["decode", "Unit", "00", "--schema", "game.sproto", "--framing", "u16bee"],
        &["decode", "_", "00", "--schema", "game.sproto"],
        &["list", "nowhere"],
        &["encode", "Move", "{}", "--schema", "project", "--protocol", "gmae"],
    ];
    let shown: Vec<String> =
        cases.iter().map(|args| format!("{}\n{}", args.join(" "), bad(dir.path(), args))).collect();
    snapshot("mistakes", &shown.join("\n"));
}

#[test]
fn nothing_is_coloured_where_there_is_no_terminal() {
    let dir = folder();
    for args in [&["list", "game.sproto"][..], &["decode", "quit", "", "--schema", "game.sproto"]] {
        assert!(!good(dir.path(), args).contains('\x1b'));
    }
}
