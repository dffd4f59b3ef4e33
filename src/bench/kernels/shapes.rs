//! The layers that are measured: named lists, the same for `scripts/bench_torch.py`, or one of the user's.

use crate::error::{Error, Result};
use crate::model::{Architecture, LayerDescription};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Layers of the same hidden size side by side, each with its own input and one or two directions; zero initial state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Which layer of the model it is; `one` for the user's.
    pub layer: String,
    /// B, rows of the LSTM. The spatial stream has four for each clip.
    pub batch: usize,
    /// T, time steps.
    pub steps: usize,
    /// I, numbers of an input step, of each layer.
    pub inputs: Vec<usize>,
    /// 1, or 2 for both.
    pub directions: usize,
    /// H, hidden units of a layer's direction.
    pub hidden: usize,
}

impl Shape {
    /// One layer. An even number of groups are layers of two directions, an odd one layers of one direction.
    ///
    /// # Errors
    /// [`Error::Usage`] for a size of 0.
    pub fn one(
        batch: usize,
        steps: usize,
        input: usize,
        hidden: usize,
        groups: usize,
    ) -> Result<Self> {
        if [batch, steps, input, hidden, groups].contains(&0) {
            let what = "a layer of size 0 does nothing";
            return Err(Error::usage(what, "give at least 1 for each size"));
        }
        let directions = if groups.is_multiple_of(2) { 2 } else { 1 };
        Ok(Shape {
            layer: "one".into(),
            batch,
            steps,
            inputs: vec![input; groups / directions],
            directions,
            hidden,
        })
    }

    /// G, independent recurrences side by side.
    pub fn groups(&self) -> usize {
        self.inputs.len() * self.directions
    }

    /// Numbers of an input step, the mean over the layers: that of the model's five body parts is 15.
    pub fn input(&self) -> usize {
        self.inputs.iter().sum::<usize>() / self.inputs.len()
    }
}

/// The LSTM layers of a model, for `clips` clips.
pub fn of_architecture(architecture: &Architecture, clips: usize) -> Vec<Shape> {
    let shape = |layer: &LayerDescription| Shape {
        layer: layer.name.clone(),
        batch: clips * layer.rows_per_sample,
        steps: layer.steps,
        inputs: layer.lstms.iter().map(|lstm| lstm.inputs).collect(),
        directions: layer.directions(),
        hidden: layer.hidden,
    };
    architecture.layers().map(shape).collect()
}

/// One entry of the lists: a layer at some batch sizes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    layer: String,
    batch: Vec<usize>,
    steps: usize,
    inputs: Vec<usize>,
    directions: usize,
    hidden: usize,
}

/// The names that `--shapes` takes.
pub const NAMES: [&str; 3] = ["model", "flashrnn", "small"];

/// The layers of a named list, the most telling first.
///
/// `model`: every layer of the `reference` preset's variants on NTU's skeletons. The parts and the layers over frames
/// have a row a clip, the spatial ones (`chain`, `traversal`) four; `chain25` is the paper's chain, each joint once.
/// `flashrnn`: the layer that FlashRNN reports. `small`: what software Vulkan bears in a few minutes.
///
/// # Errors
/// [`Error::Usage`] for a name that is none of [`NAMES`].
pub fn named(name: &str) -> Result<Vec<Shape>> {
    let text = include_str!("../../../assets/bench_shapes.json");
    let mut lists: BTreeMap<String, Vec<Entry>> = serde_json::from_str(text)
        .map_err(|e| Error::failed(format!("the lists are damaged: {e}"), "report this defect"))?;
    let Some(list) = lists.remove(name) else {
        let what = format!("there is no list of shapes {name:?}");
        return Err(Error::usage(what, format!("choose {}", NAMES.join(", "))));
    };
    // The first batch size of every layer comes first, so that a run that is cut short has seen them all.
    let most = list.iter().map(|entry| entry.batch.len()).max();
    let rounds = (0..most.unwrap_or(0)).flat_map(|round| list.iter().map(move |e| (round, e)));
    Ok(rounds
        .filter_map(|(round, entry)| {
            Some(Shape {
                layer: entry.layer.clone(),
                batch: *entry.batch.get(round)?,
                steps: entry.steps,
                inputs: entry.inputs.clone(),
                directions: entry.directions,
                hidden: entry.hidden,
            })
        })
        .collect())
}
