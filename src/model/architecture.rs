//! The model's architecture: one list of its layers with their names and sizes.
//!
//! Initialisation, the forward pass, dropout, parameter names and shapes, the memory estimate, the choice of kernel plans
//! and the benchmarks all read this list.

use crate::lstm::Dims;
use crate::settings::{Fusion, Model, Spatial, Temporal};
use crate::skeleton::Layout;

/// Windows into which the spatial stream divides the T frames (Wang & Wang 2017, section 3.3).
pub const WINDOWS: usize = 4;

/// LSTM layers in a stack (Wang & Wang 2017).
const STACKED_LAYERS: usize = 2;

/// Prefixes of the linear layers whose sizes depend on the number of classes: the two readouts, then the fusion gates.
const CLASSIFIER: [&str; 4] = [
    "temporal.fc",
    "spatial.fc",
    "fusion.temporal_gate",
    "fusion.spatial_gate",
];

/// Whether a parameter's shape depends on the number of classes.
pub fn is_classifier_parameter(name: &str) -> bool {
    let of = |prefix: &&str| {
        let rest = name.strip_prefix(*prefix);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    CLASSIFIER.iter().any(of)
}

/// The model's layers, and the settings and sizes that they follow from.
#[derive(Debug, Clone)]
pub struct Architecture {
    /// The model's settings, every derived number filled in.
    pub model: Model,
    /// Joints, body parts and joint orders.
    pub layout: Layout,
    /// T, frames of an input.
    pub frames: usize,
    /// C, numbers per joint and frame.
    pub channels: usize,
    /// K, classes.
    pub classes: usize,
    /// The stream over frames.
    pub temporal: StreamDescription,
    /// The stream over joints.
    pub spatial: StreamDescription,
    /// The fusion's temporal and spatial gate [1, 2K]; none unless the fusion is learnt.
    pub gates: Vec<LinearDescription>,
}

/// The layers of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamDescription {
    /// LSTM layers, from the input up.
    pub layers: Vec<LayerDescription>,
    /// The linear layer that gives the class scores.
    pub readout: LinearDescription,
    /// Key of the dropout masks between the last LSTM layer and the readout.
    pub readout_dropout_key: u64,
    /// Rows per sample: the spatial stream has one per window.
    pub rows_per_sample: usize,
}

/// One LSTM layer: one LSTM, or several of the same hidden size that run side by side as one recurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerDescription {
    /// The name in benchmarks: `parts`, `body`, `stacked.0`, `chain.1`, `traversal.0` and so on.
    pub name: String,
    /// The LSTMs; all but the body parts' layer have one.
    pub lstms: Vec<LstmDescription>,
    /// H, hidden units of a direction.
    pub hidden: usize,
    /// Forward and reverse, or forward alone.
    pub bidirectional: bool,
    /// Whether the gates see the cell state.
    pub peephole: bool,
    /// Time steps.
    pub steps: usize,
    /// Rows per sample.
    pub rows_per_sample: usize,
    /// Key of the layer's recurrent dropout masks, different for every layer of the model.
    pub dropout_key: u64,
}

/// One LSTM of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LstmDescription {
    /// Prefix of its parameters' names, such as `temporal.lstm`.
    pub prefix: String,
    /// Number in its stack, the `0` of `weight_ih_l0`.
    pub number: usize,
    /// I, numbers per input step.
    pub inputs: usize,
}

/// One linear layer, weight \[outputs, inputs\] and bias \[outputs\].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinearDescription {
    /// Prefix of its parameters' names, such as `temporal.fc`.
    pub prefix: &'static str,
    /// F, numbers per input.
    pub inputs: usize,
    /// Numbers per output.
    pub outputs: usize,
}

/// Where dropout is applied. Every place has its own key, so that no two layers share masks.
#[derive(Clone, Copy)]
enum DropoutPlace {
    /// Before a stream's readout.
    Readout(Stream),
    /// In the recurrence of the body parts.
    Parts,
    /// In the recurrence of a layer of the stream's stack; the body layer is the temporal stack's first.
    Stack(Stream, usize),
}

#[derive(Clone, Copy)]
enum Stream {
    Temporal = 0,
    Spatial = 1,
}

impl DropoutPlace {
    /// The key. Runs of earlier versions resume with the same masks: the numbers 0 to 6 are fixed.
    fn key(self) -> u64 {
        match self {
            DropoutPlace::Readout(stream) => stream as u64,
            DropoutPlace::Parts => 2,
            // Stack by stack for the first two layers; from the third on, the streams take turns.
            DropoutPlace::Stack(stream, number) if number < 2 => {
                3 + 2 * stream as u64 + number as u64
            }
            DropoutPlace::Stack(stream, number) => 3 + 2 * number as u64 + stream as u64,
        }
    }
}

/// What the layers of a stack have in common.
struct Stack {
    prefix: &'static str,
    /// The layers' name in benchmarks; the number of a layer is added where there are several.
    name: &'static str,
    stream: Stream,
    steps: usize,
    rows_per_sample: usize,
}

impl Architecture {
    /// Describes the model of these settings for inputs of T `frames` with C `channels` per joint, and K `classes`.
    pub fn new(
        model: &Model,
        layout: &Layout,
        [frames, channels]: [usize; 2],
        classes: usize,
    ) -> Self {
        Self::with_depth(model, layout, [frames, channels], classes, STACKED_LAYERS)
    }

    /// The same with `depth` layers in each stack.
    pub(super) fn with_depth(
        model: &Model,
        layout: &Layout,
        [frames, channels]: [usize; 2],
        classes: usize,
        depth: usize,
    ) -> Self {
        let directions = if model.bidirectional { 2 } else { 1 };
        let features = directions * model.hidden;
        let readout = |prefix| LinearDescription {
            prefix,
            inputs: features,
            outputs: classes,
        };
        let gate = |prefix| LinearDescription {
            prefix,
            inputs: 2 * classes,
            outputs: 1,
        };
        let [temporal_fc, spatial_fc, temporal_gate, spatial_gate] = CLASSIFIER;
        Architecture {
            model: model.clone(),
            layout: layout.clone(),
            frames,
            channels,
            classes,
            temporal: StreamDescription {
                layers: temporal_layers(model, layout, [frames, channels], depth),
                readout: readout(temporal_fc),
                readout_dropout_key: DropoutPlace::Readout(Stream::Temporal).key(),
                rows_per_sample: 1,
            },
            spatial: StreamDescription {
                layers: spatial_layers(model, layout, [frames, channels], depth),
                readout: readout(spatial_fc),
                readout_dropout_key: DropoutPlace::Readout(Stream::Spatial).key(),
                rows_per_sample: WINDOWS,
            },
            gates: match model.fusion {
                Fusion::Gated => vec![gate(temporal_gate), gate(spatial_gate)],
                Fusion::Weighted => Vec::new(),
            },
        }
    }

    /// Every LSTM layer, the temporal stream's first.
    pub fn layers(&self) -> impl Iterator<Item = &LayerDescription> {
        self.temporal.layers.iter().chain(&self.spatial.layers)
    }

    /// Every linear layer.
    pub fn linear_layers(&self) -> impl Iterator<Item = &LinearDescription> {
        [&self.temporal.readout, &self.spatial.readout]
            .into_iter()
            .chain(&self.gates)
    }

    /// One recurrence per hidden size, for `samples` samples: what kernel plans are measured with.
    ///
    /// Among layers of one size the last of the temporal stream stands for all, whose plans hardly differ.
    pub fn recurrences(&self, samples: usize) -> Vec<Dims> {
        let mut all: Vec<Dims> = Vec::new();
        let same = |all: &[Dims], hidden| all.iter().position(|dims| dims.hidden == hidden);
        for layer in &self.temporal.layers {
            let dims = layer.dims(samples);
            match same(&all, dims.hidden) {
                Some(place) => all[place] = dims,
                None => all.push(dims),
            }
        }
        for layer in &self.spatial.layers {
            if same(&all, layer.hidden).is_none() {
                all.push(layer.dims(samples));
            }
        }
        all
    }

    /// The order in which the spatial stream visits the joints.
    pub fn joint_order(&self) -> &[usize] {
        joint_order(&self.model, &self.layout)
    }
}

impl LayerDescription {
    /// 1 or 2.
    pub fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// G, recurrences that run side by side: the directions of all LSTMs.
    pub fn groups(&self) -> usize {
        self.lstms.len() * self.directions()
    }

    /// Numbers per input step, of all LSTMs.
    pub fn inputs(&self) -> usize {
        self.lstms.iter().map(|lstm| lstm.inputs).sum()
    }

    /// Numbers per output step, of all LSTMs.
    pub fn outputs(&self) -> usize {
        self.groups() * self.hidden
    }

    /// The recurrence's sizes for `samples` samples.
    pub fn dims(&self, samples: usize) -> Dims {
        Dims {
            steps: self.steps,
            batch: samples * self.rows_per_sample,
            groups: self.groups(),
            hidden: self.hidden,
        }
    }
}

fn joint_order<'a>(model: &Model, layout: &'a Layout) -> &'a [usize] {
    match model.spatial {
        Spatial::Chain => &layout.chain,
        Spatial::Traversal => &layout.traversal,
    }
}

fn temporal_layers(
    model: &Model,
    layout: &Layout,
    [frames, channels]: [usize; 2],
    depth: usize,
) -> Vec<LayerDescription> {
    let stream = Stream::Temporal;
    let inputs = layout.parts.iter().map(|part| part.joints.len() * channels);
    match model.temporal {
        Temporal::Stacked => {
            let stack = Stack {
                prefix: "temporal.lstm",
                name: "stacked",
                stream,
                steps: frames,
                rows_per_sample: 1,
            };
            stack.layers(model, inputs.sum(), depth)
        }
        Temporal::Hierarchical => {
            let part = |(number, inputs)| LstmDescription {
                prefix: format!("temporal.parts.{number}"),
                number: 0,
                inputs,
            };
            let parts = LayerDescription {
                name: "parts".into(),
                lstms: inputs.enumerate().map(part).collect(),
                hidden: model.part_hidden,
                bidirectional: model.bidirectional,
                peephole: model.peephole,
                steps: frames,
                rows_per_sample: 1,
                dropout_key: DropoutPlace::Parts.key(),
            };
            let stack = Stack {
                prefix: "temporal.body",
                name: "body",
                stream,
                steps: frames,
                rows_per_sample: 1,
            };
            let body = stack.layers(model, parts.outputs(), 1);
            std::iter::once(parts).chain(body).collect()
        }
    }
}

fn spatial_layers(
    model: &Model,
    layout: &Layout,
    [frames, channels]: [usize; 2],
    depth: usize,
) -> Vec<LayerDescription> {
    let stack = Stack {
        prefix: "spatial.lstm",
        name: match model.spatial {
            Spatial::Chain => "chain",
            Spatial::Traversal => "traversal",
        },
        stream: Stream::Spatial,
        steps: joint_order(model, layout).len(),
        rows_per_sample: WINDOWS,
    };
    stack.layers(model, frames / WINDOWS * channels, depth)
}

impl Stack {
    /// `depth` layers; the first reads `inputs` numbers per step.
    fn layers(&self, model: &Model, inputs: usize, depth: usize) -> Vec<LayerDescription> {
        let mut inputs = inputs;
        let mut layers = Vec::with_capacity(depth);
        for number in 0..depth {
            let lstm = LstmDescription {
                prefix: self.prefix.into(),
                number,
                inputs,
            };
            let layer = LayerDescription {
                name: match depth {
                    1 => self.name.into(),
                    _ => format!("{}.{number}", self.name),
                },
                lstms: vec![lstm],
                hidden: model.hidden,
                bidirectional: model.bidirectional,
                peephole: model.peephole,
                steps: self.steps,
                rows_per_sample: self.rows_per_sample,
                dropout_key: DropoutPlace::Stack(self.stream, number).key(),
            };
            inputs = layer.outputs();
            layers.push(layer);
        }
        layers
    }
}

#[cfg(test)]
mod tests;
