//! `sinew report`

use super::eval::{self, Evaluated, Which};
use super::output::{Output, may_write};
use super::{say, tell};
use crate::device::Choice;
use crate::error::Result;
use crate::files;
use crate::report::{RunFacts, Tested, run_page};
use crate::train;
use std::path::{Path, PathBuf};

/// The page's name in the run's folder.
pub const PAGE: &str = "report.html";

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
    checkpoint: Option<Which>,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
    #[arg(long, default_value = "auto")]
    device: Choice,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let page = args.out.clone().unwrap_or_else(|| args.run.join(PAGE));
    may_write(&page, Output::Page)?;
    let recipe = train::Run::recipe(&args.run)?;
    let prepared = train::data_of(&args.run, &recipe, args.data.as_deref())?;
    let protocol = recipe.run.protocol;
    let (share, seed) = (recipe.train.validation, recipe.run.seed);
    let split = protocol.split(prepared.manifest(), share, seed)?;
    let newest = if train::best(&args.run).exists() {
        Which::Best
    } else {
        Which::Last
    };
    let checkpoint = args.checkpoint.clone().unwrap_or(newest);
    let evaluated = if split.test.is_empty() {
        None
    } else {
        Some(eval::evaluate(&eval::Args {
            run: args.run.clone(),
            data: args.data.clone(),
            protocol: None,
            checkpoint,
            device: args.device,
            set: Vec::new(),
            json: false,
        })?)
    };
    write(&args.run, &page, evaluated.as_ref())?;
    say(format!("{}", page.display()))
}

/// Writes the page of a run, with what was found on its test clips.
pub fn write(run: &Path, page: &Path, evaluated: Option<&Evaluated>) -> Result<()> {
    let tested = evaluated.map(|evaluated| Tested {
        prepared: &evaluated.prepared,
        weights: evaluated.which.to_string(),
        device: evaluated.device.clone(),
        protocol: evaluated.protocol.clone(),
        scores: &evaluated.scores,
        report: &evaluated.report,
    });
    let metrics = train::Run::metrics(run)?;
    if let Some(lost) = train::lost_epochs(run, &metrics) {
        tell(format!("warning: {lost}"));
    }
    let html = run_page(&RunFacts {
        recipe: &train::Run::recipe(run)?,
        metrics: &metrics,
        timing: &train::Run::timing(run)?,
        tested,
    })?;
    files::write(page, files::seal(&html).as_bytes())
}
