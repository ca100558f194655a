//! Robots in Lua: their projects, written to a folder as a user's would be.

use crate::drive;
use crate::options::{ClientOptions, Kind, Wire, Work};
use anyhow::Result;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;
use throng_lua::{LuaHost, LuaProject, OptionValue};
use throng_wire::{
    CodecSpec, Protocol, ProtocolSpec, ReplySpec, SchemaSpec, SourceText, SprotoShape, SprotoSpec,
};

/// The message's five fields take 46 bytes and the envelope 18, which makes 64.
const SCHEMA: &str = "
.Msg { Name 0 : string  Bin 1 : binary }
.Echo { id 0 : integer  x 1 : integer  y 2 : integer  name 3 : string  text 4 : string }
";

/// Runs them until the parent goes.
pub(crate) fn run(options: &ClientOptions) -> Result<()> {
    let protocol = match options.kind {
        Kind::Sproto => sproto_protocol(options.wire)?,
        Kind::Bare | Kind::Engine | Kind::Lua => drive::raw_protocol(options.wire)?,
    };
    let (_folder, project) = project(options, script(options))?;
    drive::run(options, protocol, |desk| Ok(LuaHost::new(project, desk)?))
}

fn script(options: &ClientOptions) -> &'static str {
    match (options.work, options.kind) {
        (Work::Echo, Kind::Sproto) => include_str!("../lua/sproto.lua"),
        (Work::Echo, _) => include_str!("../lua/raw.lua"),
        (Work::Idle, _) => include_str!("../lua/idle.lua"),
        (Work::Sleep, _) => include_str!("../lua/sleep.lua"),
        (Work::Play, _) => include_str!("../lua/play.lua"),
    }
}

/// A project of one mod, in a folder that lives as long as the first half of the answer.
fn project(options: &ClientOptions, script: &str) -> Result<(TempDir, Arc<LuaProject>)> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("mods"))?;
    fs::create_dir(folder.path().join("lib"))?;
    fs::write(folder.path().join("mods/robot.lua"), script)?;
    if let Some(body) = &options.hostile {
        fs::write(folder.path().join("mods/hostile.lua"), hostile(body))?;
    }
    let mut project = LuaProject::at(folder.path());
    let urls = drive::urls(options);
    project.options.push(("targets".to_owned(), OptionValue::Integer(urls.len() as i64)));
    for (index, url) in urls.into_iter().enumerate() {
        project.options.push((format!("target{index}"), OptionValue::Text(url)));
    }
    Ok((folder, Arc::new(project)))
}

/// A mod whose task is `body`, on the first robot and again after each second.
fn hostile(body: &str) -> String {
    format!(
        "local hostile = throng.mod {{ wait = 1 }}\n\
         hostile:task('run', {{ when = function(self) return self.robot.id == 0 end }}, function(self)\n\
         {body}\n\
         end)\n\
         return hostile\n"
    )
}

/// An envelope with a message's name and its encoded body; a reply has the name of its request.
fn sproto_protocol(wire: Wire) -> Result<Protocol> {
    let schema =
        SchemaSpec::Both(vec![SourceText { name: "echo.sproto".to_owned(), text: SCHEMA.to_owned() }]);
    let shape =
        SprotoShape::Envelope { ty: "Msg".to_owned(), name: "Name".to_owned(), body: "Bin".to_owned() };
    let mut spec = ProtocolSpec::new("echo", CodecSpec::Sproto(SprotoSpec { schema, shape, packed: None }));
    spec.framing = drive::framing(wire);
    spec.reply = Some(ReplySpec::Name(vec![("Echo".to_owned(), "Echo".to_owned())]));
    Ok(Protocol::build(spec)?)
}
