//! Made clips for measurements that need data.

use crate::error::Result;
use crate::formats::synth;
use crate::prepare::{PrepareOptions, prepare};
use std::path::{Path, PathBuf};

/// Made clips of 60 classes with NTU's numbers of frames, prepared in `folder`; returns it.
///
/// # Errors
/// A folder that cannot be written.
pub fn made(folder: &Path, clips: usize) -> Result<PathBuf> {
    let archive = folder.with_extension("zip");
    let options = synth::Options {
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
