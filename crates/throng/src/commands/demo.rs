//! `throng demo`.

use crate::cli::{DemoArgs, OutputFlags};
use crate::config::{Config, FlagValue, SourceText};
use crate::exit::Exit;
use crate::session::Session;
use crate::session::prepare::Prepared;
use crate::templates::write_file;
use anyhow::Context;
use throng_demo::{Demo, DemoOptions, ServerKind};

const HOST: &str = "target.host";

/// The settings of the bundled project.
pub(super) const SETTINGS: &str = include_str!("../../../../examples/simple_robot/throng.toml");

macro_rules! bundled {
    ($($file:literal),+ $(,)?) => {
        &[$(($file, include_str!(concat!("../../../../examples/simple_robot/", $file)))),+]
    };
}

/// The bundled project.
const FILES: &[(&str, &str)] = bundled![
    "throng.toml",
    "mods/role.lua",
    "mods/battle.lua",
    "lib/field.lua",
    "lib/phrases.lua",
    "protos/game/game.sproto",
    "protos/game/msg.sproto",
    "protos/battle/c2s.sproto",
    "protos/battle/s2c.sproto",
];

pub(super) fn run(args: &DemoArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let folder = tempfile::Builder::new().prefix("throng-demo-").tempdir().context("no temporary folder")?;
    let root = folder.path().join("simple_robot");
    for (name, text) in FILES {
        write_file(&root.join(name), text)?;
    }
    let server = Demo::start(DemoOptions::default()).context("the demo server did not start")?;
    let lobby = server.url(ServerKind::Lobby).context("the demo server has no lobby")?;
    let mut overrides = args.overrides();
    if !overrides.flags.iter().any(|flag| flag.path == HOST) {
        overrides.flags.push(FlagValue { path: HOST.into(), flag: "the demo server".into(), text: lobby });
    }
    let source = SourceText { name: "throng.toml".to_owned(), text: SETTINGS.to_owned() };
    let mut config = Config::parse(&root, source, &overrides)?;
    // Its folder goes with the run.
    config.store.enabled = false;
    let next = vec!["throng new my_game".to_owned(), "throng try my_game".to_owned()];
    let exit = Session { prepared: Prepared::new(&config), screen: &args.screen, output, next }.run();
    server.stop();
    exit
}
