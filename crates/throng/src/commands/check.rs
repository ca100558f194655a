//! `throng check`: loads everything and runs nothing.

use std::io::{IsTerminal, Write};

use anyhow::Context;
use throng_check::{Colour, Finding, Role, Severity};

use crate::cli::{CheckArgs, OutputFlags};
use crate::config::{Config, Overrides};
use crate::exit::Exit;
use crate::{editor, project};

pub(super) fn run(args: &CheckArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let config = Config::load(&args.dir, &Overrides::with_environment(Vec::new()))?;
    let project = project::project(&config).context("cannot read the project")?;
    editor::write(&args.dir, &project.messages).context("cannot write what editors read")?;
    let findings = throng_check::check(&project)?;
    show(&findings, output)?;
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let mods = project.sources.iter().filter(|source| source.role == Role::Mod).count();
    let messages: usize = project.messages.protocols.iter().map(|protocol| protocol.messages.len()).sum();
    let checked = format!("{}, {}", counted(mods, "mod"), counted(messages, "message"));
    let mut out = std::io::stdout().lock();
    if errors > 0 {
        writeln!(out, "{checked}: {}", counted(errors, "error"))?;
        return Ok(Exit::Input);
    }
    writeln!(out, "{checked}: nothing wrong")?;
    Ok(Exit::Success)
}

fn show(findings: &[Finding], output: OutputFlags) -> std::io::Result<()> {
    let mut stderr = std::io::stderr().lock();
    let colour = if output.colours() && stderr.is_terminal() { Colour::Ansi } else { Colour::Plain };
    findings.iter().try_for_each(|finding| writeln!(stderr, "{}", finding.render(colour)))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
