//! Exports the weights of a run.

use crate::error::Result;
use crate::event::Event;
use crate::files::OutputKind;
use crate::train::{CheckpointChoice, check_output, chosen_weights};
use std::path::PathBuf;

pub use crate::weights::{Lengths, Weights};

/// What to export, and where to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The run's folder.
    pub run: PathBuf,
    /// The file to write.
    pub out: PathBuf,
    /// Which weights; default: the best.
    pub checkpoint: CheckpointChoice,
}

impl ExportOptions {
    /// Exports the best weights of a run to a safetensors file.
    pub fn new(run: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        ExportOptions {
            run: run.into(),
            out: out.into(),
            checkpoint: CheckpointChoice::Best,
        }
    }
}

/// Writes the weights of a run as safetensors, with PyTorch's names, shapes and gate order, and returns them.
///
/// `events` receives warnings, such as about a damaged checkpoint that is passed over.
///
/// # Errors
/// [`Error::Input`](crate::Error::Input) for a folder that is not a run and for damaged weights;
/// [`Error::Exists`](crate::Error::Exists) for an output file that exists and is of another kind, or that a run needs;
/// [`Error::Io`](crate::Error::Io).
pub fn export(options: &ExportOptions, events: &mut dyn FnMut(Event)) -> Result<Weights> {
    check_output(&options.out, OutputKind::Tensors)?;
    let mut warn = |text: String| events(Event::Warning(text));
    let weights = chosen_weights(&options.run, &options.checkpoint, &mut warn)?;
    weights.write(&options.out)?;
    Ok(weights)
}
