//! `sinew crossval`

use super::progress::Progress;
use super::reporter::Reporter;
use super::settings::SettingsArgs;
use super::signals::{set_training, stop_flag};
use super::{say, say_json};
use crate::crossval::{Crossval, CrossvalEvent, CrossvalOptions, Fold, Spread, crossval};
use crate::device::Choice;
use crate::error::Result;
use crate::evaluate::{Measures, Report};
use crate::event::Event as GeneralEvent;
use crate::text::counted;
use crate::train::Event;
use std::path::PathBuf;

/// Trains and evaluates every fold of a cross-validation (SBU: fold1 to fold5). Each fold is an ordinary run in RUN/foldN. If it
/// is interrupted, run the same command to continue.
///
/// Each fold is evaluated like `sinew eval` does: with the best weights on the validation split, or with those of the last epoch
/// if train.validation = 0.
///
/// Example: sinew crossval sbu --out runs/sbu --seed 1
#[derive(clap::Args)]
pub struct Args {
    /// Prepared data
    data: PathBuf,
    /// Folder for the runs of the folds
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Number of folds trained in parallel; the results do not depend on it [default: 1 on a GPU, the number of cores on the
    /// CPU engine]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut options = CrossvalOptions::new(&args.data, &args.out, args.settings.layered(None)?);
    options.device = args.settings.device.unwrap_or(Choice::Auto);
    options.jobs = args.jobs;
    options.stop = stop_flag();
    let crossval = {
        let mut board = Board::new();
        let ended = crossval(&options, &mut |event| board.show(event));
        set_training(false);
        ended?
    };
    if args.json {
        return say_json(&crossval);
    }
    print(&crossval)
}

/// Prints the events of all folds.
struct Board {
    /// Finished epochs of each fold.
    done: Vec<usize>,
    training: Option<Progress>,
    evaluating: Reporter,
}

impl Board {
    fn new() -> Self {
        Board {
            done: Vec::new(),
            training: Some(Progress::new("crossval", 0)),
            evaluating: Reporter::new("eval"),
        }
    }

    fn show(&mut self, event: CrossvalEvent<'_>) {
        match (event, &self.training) {
            (
                CrossvalEvent::Fold {
                    number,
                    folds,
                    event,
                },
                Some(training),
            ) => {
                self.done.resize(folds.len(), 0);
                show_fold(training, &mut self.done, &folds[number], number, event);
            }
            (CrossvalEvent::General(GeneralEvent::Note(text)), Some(training)) => {
                training.line(&text);
            }
            (CrossvalEvent::General(GeneralEvent::Warning(text)), Some(training)) => {
                training.line(&format!("warning: {text}"));
            }
            (CrossvalEvent::General(event), _) => {
                // The training is over.
                set_training(false);
                self.training = None;
                self.evaluating.show(event);
            }
            _ => {}
        }
    }
}

/// Prints an event of a fold.
fn show_fold(
    progress: &Progress,
    done: &mut [usize],
    fold: &Fold,
    number: usize,
    event: &Event<'_>,
) {
    let (name, epochs) = (fold.settings.run.protocol, fold.settings.train.epochs);
    match event {
        Event::Started { position, .. } => {
            set_training(true);
            done[number] = position.epoch;
            match position.step {
                0 => {}
                _ if position.epoch >= epochs => {
                    progress.line(&format!("{name}: already finished"));
                }
                step => progress.line(&format!("{name}: resuming after step {step}")),
            }
        }
        Event::Step {
            position,
            samples_per_s,
            ..
        } => {
            let (sum, total) = (done.iter().sum(), epochs * done.len());
            progress.with(sum, total, || {
                let loss = position.loss_sum / position.samples.max(1) as f64;
                format!(
                    "epochs; {name} epoch {}/{epochs} loss {loss:.4} {samples_per_s:.1} clips/s",
                    position.epoch + 1
                )
            });
        }
        Event::Epoch { metrics, .. } => {
            done[number] = metrics.epoch;
            if metrics.epoch == epochs {
                let held_out = metrics.validation_top1.map_or(String::new(), |top1| {
                    format!(", validation top-1 {top1:.4}")
                });
                let loss = metrics.loss;
                let epochs = counted(epochs, "epoch");
                progress.line(&format!(
                    "{name}: finished {epochs}, loss {loss:.4}{held_out}"
                ));
            }
        }
        Event::Note(text) => progress.line(&format!("{name}: {text}")),
        Event::Warning(text) => progress.line(&format!("warning: {name}: {text}")),
    }
}

/// Prints a table of the folds.
fn print(crossval: &Crossval) -> Result<()> {
    let alone = |stream: Option<Measures>| match stream {
        Some(measures) => format!("  {:>8.4}", measures.top1),
        None => String::new(),
    };
    let both = crossval.temporal.is_some();
    let heads = if both { "  temporal   spatial" } else { "" };
    say(format!(
        "            clips   top-1  mean class accuracy    loss{heads}"
    ))?;
    let line = |name: &str, report: &Report| {
        say(format!(
            "{name:10}  {:5}  {:.4}  {:19.4}  {:6.4}{}{}",
            report.clips,
            report.top1,
            report.mean_class,
            report.loss,
            alone(report.temporal),
            alone(report.spatial)
        ))
    };
    for (protocol, report) in crossval.protocols.iter().zip(&crossval.reports) {
        line(&protocol.to_string(), report)?;
    }
    line("all clips", &crossval.pooled)?;
    let mut spreads = vec![("top-1", &crossval.top1)];
    spreads.extend(crossval.temporal.iter().map(|s| ("temporal stream", s)));
    spreads.extend(crossval.spatial.iter().map(|s| ("spatial stream", s)));
    for (name, Spread { mean, std, .. }) in spreads {
        say(format!(
            "{name}: mean {mean:.4}, standard deviation {std:.4} over folds"
        ))?;
    }
    Ok(())
}
