//! The weights of a run or of a file, to start from or to evaluate with.

use super::checkpoint::Checkpoint;
use super::folder::CHECKPOINTS;
use super::plans;
use super::run::{Run, best};
use crate::device::Compute;
use crate::error::{Error, Place, Result};
use crate::files::CHECKSUM;
use crate::lstm::{Context, Plan};
use crate::weights::{Weights, read_tensors};
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which weights of a run to use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CheckpointChoice {
    /// The best on the validation split.
    #[default]
    Best,
    /// Those of the newest intact checkpoint.
    Last,
    /// Those of a weights file, or the best of another run.
    File(PathBuf),
}

impl FromStr for CheckpointChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(match text {
            "best" => CheckpointChoice::Best,
            "last" => CheckpointChoice::Last,
            file => CheckpointChoice::File(PathBuf::from(file)),
        })
    }
}

impl fmt::Display for CheckpointChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointChoice::Best => f.write_str("best weights"),
            CheckpointChoice::Last => f.write_str("weights of the last checkpoint"),
            CheckpointChoice::File(path) => write!(f, "weights of {}", path.display()),
        }
    }
}

/// The chosen weights of a run. Damaged checkpoints that are passed over are reported through `warn`.
///
/// # Errors
/// As [`Run::settings_of`], [`best_weights`] and [`weights_of`]; [`Error::Input`] where no checkpoint is intact.
pub fn chosen_weights(
    run: &Path,
    choice: &CheckpointChoice,
    warn: &mut dyn FnMut(String),
) -> Result<Weights> {
    Run::settings_of(run)?;
    match choice {
        CheckpointChoice::File(file) => weights_of(file),
        CheckpointChoice::Best => best_weights(run),
        CheckpointChoice::Last => {
            let mut warn = |error: &Error| warn(error.to_string());
            Checkpoint::newest(&run.join(CHECKPOINTS), &mut warn)?.weights(run)
        }
    }
}

/// The best weights of a run. They must have the checksum that a run writes.
///
/// # Errors
/// [`Error::Input`] where there are none yet, or where they are missing or damaged; what [`Weights::read`] says.
pub fn best_weights(run: &Path) -> Result<Weights> {
    let path = best(run);
    if path.exists() {
        let file = read_tensors(&path)?;
        if !file.metadata.contains_key(CHECKSUM) {
            let what = "damaged: it has no checksum, which a run's own weights have";
            let help =
                "restore it, or use --checkpoint last; edited weights go into a file of their own";
            return Err(Error::input(Place::file(path), what, help));
        }
        return Weights::of(file, &path);
    }
    let what = match Run::metrics(run) {
        Ok(epochs) if epochs.iter().any(|epoch| epoch.best) => "its best.safetensors is gone",
        _ => "no best weights yet: no epoch is finished",
    };
    let help = "train on, or use --checkpoint last";
    Err(Error::input(Place::file(run), what, help))
}

/// The weights of a file, or the best weights of a run.
///
/// # Errors
/// [`Error::Input`] for a folder that is not a run; what [`best_weights`] and [`Weights::read`] say.
pub fn weights_of(path: &Path) -> Result<Weights> {
    if Run::exists(path) {
        return best_weights(path);
    }
    if path.is_dir() {
        let what = "a folder that is not a run (no config.toml)";
        let help = "name a weights file, or the folder of a run";
        return Err(Error::input(Place::file(path), what, help));
    }
    Weights::read(path)
}

/// How a device runs these weights: with the kernel plan of their run, or stepwise where the device does not support
/// that plan. `warn` receives what differs from the run.
pub(crate) fn inference_context(
    weights: &Weights,
    compute: &Compute,
    warn: &mut dyn FnMut(String),
) -> Context {
    let settings = &weights.settings;
    let plan = plans::of_run(&settings.run.plan);
    let plan = match plans::check(
        plan,
        &weights.architecture(),
        settings.train.precision,
        compute,
    ) {
        Ok(()) => plan,
        Err(why) => {
            warn(format!("{why}; taking stepwise"));
            Plan::STEPWISE.into()
        }
    };
    let precision = settings.train.precision;
    let (context, notes) = Context::on(compute, plan).in_precision(precision, compute);
    notes.into_iter().for_each(warn);
    context
}
