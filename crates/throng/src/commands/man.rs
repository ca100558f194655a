//! `throng man`: the manual pages, made from the same words as the help.

use std::io::Write;

use anyhow::Context;

use crate::cli::{self, ManArgs};
use crate::exit::Exit;

pub(super) fn run(args: &ManArgs) -> anyhow::Result<Exit> {
    let command = cli::command(&[]);
    match &args.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
            clap_mangen::generate_to(command, dir)
                .with_context(|| format!("cannot write to {}", dir.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            std::io::stdout().lock().write_all(&page)?;
        }
    }
    Ok(Exit::Success)
}
