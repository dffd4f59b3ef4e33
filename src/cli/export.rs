//! `sinew export`

use super::reporter::Reporter;
use super::say;
use crate::error::Result;
use crate::export::{ExportOptions, export};
use crate::text::counted;
use crate::train::CheckpointChoice;
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
    /// Which weights: best, last, or a weights file
    #[arg(long, default_value = "best")]
    pub checkpoint: CheckpointChoice,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut options = ExportOptions::new(&args.run, &args.out);
    options.checkpoint = args.checkpoint.clone();
    let mut reporter = Reporter::new("export");
    let weights = export(&options, &mut |event| reporter.show(event))?;
    let parameters = weights.parameters.values();
    let count: usize = parameters.map(|(_, values)| values.len()).sum();
    say(format!(
        "{}: {}, {}",
        args.out.display(),
        counted(weights.parameters.len(), "tensor"),
        counted(count, "parameter")
    ))
}
