//! Weights to start from or to evaluate with, by the run or the file that has them.

use super::run::{Run, best};
use crate::error::{Error, Place, Result};
use crate::export::{Weights, read_tensors};
use crate::files::CHECKSUM;
use std::path::Path;

/// The best weights of a run, which must have the checksum that a run gives them.
///
/// # Errors
/// [`Error::Input`] where there are none yet or none any more, and what [`Weights::read`] says.
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

/// The weights of a file, or of a run the best ones.
///
/// # Errors
/// [`Error::Input`] for a folder that is no run; what [`best_weights`] and [`Weights::read`] say.
pub fn weights_of(path: &Path) -> Result<Weights> {
    if Run::exists(path) {
        return best_weights(path);
    }
    if path.is_dir() {
        let what = "a folder that is not a run (no config.toml)";
        let help = "name a file of weights, or the folder of a run";
        return Err(Error::input(Place::file(path), what, help));
    }
    Weights::read(path)
}
