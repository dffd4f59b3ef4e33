//! Checkpoints: everything that a run needs to go on, in one safetensors file that is whole or not there.

use super::optimiser::Memory;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::model::Numbers;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// Version of the file; another one is refused.
const VERSION: u32 = 1;

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Optimisation steps done.
    pub step: usize,
    /// The epoch in progress, from 0.
    pub epoch: usize,
    /// Steps done of that epoch.
    pub step_in_epoch: usize,
    /// Sums over the steps done of that epoch: loss times samples, right answers, samples.
    pub sums: (f64, usize, usize),
    /// The best validation accuracy so far and its epoch.
    pub best: Option<(f64, usize)>,
}

/// A run's whole state.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the run stands.
    pub position: Position,
    /// The model's parameters by name.
    pub parameters: BTreeMap<String, Numbers>,
    /// What the optimiser remembers.
    pub memory: Memory,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    position: Position,
    counters: BTreeMap<String, u64>,
}

/// The name of the checkpoint after `step` steps.
fn file_name(step: usize) -> String {
    format!("step-{step:09}.safetensors")
}

/// The checkpoints of a folder, oldest first.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, "read", e))? {
        let path = entry.map_err(|e| Error::io(folder, "read", e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("step-") && name.ends_with(".safetensors") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

impl Checkpoint {
    /// Writes the checkpoint into `folder` and removes all but the newest `keep`.
    ///
    /// # Errors
    /// [`Error::Io`]; the checkpoints that were there are still there then.
    pub fn save(&self, folder: &Path, keep: usize) -> Result<PathBuf> {
        let mut owned: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (name, (shape, values)) in &self.parameters {
            owned.push((format!("model.{name}"), shape.clone(), bytes_of(values)));
        }
        for (name, values) in &self.memory.tensors {
            owned.push((format!("optimiser.{name}"), vec![values.len()], bytes_of(values)));
        }
        owned.sort_by(|a, b| a.0.cmp(&b.0));
        let header = Header {
            version: VERSION,
            position: self.position.clone(),
            counters: self.memory.counters.clone(),
        };
        let header = serde_json::to_string(&header).map_err(|e| damaged(folder, e.to_string()))?;
        let sum = checksum(&header, owned.iter().map(|(n, _, b)| (n.as_str(), b.as_slice())));
        // One JSON value: two keys of the metadata would stand in no fixed order.
        let text = serde_json::json!({ "state": header, "checksum": sum }).to_string();
        let metadata = HashMap::from([("sinew".to_string(), text)]);
        let views = owned
            .iter()
            .map(|(name, shape, bytes)| {
                let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
                view.map(|view| (name.clone(), view))
            })
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|e| damaged(folder, e.to_string()))?;
        let bytes = safetensors::serialize(views, Some(metadata))
            .map_err(|e| damaged(folder, e.to_string()))?;
        let path = folder.join(file_name(self.position.step));
        files::write(&path, &bytes)?;
        let all = list(folder)?;
        for old in &all[..all.len().saturating_sub(keep)] {
            std::fs::remove_file(old).map_err(|e| Error::io(old, "remove", e))?;
        }
        Ok(path)
    }

    /// Reads and verifies one checkpoint.
    ///
    /// # Errors
    /// [`Error::Input`] for a damaged file or one of another version.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
        let wrong = |what: String| damaged(path, what);
        let (_, metadata) =
            SafeTensors::read_metadata(&bytes).map_err(|e| wrong(format!("damaged: {e}")))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| wrong(format!("damaged: {e}")))?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get("sinew"));
        let text = text.ok_or_else(|| wrong("not a checkpoint of a run".into()))?;
        let outer: HashMap<String, String> =
            serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let (Some(header_text), Some(sum)) = (outer.get("state"), outer.get("checksum")) else {
            return Err(wrong("damaged: its state is missing".into()));
        };
        let mut all: Vec<(&str, TensorView<'_>)> = tensors.iter().collect();
        all.sort_by(|a, b| a.0.cmp(b.0));
        if checksum(header_text, all.iter().map(|(n, t)| (*n, t.data()))) != *sum {
            return Err(wrong("damaged: its checksum does not fit".into()));
        }
        let header: Header = serde_json::from_str(header_text).map_err(|e| wrong(e.to_string()))?;
        if header.version != VERSION {
            return Err(wrong(format!("of version {}, and this is {VERSION}", header.version)));
        }
        let (mut parameters, mut moments) = (BTreeMap::new(), BTreeMap::new());
        for (name, tensor) in all {
            let values = numbers_of(tensor.data());
            if let Some(name) = name.strip_prefix("model.") {
                parameters.insert(name.to_string(), (tensor.shape().to_vec(), values));
            } else if let Some(name) = name.strip_prefix("optimiser.") {
                moments.insert(name.to_string(), values);
            }
        }
        let memory = Memory { tensors: moments, counters: header.counters };
        Ok(Checkpoint { position: header.position, parameters, memory })
    }

    /// The newest checkpoint that is whole; the damaged ones before it are told through `warn`.
    ///
    /// # Errors
    /// [`Error::Input`] where none is whole.
    pub fn newest(folder: &Path, warn: &mut dyn FnMut(&Error)) -> Result<Self> {
        for path in list(folder)?.iter().rev() {
            match Self::load(path) {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(error) => warn(&error),
            }
        }
        Err(Error::input(Place::file(folder), "no whole checkpoint", "start the run anew"))
    }
}

fn damaged(path: &Path, what: String) -> Error {
    Error::input(Place::file(path), what, "use another checkpoint")
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Little-endian float32 numbers.
pub(crate) fn numbers_of(bytes: &[u8]) -> Vec<f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

fn checksum<'a>(header: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Xxh3::new();
    hash.update(header.as_bytes());
    for (name, bytes) in tensors {
        hash.update(name.as_bytes());
        hash.update(bytes);
    }
    format!("{:016x}", hash.digest())
}
