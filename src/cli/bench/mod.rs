//! `sinew bench`: one file per benchmark.

mod check;
mod kernels;
mod loader;
mod prepare;
mod table;
mod train;

use crate::error::Result;

/// Benchmarks kernels, training, preparation and loading
#[derive(clap::Subcommand)]
pub enum Command {
    Check(check::Args),
    Kernels(kernels::Args),
    Loader(loader::Args),
    Prepare(prepare::Args),
    Table(table::Args),
    Train(train::Args),
}

/// Runs the command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Check(args) => check::run(args),
        Command::Kernels(args) => kernels::run(args),
        Command::Loader(args) => loader::run(args),
        Command::Prepare(args) => prepare::run(args),
        Command::Table(args) => table::run(args),
        Command::Train(args) => train::run(args),
    }
}
