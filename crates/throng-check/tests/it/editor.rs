//! The files for editors.

use throng_check::{Messages, Project, Role, Severity, Source, check, editor};

use crate::fixture;

/// Annotations are comments, and the rest must be Lua.
#[track_caller]
fn is_lua(text: String) {
    let project = Project { sources: vec![Source::new("lib/x.lua", Role::Test, text)], ..Project::default() };
    let findings = check(&project).unwrap();
    assert!(findings.iter().all(|finding| finding.severity != Severity::Error), "{findings:#?}");
}

fn messages() -> Messages {
    Messages { protocols: vec![fixture::game(), fixture::battle()] }
}

#[test]
fn definitions_hold_the_whole_api() {
    let text = editor::definitions();
    for class in throng_check::api::CLASSES {
        assert!(text.contains(&format!("---@class {}\n", class.name)), "{}", class.name);
        for member in class.members {
            let function = format!("{}(", member.name);
            let field = format!("---@field {}", member.name);
            assert!(text.contains(&function) || text.contains(&field), "{}.{}", class.name, member.name);
        }
    }
    for set in throng_check::api::OPTIONS {
        for key in set.keys {
            assert!(text.contains(&format!("---@field {}? ", key.name)), "{}.{}", set.name, key.name);
        }
    }
    insta::assert_snapshot!("definitions", text);
}

#[test]
fn messages_are_completed_by_name() {
    insta::assert_snapshot!("messages", editor::messages(&messages()));
}

#[test]
fn generated_files_are_lua() {
    is_lua(editor::definitions());
    is_lua(editor::messages(&messages()));
    is_lua(editor::messages(&Messages::default()));
}
