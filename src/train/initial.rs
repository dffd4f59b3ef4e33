//! The weights of a file as the first ones of a new run.

use super::checkpoint::Checkpoint;
use super::shape::architecture;
use super::step::Trainee;
use super::weights::weights_of;
use crate::error::{Error, Place, Result};
use crate::files::Numbers;
use crate::model::{WINDOWS, is_classifier_parameter, parameter_values};
use crate::settings::{ResolvedSettings, SHAPE_KEYS, Spatial, Temporal};
use crate::shards::Manifest;
use crate::weights::{Weights, class_difference, layout_difference};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What to do with the classifier of the weights that a run starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Head {
    /// It is kept: the run has the classes of the weights, in their order.
    #[default]
    Kept,
    /// It is replaced by one for the run's own classes, drawn from the seed.
    New,
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "kept" => Ok(Head::Kept),
            "new" => Ok(Head::New),
            _ => Err("expected kept or new".into()),
        }
    }
}

/// Weights that a run starts from.
#[derive(Debug, Clone)]
pub struct InitialWeights {
    path: PathBuf,
    weights: Weights,
    head: Head,
}

impl InitialWeights {
    /// Reads a weights file, or the best weights of a run's folder.
    ///
    /// # Errors
    /// As [`weights_of`].
    pub fn read(path: &Path, head: Head) -> Result<Self> {
        Ok(InitialWeights {
            weights: weights_of(path)?,
            path: path.to_path_buf(),
            head,
        })
    }

    /// Refuses weights of another model, of another skeleton, or of other classes than a run with these settings has on
    /// these data. With a new head the classes may be others.
    ///
    /// # Errors
    /// [`Error::Input`] that says what differs, and with which settings the weights fit.
    pub fn check(&self, settings: &ResolvedSettings, manifest: &Manifest) -> Result<()> {
        let place = || Place::file(&self.path);
        let theirs = &self.weights.settings;
        let (mut clauses, mut sets) = (Vec::new(), Vec::new());
        for key in SHAPE_KEYS {
            let (here, there) = (settings.value(key)?, theirs.value(key)?);
            if here != there && self.matters(key, settings) {
                clauses.push(format!(
                    "{key} is {there} in the weights and {here} in these settings"
                ));
                sets.push(format!("--set {key}={there}"));
            }
        }
        if !clauses.is_empty() {
            let what = format!("the weights do not fit this model: {}", clauses.join("; "));
            let help = format!("start the run with {}", sets.join(" "));
            return Err(Error::input(place(), what, help));
        }
        if let Some(what) = layout_difference(&manifest.layout, &self.weights.layout) {
            let help = "start from weights of the same skeleton, or train without --init";
            return Err(Error::input(place(), what, help));
        }
        let (here, there) = (
            architecture(settings, manifest).layout,
            &self.weights.layout,
        );
        let order = match settings.model.spatial {
            Spatial::Chain => ("chain", here.chain != there.chain),
            Spatial::Traversal => ("traversal", here.traversal != there.traversal),
        };
        let parts = |layout: &crate::skeleton::Layout| -> Vec<Vec<usize>> {
            layout
                .parts
                .iter()
                .map(|part| part.joints.clone())
                .collect()
        };
        for (key, differs) in [("parts", parts(&here) != parts(there)), order] {
            if differs {
                let what = format!("the layout's {key} differs between the data and the weights");
                let (here, there) = (settings.model.chain_joints, theirs.model.chain_joints);
                let help = match key {
                    "chain" if here != there => {
                        format!(
                            "start the run with --set model.chain_joints={}",
                            there.name()
                        )
                    }
                    _ => format!("copy {key} from the layout of the weights, and prepare again"),
                };
                return Err(Error::input(place(), what, help));
            }
        }
        if self.head == Head::New {
            return Ok(());
        }
        match class_difference(&manifest.classes, &self.weights.classes) {
            None => Ok(()),
            Some(what) => {
                let help = "give the data the classes of the weights in their order (classes.txt), or replace the \
                            classifier with --init-head new";
                Err(Error::input(place(), what, help))
            }
        }
    }

    /// Whether a setting that differs gives another model or other inputs.
    fn matters(&self, key: &str, settings: &ResolvedSettings) -> bool {
        match key {
            // The two chains are compared below, as the models use them.
            "model.chain_joints" => false,
            "model.part_hidden" => settings.model.temporal == Temporal::Hierarchical,
            // Of the model the spatial stream alone depends on T, through the length of its windows.
            "data.frames" => {
                settings.data.frames / WINDOWS != self.weights.settings.data.frames / WINDOWS
            }
            // The gates go with the classifier.
            "model.fusion" => self.head == Head::Kept,
            _ => true,
        }
    }

    /// Gives a model these weights; with a new head it keeps its own classifier and gates.
    pub(super) fn load_into(&self, trainee: &mut Trainee) -> Result<()> {
        let mut parameters: BTreeMap<String, Numbers> = self.weights.parameters.clone();
        if self.head == Head::New {
            parameters.retain(|name, _| !is_classifier_parameter(name));
            let own = parameter_values(&trainee.model)?.into_iter();
            parameters.extend(own.filter(|(name, _)| is_classifier_parameter(name)));
        }
        trainee.load(&parameters)
    }
}

/// Refuses to go on from a checkpoint with data of another skeleton or of other classes, which `--allow run.checksum` would
/// let through.
///
/// # Errors
/// [`Error::Input`] at the folder of the data, with the first difference.
pub(super) fn check_resumed(
    checkpoint: &Checkpoint,
    manifest: &Manifest,
    data: &Path,
) -> Result<()> {
    let about = &checkpoint.about;
    let layout = about
        .get("layout")
        .and_then(|text| serde_json::from_str(text).ok());
    let classes: Option<Vec<String>> = about
        .get("classes")
        .and_then(|text| serde_json::from_str(text).ok());
    let differs = layout
        .and_then(|layout| layout_difference(&manifest.layout, &layout))
        .or_else(|| class_difference(&manifest.classes, &classes?));
    match differs {
        None => Ok(()),
        Some(what) => {
            let help =
                "resume with the data that the run was trained on, or start a new run with --init";
            Err(Error::input(Place::file(data), what, help))
        }
    }
}
