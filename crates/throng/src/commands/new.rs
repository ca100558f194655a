//! `throng new`: writes a project to begin with.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::NewArgs;
use crate::config::{Config, Overrides};
use crate::exit::{Exit, InputError};
use crate::templates::{Existing, Template};
use crate::{editor, project};

pub(super) fn run(args: &NewArgs) -> anyhow::Result<Exit> {
    let template = Template::named(&args.template)
        .ok_or_else(|| InputError(format!("there is no template {:?}", args.template)))?;
    let existing = if args.force { Existing::Replace } else { Existing::Refuse };
    let mut written = template.write(&args.dir, existing)?;
    let config = Config::load(&args.dir, &Overrides::default())?;
    let editor_files = editor::write(&args.dir, &project::messages(&config))?;
    written.extend(editor_files.map(PathBuf::from));
    let mut out = std::io::stdout().lock();
    for path in written {
        writeln!(out, "  {}", args.dir.join(path).display())?;
    }
    writeln!(out, "\nNext:\n{}", next_commands(&args.dir))?;
    Ok(Exit::Success)
}

/// What is worth typing now.
fn next_commands(dir: &Path) -> String {
    let dir = if dir == Path::new(".") { String::new() } else { format!(" {}", quoted(dir)) };
    format!("  throng test{dir}\n  throng try{dir}")
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_commands_can_be_pasted() {
        assert_eq!(next_commands(Path::new("my_game")), "  throng test my_game\n  throng try my_game");
        assert_eq!(next_commands(Path::new(".")), "  throng test\n  throng try");
        assert_eq!(next_commands(Path::new("my game")), "  throng test 'my game'\n  throng try 'my game'");
    }
}
