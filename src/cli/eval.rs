//! `sinew eval`

use super::plans;
use super::progress::Progress;
use super::{say, say_json};
use crate::device::{Choice, Compute, open};
use crate::error::{Error, Place, Result};
use crate::evaluate::{Evaluator, Report};
use crate::export::Weights;
use crate::loader::{Loader, Protocol};
use crate::lstm::{Context, Plan, Plans};
use crate::shards::Prepared;
use crate::train;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// Evaluates a run on the test clips of its protocol: people and samplings of a clip averaged.
///
/// Example: sinew eval runs/first
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The run
    pub run: PathBuf,
    /// Prepared data; without it the run's own
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Protocol; without it the run's own
    #[arg(long)]
    pub protocol: Option<String>,
    /// best, last or a file of weights
    #[arg(long, default_value = "best")]
    pub checkpoint: Which,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
    #[arg(long, default_value = "auto")]
    pub device: Choice,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

/// Which weights of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those that were best on the validation clips.
    Best,
    /// Those of the newest whole checkpoint.
    Last,
    /// A file.
    File(PathBuf),
}

impl FromStr for Which {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(match text {
            "best" => Which::Best,
            "last" => Which::Last,
            file => Which::File(PathBuf::from(file)),
        })
    }
}

/// The weights of a run, or of a file alone.
pub fn weights(run: &Path, which: &Which) -> Result<Weights> {
    train::Run::recipe(run)?;
    match which {
        Which::File(file) => Weights::read(file),
        Which::Best => {
            let best = train::best(run);
            if !best.exists() {
                let what = "no best weights yet: no epoch is finished";
                return Err(Error::input(
                    Place::file(run),
                    what,
                    "train on, or use --checkpoint last",
                ));
            }
            Weights::read(&best)
        }
        Which::Last => {
            let mut found = train::checkpoints(&run.join("checkpoints"))?;
            while let Some(path) = found.pop() {
                match train::Checkpoint::load(&path) {
                    Ok(_) => return Weights::read(&path),
                    Err(error) => eprintln!("warning: {error}"),
                }
            }
            Err(Error::input(
                Place::file(run),
                "no whole checkpoint",
                "train again",
            ))
        }
    }
}

/// The engine's view of a device, with the plan of the weights' run.
pub fn context(weights: &Weights, compute: &Compute) -> Context {
    let recipe = &weights.recipe;
    let plan = Plans::from_text(&recipe.run.plan).unwrap_or_default();
    let plan = match plans::check(plan, recipe, compute) {
        Ok(()) => plan,
        // Another device may not run what was measured on the run's.
        Err(why) => {
            eprintln!("warning: {why}; taking stepwise");
            Plan::STEPWISE.into()
        }
    };
    let precision = recipe.train.precision;
    let (context, notes) = Context::on(compute, plan).in_precision(precision, compute);
    for note in notes {
        eprintln!("warning: {note}");
    }
    context
}

/// Evaluates and returns the report with its protocol.
pub fn evaluate(args: &Args) -> Result<(String, Report)> {
    let recipe = train::Run::recipe(&args.run)?;
    let weights = weights(&args.run, &args.checkpoint)?;
    let folder = args
        .data
        .clone()
        .unwrap_or_else(|| PathBuf::from(&recipe.run.data));
    let prepared = Arc::new(Prepared::open(&folder)?);
    let name = args
        .protocol
        .clone()
        .unwrap_or_else(|| recipe.run.protocol.clone());
    let protocol: Protocol = name.parse()?;
    let manifest = prepared.manifest();
    if manifest.layout.joints != weights.layout.joints {
        let (here, there) = (manifest.layout.len(), weights.layout.len());
        let what = format!("its {here} joints are not the {there} that the weights are for");
        return Err(Error::input(
            Place::file(&folder),
            what,
            "evaluate on data of the same kind",
        ));
    }
    if manifest.classes != weights.classes {
        let (here, there) = (manifest.classes.len(), weights.classes.len());
        let what = format!("its {here} classes are not the {there} that the weights know");
        return Err(Error::input(
            Place::file(&folder),
            what,
            "evaluate on data of the same classes",
        ));
    }
    let split = protocol.split(manifest, recipe.train.validation, recipe.run.seed)?;
    if split.test.is_empty() {
        let what = format!("{protocol} has no test clips here");
        return Err(Error::input(
            Place::file(&folder),
            what,
            "prepare the part that tests",
        ));
    }
    let compute = open(args.device)?;
    eprintln!("{}", compute.describe());
    let recipe = &weights.recipe;
    let sizes = (recipe.train.eval_batch, recipe.run.seed, recipe.run.threads);
    let loader = Loader::eval(prepared.clone(), &split.test, &recipe.data, sizes)?;
    let (shape, model) = (weights.shape(), weights.model(&compute.device)?);
    let context = context(&weights, &compute);
    let evaluator = Evaluator {
        model: &model,
        shape: &shape,
        device: &compute.device,
        context,
    };
    let (progress, total) = (Progress::new("eval", loader.batches()), loader.batches());
    let mut done = 0;
    let scores = evaluator.clips(&loader, &mut || {
        done += 1;
        progress.at(done, total);
    })?;
    Ok((name, Report::new(&scores, &weights.classes)))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let (protocol, report) = evaluate(args)?;
    if args.json {
        let mut value = json!({ "protocol": protocol });
        if let (Some(all), Ok(serde_json::Value::Object(report))) =
            (value.as_object_mut(), serde_json::to_value(&report))
        {
            all.extend(report);
        }
        return say_json(&value);
    }
    print(&protocol, &report)
}

/// Prints a report for people.
pub fn print(protocol: &str, report: &Report) -> Result<()> {
    say(format!(
        "{protocol}: top-1 {:.4}, top-5 {:.4}, mean class {:.4}, loss {:.4} on {} clips",
        report.top1, report.top5, report.mean_class, report.loss, report.clips
    ))?;
    let wide = report
        .classes
        .iter()
        .map(|c| c.name.chars().count())
        .max()
        .unwrap_or(0);
    for (class, row) in report.classes.iter().zip(&report.confusion) {
        let Some(accuracy) = class.accuracy else {
            continue;
        };
        let mistaken = row
            .iter()
            .enumerate()
            .filter(|(c, n)| **n > 0 && report.classes[*c].name != class.name)
            .max_by_key(|(_, n)| **n)
            .map(|(c, n)| format!("  taken for {}: {n}", report.classes[c].name));
        let mistaken = mistaken.unwrap_or_default();
        say(format!(
            "  {:wide$}  {accuracy:.4} of {:4}{mistaken}",
            class.name, class.clips
        ))?;
    }
    Ok(())
}
