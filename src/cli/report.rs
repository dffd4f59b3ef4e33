//! `sinew report`

use super::reporter::Reporter;
use super::say;
use crate::device::Choice;
use crate::error::Result;
use crate::report::{ReportOptions, report};
use crate::train::CheckpointChoice;
use std::path::PathBuf;

/// Makes one page of a run, which needs nothing else: curves, accuracy and confusions on the test clips, the clips that
/// it gets most wrong, to be played, settings and device.
///
/// Example: sinew report runs/first
#[derive(clap::Args)]
pub struct Args {
    /// The run
    run: PathBuf,
    /// The page; without it report.html in the run's folder
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Prepared data; without it the run's own
    #[arg(long)]
    data: Option<PathBuf>,
    /// best, last or a file of weights; without it best, or last where no epoch is finished
    #[arg(long)]
    checkpoint: Option<CheckpointChoice>,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
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
