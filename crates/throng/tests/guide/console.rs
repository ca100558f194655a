//! Commands in the documents are commands of the programs.

use throng::cli;
use throng::config::option_flags;

use crate::blocks::{Block, blocks, root};

/// Options that the examples use as flags.
const OPTIONS: &str = "[options]\nmy_level = 1\ngreeting = \"hello\"\nbattle = \"\"\n";

/// Programs whose arguments are theirs.
const OTHERS: [&str; 4] = ["git", "cd", "./test", "jq"];
/// Flags of the demo server that the guide uses.
const DEMO: [&str; 7] = ["--fault", "--help", "--lobby", "--game", "--battle", "--echo-udp", "--echo-kcp"];

#[test]
fn every_command_exists() {
    for block in blocks("console") {
        for line in block.text.lines() {
            check(&block, line);
        }
    }
}

#[track_caller]
fn check(block: &Block, line: &str) {
    let command = line.split(" #").next().unwrap_or_default();
    let command = command.split(" | ").next().unwrap_or_default();
    let mut words: Vec<&str> = command
        .split_whitespace()
        .skip_while(|word| word.starts_with("THRONG_") && word.contains('='))
        .collect();
    if words.is_empty() {
        return;
    }
    let place = block.place();
    match words[0] {
        "throng" => parse(&place, &words),
        "cargo" => match words.iter().position(|word| *word == "--") {
            Some(at) if words[1] == "run" && !words.contains(&"-p") => {
                words.drain(..=at);
                words.insert(0, "throng");
                parse(&place, &words);
            }
            _ if words[1..].starts_with(&["+nightly", "fuzz", "run"]) => {
                let target = root().join(format!("fuzz/fuzz_targets/{}.rs", words[4]));
                assert!(target.is_file(), "{place}: {line}");
            }
            _ => assert!(
                ["build", "run", "test", "clippy", "fmt", "install"].contains(&words[1]),
                "{place}: {line}"
            ),
        },
        "throng-demo" => {
            let flags = words[1..].iter().filter(|word| word.starts_with('-'));
            flags.for_each(|flag| assert!(DEMO.contains(flag), "{place}: {line}"));
        }
        other => assert!(OTHERS.contains(&other), "{place}: {line}"),
    }
}

#[track_caller]
fn parse(place: &str, words: &[&str]) {
    if let Err(error) = cli::command(&option_flags(OPTIONS)).try_get_matches_from(words) {
        let harmless = [clap::error::ErrorKind::DisplayHelp, clap::error::ErrorKind::DisplayVersion];
        assert!(harmless.contains(&error.kind()), "{place}: {error}");
    }
}

#[test]
fn every_command_of_the_program_is_in_the_guide() {
    let page = std::fs::read_to_string(root().join("docs/guide/command-line.md")).unwrap();
    for command in cli::command(&[]).get_subcommands() {
        assert!(page.contains(&format!("| `throng {}", command.get_name())), "{}", command.get_name());
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("--{flag}")), "--{flag} of {}", command.get_name());
        }
    }
}
