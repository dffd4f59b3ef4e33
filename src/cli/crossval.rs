//! `sinew crossval`

use super::progress::Progress;
use super::reporter::Reporter;
use super::settings::SettingsArgs;
use super::signals::with_signals;
use super::{say, say_json};
use crate::device::{Choice, Compute, open};
use crate::error::{Error, Result};
use crate::evaluate::{ClipScore, Measures, Report, score_clips, test_clips};
use crate::loader::Protocol;
use crate::settings::{Preset, Settings};
use crate::shards::Prepared;
use crate::train::{self, Event, Fold, Run, Target, resolve, train_folds, training_warnings};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Trains and evaluates every fold of a folded protocol (SBU: fold1 to fold5), each an ordinary run in RUN/foldN.
/// Stopped at any moment, the same command goes on.
///
/// A fold is scored as `sinew eval` scores a run: by the weights that did best on the clips held out of its training
/// part, or by the last epoch's with train.validation = 0.
///
/// Example: sinew crossval sbu --out runs/sbu --seed 1
#[derive(clap::Args)]
pub struct Args {
    /// Prepared data
    data: PathBuf,
    /// The folder of the folds' runs
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Folds side by side; unless said one on a GPU, and on the CPU engine as many as there are cores. The results are
    /// the same for any number
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// One figure over the folds.
#[derive(Serialize)]
struct Spread {
    /// Top-1 of each fold.
    folds: Vec<f64>,
    mean: f64,
    /// Sample standard deviation.
    std: f64,
}

impl Spread {
    fn of(folds: Vec<f64>) -> Self {
        let count = folds.len() as f64;
        let mean = folds.iter().sum::<f64>() / count;
        let squares: f64 = folds.iter().map(|x| (x - mean) * (x - mean)).sum();
        let std = (squares / (count - 1.0).max(1.0)).sqrt();
        Spread { folds, mean, std }
    }

    /// Of one stream, where every fold has it.
    fn of_stream(reports: &[Report], stream: fn(&Report) -> Option<Measures>) -> Option<Self> {
        let alone = reports.iter().map(|report| Some(stream(report)?.top1));
        alone.collect::<Option<_>>().map(Spread::of)
    }
}

#[derive(Serialize)]
struct Summary {
    preset: Preset,
    seed: u64,
    protocols: Vec<String>,
    #[serde(flatten)]
    top1: Spread,
    /// The streams alone, where a fixed weight fuses them.
    temporal: Option<Spread>,
    spatial: Option<Spread>,
    /// All folds' test clips together.
    pooled: Report,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let progress = Progress::new("crossval", 0);
    if Run::exists(&args.out) {
        let what = format!("{} is a run itself", args.out.display());
        return Err(Error::failed(what, "choose another folder for --out"));
    }
    // Bad usage is told before anything is read.
    let settings = args.settings.layered(None)?;
    let prepared = Arc::new(Prepared::open(&args.data)?);
    let protocols = Protocol::folds(prepared.manifest())?;
    let compute = open(args.settings.device.unwrap_or(Choice::Auto))?;
    let jobs = jobs(args, &compute)?;
    progress.line(&compute.describe());
    let folds = folds(
        &args.out, &settings, &protocols, &prepared, &compute, &progress,
    )?;
    for fold in &folds {
        fold.check()?;
    }
    train_all(&folds, &prepared, &compute, jobs, progress)?;
    let scores = folds.iter().map(|fold| test(fold, &prepared, &compute));
    let scores: Vec<Vec<ClipScore>> = scores.collect::<Result<_>>()?;
    let classes = &prepared.manifest().classes;
    let reports: Vec<Report> = scores.iter().map(|s| Report::new(s, classes)).collect();
    let summary = Summary {
        preset: folds[0].recipe.run.preset,
        seed: folds[0].recipe.run.seed,
        protocols: protocols.iter().map(Protocol::to_string).collect(),
        top1: Spread::of(reports.iter().map(|report| report.top1).collect()),
        temporal: Spread::of_stream(&reports, |report| report.temporal),
        spatial: Spread::of_stream(&reports, |report| report.spatial),
        pooled: Report::new(&scores.concat(), classes),
    };
    if args.json {
        return say_json(&summary);
    }
    print(&summary, &reports)
}

/// Folds side by side: a small model leaves cores idle, and they share the CPU engine's threads.
fn jobs(args: &Args, compute: &Compute) -> Result<usize> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    match (args.jobs, &compute.adapter) {
        (Some(0), _) => Err(Error::usage("--jobs 0 trains nothing", "give at least 1")),
        (None, None) => Ok(cores()),
        (None | Some(1), Some(_)) => Ok(1),
        (Some(_), Some(_)) => Err(Error::usage(
            "folds train side by side on the CPU engine alone",
            "leave --jobs out, or use --device cpu",
        )),
        (Some(jobs), None) => Ok(jobs),
    }
}

/// The folds with all their settings; one kernel plan for all, that of a fold that was begun on the same device.
fn folds(
    out: &Path,
    settings: &Settings,
    protocols: &[Protocol],
    prepared: &Prepared,
    compute: &Compute,
    progress: &Progress,
) -> Result<Vec<Fold>> {
    let folder = |protocol: &Protocol| out.join(protocol.to_string());
    let begun = protocols.iter().filter(|p| Run::exists(&folder(p)));
    let mut plan = None;
    for protocol in begun {
        let stored = Run::recipe(&folder(protocol))?;
        if stored.run.device == compute.run_name() {
            plan = Some(stored.run.plan);
        }
    }
    let mut folds = Vec::new();
    for protocol in protocols {
        let folder = folder(protocol);
        let mut settings = settings.clone();
        settings.run.protocol = (*protocol).into();
        if let (Some(plan), true) = (&plan, settings.run.plan.is_auto()) {
            settings.run.plan = plan.clone().into();
        }
        let target = Target {
            prepared,
            compute,
            ranks: 1,
            folder: &folder,
        };
        let recipe = resolve(&settings, &target, &mut |note| progress.line(&note))?;
        test_clips(*protocol, prepared)?;
        for warning in training_warnings(&recipe, prepared)? {
            progress.line(&format!("warning: {protocol}: {warning}"));
        }
        plan = Some(recipe.run.plan.clone());
        folds.push(Fold { folder, recipe });
    }
    Ok(folds)
}

/// Trains what is not trained yet.
fn train_all(
    folds: &[Fold],
    prepared: &Arc<Prepared>,
    compute: &Compute,
    jobs: usize,
    progress: Progress,
) -> Result<()> {
    let board = Board {
        folds,
        done: Mutex::new(vec![0; folds.len()]),
        progress,
    };
    with_signals(|stop| {
        train_folds(folds, prepared, compute, jobs, stop, &|index, event| {
            board.show(index, &event);
        })
    })
}

/// Draws the messages of all folds.
struct Board<'a> {
    folds: &'a [Fold],
    /// Epochs done of each.
    done: Mutex<Vec<usize>>,
    progress: Progress,
}

impl Board<'_> {
    fn show(&self, index: usize, event: &Event<'_>) {
        let recipe = &self.folds[index].recipe;
        let (name, epochs) = (&recipe.run.protocol, recipe.train.epochs);
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { position, .. } => {
                done[index] = position.epoch;
                match position.step {
                    0 => {}
                    _ if position.epoch >= epochs => {
                        self.progress.line(&format!("{name}: finished before"));
                    }
                    step => {
                        let line = format!("{name}: going on after step {step}");
                        self.progress.line(&line);
                    }
                }
            }
            Event::Step {
                position,
                samples_per_s,
                ..
            } => {
                let (sum, total) = (done.iter().sum(), epochs * self.folds.len());
                self.progress.with(sum, total, || {
                    let loss = position.loss_sum / position.samples.max(1) as f64;
                    format!(
                        "epochs; {name} epoch {}/{epochs} loss {loss:.4} {samples_per_s:.1} clips/s",
                        position.epoch + 1
                    )
                });
            }
            Event::Epoch { metrics, .. } => {
                done[index] = metrics.epoch;
                if metrics.epoch == epochs {
                    let held_out = metrics.validation_top1.map_or(String::new(), |top1| {
                        format!(", validation top-1 {top1:.4}")
                    });
                    let loss = metrics.loss;
                    self.progress.line(&format!(
                        "{name}: {epochs} epochs done, loss {loss:.4}{held_out}"
                    ));
                }
            }
            Event::Note(text) => self.progress.line(&format!("{name}: {text}")),
            Event::Warning(text) => self.progress.line(&format!("warning: {name}: {text}")),
        }
    }
}

/// What the best weights of a fold's run say of its test clips.
fn test(fold: &Fold, prepared: &Arc<Prepared>, compute: &Compute) -> Result<Vec<ClipScore>> {
    let clips = test_clips(fold.recipe.run.protocol, prepared)?;
    let weights = train::best_weights(&fold.folder)?;
    let mut reporter = Reporter::new("eval");
    let mut events = |event| reporter.show(event);
    score_clips(&weights, prepared, &clips, compute, &mut events)
}

/// Prints a table for people.
fn print(summary: &Summary, reports: &[Report]) -> Result<()> {
    let alone = |stream: Option<Measures>| match stream {
        Some(measures) => format!("  {:>8.4}", measures.top1),
        None => String::new(),
    };
    let both = summary.temporal.is_some();
    let heads = if both { "  temporal   spatial" } else { "" };
    say(format!(
        "            clips   top-1  mean class    loss{heads}"
    ))?;
    let line = |name: &str, report: &Report| {
        say(format!(
            "{name:10}  {:5}  {:.4}  {:10.4}  {:6.4}{}{}",
            report.clips,
            report.top1,
            report.mean_class,
            report.loss,
            alone(report.temporal),
            alone(report.spatial)
        ))
    };
    for (protocol, report) in summary.protocols.iter().zip(reports) {
        line(protocol, report)?;
    }
    line("all clips", &summary.pooled)?;
    let mut spreads = vec![("top-1", &summary.top1)];
    spreads.extend(summary.temporal.iter().map(|s| ("temporal alone", s)));
    spreads.extend(summary.spatial.iter().map(|s| ("spatial alone", s)));
    for (name, Spread { mean, std, .. }) in spreads {
        say(format!(
            "{name}: mean {mean:.4}, standard deviation {std:.4} over folds"
        ))?;
    }
    Ok(())
}
