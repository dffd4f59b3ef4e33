//! Weights for the world: PyTorch's names, shapes and gate order, with all that is needed to build the model again.

mod compatibility;

pub(crate) use compatibility::{class_difference, layout_difference};

use crate::error::{Error, Place, Result};
use crate::files::{Numbers, Tensors};
use crate::loader::features;
use crate::model::{Shape, TwoStream, assign};
use crate::recipe::{self, Recipe};
use crate::skeleton::Layout;
use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// What stands before a parameter's name in a checkpoint, which holds the optimiser's memory too.
pub const CHECKPOINT: &str = "model.";

/// How long the clips were that a model was trained on, in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// Their median, the lower of two in the middle.
    pub median: usize,
    /// That of the longest.
    pub longest: usize,
}

impl Lengths {
    /// Of clips of so many frames; none of no clips.
    pub fn of(frames: impl IntoIterator<Item = usize>) -> Option<Self> {
        let mut all: Vec<usize> = frames.into_iter().collect();
        all.sort_unstable();
        Some(Lengths {
            median: *all.get(all.len().checked_sub(1)? / 2)?,
            longest: *all.last()?,
        })
    }
}

/// A trained model as it stands in a file.
#[derive(Debug, Clone)]
pub struct Weights {
    /// Parameters by PyTorch's names.
    pub parameters: BTreeMap<String, Numbers>,
    /// The skeleton's layout.
    pub layout: Layout,
    /// Class names by index.
    pub classes: Vec<String>,
    /// The settings that the model was trained with, every derived number filled in.
    pub recipe: Recipe,
    /// C, numbers a joint and frame.
    pub channels: usize,
    /// Lengths of the training clips; a file of an earlier version does not say them.
    pub lengths: Option<Lengths>,
    /// The epoch after which these were the best weights, from 1; a checkpoint does not say it.
    pub epoch: Option<usize>,
}

impl Weights {
    /// Writes the file.
    ///
    /// # Errors
    /// [`Error::Io`]; a file that was there is then unchanged.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut file = Tensors {
            metadata: self.metadata()?,
            tensors: self.parameters.clone(),
        };
        file.seal();
        file.write(path)
    }

    /// All but the parameters, as text by key.
    ///
    /// # Errors
    /// [`Error::Failed`] where it cannot be written as JSON.
    pub fn metadata(&self) -> Result<BTreeMap<String, String>> {
        let text = |value: serde_json::Result<String>| {
            value.map_err(|e| Error::failed(e.to_string(), "report this defect"))
        };
        let metadata = [
            ("layout", text(serde_json::to_string(&self.layout))?),
            ("classes", text(serde_json::to_string(&self.classes))?),
            ("recipe", text(serde_json::to_string(&self.recipe))?),
            ("frames", self.recipe.data.frames.to_string()),
            ("channels", self.channels.to_string()),
        ];
        let mut metadata: BTreeMap<String, String> = metadata
            .into_iter()
            .map(|(key, value)| (key.to_string(), value))
            .collect();
        if let Some(lengths) = &self.lengths {
            let lengths = text(serde_json::to_string(lengths))?;
            metadata.insert("lengths".into(), lengths);
        }
        if let Some(epoch) = self.epoch {
            metadata.insert("epoch".into(), epoch.to_string());
        }
        Ok(metadata)
    }

    /// Reads a file that [`Weights::write`] wrote, one that PyTorch saved with the same metadata
    /// (less its checksum, when the numbers are others), or a checkpoint.
    ///
    /// # Errors
    /// [`Error::Input`] for a damaged file, or one without the model's description.
    pub fn read(path: &Path) -> Result<Self> {
        Self::of(Tensors::read(path)?, path)
    }

    /// The same of a file that was read already.
    ///
    /// # Errors
    /// As [`Weights::read`].
    pub fn of(mut file: Tensors, path: &Path) -> Result<Self> {
        if file.tensors.keys().any(|name| name.starts_with(CHECKPOINT)) {
            let parameters = file.tensors.into_iter().filter_map(|(name, numbers)| {
                Some((name.strip_prefix(CHECKPOINT)?.to_string(), numbers))
            });
            file.tensors = parameters.collect();
        }
        let weights = Weights {
            layout: part(&file, path, "layout")?,
            classes: part(&file, path, "classes")?,
            recipe: part(&file, path, "recipe")?,
            channels: part(&file, path, "channels")?,
            lengths: match file.metadata.contains_key("lengths") {
                true => Some(part(&file, path, "lengths")?),
                false => None,
            },
            epoch: match file.metadata.contains_key("epoch") {
                true => Some(part(&file, path, "epoch")?),
                false => None,
            },
            parameters: file.tensors,
        };
        weights.check(path)?;
        Ok(weights)
    }

    /// Refuses a description that no model can be built from.
    fn check(&self, path: &Path) -> Result<()> {
        let wrong = |what: String| {
            let help = "use a file that `sinew export` or a run wrote";
            Error::input(Place::file(path), what, help)
        };
        self.layout
            .check()
            .map_err(|(key, what)| wrong(format!("its layout's {key}: {what}")))?;
        recipe::check(&self.recipe).map_err(|e| wrong(format!("its recipe: {e}")))?;
        let channels = features::channels(&self.recipe.data);
        if self.classes.is_empty() || self.recipe.data.frames == 0 || self.channels != channels {
            let what = format!(
                "{} classes, {} frames and {} channels, which should be {channels}, make no model",
                self.classes.len(),
                self.recipe.data.frames,
                self.channels
            );
            return Err(wrong(what));
        }
        Ok(())
    }

    /// The model's sizes and wiring.
    pub fn shape(&self) -> Shape {
        Shape {
            model: self.recipe.model.clone(),
            layout: self.layout.clone(),
            frames: self.recipe.data.frames,
            channels: self.channels,
            classes: self.classes.len(),
        }
    }

    /// The model with these weights on a device.
    ///
    /// # Errors
    /// [`Error::Setting`] where a parameter is missing or of another shape.
    pub fn model(&self, device: &Device) -> Result<TwoStream> {
        assign(TwoStream::init(&self.shape(), 0, device), &self.parameters)
    }
}

fn part<T: DeserializeOwned>(file: &Tensors, path: &Path, key: &str) -> Result<T> {
    let help = "use a file that `sinew export` or a run wrote";
    let text = file.metadata.get(key).ok_or_else(|| {
        Error::input(
            Place::file(path),
            format!("its metadata has no {key}"),
            help,
        )
    })?;
    serde_json::from_str(text).map_err(|e| {
        Error::input(
            Place::file(path),
            format!("its metadata's {key} is damaged: {e}"),
            help,
        )
    })
}
