//! Whatever a file holds, the checker answers.

use std::sync::LazyLock;

use proptest::prelude::*;
use throng_check::{Project, Role, Source, check};

use crate::fixture;

static CORPUS: LazyLock<Vec<fixture::Case>> =
    LazyLock::new(|| fixture::cases("wrong").into_iter().chain(fixture::cases("right")).collect());

/// The largest character boundary that is not beyond `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[test]
fn truncated_files_are_answered() {
    for fixture::Case { name, project } in CORPUS.iter() {
        let mut project = project.clone();
        let texts: Vec<String> = project.sources.iter().map(|source| source.text.clone()).collect();
        for eighth in 0..8 {
            for (source, text) in project.sources.iter_mut().zip(&texts) {
                source.text = text[..boundary(text, text.len() * eighth / 8 + eighth)].to_owned();
            }
            check(&project).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn hostile_nesting_is_answered() {
    let openers = [
        "(",
        "{",
        "f{",
        "a[",
        "function f() ",
        "if x then ",
        "do ",
        "repeat ",
        "not ",
        "x = - ",
        "a.",
        "f()",
        "a:b",
    ];
    for opener in openers {
        for (head, tail) in [("", ""), ("return ", "1"), ("local x = ", "1")] {
            let text = format!("{head}{}{tail}", opener.repeat(50_000));
            let project =
                Project { sources: vec![Source::new("mods/x.lua", Role::Mod, text)], ..Project::default() };
            assert!(!check(&project).unwrap().is_empty(), "{opener}");
        }
    }
}

#[test]
fn the_deepest_legal_nesting_is_read() {
    let texts = [
        format!("local x = {}1{}", "(".repeat(190), ")".repeat(190)),
        format!("local x = {}{}", "{".repeat(190), "}".repeat(190)),
        format!("local f\nf = {}1{}", "f(".repeat(190), ")".repeat(190)),
        format!("{}{}", "do local x = function() ".repeat(90), " end end".repeat(90)),
        format!("local x = 1{}", " + 1".repeat(990)),
        format!("local x = {}true", "not ".repeat(990)),
        format!("local x = 'a'{}", " .. 'a'".repeat(990)),
        format!("local x = {}1{}", "not not not not not (".repeat(190), ")".repeat(190)),
        format!("local x = {}1{}", "1 .. 2 ^ - 1 .. {".repeat(190), "}".repeat(190)),
    ];
    for text in texts {
        let source = format!("{text}\nlocal m = throng.mod()\nreturn m\n");
        let project =
            Project { sources: vec![Source::new("mods/x.lua", Role::Mod, source)], ..Project::default() };
        assert_eq!(check(&project).unwrap(), [], "{}", &text[..40]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_answered(which in any::<prop::sample::Index>(), cut in 0usize..4000, length in 0usize..40, junk in "[ -~\n名]{0,8}") {
        let mut project = CORPUS[which.index(CORPUS.len())].project.clone();
        for source in &mut project.sources {
            let start = boundary(&source.text, cut % (source.text.len() + 1));
            let end = boundary(&source.text, start + length).max(start);
            source.text.replace_range(start..end, &junk);
        }
        check(&project).unwrap();
    }

    #[test]
    fn any_words_of_lua_are_answered(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        let source = Source::new("mods/x.lua", Role::Mod, words.join(" "));
        let project = Project { sources: vec![source], messages: throng_check::Messages { protocols: vec![fixture::game(), fixture::battle()] }, ..Project::default() };
        check(&project).unwrap();
    }
}

const WORDS: &[&str] = &[
    "local",
    "function",
    "end",
    "if",
    "then",
    "else",
    "elseif",
    "do",
    "while",
    "for",
    "in",
    "repeat",
    "until",
    "return",
    "break",
    "goto",
    "::a::",
    "and",
    "or",
    "not",
    "nil",
    "true",
    "x",
    "self",
    "throng",
    "role",
    ".",
    ":",
    ",",
    ";",
    "=",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "..",
    "...",
    "+",
    "-",
    "#",
    "<const>",
    "'EchoRequest'",
    "\"5 sec\"",
    "[[x]]",
    "1",
    "0x",
    "throng.mod()",
    "role:on",
    "self.robot:connect",
    "request",
    "--[[",
    "]]",
    "\n",
];
