//! The `throng` command.

use std::process::ExitCode;

/// Scripts allocate with every message, and a static binary has no fast allocator of its own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    throng::commands::main(std::env::args_os().collect())
}
