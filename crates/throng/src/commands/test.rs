//! `throng test`.

use crate::cli::{OutputFlags, TestArgs};
use crate::config::{Config, Overrides};
use crate::exit::Exit;

pub(super) fn run(args: &TestArgs, _output: OutputFlags) -> anyhow::Result<Exit> {
    Config::load(&args.dir, &Overrides::with_environment(Vec::new()))?;
    anyhow::bail!("`test` has no engine yet")
}
