//! Checkpoints: everything that a run needs to go on, in one safetensors file that is whole or not there.

use super::optimiser::OptimiserState;
use crate::error::{Error, Place, Result};
use crate::files::{CHECKSUM, Numbers, Tensors};
use crate::weights::{CHECKPOINT, Weights, read_tensors};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Version of the file; another one is refused.
const VERSION: u32 = 1;

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Optimisation steps done.
    pub step: usize,
    /// The epoch in progress, from 0.
    pub epoch: usize,
    /// Steps done of that epoch.
    pub step_in_epoch: usize,
    /// Of the steps done of that epoch: loss times samples.
    #[serde(with = "bits")]
    pub loss_sum: f64,
    /// Of the steps done of that epoch: right answers.
    pub right: usize,
    /// Of the steps done of that epoch: samples.
    pub samples: usize,
    /// Steps on end, up to here, that changed nothing because their gradient was no number.
    #[serde(default)]
    pub skipped: usize,
    /// How often the run went back to a checkpoint; each time halves the rate.
    #[serde(default)]
    pub returns: usize,
    /// The best epoch so far, where clips are held out.
    pub best: Option<Best>,
}

/// The epoch that did best on the validation clips: by top-1, by loss where that is equal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Top-1 on the validation clips.
    #[serde(with = "bits")]
    pub top1: f64,
    /// Loss on the validation clips.
    #[serde(with = "bits")]
    pub loss: f64,
    /// The epoch, from 1.
    pub epoch: usize,
}

/// A run's whole state.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// How far the run is.
    pub position: Position,
    /// What the model is, as the metadata of exported weights has it.
    pub about: BTreeMap<String, String>,
    /// The model's parameters by name.
    pub parameters: BTreeMap<String, Numbers>,
    /// What the optimiser remembers.
    pub memory: OptimiserState,
}

#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    position: Position,
    counters: BTreeMap<String, u64>,
}

/// Floating-point numbers by their bits: JSON's decimals come back a last place off now and then.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.to_bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

/// The checkpoints of a folder, oldest first.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, "read", e))? {
        let path = entry.map_err(|e| Error::io(folder, "read", e))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("step-") && name.ends_with(".safetensors") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// How the name of a checkpoint ends that a signal made. It is no part of the run's course: it counts for nothing in
/// `train.keep`, a run does not go back to it, and the next regular checkpoint removes it.
const STOPPED: &str = "-stopped.safetensors";

/// Whether a signal made this checkpoint.
pub(super) fn is_stopped(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().ends_with(STOPPED))
}

/// The checkpoints of a folder that are not needed beside the one at `newest`: older ones of signals, and older regular
/// ones but for as many as make `keep` regular ones in all.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be read.
pub(super) fn superseded(folder: &Path, newest: &Path, keep: usize) -> Result<Vec<PathBuf>> {
    let up_to = list(folder)?.into_iter().filter(|at| **at <= *newest);
    let (stopped, mut regular): (Vec<_>, Vec<_>) = up_to.partition(|at| is_stopped(at));
    regular.truncate(regular.len().saturating_sub(keep));
    let mut gone = stopped;
    gone.retain(|at| at != newest);
    gone.extend(regular);
    Ok(gone)
}

fn remove(paths: &[PathBuf]) -> Result<()> {
    paths
        .iter()
        .try_for_each(|path| std::fs::remove_file(path).map_err(|e| Error::io(path, "remove", e)))
}

impl Checkpoint {
    /// Writes a regular checkpoint, one that every run of the same settings has, into `folder`. Removes all but the newest
    /// `keep` regular ones, those of signals, and what has later steps.
    ///
    /// # Errors
    /// [`Error::Io`]; the checkpoints that were there are still there then.
    pub fn save(&self, folder: &Path, keep: usize) -> Result<PathBuf> {
        self.save_as(&format!("{}.safetensors", self.name()), folder, keep)
    }

    /// Writes the checkpoint of a run that a signal stops: it removes no regular one, and the next regular one removes it.
    ///
    /// # Errors
    /// As [`Checkpoint::save`].
    pub fn save_stopped(&self, folder: &Path) -> Result<PathBuf> {
        self.save_as(&format!("{}{STOPPED}", self.name()), folder, usize::MAX)
    }

    fn name(&self) -> String {
        format!("step-{:09}", self.position.step)
    }

    fn save_as(&self, name: &str, folder: &Path, keep: usize) -> Result<PathBuf> {
        let path = folder.join(name);
        self.file(&path)?.write(&path)?;
        // Checkpoints of later steps are damaged or were abandoned: they must not count as the newest.
        let mut gone = list(folder)?;
        gone.retain(|at| *at > path);
        gone.extend(superseded(folder, &path, keep)?);
        remove(&gone)?;
        Ok(path)
    }

    /// The bytes of its file, for ranks that do not see the run's folder.
    ///
    /// # Errors
    /// [`Error::Input`] where the position is no JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let (path, mut bytes) = (Path::new("checkpoint"), Vec::new());
        self.file(path)?
            .write_to(&mut bytes)
            .map_err(|e| Error::io(path, "send", e))?;
        Ok(bytes)
    }

    /// What the file at `path` holds.
    fn file(&self, path: &Path) -> Result<Tensors> {
        let state = State {
            version: VERSION,
            position: self.position.clone(),
            counters: self.memory.counters.clone(),
        };
        let state = serde_json::to_string(&state).map_err(|e| damaged(path, &e.to_string()))?;
        let mut file = Tensors {
            metadata: self.about.clone(),
            tensors: BTreeMap::new(),
        };
        for (name, numbers) in &self.parameters {
            file.tensors
                .insert(format!("{CHECKPOINT}{name}"), numbers.clone());
        }
        for (name, values) in &self.memory.tensors {
            file.tensors.insert(
                format!("optimiser.{name}"),
                (vec![values.len()], values.clone()),
            );
        }
        file.metadata.insert("state".into(), state);
        file.seal();
        Ok(file)
    }

    /// Reads and verifies one checkpoint.
    ///
    /// # Errors
    /// [`Error::Input`] for a damaged file, one of another version, and what [`read_tensors`] refuses.
    pub fn load(path: &Path) -> Result<Self> {
        Self::of(read_tensors(path)?, path)
    }

    /// The same of what [`Checkpoint::to_bytes`] gave.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let path = Path::new("checkpoint");
        Self::of(Tensors::parse(bytes, path)?, path)
    }

    /// The checkpoint in a file that was read already.
    pub(super) fn of(file: Tensors, path: &Path) -> Result<Self> {
        let find = |key: &str| {
            let text = file.metadata.get(key);
            text.ok_or_else(|| damaged(path, "not a checkpoint of a run"))
        };
        let state = find("state")?;
        find(CHECKSUM)?;
        let state: State =
            serde_json::from_str(state).map_err(|e| damaged(path, &format!("damaged: {e}")))?;
        if state.version != VERSION {
            let what = format!(
                "of version {}, and this program reads {VERSION}",
                state.version
            );
            return Err(damaged(path, &what));
        }
        let (mut parameters, mut moments) = (BTreeMap::new(), BTreeMap::new());
        for (name, numbers) in file.tensors {
            if let Some(name) = name.strip_prefix(CHECKPOINT) {
                parameters.insert(name.to_string(), numbers);
            } else if let Some(name) = name.strip_prefix("optimiser.") {
                moments.insert(name.to_string(), numbers.1);
            }
        }
        let memory = OptimiserState {
            tensors: moments,
            counters: state.counters,
        };
        let mut about = file.metadata;
        about.retain(|key, _| key != "state" && key != CHECKSUM);
        Ok(Checkpoint {
            position: state.position,
            about,
            parameters,
            memory,
        })
    }

    /// The newest checkpoint that is whole; damaged newer ones are told through `warn`.
    ///
    /// # Errors
    /// [`Error::Input`] where none is whole.
    pub fn newest(folder: &Path, warn: &mut dyn FnMut(&Error)) -> Result<Self> {
        Ok(Self::newest_with_path(folder, warn)?.1)
    }

    /// The same, with its path.
    pub(super) fn newest_with_path(
        folder: &Path,
        warn: &mut dyn FnMut(&Error),
    ) -> Result<(PathBuf, Self)> {
        Self::newest_of(folder, |_| true, warn)?
            .ok_or_else(|| Error::input(Place::file(folder), "no whole checkpoint", "train anew"))
    }

    /// The newest whole checkpoint of the paths that `wanted` takes, with its path; none where there is none.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be read.
    pub fn newest_of(
        folder: &Path,
        wanted: impl Fn(&Path) -> bool,
        warn: &mut dyn FnMut(&Error),
    ) -> Result<Option<(PathBuf, Self)>> {
        for path in list(folder)?.into_iter().rev() {
            if !wanted(&path) {
                continue;
            }
            match Self::load(&path) {
                Ok(checkpoint) => return Ok(Some((path, checkpoint))),
                Err(error) => warn(&error),
            }
        }
        Ok(None)
    }

    /// The model, without what the run needs to go on.
    ///
    /// # Errors
    /// [`Error::Input`], at `path`, for a model that cannot be built.
    pub fn weights(self, path: &Path) -> Result<Weights> {
        let file = Tensors {
            metadata: self.about,
            tensors: self.parameters,
        };
        Weights::of(file, path)
    }
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::input(Place::file(path), what, "use another checkpoint")
}
