//! `sinew eval`

use super::progress::Progress;
use super::{say, say_json, tell};
use crate::device::{Choice, Compute, open};
use crate::error::{Error, Place, Result};
use crate::evaluate::{ClipScore, Evaluator, Measures, Report};
use crate::export::Weights;
use crate::loader::{Loader, Protocol};
use crate::lstm::{Context, Plan};
use crate::shards::Prepared;
use crate::text::shortened;
use crate::train::{self, plans};
use serde_json::json;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// Evaluates a run on the test clips of its protocol: people and samplings of a clip averaged.
///
/// Example: sinew eval runs/first
#[derive(clap::Args)]
pub struct Args {
    /// The run
    pub run: PathBuf,
    /// Prepared data; without it the run's own
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Protocol; without it the run's own
    #[arg(long)]
    pub protocol: Option<String>,
    /// best, last, a file of weights, or another run, whose best weights are taken
    #[arg(long, default_value = "best")]
    pub checkpoint: Which,
    /// A setting of the run that also matters in testing, put over the run's: data.test_clips, data.test_turn,
    /// data.test_swap or model.fusion_weight
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
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
    /// A file, or of another run the best ones.
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

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Best => f.write_str("best weights"),
            Which::Last => f.write_str("weights of the last checkpoint"),
            Which::File(path) => write!(f, "weights of {}", path.display()),
        }
    }
}

/// The weights of a run, or of a file alone.
pub fn weights(run: &Path, which: &Which) -> Result<Weights> {
    train::Run::recipe(run)?;
    match which {
        Which::File(file) => train::weights_of(file),
        Which::Best => train::best_weights(run),
        Which::Last => {
            let mut warn = |error: &Error| tell(format!("warning: {error}"));
            train::Checkpoint::newest(&run.join("checkpoints"), &mut warn)?.weights(run)
        }
    }
}

/// The engine's view of a device, with the plan of the weights' run.
pub fn context(weights: &Weights, compute: &Compute) -> Context {
    let recipe = &weights.recipe;
    let plan = plans::of_run(&recipe.run.plan);
    let plan = match plans::check(plan, recipe, compute) {
        Ok(()) => plan,
        // Another device may not run what was measured on the run's.
        Err(why) => {
            tell(format!("warning: {why}; taking stepwise"));
            Plan::STEPWISE.into()
        }
    };
    let precision = recipe.train.precision;
    let (context, notes) = Context::on(compute, plan).in_precision(precision, compute);
    for note in notes {
        tell(format!("warning: {note}"));
    }
    context
}

/// What an evaluation found, and what it was of.
pub struct Evaluated {
    /// The protocol whose test clips these are.
    pub protocol: String,
    /// The data.
    pub prepared: Arc<Prepared>,
    /// Which weights were used.
    pub which: Which,
    /// What the model says of each clip.
    pub scores: Vec<ClipScore>,
    /// What the scores are worth.
    pub report: Report,
    /// One line on the device.
    pub device: String,
}

/// Settings that change what a trained model says.
const IN_TESTING: [&str; 4] = [
    "data.test_clips",
    "data.test_turn",
    "data.test_swap",
    "model.fusion_weight",
];

/// Refuses a setting that only training knows.
fn check_sets(sets: &[String]) -> Result<()> {
    let key = |set: &String| set.split('=').next().unwrap_or_default().trim().to_string();
    match sets.iter().map(key).find(|k| !IN_TESTING.contains(&&k[..])) {
        None => Ok(()),
        Some(key) => Err(Error::usage(
            format!("--set {key} cannot be changed after training"),
            format!("eval takes {}", IN_TESTING.join(", ")),
        )),
    }
}

/// Evaluates a run.
pub fn evaluate(args: &Args) -> Result<Evaluated> {
    check_sets(&args.set)?;
    let recipe = train::Run::recipe(&args.run)?;
    let mut weights = weights(&args.run, &args.checkpoint)?;
    weights.recipe = weights.recipe.with(&args.set)?;
    let prepared = Arc::new(train::data_of(&args.run, &recipe, args.data.as_deref())?);
    let name = args
        .protocol
        .clone()
        .unwrap_or_else(|| recipe.run.protocol.to_string());
    weights.check_data(prepared.manifest(), Place::file(prepared.folder()))?;
    if prepared.manifest().checksum != recipe.run.checksum {
        let what = "these are not the data that the run was trained on";
        if args.data.is_none() {
            let help = "name the right ones with --data, or these, if test clips that were trained on do no harm";
            return Err(Error::input(Place::file(prepared.folder()), what, help));
        }
        tell(format!("warning: {what}: a test clip may be one of those"));
    }
    let clips = test_clips(&name, &prepared)?;
    let compute = open(args.device)?;
    tell(compute.describe());
    let scores = score(&weights, &prepared, &clips, &compute)?;
    let report = Report::new(&scores, &weights.classes);
    Ok(Evaluated {
        protocol: name,
        prepared,
        which: args.checkpoint.clone(),
        scores,
        report,
        device: compute.describe(),
    })
}

/// The test clips of a protocol; there is at least one.
pub fn test_clips(protocol: &str, prepared: &Prepared) -> Result<Vec<usize>> {
    let protocol: Protocol = protocol.parse()?;
    // What is held out to choose the best weights is taken from the training clips.
    let split = protocol.split(prepared.manifest(), 0.0, 0)?;
    if split.test.is_empty() {
        let what = format!("{protocol} has no test clips here");
        let place = Place::file(prepared.folder());
        return Err(Error::input(
            place,
            what,
            "prepare data that include the test clips",
        ));
    }
    Ok(split.test)
}

/// What a model on a device says of some clips.
pub fn score(
    weights: &Weights,
    prepared: &Arc<Prepared>,
    clips: &[usize],
    compute: &Compute,
) -> Result<Vec<ClipScore>> {
    let recipe = &weights.recipe;
    let sizes = (
        recipe.train.eval_batch,
        recipe.run.seed,
        recipe.run.threads.number(),
    );
    let loader = Loader::eval(prepared.clone(), clips, &recipe.data, sizes)?;
    let (shape, model) = (weights.shape(), weights.model(&compute.device)?);
    let evaluator = Evaluator {
        model: &model,
        shape: &shape,
        device: &compute.device,
        context: context(weights, compute),
    };
    let (progress, total) = (Progress::new("eval", loader.batches()), loader.batches());
    let mut done = 0;
    evaluator.clips(&loader, &mut || {
        done += 1;
        progress.at(done, total);
    })
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let Evaluated {
        protocol, report, ..
    } = evaluate(args)?;
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
    for (stream, alone) in [("temporal", report.temporal), ("spatial", report.spatial)] {
        if let Some(Measures {
            top1,
            top5,
            mean_class,
            loss,
        }) = alone
        {
            say(format!(
                "  {stream} stream alone: top-1 {top1:.4}, top-5 {top5:.4}, mean class {mean_class:.4}, loss {loss:.4}"
            ))?;
        }
    }
    table(report)
}

/// Classes up to which a confusion matrix fits a terminal.
const MOST_COLUMNS: usize = 20;

/// A line a class: its clips, the share that is right, and what the wrong ones were taken for: a matrix under the classes'
/// numbers, or where that would be too wide the three most frequent.
fn table(report: &Report) -> Result<()> {
    let names = report.classes.iter().map(|c| shortened(&c.name));
    let width = names.map(|name| name.chars().count()).max();
    let name = width.unwrap_or(0).max("class".len());
    let most = report.classes.len().max(report.confusion.largest());
    let cell = most.to_string().len();
    let line = |[number, class, clips, right]: [&str; 4], taken: String| {
        let class = shortened(class);
        let line = format!("{number:>cell$}  {class:name$}  {clips:>5}  {right:6}  {taken}");
        say(line.trim_end())
    };
    let cells = |cells: Vec<String>| cells.iter().map(|c| format!(" {c:>cell$}")).collect();
    let wide = report.classes.len() > MOST_COLUMNS;
    if wide {
        say("each class, and what its clips were most often taken for:")?;
        line(["#", "class", "clips", "right"], String::new())?;
    } else {
        say(
            "each class, and under a class's number how many of its clips were taken for that one:",
        )?;
        let numbers = (1..=report.classes.len()).map(|number| number.to_string());
        line(["#", "class", "clips", "right"], cells(numbers.collect()))?;
    }
    for (number, class) in report.classes.iter().enumerate() {
        let Some(accuracy) = class.accuracy else {
            continue;
        };
        let taken = if wide {
            confused(report, number)
        } else {
            let shown = |other| match report.confusion.count(number, other) {
                0 => ".".into(),
                count => count.to_string(),
            };
            cells((0..report.classes.len()).map(shown).collect())
        };
        let [number, clips] = [number + 1, class.clips].map(|n| n.to_string());
        let right = format!("{accuracy:.4}");
        line([&number, &class.name, &clips, &right], taken)?;
    }
    Ok(())
}

/// The three classes that clips of a class were most often taken for, with how many.
fn confused(report: &Report, class: usize) -> String {
    let shown = |(other, count): (usize, usize)| {
        format!("{count} {}", shortened(&report.classes[other].name))
    };
    let wrong = report.confusion.mistakes(class).into_iter().take(3);
    wrong.map(shown).collect::<Vec<_>>().join(", ")
}
