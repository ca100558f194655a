//! The `throng` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    throng::commands::main(std::env::args_os().collect())
}
