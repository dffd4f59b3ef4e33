//! What a model needs of a device's memory, estimated from its architecture.

use super::architecture::{Architecture, LayerDescription};
use crate::lstm::Context;

impl LayerDescription {
    /// Hidden states of a sample: one per step, row, group and unit.
    fn states(&self) -> usize {
        self.steps * self.rows_per_sample * self.outputs()
    }
}

impl Architecture {
    /// Bytes of the largest matrix of weights, the directions and body parts of a layer together.
    pub fn largest_matrix(&self) -> usize {
        let bytes =
            |l: &LayerDescription| 4 * l.outputs() * l.hidden.max(l.inputs()) * size_of::<f32>();
        self.layers().map(bytes).max().unwrap_or(0)
    }

    /// Bytes that a training step on `samples` samples needs at least, weights not counted: what the backward pass needs
    /// of the forward pass (inputs, gates, cell and hidden states of every layer), and the gradients of the largest layer.
    pub fn step_bytes(&self, samples: usize) -> u64 {
        let kept = |l: &LayerDescription| 6 * l.states() + l.steps * l.rows_per_sample * l.inputs();
        let kept: usize = self.layers().map(kept).sum();
        // The hidden states once, the gates twice (as they are, and transposed for the product), and the previous states.
        let passing = self.layers().map(|l| 10 * l.states()).max().unwrap_or(0);
        let inputs = self.frames * self.layout.len() * self.channels;
        let numbers = (kept + passing + inputs) as u64;
        numbers * samples as u64 * size_of::<f32>() as u64
    }

    /// Samples that one pass through the model can take: its largest tensor stays within what the device can bind. At
    /// least one.
    pub fn largest_batch(&self, context: Context) -> usize {
        (context.largest / self.largest_tensor().max(1)).max(1)
    }

    /// Bytes per sample of the largest tensor: the gates of all steps of a layer, or a stream's input.
    fn largest_tensor(&self) -> usize {
        let gates = self.layers().map(|l| 4 * l.states()).max().unwrap_or(0);
        let joints = self.layout.len().max(self.joint_order().len());
        gates.max(self.frames * joints * self.channels) * size_of::<f32>()
    }
}
