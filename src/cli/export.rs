//! `sinew export`

use super::eval::{Which, weights};
use super::output::{Output, may_write};
use super::say;
use crate::error::Result;
use std::path::PathBuf;

/// Writes a run's weights with PyTorch's names, shapes and gate order.
///
/// Example: sinew export runs/first --out first.safetensors
#[derive(clap::Args)]
pub struct Args {
    /// The run
    pub run: PathBuf,
    /// The file to write
    #[arg(long)]
    pub out: PathBuf,
    /// best, last or a file of weights
    #[arg(long, default_value = "best")]
    pub checkpoint: Which,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    may_write(&args.out, Output::Tensors)?;
    let weights = weights(&args.run, &args.checkpoint)?;
    weights.write(&args.out)?;
    let count: usize = weights
        .parameters
        .values()
        .map(|(_, values)| values.len())
        .sum();
    say(format!(
        "{}: {} tensors, {count} numbers",
        args.out.display(),
        weights.parameters.len()
    ))
}
