//! The benchmark: what the engine and its hosts cost beside a bare epoll loop, and how far they reach.
//!
//! The parent process prints; every server and every measured client is a child of the same binary on a core of its own.
//! Start reading at [`echo`] for the comparison, at [`truth`] for whether figures are right, at [`scale`] for the large numbers, at [`child`] for how children are asked.

mod bare;
mod builtin;
mod child;
mod control;
mod cost;
mod day;
mod drive;
mod echo;
mod hostile;
mod judge;
mod machine;
mod memory;
mod options;
mod pairs;
mod play;
mod scale;
mod scripts;
mod server;
mod speech;
mod table;
mod truth;

use anyhow::Result;
use clap::Parser;
use options::{Kind, Options, Role};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> Result<()> {
    let options = Options::parse();
    machine::raise_descriptor_limit()?;
    match &options.role {
        Some(Role::Server(server)) => server::run(server),
        Some(Role::Client(client)) => {
            machine::pin(machine::CLIENT_CORE);
            match client.kind {
                Kind::Bare => bare::run(client),
                Kind::Engine => builtin::run(client),
                Kind::Lua | Kind::Sproto => scripts::run(client),
            }
        }
        Some(Role::Day(day)) => day::run(day),
        Some(Role::Compare(pairs)) => pairs::run(pairs),
        Some(Role::Judge(judge)) => judge::run(judge),
        Some(Role::Player(player)) => play::run(player),
        Some(Role::Truth) => {
            println!("{}\n", machine::describe());
            truth::run(&options)
        }
        None => compare(&options),
    }
}

fn compare(options: &Options) -> Result<()> {
    println!("{}\n", machine::describe());
    echo::run(options)?;
    scale::run(options)?;
    hostile::run(options)?;
    cost::run(options)
}
