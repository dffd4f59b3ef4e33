//! What a model needs of a device's memory in training, from its sizes alone.

use super::streams::WINDOWS;
use super::two_stream::Shape;
use crate::settings::{Spatial, Temporal};

/// Groups of one LSTM layer that run side by side.
struct Layer {
    /// Steps.
    steps: usize,
    /// Rows of a sample.
    rows: usize,
    /// Directions of all the parts.
    groups: usize,
    /// H, hidden units a group.
    hidden: usize,
    /// Numbers of an input step, of all the parts.
    inputs: usize,
}

impl Layer {
    /// Hidden states of a sample.
    fn states(&self) -> usize {
        self.steps * self.rows * self.groups * self.hidden
    }
}

impl Shape {
    fn layers(&self) -> Vec<Layer> {
        let both = if self.model.bidirectional { 2 } else { 1 };
        let (hidden, wide) = (self.model.hidden, both * self.model.hidden);
        let layer = |steps, rows, inputs| Layer {
            steps,
            rows,
            groups: both,
            hidden,
            inputs,
        };
        let joints: usize = self.layout.parts.iter().map(|p| p.joints.len()).sum();
        let inputs = joints * self.channels;
        let mut layers = match self.model.temporal {
            Temporal::Stacked => vec![layer(self.frames, 1, inputs), layer(self.frames, 1, wide)],
            Temporal::Hierarchical => {
                let groups = both * self.layout.parts.len();
                let part_hidden = self.model.part_hidden;
                let parts = Layer {
                    groups,
                    hidden: part_hidden,
                    ..layer(self.frames, 1, inputs)
                };
                vec![parts, layer(self.frames, 1, groups * part_hidden)]
            }
        };
        let order = match self.model.spatial {
            Spatial::Chain => &self.layout.chain,
            Spatial::Traversal => &self.layout.traversal,
        };
        let window = self.frames / WINDOWS * self.channels;
        layers.push(layer(order.len(), WINDOWS, window));
        layers.push(layer(order.len(), WINDOWS, wide));
        layers
    }

    /// Bytes of the largest matrix of weights, the directions and body parts of a layer together.
    pub fn largest_matrix(&self) -> usize {
        let bytes = |l: &Layer| 4 * l.groups * l.hidden * l.hidden.max(l.inputs) * size_of::<f32>();
        self.layers().iter().map(bytes).max().unwrap_or(0)
    }

    /// Bytes that a training step on `rows` samples takes at least, beside the weights: what the backward pass needs of
    /// the forward pass (inputs, gates, cell and hidden states of every layer), and the gradients of the largest layer.
    pub fn step_bytes(&self, rows: usize) -> u64 {
        let layers = self.layers();
        let kept = |l: &Layer| 6 * l.states() + l.steps * l.rows * l.inputs;
        let kept: usize = layers.iter().map(kept).sum();
        // Of the hidden states once, of the gates twice: as they are and turned for the product; and the states before.
        let passing = layers.iter().map(|l| 10 * l.states()).max().unwrap_or(0);
        let inputs = self.frames * self.layout.len() * self.channels;
        let numbers = (kept + passing + inputs) as u64;
        numbers * rows as u64 * size_of::<f32>() as u64
    }
}
