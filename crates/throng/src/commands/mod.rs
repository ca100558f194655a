//! What each command of the command line does. Here, and only here, things are printed and exit codes chosen.

mod check;
mod compare;
mod completion;
mod demo;
mod man;
mod new;
mod proto;
mod report;
mod run;
mod runs;
mod search;
mod test;
mod try_;

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use crate::cli::{self, Cli, Verb};
use crate::config::ConfigErrors;
use crate::exit::{Exit, InputError};
use crate::templates::ScaffoldError;

pub(crate) use test::explain;

/// Runs the command line `args`, the program's name first.
pub fn main(args: Vec<OsString>) -> ExitCode {
    let cli = match cli::parse(&args, demo::SETTINGS) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell when even this cannot be printed.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Input } else { Exit::Success });
        }
    };
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(error) => report(&error).into(),
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    let Some(verb) = cli.verb else {
        cli::command(&[]).print_help()?;
        return Ok(Exit::Success);
    };
    match verb {
        Verb::Demo(args) => demo::run(&args, cli.output),
        Verb::New(args) => new::run(&args),
        Verb::Check(args) => check::run(&args, cli.output),
        Verb::Test(args) => test::run(&args, cli.output),
        Verb::Try(args) => try_::run(&args, cli.output),
        Verb::Run(args) => run::run(&args, cli.output),
        Verb::Search(args) => search::run(&args, cli.output),
        Verb::Runs(args) => runs::run(&args, cli.output),
        Verb::Report(args) => report::run(&args, cli.output),
        Verb::Compare(args) => compare::run(&args, cli.output),
        Verb::Proto(args) => proto::run(&args, cli.output),
        Verb::Completion(args) => completion::run(&args),
        Verb::Man(args) => man::run(&args),
    }
}

/// Prints an error, and says what it ends the program with.
fn report(error: &anyhow::Error) -> Exit {
    let io = error.downcast_ref::<std::io::Error>();
    if io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        // The reader of our output has seen enough.
        return Exit::Success;
    }
    let mut stderr = std::io::stderr().lock();
    // Nobody is left to tell when even this cannot be printed.
    let _ = match error.downcast_ref::<ConfigErrors>() {
        Some(errors) => write!(stderr, "{errors}"),
        None => writeln!(stderr, "error: {error:#}"),
    };
    let input = error.is::<ConfigErrors>() || error.is::<InputError>() || error.is::<ScaffoldError>();
    if input { Exit::Input } else { Exit::Broken }
}
