//! `sinew bench table`

use crate::bench::table::markdown;
use crate::cli::say;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::limits::RESULTS_BYTES;
use std::path::PathBuf;

/// Prints the results of `scripts/gpu_check` as Markdown tables.
///
/// Example: sinew bench table gpu_check.json
#[derive(clap::Args)]
pub struct Args {
    /// JSON file written by `scripts/gpu_check`
    file: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let text = files::text_or_pipe(&args.file, RESULTS_BYTES)?;
    let all = serde_json::from_str(&text).map_err(|e| {
        let place = Place::file(&args.file).line(e.line());
        Error::input(
            place,
            e.to_string(),
            "pass the JSON file written by scripts/gpu_check",
        )
    })?;
    say(markdown(&all).trim_end())
}
