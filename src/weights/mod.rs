//! Weights files: parameters with PyTorch's names, shapes and gate order, and what is needed to build the model again.

mod compatibility;

pub(crate) use compatibility::{class_difference, layout_difference};

use crate::error::{Error, Place, Result};
use crate::files::{Header, Numbers, TensorFile, TensorInfo, Tensors};
use crate::limits::CLASSES;
use crate::loader::features;
use crate::model::{Architecture, TwoStream, load_parameters, shape_differences};
use crate::settings::{ResolvedSettings, check_ranges};
use crate::skeleton::Layout;
use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The prefix of parameters in a checkpoint, which also holds the optimiser's state.
pub(crate) const CHECKPOINT: &str = "model.";

/// Lengths of the training clips, in frames.
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

/// A trained model as stored in a file.
#[derive(Debug, Clone)]
pub struct Weights {
    /// Parameters by PyTorch's names.
    pub parameters: BTreeMap<String, Numbers>,
    /// The skeleton's layout.
    pub layout: Layout,
    /// Class names by index.
    pub classes: Vec<String>,
    /// The settings that the model was trained with.
    pub settings: ResolvedSettings,
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
            // The key of the file format; its value is the resolved settings.
            ("recipe", text(serde_json::to_string(&self.settings))?),
            ("frames", self.settings.data.frames.to_string()),
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
    /// [`Error::Input`] for a damaged file or one of another kind, for tensors that are not those of the model that it
    /// describes, and for a parameter that is NaN or infinite; [`Error::Io`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::of(read_tensors(path)?, path)
    }

    /// The same of a file that was read already.
    ///
    /// # Errors
    /// As [`Weights::read`].
    pub fn of(mut file: Tensors, path: &Path) -> Result<Self> {
        let mut weights = Self::described(&file.metadata, path)?;
        if file.tensors.keys().any(|name| name.starts_with(CHECKPOINT)) {
            let parameters = file.tensors.into_iter().filter_map(|(name, numbers)| {
                Some((name.strip_prefix(CHECKPOINT)?.to_string(), numbers))
            });
            file.tensors = parameters.collect();
        }
        let found = file.tensors.iter();
        weights.fit(
            found.map(|(name, (shape, _))| (&name[..], &shape[..])),
            path,
        )?;
        let finite = |(_, values): &Numbers| values.iter().all(|x| x.is_finite());
        if let Some((name, _)) = file.tensors.iter().find(|(_, numbers)| !finite(numbers)) {
            let what = format!("{name} holds NaN or infinity");
            let help = "use a file from before the training diverged";
            return Err(Error::input(Place::file(path), what, help));
        }
        weights.parameters = file.tensors;
        Ok(weights)
    }

    /// What a file's metadata say of the model, without its parameters.
    fn described(metadata: &BTreeMap<String, String>, path: &Path) -> Result<Self> {
        let optional = |key: &'static str| metadata.contains_key(key).then_some(key);
        let weights = Weights {
            layout: part(metadata, path, "layout")?,
            classes: part(metadata, path, "classes")?,
            settings: part(metadata, path, "recipe")?,
            channels: part(metadata, path, "channels")?,
            lengths: optional("lengths")
                .map(|key| part(metadata, path, key))
                .transpose()?,
            epoch: optional("epoch")
                .map(|key| part(metadata, path, key))
                .transpose()?,
            parameters: BTreeMap::new(),
        };
        weights.check(path)?;
        Ok(weights)
    }

    /// Refuses parameters that are not those of the model that is described.
    fn fit<'a>(
        &self,
        found: impl IntoIterator<Item = (&'a str, &'a [usize])>,
        path: &Path,
    ) -> Result<()> {
        match shape_differences(&self.architecture().parameter_shapes(), found) {
            None => Ok(()),
            Some(differences) => {
                let what = format!(
                    "its tensors are not those of the model that it describes: {differences}"
                );
                Err(Error::input(Place::file(path), what, HELP))
            }
        }
    }

    /// Refuses a description that no model can be built from.
    fn check(&self, path: &Path) -> Result<()> {
        let wrong = |what: String| Error::input(Place::file(path), what, HELP);
        self.layout
            .check()
            .map_err(|(key, what)| wrong(format!("its layout's {key}: {what}")))?;
        check_ranges(&self.settings).map_err(|error| match error {
            Error::Usage { what, .. } => wrong(format!("its settings: {what}")),
            other => other,
        })?;
        let channels = features::channels(&self.settings.data);
        if self.classes.len() > CLASSES {
            let what = format!("{} classes, and {CLASSES} are the most", self.classes.len());
            return Err(wrong(what));
        }
        if self.classes.is_empty() || self.channels != channels {
            let what = format!(
                "{} classes, {} frames and {} channels, which should be {channels}, make no model",
                self.classes.len(),
                self.settings.data.frames,
                self.channels
            );
            return Err(wrong(what));
        }
        Ok(())
    }

    /// The model's layers.
    pub fn architecture(&self) -> Architecture {
        let sizes = [self.settings.data.frames, self.channels];
        Architecture::new(
            &self.settings.model,
            &self.layout,
            sizes,
            self.classes.len(),
        )
    }

    /// The model with these weights on a device.
    ///
    /// # Errors
    /// [`Error::Setting`] where a parameter is missing or of another shape.
    pub fn model(&self, device: &Device) -> Result<TwoStream> {
        let model = TwoStream::init(&self.architecture(), 0, device);
        load_parameters(model, &self.parameters)
    }
}

/// Reads the tensors of a weights file or a checkpoint, once its header shows that they are those of the model that
/// the file describes: what does not fit is refused before it costs memory.
///
/// # Errors
/// [`Error::Input`] for anything but a regular file, for a damaged file or one of another kind, for one without the model's
/// description, and for tensors that are not the model's, named; what the system says.
pub(crate) fn read_tensors(path: &Path) -> Result<Tensors> {
    open_checked(path)?.read()
}

/// The same, without reading the tensors.
///
/// # Errors
/// As [`read_tensors`].
pub(crate) fn open_checked(path: &Path) -> Result<TensorFile> {
    let file = TensorFile::open(path)?;
    let Header { metadata, tensors } = file.header();
    if tensors.is_empty() {
        return Ok(file);
    }
    let weights = Weights::described(metadata, path)?;
    let shapes = tensors
        .iter()
        .map(|(name, info)| (&name[..], &info.shape[..]));
    if tensors.keys().any(|name| name.starts_with(CHECKPOINT)) {
        let of_model =
            shapes.filter_map(|(name, shape)| Some((name.strip_prefix(CHECKPOINT)?, shape)));
        weights.fit(of_model, path)?;
        // An optimiser remembers as many numbers as a parameter has, a few times over.
        let bytes = |info: &TensorInfo| info.bytes.end - info.bytes.start;
        let of_optimiser = tensors
            .iter()
            .filter(|(name, _)| !name.starts_with(CHECKPOINT));
        let remembered: u64 = of_optimiser.map(|(_, info)| bytes(info)).sum();
        let most = MEMORY * 4 * weights.architecture().parameter_count() as u64;
        if remembered > most {
            let what = format!(
                "its optimiser state has {remembered} bytes; a model of this size has at most {most}"
            );
            return Err(Error::input(Place::file(path), what, HELP));
        }
    } else {
        weights.fit(shapes, path)?;
    }
    Ok(file)
}

/// Numbers that an optimiser remembers of each parameter at most.
const MEMORY: u64 = 4;

/// What helps with a file that describes no model.
const HELP: &str = "use a file that `sinew export` or a run wrote";

fn part<T: DeserializeOwned>(
    metadata: &BTreeMap<String, String>,
    path: &Path,
    key: &str,
) -> Result<T> {
    let wrong = |what: String| Error::input(Place::file(path), what, HELP);
    let text = metadata.get(key);
    let text = text.ok_or_else(|| wrong(format!("its metadata has no {key}")))?;
    serde_json::from_str(text).map_err(|e| wrong(format!("its metadata's {key} is damaged: {e}")))
}
