//! Lua blocks are loaded by the host and looked at by the checker, as `throng check` does.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use throng::config::Config;
use throng::session::prepare::Prepared;
use throng_check::{Colour, Severity};
use throng_engine::Clock;
use throng_lua::{Control, LuaHost, LuaProject};

use crate::blocks::{Block, blocks};
use crate::project::{LOGIN, Project};

/// The name that a mod's file gives itself.
pub(crate) fn mod_name(block: &Block) -> String {
    let declared =
        block.text.lines().find_map(|line| line.strip_prefix("local ")?.split_once(" = throng.mod"));
    let (name, _) =
        declared.unwrap_or_else(|| panic!("{}: neither a mod nor marked as a fragment", block.place()));
    name.to_owned()
}

/// `lib/NAME.lua`, if the block is such a file.
fn lib_name(block: &Block) -> Option<&str> {
    block.text.lines().next()?.strip_prefix("-- ").filter(|name| name.starts_with("lib/"))
}

/// A project with all of the guide's library, a mod that logs in, and the mods that others need.
pub(crate) fn project_with(name: &str, text: &str) -> Project {
    let project = Project::new();
    for block in blocks("lua") {
        if let Some(file) = lib_name(&block) {
            project.write(file, &block.text);
        }
    }
    project.write("mods/login.lua", LOGIN);
    if name != "role" {
        project.write("mods/role.lua", &LOGIN.replace("login", "role"));
    }
    project.write(&format!("mods/{name}.lua"), text);
    project
}

/// What the checker calls an error, as the user sees it.
fn errors(config: &Config) -> String {
    let project = throng::project::project(config).unwrap();
    let findings = throng_check::check(&project).unwrap();
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors.fold(String::new(), |mut text, finding| {
        let _ = writeln!(text, "{}", finding.render(Colour::Plain));
        text
    })
}

#[track_caller]
pub(crate) fn check_loads(project: &Project, place: &str) {
    let config = project.config();
    let errors = errors(&config);
    assert!(errors.is_empty(), "{place}:\n{errors}");
    if let Err(error) = LuaHost::check(Prepared::new(&config).project) {
        panic!("{place}: {error}");
    }
}

#[test]
fn every_mod_loads_and_the_checker_has_nothing_to_say() {
    for block in blocks("lua").iter().filter(|block| lib_name(block).is_none()) {
        let name = mod_name(block);
        check_loads(&project_with(&name, &block.text), &block.place());
    }
}

#[test]
fn every_shape_says_how_many_robots_there_are() {
    for block in blocks("lua shape") {
        let project = project_with("role", &LOGIN.replace("login", "role"));
        let prepared = Prepared::new(&project.config());
        let file = block.text.lines().next().and_then(|line| line.strip_prefix("-- ")).map(Into::into);
        let with_shape = LuaProject { shape: file, ..(*prepared.project).clone() };
        let control = Control::load(Arc::new(with_shape), Clock::stopped(), 1);
        let control = control.unwrap_or_else(|error| panic!("{}: {error}", block.place())).unwrap();
        let mut asked = 0;
        while let Some(tick) = control.tick(Duration::from_secs(asked)).unwrap() {
            assert!(tick.robots <= 10_000, "{}: {tick:?}", block.place());
            asked += 1;
            assert!(asked < 100_000, "{}: it never ends", block.place());
        }
        assert!(asked > 10, "{}: it ends at once", block.place());
    }
}

#[test]
fn what_the_guide_calls_wrong_is_refused() {
    for block in blocks("lua wrong") {
        let name = mod_name(&block);
        let project = project_with(&name, &block.text);
        assert!(!errors(&project.config()).is_empty(), "{}: the checker finds nothing", block.place());
    }
}

#[test]
fn test_files_are_right_in_the_eyes_of_the_checker() {
    for block in blocks("lua test") {
        let project = project_with("role", &LOGIN.replace("login", "role"));
        project.write("tests/guide_test.lua", &block.text);
        let errors = errors(&project.config());
        assert!(errors.is_empty(), "{}:\n{errors}", block.place());
    }
}
