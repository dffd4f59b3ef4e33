//! `sinew train`

use super::progress::{Progress, time};
use super::settings::Settings;
use super::{say, tell};
use crate::device::{Choice, open_for, open_named, share_cores};
use crate::error::{Error, Result};
use crate::recipe::Recipe;
use crate::shards::Prepared;
use crate::train::ranks::{self, Ranks};
use crate::train::{Best, Event, Run, Session, Start, follow, for_device, lead, memory};
use signal_hook::SigId;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Trains a Two-Stream RNN on prepared data, or goes on with a run. Under mpirun, in a sinew that was built with the
/// feature mpi, every process trains on a share of each batch, with an adapter of its own.
///
/// Examples: sinew train ntu60 --protocol xsub --out runs/first
///           sinew train --resume runs/first
///           mpirun -n 4 --bind-to none sinew train ntu60 --protocol xsub --out runs/four
#[derive(clap::Args, Default)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Prepared data
    #[arg(required_unless_present = "resume")]
    pub data: Option<PathBuf>,
    /// xsub, xview, xsub120, xset120, fold1 to fold5, or split
    #[arg(long, required_unless_present = "resume")]
    pub protocol: Option<String>,
    /// The folder of the new run
    #[arg(long, required_unless_present = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with this run
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "preset", "config", "init"])]
    pub resume: Option<PathBuf>,
    #[command(flatten)]
    pub settings: Settings,
    /// Start from these weights
    #[arg(long, value_name = "FILE.safetensors")]
    pub init: Option<PathBuf>,
    /// Let this setting differ from the run's on --resume
    #[arg(long, value_name = "KEY", requires = "resume")]
    pub allow: Vec<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let ranks = ranks::open()?;
    let rank = ranks.rank();
    let ended = train(args, &ranks);
    match &ended {
        // mpirun ends them all when the first of them ends with such a code: the line is out before any does.
        Err(error @ Error::Interrupted(_)) if rank.of > 1 => {
            if rank.leads() {
                tell(format!("sinew: {error}"));
            }
            ranks.wait();
            drop(ranks);
            std::process::exit(error.exit_code().into());
        }
        Err(error) if rank.of > 1 => {
            if !rank.leads() {
                // What all ranks meet the first one tells, and ends the others meanwhile.
                std::thread::sleep(Duration::from_millis(500));
            }
            tell(format!(
                "sinew: rank {} of {}: {error}",
                rank.number, rank.of
            ));
            ranks.abort(error.exit_code());
        }
        _ => {}
    }
    ended
}

fn train(args: &Args, ranks: &Arc<dyn Ranks>) -> Result<()> {
    share_cores(ranks.rank().locals)?;
    let mut progress = Progress::new("train", 0);
    if !ranks.rank().leads() {
        return join(args, ranks, &progress);
    }
    let mut session = match &args.resume {
        Some(folder) => resume(args, ranks, folder, &progress)?,
        None => start(args, ranks, &progress)?,
    };
    if session.position().epoch >= session.run().recipe.train.epochs {
        progress.line("the run is finished; --epochs N trains on");
    }
    until_stopped(&mut session, &mut |event| show(&mut progress, &event))?;
    drop(progress);
    let best = session.run().best();
    match session.position().best {
        Some(Best { top1, epoch, .. }) => say(format!(
            "best: epoch {epoch}, validation top-1 {top1:.4}; {}",
            best.display()
        )),
        None => say(format!("done; {}", best.display())),
    }
}

/// Trains until the end or a signal.
fn until_stopped(session: &mut Session, events: &mut dyn FnMut(Event<'_>)) -> Result<()> {
    with_signals(|stop| session.train(stop, events))
}

/// Does work that a signal stops through the flag; a second signal leaves at once.
pub(super) fn with_signals(work: impl FnOnce(&AtomicBool) -> Result<()>) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let signals = catch_signals(&stop)?;
    let ended = work(&stop);
    for signal in signals {
        signal_hook::low_level::unregister(signal);
    }
    ended
}

/// Trains as a rank that does not lead, and tells only what concerns it alone.
fn join(args: &Args, ranks: &Arc<dyn Ranks>, progress: &Progress) -> Result<()> {
    let number = ranks.rank().number;
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
    let mut session = follow(ranks.clone(), folder, device, &mut events)?;
    until_stopped(&mut session, &mut |_| {})
}

/// Sets `stop` at the first signal; a second one leaves at once.
fn catch_signals(stop: &Arc<AtomicBool>) -> Result<Vec<SigId>> {
    let mut caught = Vec::new();
    #[cfg(unix)]
    // What mpirun and clusters' queues hand on to every process before its time is up is SIGUSR1.
    let signals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1];
    #[cfg(not(unix))]
    let signals = [SIGINT, SIGTERM];
    for signal in signals {
        // This handler comes first, so that it finds the flag set only at the second signal.
        for handler in [
            signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone()),
            signal_hook::flag::register(signal, stop.clone()),
        ] {
            let failed = |e| Error::failed(format!("signals cannot be caught: {e}"), "report this");
            caught.push(handler.map_err(failed)?);
        }
    }
    Ok(caught)
}

fn start(args: &Args, ranks: &Arc<dyn Ranks>, progress: &Progress) -> Result<Session> {
    let (Some(data), Some(out)) = (&args.data, &args.out) else {
        return Err(Error::usage(
            "DATA and --out are missing",
            "see sinew train --help",
        ));
    };
    let recipe = args
        .settings
        .resolve(args.protocol.as_deref().unwrap_or_default())?;
    let prepared = Arc::new(Prepared::open(data)?);
    let device = args.settings.device.unwrap_or(Choice::Auto);
    let first = args.init.clone().map_or(Start::Fresh, Start::From);
    let mut events = |event: Event<'_>| note(progress, &event);
    let ranks = ranks.clone();
    lead(ranks, &recipe, prepared, out, device, first, &mut events)
}

fn resume(
    args: &Args,
    ranks: &Arc<dyn Ranks>,
    folder: &Path,
    progress: &Progress,
) -> Result<Session> {
    let (ranks, rank) = (ranks.clone(), ranks.rank());
    let mut run = Run::open(folder)?;
    let stored = run.recipe.clone();
    let sets = args
        .settings
        .sets(args.data.as_deref(), args.protocol.as_deref())?;
    let mut wanted = stored.with(&sets)?;
    let compute = match args.settings.device {
        Some(choice) => open_for(choice, rank.local, rank.locals)?,
        None => open_named(&stored.run.device, rank.local)?,
    };
    let prepared = Arc::new(Prepared::open(&wanted.run.data)?);
    memory::fits(&wanted, prepared.manifest(), &compute, rank.of)?;
    for_device(&mut wanted, &compute, &mut |note| progress.line(&note))?;
    wanted.run.checksum = prepared.manifest().checksum.clone();
    refuse_changes(args, &stored, &wanted)?;
    progress.line(&compute.describe());
    // Kept only when the run has been set up with it.
    run.recipe = wanted;
    let mut events = |event: Event<'_>| note(progress, &event);
    Session::new(run, prepared, compute, ranks, Start::Resume, &mut events)
}

/// More epochs change no step already done; the rest needs its name.
fn refuse_changes(args: &Args, stored: &Recipe, wanted: &Recipe) -> Result<()> {
    let changed = stored.differences(wanted)?;
    let free = |key: &str| {
        (key == "train.epochs" && wanted.train.epochs >= stored.train.epochs)
            || (key == "run.plan" && args.allow.iter().any(|a| a == "run.device"))
            // Weights of another shape do not fit; nothing can allow that.
            || (!key.starts_with("model.") && args.allow.iter().any(|a| a == key))
    };
    let refused: Vec<String> = changed
        .into_iter()
        .filter(|(key, _)| !free(key))
        .map(|(_, clause)| clause)
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let what = format!("the run has other settings: {}", refused.join("; "));
    Err(Error::failed(
        what,
        "leave them, or name each with --allow KEY",
    ))
}

/// Tells what is said while a run is set up.
fn note(progress: &Progress, event: &Event<'_>) {
    match event {
        Event::Note(text) => progress.line(text),
        Event::Warning(text) => progress.line(&format!("warning: {text}")),
        _ => {}
    }
}

/// Draws a message of the run.
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
                "{train} training clips ({samples} samples), {validation} to choose the best, {test} to test; \
                 {parameters} parameters; {steps} steps an epoch"
            ));
            if position.step > 0 {
                progress.line(&format!("going on after step {}", position.step));
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
                    "epoch {}/{epochs} loss {:.4} accuracy {:.4} rate {lr:.2e} {samples_per_s:.1} clips/s wait {:.1} % left {}",
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
                "epoch {}/{epochs}: loss {:.4}, accuracy {:.4}{held_out}{}; rate {:.2e}, {:.1} clips/s, wait {:.1} %{}{}",
                m.epoch,
                m.loss,
                m.accuracy,
                if m.best { ", best" } else { "" },
                m.lr,
                timing.samples_per_s,
                timing.data_wait * 100.0,
                if timing.exchange > 0.0 {
                    format!(", ranks {:.1} %", timing.exchange * 100.0)
                } else {
                    String::new()
                },
                if left.is_zero() { String::new() } else { format!(", left {}", time(*left)) },
            ));
        }
        Event::Note(_) | Event::Warning(_) => note(progress, event),
    }
}
