//! `sinew train`

use super::plans;
use super::progress::{Progress, time};
use super::say;
use crate::device::{Choice, Compute, open, open_named};
use crate::error::{Error, Result};
use crate::loader::Protocol;
use crate::recipe::{self, Recipe};
use crate::shards::Prepared;
use crate::train::{Best, Event, Run, Session, Start, settle};
use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Trains a Two-Stream RNN on prepared data, or goes on with a run.
///
/// Examples: sinew train ntu60 --protocol xsub --out runs/first
///           sinew train --resume runs/first
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
    #[arg(long, required_unless_present = "resume", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with this run
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
    /// sinew, paper or reference; sinew unless said
    #[arg(long, conflicts_with = "resume")]
    pub preset: Option<String>,
    /// Settings in TOML, put over the preset
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub config: Option<PathBuf>,
    /// One setting, put over all others
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Passes over the training clips (train.epochs)
    #[arg(long)]
    pub epochs: Option<usize>,
    /// auto, gpu, cpu, or a number that `sinew devices` lists
    #[arg(long)]
    pub device: Option<Choice>,
    /// resident or stepwise, or one of their tiles, as resident-16: how the kernels walk over the steps; measured
    /// unless said
    #[arg(long)]
    pub plan: Option<String>,
    /// Seed of weights, order, augmentation and dropout (run.seed)
    #[arg(long)]
    pub seed: Option<u64>,
    /// Loader threads (run.threads); 0 takes all cores
    #[arg(long)]
    pub threads: Option<usize>,
    /// Start from these weights
    #[arg(long, value_name = "FILE.safetensors", conflicts_with = "resume")]
    pub init: Option<PathBuf>,
    /// Let this setting differ from the run's on --resume
    #[arg(long, value_name = "KEY", requires = "resume")]
    pub allow: Vec<String>,
}

impl Args {
    /// All single settings as `KEY=VALUE`.
    fn sets(&self) -> Result<Vec<String>> {
        const OTHERWISE: [(&str, &str); 5] = [
            ("run.data", "name the data as the first argument"),
            ("run.device", "use --device"),
            ("run.preset", "use --preset"),
            ("run.checksum", "it follows from the data"),
            ("run.protocol", "use --protocol"),
        ];
        for (key, help) in OTHERWISE {
            let said = |set: &String| set.split('=').next().is_some_and(|k| k.trim() == key);
            if self.set.iter().any(said) {
                return Err(Error::usage(format!("{key} is not for --set"), help));
            }
        }
        let mut sets = self.set.clone();
        let text = |value: &Path| toml::Value::from(value.to_string_lossy().into_owned());
        if let Some(epochs) = self.epochs {
            if epochs == 0 {
                return Err(Error::usage("--epochs 0 trains nothing", "give at least 1"));
            }
            sets.push(format!("train.epochs={epochs}"));
        }
        if let Some(seed) = self.seed {
            sets.push(format!("run.seed={seed}"));
        }
        if let Some(threads) = self.threads {
            sets.push(format!("run.threads={threads}"));
        }
        if let Some(data) = &self.data {
            let whole = std::path::absolute(data).map_err(|e| Error::io(data, "find", e))?;
            sets.push(format!("run.data={}", text(&whole)));
        }
        if let Some(protocol) = &self.protocol {
            sets.push(format!(
                "run.protocol={}",
                toml::Value::from(protocol.clone())
            ));
        }
        if let Some(plan) = &self.plan {
            let known = plans::named(plan)?;
            sets.push(format!("run.plan={}", toml::Value::from(known.to_string())));
        }
        Ok(sets)
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut progress = Progress::new("train", 0);
    let mut session = match &args.resume {
        Some(folder) => resume(args, folder, &progress)?,
        None => start(args, &progress)?,
    };
    if session.position().epoch >= session.run().recipe.train.epochs {
        progress.line("the run is finished; --epochs N trains on");
    }
    let stop = Arc::new(AtomicBool::new(false));
    let signals = catch_signals(&stop)?;
    let ended = session.train(&stop, &mut |event| show(&mut progress, &event));
    for signal in signals {
        signal_hook::low_level::unregister(signal);
    }
    ended?;
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

/// Sets `stop` at the first signal; a second one leaves at once.
fn catch_signals(stop: &Arc<AtomicBool>) -> Result<Vec<SigId>> {
    let mut caught = Vec::new();
    #[cfg(unix)]
    let signals = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
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

fn start(args: &Args, progress: &Progress) -> Result<Session> {
    let (Some(data), Some(out)) = (&args.data, &args.out) else {
        return Err(Error::usage(
            "DATA and --out are missing",
            "see sinew train --help",
        ));
    };
    let preset = args.preset.as_deref().unwrap_or(recipe::PRESETS[0]);
    let recipe = recipe::resolve(preset, args.config.as_deref(), &args.sets()?)?;
    let prepared = Arc::new(Prepared::open(data)?);
    let protocol: Protocol = recipe.run.protocol.parse()?;
    let split = protocol.split(
        prepared.manifest(),
        recipe.train.validation,
        recipe.run.seed,
    )?;
    let mut recipe = settle(&recipe, &prepared, &split.train)?;
    let compute = open(args.device.unwrap_or(Choice::Auto))?;
    progress.line(&compute.describe());
    settle_device(&mut recipe, &compute, progress)?;
    recipe.run.checksum = prepared.manifest().checksum.clone();
    if recipe.run.task.is_empty() {
        let name = out.file_name().unwrap_or(out.as_os_str());
        recipe.run.task = name.to_string_lossy().into_owned();
    }
    let run = Run::create(out, recipe)?;
    let first = args.init.clone().map_or(Start::Fresh, Start::From);
    session(run, prepared, compute, first, progress)
}

fn resume(args: &Args, folder: &Path, progress: &Progress) -> Result<Session> {
    let mut run = Run::open(folder)?;
    let stored = run.recipe.clone();
    let mut wanted = stored.with(&args.sets()?)?;
    let compute = match args.device {
        Some(choice) => open(choice)?,
        None => open_named(&stored.run.device)?,
    };
    settle_device(&mut wanted, &compute, progress)?;
    let prepared = Arc::new(Prepared::open(&wanted.run.data)?);
    wanted.run.checksum = prepared.manifest().checksum.clone();
    refuse_changes(args, &stored, &wanted)?;
    progress.line(&compute.describe());
    // Kept only when the run has been set up with it.
    run.recipe = wanted;
    session(run, prepared, compute, Start::Resume, progress)
}

/// Fills in the device, and the plan that was asked for or else measures fastest there.
pub(super) fn settle_device(
    recipe: &mut Recipe,
    compute: &Compute,
    progress: &Progress,
) -> Result<()> {
    recipe.run.device = compute.run_name();
    if compute.adapter.is_none() {
        recipe.run.plan = "cpu".into();
        return Ok(());
    }
    // A recipe from another run can carry the plan of a machine without a GPU.
    if recipe.run.plan.is_empty() || recipe.run.plan == "cpu" {
        recipe.run.plan = plans::measured(recipe, compute).to_string();
        progress.line(&format!("plan: {}, the fastest measured", recipe.run.plan));
    }
    plans::check(plans::named(&recipe.run.plan)?, recipe, compute)
}

/// More epochs and another number of loader threads change no step already done; the rest needs its name.
fn refuse_changes(args: &Args, stored: &Recipe, wanted: &Recipe) -> Result<()> {
    let changed = stored.differences(wanted)?;
    let free = |key: &str| {
        key == "run.threads"
            // The same data in another place.
            || (key == "run.data" && wanted.run.checksum == stored.run.checksum)
            || (key == "train.epochs" && wanted.train.epochs >= stored.train.epochs)
            || (key == "run.plan" && args.allow.iter().any(|a| a == "run.device"))
            // Weights of another shape do not fit; nothing can allow that.
            || (!key.starts_with("model.") && args.allow.iter().any(|a| a == key))
    };
    let refused: Vec<String> = changed
        .iter()
        .filter(|(key, _, _)| !free(key))
        .map(|(key, old, new)| format!("{key} is {old} and would be {new}"))
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

fn session(
    run: Run,
    prepared: Arc<Prepared>,
    compute: Compute,
    start: Start,
    progress: &Progress,
) -> Result<Session> {
    Session::new(run, prepared, compute, start, &mut |event| {
        if let Event::Warning(text) = event {
            progress.line(&format!("warning: {text}"));
        }
    })
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
                    "epoch {}/{epochs} loss {:.4} acc {:.4} lr {lr:.2e} {samples_per_s:.1} clips/s wait {:.1} % left {}",
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
        } => {
            let held_out = m.validation_top1.map_or(String::new(), |top1| {
                format!(", validation top-1 {top1:.4}")
            });
            progress.line(&format!(
                "epoch {}/{epochs}: loss {:.4}, accuracy {:.4}{held_out}{}; {:.1} clips/s",
                m.epoch,
                m.loss,
                m.accuracy,
                if m.best { ", best" } else { "" },
                timing.samples_per_s,
            ));
        }
        Event::Warning(text) => progress.line(&format!("warning: {text}")),
    }
}
