//! `sinew eval`

use super::reporter::Reporter;
use super::{say, say_json};
use crate::device::Choice;
use crate::error::Result;
use crate::evaluate::{EvaluateOptions, Evaluation, Measures, Report, evaluate};
use crate::loader::Protocol;
use crate::text::{counted, shortened};
use crate::train::CheckpointChoice;
use serde_json::json;
use std::path::PathBuf;

/// Evaluates a run on the test clips of its protocol. The scores of a clip are averaged over its people and test samples.
///
/// Example: sinew eval runs/first
#[derive(clap::Args)]
pub struct Args {
    /// The run
    pub run: PathBuf,
    /// Prepared data [default: that of the run]
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Protocol [default: that of the run]
    #[arg(long)]
    pub protocol: Option<String>,
    /// best, last, a weights file, or another run, for its best weights
    #[arg(long, default_value = "best")]
    pub checkpoint: CheckpointChoice,
    /// Override a setting that applies to testing: data.test_clips, data.test_turn, data.test_swap or
    /// model.fusion_weight
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// auto, gpu, cpu, or an index from `sinew devices`
    #[arg(long, default_value = "auto")]
    pub device: Choice,
    /// Print one JSON value
    #[arg(long)]
    pub json: bool,
}

impl Args {
    /// The options of the library function.
    fn options(&self) -> Result<EvaluateOptions> {
        let mut options = EvaluateOptions::new(&self.run);
        options.data = self.data.clone();
        options.protocol = self.protocol.as_deref().map(str::parse).transpose()?;
        options.checkpoint = self.checkpoint.clone();
        options.settings = self.set.clone();
        options.device = self.device;
        Ok(options)
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let evaluation = reported(&args.options()?)?;
    let (protocol, report) = (evaluation.protocol, &evaluation.report);
    if args.json {
        let mut value = json!({ "protocol": protocol.to_string() });
        if let (Some(all), Ok(serde_json::Value::Object(report))) =
            (value.as_object_mut(), serde_json::to_value(report))
        {
            all.extend(report);
        }
        return say_json(&value);
    }
    print(protocol, report)
}

/// Evaluates with progress on standard error.
pub fn reported(options: &EvaluateOptions) -> Result<Evaluation> {
    let mut reporter = Reporter::new("eval");
    evaluate(options, &mut |event| reporter.show(event))
}

/// Prints a report for people.
pub fn print(protocol: Protocol, report: &Report) -> Result<()> {
    say(format!(
        "{protocol}: top-1 {:.4}, top-5 {:.4}, mean class accuracy {:.4}, loss {:.4} on {}",
        report.top1,
        report.top5,
        report.mean_class,
        report.loss,
        counted(report.clips, "clip")
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
                "  {stream} stream only: top-1 {top1:.4}, top-5 {top5:.4}, mean class accuracy {mean_class:.4}, loss {loss:.4}"
            ))?;
        }
    }
    table(report)
}

/// Maximum number of classes for which the confusion matrix fits a terminal.
const MOST_COLUMNS: usize = 20;

/// One line per class: number of clips, accuracy, and the row of the confusion matrix, or the three most frequent wrong
/// predictions if the matrix would be too wide.
fn table(report: &Report) -> Result<()> {
    let names = report.classes.iter().map(|c| shortened(&c.name));
    let width = names.map(|name| name.chars().count()).max();
    let name = width.unwrap_or(0).max("class".len());
    let most = report.classes.len().max(report.confusion.largest());
    let cell = most.to_string().len();
    let line = |[number, class, clips, accuracy]: [&str; 4], predictions: String| {
        let class = shortened(class);
        let line =
            format!("{number:>cell$}  {class:name$}  {clips:>5}  {accuracy:>8}  {predictions}");
        say(line.trim_end())
    };
    let cells = |cells: Vec<String>| cells.iter().map(|c| format!(" {c:>cell$}")).collect();
    let wide = report.classes.len() > MOST_COLUMNS;
    if wide {
        say("accuracy per class, and the most frequent wrong predictions:")?;
        line(["#", "class", "clips", "accuracy"], String::new())?;
    } else {
        say(
            "accuracy per class, and confusion matrix (rows: true class; columns: predicted class):",
        )?;
        let numbers = (1..=report.classes.len()).map(|number| number.to_string());
        line(
            ["#", "class", "clips", "accuracy"],
            cells(numbers.collect()),
        )?;
    }
    for (number, class) in report.classes.iter().enumerate() {
        let Some(accuracy) = class.accuracy else {
            continue;
        };
        let predictions = if wide {
            confused(report, number)
        } else {
            let shown = |other| match report.confusion.count(number, other) {
                0 => ".".into(),
                count => count.to_string(),
            };
            cells((0..report.classes.len()).map(shown).collect())
        };
        let [number, clips] = [number + 1, class.clips].map(|n| n.to_string());
        let accuracy = format!("{accuracy:.4}");
        line([&number, &class.name, &clips, &accuracy], predictions)?;
    }
    Ok(())
}

/// The three most frequent wrong predictions for a class, with the number of clips.
fn confused(report: &Report, class: usize) -> String {
    let shown = |(other, count): (usize, usize)| {
        format!("{count} {}", shortened(&report.classes[other].name))
    };
    let wrong = report.confusion.mistakes(class).into_iter().take(3);
    wrong.map(shown).collect::<Vec<_>>().join(", ")
}
