//! `throng run`.

use crate::cli::{OutputFlags, RunArgs};
use crate::config::Config;
use crate::exit::Exit;
use crate::session::Session;
use crate::session::prepare::Prepared;

pub(super) fn run(args: &RunArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let config = Config::load(&args.dir, &args.overrides())?;
    let dir = args.dir.display();
    let host = args.load.host.as_ref().map(|host| format!(" -H {host}")).unwrap_or_default();
    let next = vec![format!("throng try {dir}{host}"), format!("throng report -p {dir}")];
    Session { prepared: Prepared::new(&config), screen: &args.screen, output, next }.run()
}
