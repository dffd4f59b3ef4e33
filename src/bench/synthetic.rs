//! Synthetic prepared data for benchmarks.

use crate::error::Result;
use crate::formats::synth;
use crate::prepare::{PrepareOptions, prepare};
use std::path::{Path, PathBuf};

/// Generates clips of 60 classes with the lengths of NTU RGB+D, and prepares them in `folder`; returns `folder`.
///
/// # Errors
/// If the folder cannot be written.
pub fn prepare_synthetic(folder: &Path, clips: usize) -> Result<PathBuf> {
    let archive = folder.with_extension("zip");
    let options = synth::SynthOptions {
        out: archive.clone(),
        clips: Some(clips),
        classes: 60,
        seed: 0,
        like: None,
    };
    synth::write(&options, &mut |_, _| Ok(()))?;
    let options = PrepareOptions::new([archive], folder);
    prepare(&options, &mut |_| {})?;
    Ok(folder.into())
}
