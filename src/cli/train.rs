//! `sinew train`

use super::progress::{Progress, time};
use super::settings::SettingsArgs;
use super::signals::{set_training, stop_flag};
use super::{exit_code, say, tell};
use crate::device::{Choice, share_cores};
use crate::error::{Error, Result};
use crate::text::counted;
use crate::train::ranks::{self, Ranks};
use crate::train::{
    Best, EpochTiming, Event, Head, InitialWeights, ResumeOptions, TrainOptions, join, resume,
    train,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Trains a Two-Stream RNN on prepared data, or resumes a run.
///
/// If sinew was built with the feature mpi and is started by mpirun, each process trains on a share of each batch, on its own
/// adapter.
///
/// Example: sinew train ntu60 --protocol xsub --out runs/first
///
/// Example: sinew train --resume runs/first
///
/// Example: mpirun -n 4 --bind-to none sinew train ntu60 --protocol xsub --out runs/four
#[derive(clap::Args, Default)]
#[command(
    override_usage = "sinew train DATA --protocol P --out RUN [OPTIONS]\n       sinew train --resume RUN [OPTIONS]",
    after_long_help = concat!(
        "Settings for --set (as train.lr=0.001) and --config (in [sections]), with the values of the preset sinew:\n\n",
        include_str!("../../assets/recipes/sinew.toml"),
    )
)]
pub struct Args {
    /// Prepared data
    #[arg(required_unless_present = "resume")]
    pub data: Option<PathBuf>,
    /// xsub, xview, xsub120, xset120, fold1 to fold5, or split
    #[arg(long, required_unless_present = "resume")]
    pub protocol: Option<String>,
    /// Folder of the new run
    #[arg(long, required_unless_present = "resume")]
    pub out: Option<PathBuf>,
    /// Resume this run
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "preset", "config", "init"])]
    pub resume: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Start from the weights in this file, or from the best weights of this run; the layout must be the same
    #[arg(long, value_name = "FILE.safetensors|RUN")]
    pub init: Option<PathBuf>,
    /// Classification layers with --init: kept, for the same classes in the same order, or new, for other classes
    #[arg(long, value_name = "kept|new", requires = "init")]
    pub init_head: Option<Head>,
    /// Allow --resume to change this setting
    #[arg(long, value_name = "KEY", requires = "resume")]
    pub allow: Vec<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let ranks = ranks::open()?;
    let rank = ranks.rank();
    let ended = run_rank(args, &ranks);
    match &ended {
        // mpirun ends all processes once one exits with such a code, so the message is printed before any exits.
        Err(error @ Error::Interrupted(_)) if rank.count > 1 => {
            if rank.leads() {
                tell(format!("sinew: {error}"));
            }
            ranks.wait();
            drop(ranks);
            std::process::exit(exit_code(error).into());
        }
        Err(error) if rank.count > 1 => {
            if !rank.leads() {
                // The first rank reports an error that all ranks share, and ends the others in the meantime.
                std::thread::sleep(Duration::from_millis(500));
            }
            tell(format!(
                "sinew: rank {} of {}: {error}",
                rank.index, rank.count
            ));
            ranks.abort(exit_code(error));
        }
        _ => {}
    }
    ended
}

/// Trains as one of the ranks.
fn run_rank(args: &Args, ranks: &Arc<dyn Ranks>) -> Result<()> {
    share_cores(ranks.rank().local_count)?;
    let mut progress = Progress::new("train", 0);
    if !ranks.rank().leads() {
        return join_run(args, ranks, &progress);
    }
    let summary = {
        let mut events = |event: Event<'_>| {
            if matches!(event, Event::Started { .. }) {
                set_training(true);
            }
            show(&mut progress, &event);
        };
        let ended = match &args.resume {
            Some(run) => resume(&resume_options(args, run, ranks)?, &mut events),
            None => train(&train_options(args, ranks)?, &mut events),
        };
        set_training(false);
        ended?
    };
    drop(progress);
    let weights = summary.weights.display();
    match summary.best {
        Some(Best { top1, epoch, .. }) => say(format!(
            "best: epoch {epoch}, validation top-1 {top1:.4}; {weights}"
        )),
        None => say(format!("done; {weights}")),
    }
}

/// Trains as a rank other than the first, and prints only its own notes and warnings.
fn join_run(args: &Args, ranks: &Arc<dyn Ranks>, progress: &Progress) -> Result<()> {
    let number = ranks.rank().index;
    let mut events = |event: Event<'_>| match event {
        Event::Note(text) => progress.line(&format!("rank {number}: {text}")),
        Event::Warning(text) => progress.line(&format!("rank {number}: warning: {text}")),
        _ => {}
    };
    let folder = args.resume.as_ref().or(args.out.as_ref());
    let device = match (args.settings.device, &args.resume) {
        (None, None) => Some(Choice::Auto),
        (named, _) => named,
    };
    let folder = folder.map(PathBuf::as_path).unwrap_or(Path::new(""));
    let mut session = join(ranks.clone(), folder, device, &mut events)?;
    let stop = stop_flag();
    set_training(true);
    let ended = session.train(&stop, &mut |_| {});
    set_training(false);
    ended
}

/// The options of a new run.
fn train_options(args: &Args, ranks: &Arc<dyn Ranks>) -> Result<TrainOptions> {
    let (Some(data), Some(out)) = (&args.data, &args.out) else {
        return Err(Error::usage(
            "DATA or --out is missing",
            "see `sinew train --help`",
        ));
    };
    let protocol = args.protocol.as_deref().map(str::parse).transpose()?;
    let settings = args.settings.layered(protocol)?;
    let mut options = TrainOptions::new(data, out, settings);
    options.device = args.settings.device.unwrap_or(Choice::Auto);
    if let Some(file) = &args.init {
        let head = args.init_head.unwrap_or_default();
        options.init = Some(InitialWeights::read(file, head)?);
    }
    options.stop = stop_flag();
    options.ranks = ranks.clone();
    Ok(options)
}

/// The options of a resumed run.
fn resume_options(args: &Args, run: &Path, ranks: &Arc<dyn Ranks>) -> Result<ResumeOptions> {
    let (data, protocol) = (args.data.as_deref(), args.protocol.as_deref());
    let mut options = ResumeOptions::new(run);
    options.settings = args.settings.sets(data, protocol)?;
    options.allow = args.allow.clone();
    options.data = args.data.clone();
    options.device = args.settings.device;
    options.stop = stop_flag();
    options.ranks = ranks.clone();
    Ok(options)
}

/// Prints notes and warnings.
fn note(progress: &Progress, event: &Event<'_>) {
    match event {
        Event::Note(text) => progress.line(text),
        Event::Warning(text) => progress.line(&format!("warning: {text}")),
        _ => {}
    }
}

/// Prints an event of the run.
fn show(progress: &mut Progress, event: &Event<'_>) {
    match event {
        Event::Started {
            clips: [train, validation, test],
            samples,
            steps,
            parameters,
            position,
        } => {
            progress.line(&format!(
                "{} ({}), {validation} held out for validation, {}; {parameters} parameters; {} per epoch",
                counted(*train, "training clip"),
                counted(*samples, "sample"),
                counted(*test, "test clip"),
                counted(*steps, "step")
            ));
            if position.step > 0 {
                progress.line(&format!("resuming after step {}", position.step));
            }
        }
        Event::Step {
            position,
            steps,
            epochs,
            lr,
            samples_per_s,
            data_wait,
            left,
        } => {
            progress.with(position.step, steps * epochs, || {
                let samples = position.samples as f64;
                if position.samples == 0 {
                    return format!("epoch {}/{epochs}", position.epoch + 1);
                }
                format!(
                    "epoch {}/{epochs} loss {:.4} top-1 {:.4} learning rate {lr:.2e} {samples_per_s:.1} clips/s data wait {:.1} % {} left",
                    position.epoch + 1,
                    position.loss_sum / samples,
                    position.right as f64 / samples,
                    data_wait * 100.0,
                    time(*left),
                )
            });
        }
        Event::Epoch {
            metrics: m,
            timing,
            epochs,
            left,
        } => {
            let held_out = m.validation_top1.map_or(String::new(), |top1| {
                format!(", validation top-1 {top1:.4}")
            });
            progress.line(&format!(
                "epoch {}/{epochs}: loss {:.4}, top-1 {:.4}{held_out}{}; learning rate {:.2e}{}",
                m.epoch,
                m.loss,
                m.accuracy,
                if m.best && m.validation_top1.is_some() {
                    ", best"
                } else {
                    ""
                },
                m.lr,
                speed(timing, *left),
            ));
        }
        Event::Note(_) | Event::Warning(_) => note(progress, event),
    }
}

/// The speed of an epoch; empty if none of its steps ran in this process.
fn speed(timing: &EpochTiming, left: Duration) -> String {
    if timing.samples_per_s == 0.0 {
        return String::new();
    }
    let (clips, wait) = (timing.samples_per_s, timing.data_wait * 100.0);
    let mut speed = format!(", {clips:.1} clips/s, data wait {wait:.1} %");
    if timing.exchange > 0.0 {
        speed += &format!(", rank exchange {:.1} %", timing.exchange * 100.0);
    }
    if !left.is_zero() {
        speed += &format!(", {} left", time(left));
    }
    speed
}
