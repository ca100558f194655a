//! `throng check`: loads everything and runs nothing.

use std::io::{IsTerminal, Write};

use anyhow::Context;
use throng_check::{Colour, Finding, Role, Severity};
use throng_engine::{Clock, Origin, TaskSpec};
use throng_lua::{Control, Inventory, LuaHost};
use throng_wire::Codec;

use crate::cli::{CheckArgs, OutputFlags};
use crate::config::{Config, Overrides};
use crate::exit::{Exit, InputError};
use crate::session::prepare::Prepared;
use crate::{editor, project};

pub(super) fn run(args: &CheckArgs, output: OutputFlags) -> anyhow::Result<Exit> {
    let config = Config::load(&args.dir, &Overrides::with_environment(Vec::new()))?;
    let project = project::project(&config).context("cannot read the project")?;
    editor::write(&args.dir, &project.messages).context("cannot write what editors read")?;
    let findings = throng_check::check(&project)?;
    show(&findings, output)?;
    let prepared = Prepared::new(&config);
    let loaded = LuaHost::check(prepared.project.clone()).and_then(|inventory| {
        // The shape is the control state's alone.
        Control::load(prepared.project, Clock::real(Origin::now()), prepared.settings.seed)?;
        Ok(inventory)
    });
    if let Ok(inventory) = &loaded {
        show_inventory(inventory)?;
    }
    show_unmatched(&config)?;
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    // What the checker cannot see, such as an error while a mod is loaded, the loader does.
    if let (0, Err(error)) = (errors, &loaded) {
        return Err(InputError(error.to_string()).into());
    }
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

/// The mods with their tasks and handlers, as they would play.
fn show_inventory(inventory: &Inventory) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let Inventory { program, handlers, run_functions } = inventory;
    for function in run_functions {
        let (file, line) = &function.place;
        writeln!(out, "{}  {file}:{line}", function.event.name())?;
    }
    let drawn = program.tasks.iter().filter(|task| task.rate.is_none());
    let total: f64 = drawn.map(|task| task.weight).sum();
    for (index, module) in program.mods.iter().enumerate() {
        let needs: Vec<&str> = module.needs.iter().map(|need| &*program.mods[*need].name).collect();
        let needs = if needs.is_empty() { String::new() } else { format!("  needs {}", needs.join(", ")) };
        writeln!(out, "{}{needs}", module.name)?;
        for task in program.tasks.iter().filter(|task| task.module == index) {
            let steps =
                if task.steps.is_empty() { String::new() } else { format!("  {}", task.steps.join(" → ")) };
            let line = format!("  task  {:<28} {:<20}{steps}", task.name, how_often(task, total));
            writeln!(out, "{}", line.trim_end())?;
        }
        for handler in handlers.iter().filter(|handler| handler.module == index) {
            let connection =
                handler.connection.as_ref().map_or(String::new(), |name| format!(" from {name}"));
            let queue = if handler.queue { ", one at a time" } else { "" };
            writeln!(out, "  on    {}{connection}{queue}", handler.message)?;
        }
    }
    Ok(())
}

/// How often a task is picked, beside all others with a weight, or begun.
fn how_often(task: &TaskSpec, weights: f64) -> String {
    match task.rate {
        Some(rate) if task.weight > 0.0 => format!("rate   {rate}/s"),
        _ => {
            let share = if weights > 0.0 { 100.0 * task.weight / weights } else { 0.0 };
            format!("weight {:<6} {share:>5.1}%", task.weight)
        }
    }
}

/// Names of enums that were to stand for messages and do not: what a server sends under them is unknown.
fn show_unmatched(config: &Config) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for protocol in &config.protocols {
        let Codec::Protobuf(codec) = &protocol.wire.codec else { continue };
        if !codec.unmatched().is_empty() {
            let names = codec.unmatched().join(", ");
            writeln!(out, "{}.ids  no message is called like {names}", protocol.name)?;
        }
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
