//! The binary as a user meets it: help, `new`, completion, manual pages, exit codes.

use std::path::Path;
use std::process::{Command, Output};

use throng::config::{Config, Overrides, RESERVED_FLAGS};
use throng::templates::TEMPLATES;

/// Runs the binary in `dir` with an environment of ours alone.
fn throng(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_throng"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("COLUMNS", "100")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn snapshot(name: &str, text: String) {
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn without_arguments_the_help_says_first_what_to_type_first() {
    let dir = tempfile::tempdir().unwrap();
    let output = throng(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).lines().next().unwrap().contains("throng demo"));
    snapshot("help", stdout(&output));
}

#[test]
fn each_command_has_help() {
    let dir = tempfile::tempdir().unwrap();
    for command in
        ["demo", "new", "check", "test", "try", "run", "search", "compare", "proto", "completion", "man"]
    {
        let output = throng(dir.path(), &[command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        snapshot(&format!("help_{command}"), stdout(&output));
    }
}

#[test]
fn each_command_of_proto_has_help() {
    let dir = tempfile::tempdir().unwrap();
    for command in ["list", "encode", "decode"] {
        let output = throng(dir.path(), &["proto", command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        snapshot(&format!("help_proto_{command}"), stdout(&output));
    }
}

#[test]
fn commands_that_are_not_there_yet_are_unknown() {
    let dir = tempfile::tempdir().unwrap();
    for command in ["ui", "search", "runs", "report", "worker", "workers", "help"] {
        let output = throng(dir.path(), &[command]);
        assert_eq!(output.status.code(), Some(2), "{command}");
    }
}

#[test]
fn a_slip_in_a_command_or_flag_finds_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    let output = throng(dir.path(), &["chekc"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("'check'"), "{}", stderr(&output));
    let output = throng(dir.path(), &["run", "--robot", "5"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--robots"), "{}", stderr(&output));
}

#[test]
fn the_flags_of_throng_are_no_names_for_options() {
    let command = throng::cli::command(&[]);
    for verb in ["run", "try", "demo"] {
        let mut verb = command.find_subcommand(verb).unwrap().clone();
        verb.build();
        for flag in verb.get_arguments().chain(command.get_arguments()).filter_map(|arg| arg.get_long()) {
            assert!(RESERVED_FLAGS.contains(&flag), "--{flag} is not reserved");
        }
    }
}

#[test]
fn every_template_is_a_project_that_loads() {
    let dir = tempfile::tempdir().unwrap();
    for template in &TEMPLATES {
        let output = throng(dir.path(), &["new", template.name, "--template", template.name]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        snapshot(&format!("new_{}", template.name), stdout(&output));
        let project = dir.path().join(template.name);
        for (path, text) in template.files {
            assert_eq!(&std::fs::read_to_string(project.join(path)).unwrap(), text, "{path}");
        }
        for file in [".luarc.json", "throng.d.lua", "messages.d.lua"] {
            assert!(project.join(file).is_file(), "{file}");
        }
        if let Err(errors) = Config::load(&project, &Overrides::default()) {
            panic!("{errors}");
        }
        let check = throng(&project, &["check"]);
        assert_eq!(check.status.code(), Some(0), "{}{}", stdout(&check), stderr(&check));
    }
}

#[test]
fn new_refuses_a_folder_in_use_unless_forced() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(throng(dir.path(), &["new", "game"]).status.code(), Some(0));
    let refused = throng(dir.path(), &["new", "game"]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(
        stderr(&refused),
        "error: game is not empty; name a new folder, or add --force to write into this one\n"
    );
    assert_eq!(throng(dir.path(), &["new", "game", "--force"]).status.code(), Some(0));
    let unknown = throng(dir.path(), &["new", "other", "--template", "sproto"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("sproto-ws"), "{}", stderr(&unknown));
}

#[test]
fn a_projects_options_are_flags_with_help() {
    let dir = tempfile::tempdir().unwrap();
    throng(dir.path(), &["new", "game"]);
    for args in [["run", "game", "--help"], ["try", "game", "--help"]] {
        let help = stdout(&throng(dir.path(), &args));
        assert!(help.contains("Options of this project:"), "{help}");
        assert!(help.contains("--greeting <TEXT>"), "{help}");
        assert!(help.contains("what robots say [default: \"hello world\"]"), "{help}");
    }
    let inside = stdout(&throng(&dir.path().join("game"), &["run", "--help"]));
    assert!(inside.contains("--greeting <TEXT>"), "{inside}");
    let elsewhere = stdout(&throng(dir.path(), &["run", "--help"]));
    assert!(!elsewhere.contains("--greeting"), "{elsewhere}");
}

#[test]
fn check_names_what_is_wrong_with_a_mod_and_brings_editors_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    throng(dir.path(), &["new", "game"]);
    let game = dir.path().join("game");
    let role = std::fs::read_to_string(game.join("mods/role.lua")).unwrap();
    std::fs::write(game.join("mods/role.lua"), role.replace("\"LoginReuest\"", "\"LoginRequest\"")).unwrap();
    let schema = game.join("protos/game/game.sproto");
    let more = std::fs::read_to_string(&schema).unwrap() + "\n.GiftNotify { Count 0 : integer }\n";
    std::fs::write(&schema, more).unwrap();
    let output = throng(dir.path(), &["check", "game"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("game/mods/role.lua:14:"), "{}", stderr(&output));
    assert!(stderr(&output).contains("LoginReuest"), "{}", stderr(&output));
    let messages = std::fs::read_to_string(game.join("messages.d.lua")).unwrap();
    assert!(messages.contains("GiftNotify"), "{messages}");
}

#[test]
fn wrong_settings_end_with_exit_code_2_and_say_where() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("mods")).unwrap();
    std::fs::write(dir.path().join("throng.toml"), "[load]\nrobot = 5\n").unwrap();
    for command in ["run", "try", "check", "test"] {
        let output = throng(dir.path(), &[command]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(stderr(&output).contains("throng.toml:2:1"), "{command}: {}", stderr(&output));
        assert!(stderr(&output).contains("did you mean `robots`?"), "{command}: {}", stderr(&output));
    }
}

#[test]
fn a_wrong_flag_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("mods")).unwrap();
    std::fs::write(dir.path().join("throng.toml"), "[options]\nlevel = 1\n").unwrap();
    let output = throng(dir.path(), &["run", "-u", "many", "--level", "high", "-t", "5x"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    for flag in ["--> flag --robots", "--> flag --level", "--> flag --run-time"] {
        assert!(text.contains(flag), "{text}");
    }
}

#[test]
fn every_shell_gets_a_completion_script() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = throng(dir.path(), &["completion", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(stdout(&output).contains("spawn-rate"), "{shell}");
    }
    assert_eq!(throng(dir.path(), &["completion", "tcsh"]).status.code(), Some(2));
}

#[test]
fn manual_pages_are_printed_or_written() {
    let dir = tempfile::tempdir().unwrap();
    let printed = stdout(&throng(dir.path(), &["man"]));
    assert!(printed.contains(".TH throng 1"), "{printed}");
    assert_eq!(throng(dir.path(), &["man", "--dir", "pages"]).status.code(), Some(0));
    for page in ["throng.1", "throng-run.1", "throng-try.1"] {
        assert!(dir.path().join("pages").join(page).is_file(), "{page}");
    }
}
