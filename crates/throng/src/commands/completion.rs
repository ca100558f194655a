//! `throng completion`: a script that teaches a shell the commands and flags.

use std::io::Write;

use crate::cli::{self, CompletionArgs};
use crate::exit::Exit;

pub(super) fn run(args: &CompletionArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(&[]), "throng", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Exit::Success)
}
