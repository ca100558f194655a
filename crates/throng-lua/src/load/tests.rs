//! Right and wrong projects in folders of their own.

use crate::project::{LuaProject, TaskSetting};
use crate::{LoadError, LuaHost};
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use throng_engine::{Late, Program, Wait};
use throng_wire::{
    CodecSpec, Framing, Protocol, ProtocolSpec, SchemaSpec, SourceText, SprotoShape, SprotoSpec,
};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder for the test");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    folder
}

fn load_with(files: &[(&str, &str)], change: impl FnOnce(&mut LuaProject)) -> Result<Program, LoadError> {
    let folder = folder(files);
    let mut project = LuaProject::at(folder.path());
    change(&mut project);
    LuaHost::check(Arc::new(project)).map(|inventory| inventory.program)
}

fn load(files: &[(&str, &str)]) -> Result<Program, LoadError> {
    load_with(files, |_| ())
}

#[track_caller]
fn refused(files: &[(&str, &str)], place: &str, message: &str) {
    let error = load(files).expect_err("a mistake");
    let found = error.to_string();
    assert!(found.starts_with(place) && found.contains(message), "{found}\nwanted: {place} ... {message}");
}

/// A mod `a` with this text between its first and last line; its first line is line 2 of the file.
#[track_caller]
fn refused_mod(body: &str, line: u32, message: &str) {
    let text = format!("local a = throng.mod()\n{body}\nreturn a\n");
    refused(&[("mods/a.lua", &text)], &format!("mods/a.lua:{line}: "), message);
}

#[test]
fn mods_tasks_and_sequences_are_found_in_order() {
    let program = load(&[
        ("mods/b.lua", "local b = throng.mod { needs = { 'a' } }\nfunction b:start() end\nreturn b"),
        (
            "mods/a/init.lua",
            "local a = throng.mod { wait = 2, manual_ready = true }
             function a:closed() end
             a:task('chat', { weight = 3, when = function() return true end, timeout = '5s' }, function() end)
             function a:browse() end
             function a:buy() end
             a:sequence('shop', { steps = { 'browse', 'buy' }, wait = { pacing = 1 } })
             function a.tasks:quick() end
             return a",
        ),
    ])
    .expect("a right project");
    assert_eq!(program.mods.iter().map(|spec| &*spec.name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(program.mods[1].needs, [0]);
    assert!(program.manual_ready && program.mods[1].start && program.mods[0].closed && !program.mods[0].stop);
    let [chat, shop, quick] = &program.tasks[..] else { panic!("three tasks: {:?}", program.tasks) };
    assert_eq!((&*chat.name, chat.weight, chat.conditional), ("a.chat", 3.0, true));
    assert_eq!(chat.timeout, Some(Duration::from_secs(5)));
    assert_eq!(chat.wait, Some(Wait::Constant(Duration::from_secs(2))));
    assert_eq!(shop.steps, ["browse".into(), "buy".into()]);
    assert_eq!(shop.wait, Some(Wait::Pacing(Duration::from_secs(1), Late::CatchUp)));
    assert_eq!((&*quick.name, quick.weight), ("a.quick", 1.0));
}

#[test]
fn a_tag_that_picks_nothing_is_refused() {
    let text = "local a = throng.mod { tags = 'slow' } a:task('x', function() end) return a";
    let pick = |tag: &str| {
        let tag = tag.to_owned();
        load_with(&[("mods/a.lua", text)], |project| project.tags.include = vec![tag])
    };
    assert_eq!(pick("slow").expect("a tag that is there").tasks[0].weight, 1.0);
    let error = pick("slwo").expect_err("a slip").to_string();
    assert_eq!(error, "robot.tags: unknown tag 'slwo'; did you mean 'slow'? (no task has it)");
}

#[test]
fn weights_and_tags_come_from_the_settings() {
    let files = [(
        "mods/a.lua",
        "local a = throng.mod { tags = 'slow' }
         a:task('one', { rate = 7.5 }, function() end)
         a:task('two', { tags = { 'fast' } }, function() end)
         return a",
    )];
    let weight = |task: &str| TaskSetting {
        task: task.to_owned(),
        weight: Some(0.5),
        rate: Some(20.0),
        line: Some(7),
    };
    let program = load_with(&files, |project| {
        project.tasks.push(weight("a.two"));
        project.tags.exclude.push("slow".to_owned());
    });
    let program = program.expect("a right project");
    let tasks: Vec<_> = program.tasks.iter().map(|task| (task.weight, task.rate)).collect();
    assert_eq!(tasks, [(0.0, Some(7.5)), (0.5, Some(20.0))]);
    let error = load_with(&files, |project| project.tasks.push(weight("a.tow"))).expect_err("no such task");
    assert_eq!(error.to_string(), "throng.toml:7: unknown task 'a.tow'; did you mean 'a.two'?");
}

#[test]
fn files_find_each_other_by_require() {
    let program = load(&[
        (
            "mods/a.lua",
            "local a = throng.mod()\nlocal deep = require 'deep.er'\na:task(deep.name, function() end)\nreturn a",
        ),
        (
            "mods/b.lua",
            "local b = throng.mod()\nassert(require('a') ~= b and require('a') == require('a'))\nreturn b",
        ),
        ("lib/deep/er.lua", "return { name = 'task' .. #require('list') }"),
        ("lib/list/init.lua", "return { 1, 2, 3 }"),
    ]);
    assert_eq!(&*program.expect("a right project").tasks[0].name, "a.task3");
}

#[test]
fn what_cannot_be_required_is_said_with_the_line() {
    let a = "local a = throng.mod()\nrequire 'lsit'\nreturn a";
    refused(&[("mods/a.lua", a), ("lib/list.lua", "")], "mods/a.lua:2: ", "did you mean 'list'?");
    let a = "local a = throng.mod()\nrequire 'broken'\nreturn a";
    refused(
        &[("mods/a.lua", a), ("lib/broken.lua", "local x =\n\nend")],
        "lib/broken.lua:3: ",
        "unexpected symbol",
    );
    refused(&[("mods/a.lua", a), ("lib/broken.lua", "\nerror('no')")], "lib/broken.lua:2: ", "no");
    refused(
        &[("mods/a.lua", a), ("lib/broken.lua", "require 'broken'")],
        "lib/broken.lua:1: ",
        "require each other",
    );
    refused(
        &[("mods/broken.lua", ""), ("lib/broken.lua", "")],
        "mods",
        "both mods/broken.lua and lib/broken.lua",
    );
}

#[test]
fn a_project_without_mods_is_refused() {
    refused(&[("lib/a.lua", "")], "mods: ", "no such folder");
    refused(&[("mods/readme.txt", "")], "mods: ", "there is no mod here");
    refused(&[("mods/a.lua", "return {}")], "mods/a.lua:1: ", "begin it with local a = throng.mod()");
    refused(&[("mods/a.lua", "throng.mod()\nreturn 5")], "mods/a.lua:1: ", "return a");
}

#[test]
fn a_second_definition_is_refused() {
    refused_mod("function a:start() end\nfunction a:start() end", 3, "already defined at mods/a.lua:2");
    refused_mod(
        "a:task('x', function() end)\na:task('x', function() end)",
        3,
        "already defined at mods/a.lua:2",
    );
    refused_mod("a:on('X', function() end)\nfunction a.on:X() end", 3, "already handles 'X' at mods/a.lua:2");
}

#[test]
fn what_must_be_a_function_is_one() {
    refused_mod("a.start = 5", 2, "'start' of mod 'a' must be a function, not a number");
    refused_mod("a:task('x', {}, 5)", 2, "task 'x' must be a function, not a number");
    refused_mod("a:task('x')", 2, "task 'x' must be a function, not nil");
    refused_mod("a.tasks.x = {}", 2, "must be a function, not a table");
    refused_mod("a:on('X', {}, 'f')", 2, "the handler of 'X' must be a function, not a string");
    refused_mod("a:sequence('s', { steps = { 'buy' } })", 2, "write function a:buy()");
    refused_mod("a.buy = 1\na:sequence('s', { steps = { 'buy' } })", 3, "write function a:buy()");
}

#[test]
fn a_dot_for_a_colon_is_noticed() {
    refused_mod("function a.start() end", 2, "write function a:start(...)");
    refused_mod("function a.tasks.chat(x) end", 2, "write function a.tasks:chat(...)");
    refused_mod("function a.on.Kick(message) end", 2, "write function a.on:Kick(...)");
    refused_mod(
        "function a.buy() end\na:sequence('s', { steps = { 'buy' } })",
        2,
        "write function a:buy(...)",
    );
    refused_mod("a.task('x', function() end)", 2, "write mod:task(...), with a colon");
    refused_mod("a.on('X', function() end)", 2, "write mod:on(...), with a colon");
}

#[test]
fn names_of_other_tools_are_told_apart() {
    refused_mod("function a:on_start() end", 2, "write function a:start()");
    refused_mod("function a:OnClose() end", 2, "there is no 'OnClose'");
    refused_mod("function a:Start() end", 2, "write function a:start()");
    refused_mod("function a:task() end", 2, "'task' is a word of mods");
}

#[test]
fn options_are_known_and_sensible() {
    refused_mod("a:task('x', { wieght = 2 }, function() end)", 2, "did you mean 'weight'?");
    refused_mod(
        "a:task('x', { rate = 0 }, function() end)",
        2,
        "'rate' is a number of tasks a second, above 0",
    );
    refused_mod("a:task('x', { weight = -1 }, function() end)", 2, "'weight' is a number, 0 or more");
    refused_mod(
        "a:task('x', { wait = { betwen = { 1, 2 } } }, function() end)",
        2,
        "'wait' is a time, or one of",
    );
    refused_mod("a:task('x', { timeout = 'soon' }, function() end)", 2, "'timeout': a time is");
    refused_mod("a:task('x', { when = true }, function() end)", 2, "'when' of task 'a.x' must be a function");
    refused_mod("a:on('X', { que = true }, function() end)", 2, "unknown option of on 'que'");
    refused_mod("throng.mod()", 2, "this file has declared its mod already, at mods/a.lua:1");
    refused(
        &[("mods/a.lua", "\nlocal a = throng.mod { need = {} }\nreturn a")],
        "mods/a.lua:2: ",
        "did you mean 'needs'?",
    );
    refused(
        &[("mods/a.lua", "local a = throng.mod { needs = { 'b' } }")],
        "mods/a.lua:1: ",
        "unknown mod 'b'",
    );
}

#[test]
fn mods_that_need_each_other_in_a_circle_are_refused() {
    let files =
        [("mods/a.lua", "throng.mod { needs = 'b' }"), ("mods/b.lua", "throng.mod { needs = { 'a' } }")];
    refused(&files, "a: ", "in a circle: a, b");
}

#[test]
fn what_only_robots_can_do_is_refused_at_file_level() {
    refused_mod("throng.check('x', true)", 2, "file level");
    refused_mod("coroutine.yield()", 2, "coroutine.yield outside");
}

#[test]
fn an_endless_loop_at_file_level_is_cut_off() {
    let files = [("mods/a.lua", "while true do end")];
    let error =
        load_with(&files, |project| project.limits.deadline = Duration::from_millis(1)).expect_err("cut off");
    assert!(error.to_string().contains("cut off"), "{error}");
}

#[test]
fn handlers_are_for_messages_that_come() {
    let schema =
        "Msg { Name 0 : string Bin 1 : binary } .KickNotify { Reason 0 : string } .Ping { Id 0 : integer }";
    let source = SourceText { name: "game.sproto".to_owned(), text: format!(".{schema}") };
    let shape = SprotoShape::Envelope { ty: "Msg".into(), name: "Name".into(), body: "Bin".into() };
    let codec = CodecSpec::Sproto(SprotoSpec { schema: SchemaSpec::Both(vec![source]), shape, packed: None });
    let mut game = ProtocolSpec::new("game", codec);
    game.framing = Some(Framing::Fixed(8));
    let mut raw = ProtocolSpec::new("raw", CodecSpec::Raw);
    raw.framing = Some(Framing::Fixed(8));
    let [game, raw] = [game, raw].map(|spec| Arc::new(Protocol::build(spec).expect("a protocol")));
    let files = |name: &str| {
        format!("local a = throng.mod()\n\nfunction a.on:{name}() end\na:on('*', function() end)\nreturn a")
    };
    let load = |name: &str, protocols: Vec<Arc<Protocol>>| {
        load_with(&[("mods/a.lua", &files(name))], |project| project.protocols = protocols).map(drop)
    };
    let refused = load("KickNotfy", vec![game.clone()]).expect_err("nothing sends it");
    assert_eq!(
        refused.to_string(),
        "mods/a.lua:3: unknown message 'KickNotfy'; did you mean 'KickNotify'? (no protocol brings it)"
    );
    assert_eq!(load("KickNotify", vec![game.clone()]), Ok(()));
    assert_eq!(load("KickNotfy", vec![game, raw]), Ok(()), "without a schema anything may come");
    assert_eq!(load("KickNotfy", Vec::new()), Ok(()));
}

#[test]
fn a_coroutine_that_robots_would_share_is_refused() {
    let wrapped = "local a = throng.mod()
        local ids = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
        function a:start() self.id = ids() end
        return a";
    refused(
        &[("mods/a.lua", wrapped)],
        "mods/a.lua: ",
        "'ids' holds a coroutine, which all robots would share",
    );
    let kept = "local a = throng.mod() local kept = { co = coroutine.create(print) } function a:start() print(kept) end return a";
    refused(&[("mods/a.lua", kept)], "mods: ", "'kept.co' holds a coroutine");
    let own = "local a = throng.mod() local function ids() return coroutine.wrap(print) end function a:start() self.ids = ids() end return a";
    assert!(load(&[("mods/a.lua", own)]).is_ok());
}
