//! The `throng` command.

use std::process::ExitCode;

/// A static binary has no fast allocator of its own, and scripts allocate with every message.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    throng::commands::main(std::env::args_os().collect())
}
