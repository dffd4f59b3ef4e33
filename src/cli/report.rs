//! `sinew report`

use super::reporter::Reporter;
use super::say;
use crate::device::Choice;
use crate::error::Result;
use crate::report::{ReportOptions, report};
use crate::train::CheckpointChoice;
use std::path::PathBuf;

/// Writes a self-contained HTML report of a run: curves, accuracy and confusions on the test clips, a player of the worst
/// predictions, settings and device.
///
/// Example: sinew report runs/first
#[derive(clap::Args)]
pub struct Args {
    /// The run
    run: PathBuf,
    /// The page [default: report.html in the run's folder]
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Prepared data [default: that of the run]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Which weights: best, last, or a weights file [default: best, or last if no epoch is finished]
    #[arg(long)]
    checkpoint: Option<CheckpointChoice>,
    /// auto, gpu, cpu, or an index from `sinew devices`
    #[arg(long, default_value = "auto")]
    device: Choice,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut options = ReportOptions::new(&args.run);
    options.out = args.out.clone();
    options.data = args.data.clone();
    options.checkpoint = args.checkpoint.clone();
    options.device = args.device;
    let page = {
        let mut reporter = Reporter::new("eval");
        report(&options, &mut |event| reporter.show(event))?
    };
    say(format!("{}", page.display()))
}
